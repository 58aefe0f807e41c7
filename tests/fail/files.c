/* files.c - see files.h. What takes pages from a file cannot fail. */
#include "fail/files.h"

enum outcome
create_stored(struct world *w)
{
	struct object *object;

	(void)w;
	return of_err(object_create_stored(9, 4 * PAGE, &object));
}

enum outcome
write_call(struct world *w)
{
	size_t done;

	return of_err(object_write(w->file, 2 * PAGE, "word", 4, &done));
}

enum outcome
write_call_beyond_the_end(struct world *w)
{
	size_t done;

	return of_err(object_write(w->file, (FILE_PAGES + 3) * PAGE, "word", 4, &done));
}

enum outcome
read_call(struct world *w)
{
	char   word[4];
	size_t done;

	return of_err(object_read(w->file, 3 * PAGE, word, sizeof(word), &done));
}

enum outcome
truncate_file(struct world *w)
{
	object_resize(w->file, PAGE + 5);
	return DID;
}

enum outcome
punch_file(struct world *w)
{
	object_punch(w->file, 0, 2);
	return DID;
}

enum outcome
evict_file(struct world *w)
{
	object_evict(w->file, 0, FILE_PAGES);
	return DID;
}
