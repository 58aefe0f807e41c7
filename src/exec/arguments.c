/*
 * arguments.c - what lies on the stack of a program when it starts.
 *
 *	end     8 zero bytes
 *	        the file's name
 *	        environment strings, the first lowest
 *	        argument strings, the first lowest
 *	        (down to a multiple of 16)
 *	        the platform's name
 *	        16 random bytes
 *	        (so far down that the count ends at a multiple of 16)
 *	        auxiliary vector: pairs of type and value, a pair of zeros last
 *	        environment pointers, 0
 *	        argument pointers, 0
 *	sp      number of arguments
 *
 * Strings are copied from the last to the first, each once: what another thread of the
 * caller does to them meanwhile may garble them, but each ends with a zero that is
 * written here. The pointers are then found by walking along the copies. So nothing
 * is allocated for any number of strings.
 *
 * As in Linux, strings and pointers together get a quarter of the stack's limit, but at
 * most three quarters of 8 MiB and at least 128 KiB, and one string 128 KiB.
 */
#include "base/mem.h"
#include "exec/arguments.h"
#include "exec/image.h"
#include "space/bounds.h"

#define STRING_MAX    ((uint64_t)128 << 10) /* with its zero */
#define STRINGS_LEAST ((uint64_t)128 << 10)
#define STRINGS_MOST  ((uint64_t)6 << 20)
#define STACK_STRETCH ((uint64_t)128 << 10) /* mapped below the strings */
#define STACK_ALIGN   16
#define POINTER_BYTES sizeof(uint64_t)
#define CHUNK	      256

err_t
arguments_map_stack(struct stack_writer *w, struct space *sp, vaddr_t end, prot_t prot)
{
	struct map_request request = {
		.addr = end - ARCH_PAGE_SIZE,
		.length = ARCH_PAGE_SIZE,
		.prot = prot,
		.flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED_NOREPLACE | MAPF_GROWSDOWN,
	};
	vaddr_t at;

	*w = (struct stack_writer){ .sp = sp, .at = end };
	return space_map(sp, &request, &at);
}

/* move_down - room for `bytes` below what is written, present and writable. */
static err_t
move_down(struct stack_writer *w, uint64_t bytes)
{
	if (w->at - w->lowest < bytes)
		return ERR_2BIG;
	w->at -= bytes;
	return image_touch(w->sp, va_range(w->at, w->at + bytes));
}

/* write_bytes - the pages are there already. */
static err_t
write_bytes(struct space *sp, vaddr_t at, const void *bytes, size_t nr)
{
	return copy_to_space(sp, at, bytes, nr) ? ERR_NOMEM : OK;
}

static err_t
push_bytes(struct stack_writer *w, const void *bytes, size_t nr)
{
	err_t err = move_down(w, nr);

	return err ? err : write_bytes(w->sp, w->at, bytes, nr);
}

static size_t
kernel_string_bytes(const char *string)
{
	size_t bytes = 0;

	while (string[bytes++])
		;
	return bytes;
}

static err_t
push_kernel_string(struct stack_writer *w, const char *string)
{
	size_t bytes = kernel_string_bytes(string);

	return bytes > STRING_MAX ? ERR_2BIG : push_bytes(w, string, bytes);
}

/* A string of a space, read in pieces that never cross a page without need. */
struct piece {
	char   bytes[CHUNK];
	size_t nr;
};

/* read_piece - up to the end of va's chunk, so that nothing behind the string's page is asked for. */
static err_t
read_piece(struct space *sp, vaddr_t va, struct piece *piece)
{
	piece->nr = CHUNK - va % CHUNK;
	return copy_from_space(sp, piece->bytes, va, piece->nr) ? ERR_FAULT : OK;
}

/* piece_zero - where the first zero stands, or piece->nr. */
static size_t
piece_zero(const struct piece *piece, size_t from)
{
	while (from < piece->nr && piece->bytes[from])
		from++;
	return from;
}

/* string_bytes - the length with its zero. */
static err_t
string_bytes(struct space *sp, vaddr_t va, uint64_t *out)
{
	struct piece piece;
	uint64_t     bytes = 0;

	while (bytes < STRING_MAX) {
		size_t zero;
		err_t  err = read_piece(sp, va + bytes, &piece);

		if (err)
			return err;
		zero = piece_zero(&piece, 0);
		bytes += zero;
		if (zero < piece.nr) {
			*out = bytes + 1;
			return bytes < STRING_MAX ? OK : ERR_2BIG;
		}
	}
	return ERR_2BIG;
}

/* push_user_string - of another space; its zero is ours. */
static err_t
push_user_string(struct stack_writer *w, struct space *from, vaddr_t va)
{
	struct piece piece;
	uint64_t     bytes;
	err_t	     err = string_bytes(from, va, &bytes);

	if (err == OK)
		err = move_down(w, bytes);
	for (uint64_t done = 0; err == OK && done < bytes; done += piece.nr) {
		err = read_piece(from, va + done, &piece);
		piece.nr = min_u64(piece.nr, bytes - done);
		if (err == OK)
			err = write_bytes(w->sp, w->at + done, piece.bytes, piece.nr);
	}
	return err ? err : write_bytes(w->sp, w->at + bytes - 1, "", 1);
}

/* read_pointer - pointer `i` of the list; 0 ends it. */
static err_t
read_pointer(const struct exec_strings *list, uint64_t i, vaddr_t *out)
{
	vaddr_t va = list->user + i * POINTER_BYTES;

	if (!list->space)
		*out = list->kernel && list->kernel[i];
	else if (list->user == 0)
		*out = 0;
	else if (copy_from_space(list->space, out, va, POINTER_BYTES))
		return ERR_FAULT;
	return OK;
}

/* count - the strings of a list, of which no more than `most` can be taken. */
static err_t
count(const struct exec_strings *list, uint64_t most, uint64_t *out)
{
	for (*out = 0;; ++*out) {
		vaddr_t pointer;
		err_t	err = read_pointer(list, *out, &pointer);

		if (err || pointer == 0)
			return err;
		if (*out == most)
			return ERR_2BIG;
	}
}

static err_t
push_string(struct stack_writer *w, const struct exec_strings *list, uint64_t i)
{
	vaddr_t pointer;
	err_t	err;

	if (!list->space)
		return push_kernel_string(w, list->kernel[i]);
	err = read_pointer(list, i, &pointer);
	return err ? err : push_user_string(w, list->space, pointer);
}

static err_t
push_strings(struct stack_writer *w, const struct exec_strings *list, uint64_t nr)
{
	err_t err = OK;

	while (nr && err == OK)
		err = push_string(w, list, --nr);
	return err;
}

/* What has been written, on the way to the words at the bottom. */
struct layout {
	uint64_t nr_args, nr_env;
	bool	 no_args;	  /* the one argument is an empty string of ours */
	vaddr_t	 name, args, env; /* where the strings lie */
	vaddr_t	 platform, random;
};

/* limit_strings - how far down they may reach: pointers are paid for first. */
static err_t
limit_strings(struct stack_writer *w, const struct layout *l)
{
	uint64_t quarter = w->sp->layout.limit_stack / 4;
	uint64_t limit = max_u64(min_u64(quarter, STRINGS_MOST), STRINGS_LEAST);
	uint64_t pointers = (l->nr_args + l->nr_env) * POINTER_BYTES;

	if (limit <= pointers)
		return ERR_2BIG;
	limit -= pointers;
	w->lowest = w->at > limit ? w->at - limit : 0;
	return OK;
}

static err_t
count_all(struct stack_writer *w, const struct exec_request *request, struct layout *l)
{
	const uint64_t most = STRINGS_MOST / POINTER_BYTES;
	err_t	       err = count(&request->args, most, &l->nr_args);

	if (err == OK)
		err = count(&request->env, most, &l->nr_env);
	if (err)
		return err;
	w->at -= POINTER_BYTES; /* stays zero */
	l->no_args = l->nr_args == 0;
	l->nr_args += l->no_args;
	return limit_strings(w, l);
}

/* push_all - the strings that count against the limit. */
static err_t
push_all(struct stack_writer *w, const struct exec_request *request, struct layout *l)
{
	err_t err = push_kernel_string(w, request->name ? request->name : "");

	l->name = w->at;
	if (err == OK)
		err = push_strings(w, &request->env, l->nr_env);
	l->env = w->at;
	if (err == OK && l->no_args)
		err = push_kernel_string(w, "");
	else if (err == OK)
		err = push_strings(w, &request->args, l->nr_args);
	l->args = w->at;
	return err;
}

/*
 * stretch - map a stretch below the strings, as far as the limit allows. The fault handler would
 * do so when it is touched; a program that looks at its mappings expects it there.
 */
static err_t
stretch(struct stack_writer *w, vaddr_t end)
{
	uint64_t limit = page_floor(w->sp->layout.limit_stack);
	vaddr_t	 lowest = end > limit ? end - limit : 0;
	vaddr_t	 at = page_floor(w->at);
	err_t	 err;

	at = at > STACK_STRETCH ? at - STACK_STRETCH : 0;
	at = max_u64(max_u64(at, lowest), w->sp->layout.min_addr);
	write_lock(&w->sp->lock);
	err = space_grow_stack(w->sp, at);
	write_unlock(&w->sp->lock);
	/* Something else may lie there: then the stack is as long as it can be. */
	return err == ERR_FAULT ? OK : err;
}

/* push_extras - the platform's name and the random bytes, which count against nothing. */
static err_t
push_extras(struct stack_writer *w, const struct exec_request *request, struct layout *l)
{
	err_t err = OK;

	w->lowest = 0;
	w->at -= w->at % STACK_ALIGN;
	if (request->platform)
		err = push_kernel_string(w, request->platform);
	l->platform = w->at;
	if (err == OK)
		err = push_bytes(w, request->random, sizeof(request->random));
	l->random = w->at;
	return err;
}

/* Words on their way into the stack, in ascending order. */
struct words {
	struct space *sp;
	vaddr_t	      at;
	err_t	      err;
	unsigned      nr;
	uint64_t      buffer[32];
};

static void
words_flush(struct words *words)
{
	size_t bytes = words->nr * sizeof(words->buffer[0]);

	if (words->err == OK)
		words->err = write_bytes(words->sp, words->at, words->buffer, bytes);
	words->at += bytes;
	words->nr = 0;
}

static void
word(struct words *words, uint64_t value)
{
	words->buffer[words->nr++] = value;
	if (words->nr == ARRAY_SIZE(words->buffer))
		words_flush(words);
}

/* string_words - the address of each of nr strings from `at` on, and 0. */
static void
string_words(struct words *words, vaddr_t at, uint64_t nr)
{
	while (nr && words->err == OK) {
		uint64_t bytes;

		word(words, at);
		words->err = string_bytes(words->sp, at, &bytes);
		if (words->err == OK)
			at += bytes;
		nr--;
	}
	word(words, 0);
}

static void
aux(struct words *words, uint64_t type, uint64_t value)
{
	word(words, type);
	word(words, value);
}

/* The entries of the loader itself, in the order that Linux has. */
#define OWN_AUX 11

static void
aux_words(struct words *words, const struct exec_request *request, const struct elf_image *image,
	  uint64_t bias, const struct layout *l)
{
	for (unsigned i = 0; i < request->nr_aux; i++)
		aux(words, request->aux[i].type, request->aux[i].value);
	aux(words, EXEC_AUX_PAGE_SIZE, ARCH_PAGE_SIZE);
	aux(words, EXEC_AUX_HEADERS, image->has_headers ? image->headers_va + bias : 0);
	aux(words, EXEC_AUX_HEADER_SIZE, ELF_PHDR_BYTES);
	aux(words, EXEC_AUX_NR_HEADERS, image->nr_headers);
	aux(words, EXEC_AUX_BASE, 0);
	aux(words, EXEC_AUX_FLAGS, 0);
	aux(words, EXEC_AUX_ENTRY, image->entry + bias);
	aux(words, EXEC_AUX_RANDOM, l->random);
	aux(words, EXEC_AUX_NAME, l->name);
	if (request->platform)
		aux(words, EXEC_AUX_PLATFORM, l->platform);
	aux(words, EXEC_AUX_END, 0);
}

static uint64_t
nr_words(const struct exec_request *request, const struct layout *l)
{
	uint64_t nr_aux = request->nr_aux + OWN_AUX - !request->platform;

	return 1 + l->nr_args + 1 + l->nr_env + 1 + 2 * nr_aux;
}

static err_t
write_words(struct stack_writer *w, const struct exec_request *request,
	    const struct elf_image *image, uint64_t bias, const struct layout *l)
{
	uint64_t     bytes = nr_words(request, l) * POINTER_BYTES;
	struct words words = { .sp = w->sp };
	err_t	     err = move_down(w, bytes + (w->at - bytes) % STACK_ALIGN);

	if (err)
		return err;
	words.at = w->at;
	word(&words, l->nr_args);
	string_words(&words, l->args, l->nr_args);
	string_words(&words, l->env, l->nr_env);
	aux_words(&words, request, image, bias, l);
	words_flush(&words);
	return words.err;
}

err_t
arguments_write(struct stack_writer *w, const struct exec_request *request,
		const struct elf_image *image, uint64_t bias, vaddr_t *sp)
{
	struct layout l = { 0 };
	vaddr_t	      end = w->at;
	err_t	      err = count_all(w, request, &l);

	if (err == OK)
		err = push_all(w, request, &l);
	if (err == OK)
		err = stretch(w, end);
	if (err == OK)
		err = push_extras(w, request, &l);
	if (err == OK)
		err = write_words(w, request, image, bias, &l);
	if (err == OK)
		*sp = w->at;
	return err;
}
