/* names.c - the hash table of a scenario's names. */
#include "base/mem.h"
#include "scenario/names.h"

struct names *
names_create(void *arena, size_t bytes)
{
	struct names *names = arena;

	if (bytes < sizeof(*names))
		return NULL;
	memset(names, 0, sizeof(*names));
	names->free = (char *)arena + sizeof(*names);
	names->free_bytes = bytes - sizeof(*names);
	return names;
}

/* FNV-1a, with the kind as the first byte. */
static unsigned
bucket_of(enum name_kind kind, const char *text, size_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)kind;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
	return (unsigned)((hash ^ hash >> 32) % NAME_BUCKETS);
}

struct name *
names_find(struct names *names, enum name_kind kind, const char *text, size_t bytes)
{
	struct name *name = names->buckets[bucket_of(kind, text, bytes)];

	while (name && !(name->kind == kind && name->bytes == bytes &&
			 memcmp(name->text, text, bytes) == 0))
		name = name->hash_next;
	return name;
}

void *
names_alloc(struct names *names, size_t bytes)
{
	void *memory = names->free;

	bytes = (bytes + 15) & ~(size_t)15;
	if (names->free_bytes < bytes)
		return NULL;
	names->free += bytes;
	names->free_bytes -= bytes;
	return memory;
}

struct name *
names_add(struct names *names, enum name_kind kind, const char *text, size_t bytes)
{
	struct name  *name = names_find(names, kind, text, bytes);
	struct name **bucket = &names->buckets[bucket_of(kind, text, bytes)];

	if (name)
		return name;
	name = names_alloc(names, sizeof(*name));
	if (!name)
		return NULL;
	*name = (struct name){ .hash_next = *bucket,
			       .older = names->newest,
			       .text = text,
			       .bytes = (uint32_t)bytes,
			       .kind = kind };
	*bucket = name;
	names->newest = name;
	return name;
}

struct name *
names_of_object(struct names *names, const struct object *object)
{
	for (struct name *name = names->newest; name; name = name->older) {
		if (name->kind == NAME_FILE && name->is_set && name->object == object)
			return name;
	}
	return NULL;
}

const char *
names_text(const struct name *name, char *buf, size_t bytes)
{
	size_t n = min_u64(name->bytes, bytes - 1);

	memcpy(buf, name->text, n);
	buf[n] = 0;
	return buf;
}
