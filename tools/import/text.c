/* text.c - slices, growing text and pooled memory for the importer. */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/text.h"

bool
slice_is(struct slice s, const char *word)
{
	return s.bytes == strlen(word) && memcmp(s.at, word, s.bytes) == 0;
}

bool
slice_starts(struct slice s, const char *word)
{
	size_t n = strlen(word);

	return s.bytes >= n && memcmp(s.at, word, n) == 0;
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

bool
slice_has(struct slice s, const char *word)
{
	return s.bytes > 0 && memmem(s.at, s.bytes, word, strlen(word)) != NULL;
}

bool
slice_line(struct slice *rest, struct slice *line)
{
	const char *end;

	if (rest->bytes == 0)
		return false;
	end = memchr(rest->at, '\n', rest->bytes);
	line->at = rest->at;
	line->bytes = end ? (size_t)(end - rest->at) : rest->bytes;
	rest->at += line->bytes + (end != NULL);
	rest->bytes -= line->bytes + (end != NULL);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool
slice_word(struct slice *rest, struct slice *word)
{
	while (rest->bytes > 0 && is_blank(*rest->at)) {
		rest->at++;
		rest->bytes--;
	}
	*word = (struct slice){ .at = rest->at };
	while (rest->bytes > 0 && !is_blank(*rest->at)) {
		rest->at++;
		rest->bytes--;
		word->bytes++;
	}
	return word->bytes > 0;
}

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

bool
slice_number(struct slice *rest, unsigned base, uint64_t *value)
{
	struct slice s = *rest;
	uint64_t     n = 0;

	while (s.bytes > 0 && digit(*s.at) < base) {
		if (n > (UINT64_MAX - digit(*s.at)) / base)
			return false;
		n = n * base + digit(*s.at);
		s.at++;
		s.bytes--;
	}
	if (s.bytes == rest->bytes)
		return false;
	*rest = s;
	*value = n;
	return true;
}

bool
slice_take(struct slice *rest, const char *word)
{
	size_t n = strlen(word);

	if (!slice_starts(*rest, word))
		return false;
	rest->at += n;
	rest->bytes -= n;
	return true;
}

void *
memory_grow(void *memory, size_t bytes)
{
	void *grown = realloc(memory, bytes);

	if (!grown) {
		fprintf(stderr, "anymm: out of memory (%zu bytes)\n", bytes);
		exit(2);
	}
	return grown;
}

static void
text_reserve(struct text *text, size_t bytes)
{
	if (text->room - text->bytes >= bytes)
		return;
	text->room = 2 * text->room + bytes + 4096;
	text->at = memory_grow(text->at, text->room);
}

void
text_add_bytes(struct text *text, const char *at, size_t bytes)
{
	text_reserve(text, bytes + 1);
	if (bytes > 0)
		memcpy(text->at + text->bytes, at, bytes);
	text->bytes += bytes;
	text->at[text->bytes] = 0;
}

void
text_add(struct text *text, const char *fmt, ...)
{
	char	buf[512];
	va_list args;
	int	n;

	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (n > 0)
		text_add_bytes(text, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

void
text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ 0 };
}

#define CHUNK_BYTES ((size_t)1 << 16)

struct arena_chunk {
	struct arena_chunk *next;
	size_t		    used, room;
	_Alignas(16) char memory[];
};

void *
arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk = arena->chunks;
	void		   *memory;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!chunk || chunk->room - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		chunk = memory_grow(NULL, sizeof(*chunk) + room);
		chunk->next = arena->chunks;
		chunk->used = 0;
		chunk->room = room;
		arena->chunks = chunk;
	}
	memory = chunk->memory + chunk->used;
	chunk->used += bytes;
	return memset(memory, 0, bytes);
}

struct slice
slice_joined(struct arena *arena, struct slice a, const char *word, struct slice b)
{
	size_t middle = strlen(word);
	char  *text = arena_alloc(arena, a.bytes + middle + b.bytes + 1);

	if (a.bytes > 0)
		memcpy(text, a.at, a.bytes);
	memcpy(text + a.bytes, word, middle);
	if (b.bytes > 0)
		memcpy(text + a.bytes + middle, b.at, b.bytes);
	return (struct slice){ text, a.bytes + middle + b.bytes };
}

void
arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}
