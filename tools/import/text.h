/*
 * text.h - slices of input, text that grows, memory that is freed at once.
 *
 * An importer reads a few megabytes once: when memory runs out, the program ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a text that lives elsewhere; not terminated. */
struct slice {
	const char *at;
	size_t	    bytes;
};

bool slice_is(struct slice s, const char *word);
bool slice_starts(struct slice s, const char *word);
bool slice_equal(struct slice a, struct slice b);
bool slice_has(struct slice s, const char *word);

/* slice_line - the next line of *rest, without its end; false: *rest is empty. */
bool slice_line(struct slice *rest, struct slice *line);

/* slice_word - the next word of *rest between blanks; false: there is none. */
bool slice_word(struct slice *rest, struct slice *word);

/* slice_number - digits of the base at the start of *rest, which moves behind them; false: none, or too many. */
bool slice_number(struct slice *rest, unsigned base, uint64_t *value);

/* slice_take - *rest moves behind `word` if it starts with it. */
bool slice_take(struct slice *rest, const char *word);

struct arena;

/* slice_joined - a copy of a, the word, and b in one, terminated. */
struct slice slice_joined(struct arena *arena, struct slice a, const char *word, struct slice b);

/* A text that grows; all zero is empty. */
struct text {
	char  *at;
	size_t bytes;
	size_t room;
};

void text_add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const char *at, size_t bytes);
void text_free(struct text *text);

/* Memory that is freed all at once; all zero is empty. */
struct arena {
	struct arena_chunk *chunks;
};

void *arena_alloc(struct arena *arena, size_t bytes); /* zeroed */
void  arena_free(struct arena *arena);

/* memory_grow - realloc that ends the program when memory runs out. */
void *memory_grow(void *memory, size_t bytes);
