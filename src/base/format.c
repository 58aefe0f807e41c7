/*
 * format.c - formatted text into a buffer or to the console.
 *
 * One loop reads the format and emits characters into a sink. A buffer sink
 * drops what does not fit and goes on counting; the console sink collects a
 * line's worth of bytes before each write, so text of any length comes out
 * whole without memory of its own.
 */
#include "base/format.h"

#include <anymm/arch.h>

#include "base/mem.h"

struct sink {
	char  *buf;
	size_t room;  /* bytes of buf that may hold text */
	size_t used;  /* bytes of buf that do */
	size_t total; /* characters emitted so far */
	bool   is_console;
};

enum length {
	LENGTH_INT,
	LENGTH_LONG,
	LENGTH_LLONG,
	LENGTH_SIZE,
};

/* One conversion, as its text between '%' and the letter says. */
struct spec {
	bool	    left;
	bool	    zero;
	size_t	    width;
	bool	    has_precision;
	size_t	    precision;
	enum length length;
	char	    letter;
};

static void
emit(struct sink *sink, char c)
{
	sink->total++;
	if (sink->used == sink->room && sink->is_console) {
		arch_console_write(sink->buf, sink->used);
		sink->used = 0;
	}
	if (sink->used < sink->room)
		sink->buf[sink->used++] = c;
}

static void
emit_many(struct sink *sink, char c, size_t n)
{
	while (n--)
		emit(sink, c);
}

/* emit_padded - text with `prefix` (sign or 0x) in a field: zeros go between the two. */
static void
emit_padded(struct sink *sink, const struct spec *spec, const char *prefix, const char *text,
	    size_t length)
{
	size_t prefix_length = 0;
	size_t pad;

	while (prefix[prefix_length])
		prefix_length++;
	pad = spec->width > prefix_length + length ? spec->width - prefix_length - length : 0;
	if (!spec->left && !spec->zero)
		emit_many(sink, ' ', pad);
	for (size_t i = 0; i < prefix_length; i++)
		emit(sink, prefix[i]);
	if (!spec->left && spec->zero)
		emit_many(sink, '0', pad);
	for (size_t i = 0; i < length; i++)
		emit(sink, text[i]);
	if (spec->left)
		emit_many(sink, ' ', pad);
}

static void
emit_number(struct sink *sink, const struct spec *spec, const char *prefix, uint64_t value,
	    unsigned base)
{
	const char *digits = spec->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char	    text[24];
	size_t	    at = sizeof(text);

	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	emit_padded(sink, spec, prefix, text + at, sizeof(text) - at);
}

static void
emit_string(struct sink *sink, struct spec spec, const char *text)
{
	size_t length = 0;

	if (!text)
		text = "(null)";
	while ((!spec.has_precision || length < spec.precision) && text[length])
		length++;
	spec.zero = false;
	emit_padded(sink, &spec, "", text, length);
}

static int64_t
take_signed(enum length length, va_list *args)
{
	switch (length) {
	case LENGTH_INT:
		return va_arg(*args, int);
	case LENGTH_LONG:
		return va_arg(*args, long);
	case LENGTH_LLONG:
		return va_arg(*args, long long);
	case LENGTH_SIZE:
		break;
	}
	return va_arg(*args, ptrdiff_t);
}

static uint64_t
take_unsigned(enum length length, va_list *args)
{
	switch (length) {
	case LENGTH_INT:
		return va_arg(*args, unsigned);
	case LENGTH_LONG:
		return va_arg(*args, unsigned long);
	case LENGTH_LLONG:
		return va_arg(*args, unsigned long long);
	case LENGTH_SIZE:
		break;
	}
	return va_arg(*args, size_t);
}

/* take_size - digits at *fmt, or '*' for an argument; a negative argument counts as 0. */
static size_t
take_size(const char **fmt, va_list *args)
{
	size_t value = 0;
	int    arg;

	if (**fmt == '*') {
		(*fmt)++;
		arg = va_arg(*args, int);
		return arg > 0 ? (size_t)arg : 0;
	}
	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		value = value * 10 + (size_t)(**fmt - '0');
	return value;
}

static enum length
take_length(const char **fmt)
{
	enum length length = LENGTH_INT;

	if (**fmt == 'z') {
		(*fmt)++;
		return LENGTH_SIZE;
	}
	for (; **fmt == 'l'; (*fmt)++)
		length = length == LENGTH_INT ? LENGTH_LONG : LENGTH_LLONG;
	return length;
}

/* read_spec - *fmt is behind the '%'; it is left behind the letter. */
static struct spec
read_spec(const char **fmt, va_list *args)
{
	struct spec spec = { 0 };

	for (; **fmt == '-' || **fmt == '0'; (*fmt)++) {
		if (**fmt == '-')
			spec.left = true;
		else
			spec.zero = true;
	}
	spec.width = take_size(fmt, args);
	if (**fmt == '.') {
		(*fmt)++;
		spec.has_precision = true;
		spec.precision = take_size(fmt, args);
	}
	spec.length = take_length(fmt);
	spec.letter = **fmt;
	if (spec.letter)
		(*fmt)++;
	return spec;
}

static void
emit_conversion(struct sink *sink, struct spec spec, va_list *args)
{
	int64_t number;
	char	c;

	switch (spec.letter) {
	case 'd':
	case 'i':
		number = take_signed(spec.length, args);
		emit_number(sink, &spec, number < 0 ? "-" : "",
			    number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
		break;
	case 'u':
		emit_number(sink, &spec, "", take_unsigned(spec.length, args), 10);
		break;
	case 'x':
	case 'X':
		emit_number(sink, &spec, "", take_unsigned(spec.length, args), 16);
		break;
	case 'p':
		emit_number(sink, &spec, "0x", (uintptr_t)va_arg(*args, void *), 16);
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		spec.zero = false;
		emit_padded(sink, &spec, "", &c, 1);
		break;
	case 's':
		emit_string(sink, spec, va_arg(*args, const char *));
		break;
	case '%':
		emit(sink, '%');
		break;
	default:
		/* Not a conversion of ours: shown as it stands, so that it is noticed. */
		emit(sink, '%');
		if (spec.letter)
			emit(sink, spec.letter);
		break;
	}
}

static void
format_into(struct sink *sink, const char *fmt, va_list args)
{
	va_list rest;

	va_copy(rest, args);
	while (*fmt) {
		if (*fmt != '%') {
			emit(sink, *fmt++);
			continue;
		}
		fmt++;
		emit_conversion(sink, read_spec(&fmt, &rest), &rest);
	}
	va_end(rest);
}

size_t
format_va(char *buf, size_t bytes, const char *fmt, va_list args)
{
	struct sink sink = { .buf = buf, .room = bytes ? bytes - 1 : 0 };

	format_into(&sink, fmt, args);
	if (bytes)
		buf[sink.used] = '\0';
	return sink.total;
}

size_t
format(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list args;
	size_t	length;

	va_start(args, fmt);
	length = format_va(buf, bytes, fmt, args);
	va_end(args);
	return length;
}

void
console_printf(const char *fmt, ...)
{
	char	    buf[128];
	struct sink sink = { .buf = buf, .room = sizeof(buf), .is_console = true };
	va_list	    args;

	va_start(args, fmt);
	format_into(&sink, fmt, args);
	va_end(args);
	if (sink.used)
		arch_console_write(buf, sink.used);
}
