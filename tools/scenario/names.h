/*
 * names.h - what the words of a scenario stand for: processes, files, labels, digests, ...
 *
 * A hash table in the arena that the caller gave. A name keeps pointing into
 * the text of the scenario. Names are never removed, but a process that is
 * gone leaves its name free for another.
 */
#pragma once

#include <anymm/check.h>

enum name_kind {
	NAME_PROCESS,
	NAME_FILE,
	NAME_LABEL,
	NAME_DIGEST,
	NAME_PIN,
	NAME_THING,
	NAME_LEDGER,
};

struct name {
	struct name    *hash_next;
	struct name    *older; /* all names, the newest first */
	const char     *text;
	uint32_t	bytes;
	enum name_kind	kind;
	bool		is_set; /* the process lives or is a zombie; the label has a value; ... */
	bool		is_thread;   /* process: reaped as soon as it exits */
	bool		align;	     /* file: large mappings follow its alignment */
	bool		is_segment;  /* file: shared memory that shmat attaches */
	uint64_t	least_bytes; /* file: smallest size so far; beyond it nothing is made up */
	struct process *process;     /* one reference, while is_set */
	struct thread  *thread;	     /* process: one of its threads that is not the first */
	struct actor   *actor; /* process: its registers, when somebody needs them; else NULL */
	struct object  *object;
	struct pin     *pin;
	struct thing   *thing;
	struct ledger  *ledger;
	uint64_t	value;
	struct digest	digest;
};

#define NAME_BUCKETS 4096

struct names {
	struct name *buckets[NAME_BUCKETS];
	struct name *newest;
	char	    *free; /* the rest of the arena */
	size_t	     free_bytes;
};

/* names_create - the table at the start of the arena; NULL: the arena is too small. */
struct names *names_create(void *arena, size_t bytes);

/* names_find - the name, or NULL. */
struct name *names_find(struct names *names, enum name_kind kind, const char *text, size_t bytes);

/* names_add - the name, made if it is new; NULL: the arena is full. */
struct name *names_add(struct names *names, enum name_kind kind, const char *text, size_t bytes);

/* names_alloc - memory from the same arena; NULL: it is full. */
void *names_alloc(struct names *names, size_t bytes);

/* names_of_object - the file that this object is, or NULL. */
struct name *names_of_object(struct names *names, const struct object *object);

/* names_text - the bytes of a name as a string, cut to the buffer. */
const char *names_text(const struct name *name, char *buf, size_t bytes);
