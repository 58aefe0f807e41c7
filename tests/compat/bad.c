/* bad.c - the subjects, and the classes of bad values. */
#include "compat/bad.h"

enum argument_kind {
	GOOD, /* left as it is */
	ADDRESS,
	POINTER, /* to what the call reads or writes */
	LENGTH,
	OFFSET,
	COUNT,
	HEAP,
	BITS,
	KINDS,
};

enum relation {
	ABSOLUTE,
	TO_VALUE,   /* added to what is right */
	TO_ADDRESS, /* added to 2^64 less the address */
};

struct bad_class {
	const char   *name;
	enum relation relation;
	uint64_t      value;
	bool	      reaches_all; /* with a length: all memory from the address on */
	bool	      is_top;	   /* something may be there on Linux */
};

#define MOST_CLASSES 20

#define AT(what, number) \
	{ \
		.name = (what), .value = (number) \
	}
#define BY(what, number) \
	{ \
		.name = (what), .relation = TO_VALUE, .value = (number) \
	}
#define UP_TO(what, number) \
	{ \
		.name = (what), .relation = TO_ADDRESS, .value = (number) \
	}
#define ALL_OVER(what, number) \
	{ \
		.name = (what), .value = (number), .reaches_all = true \
	}

#define NOT_OURS \
	AT("the end of user space", TOP), AT("2^47", (uint64_t)1 << 47), \
		AT("not canonical", (uint64_t)1 << 60), AT("the kernel", KERNEL), \
		AT("2^64 less a page", -PG), AT("2^64 less 1", ALL)

#define ADDRESSES \
	BY("one byte on", 1), BY("one byte back", -(uint64_t)1), AT("page 0", 0), \
		AT("a hole", P(30)), \
		{ .name = "the last page", .value = TOP - PG, .is_top = true }, NOT_OURS

static const struct bad_class classes[KINDS][MOST_CLASSES] = {
	[ADDRESS] = { ADDRESSES },
	[POINTER] = { ADDRESSES, AT("no rights", P(21)), AT("read-only", P(5)),
		      AT("a guard", P(23)), AT("4 bytes before a hole", P(42) - 4) },
	[LENGTH] = { AT("0", 0), AT("1", 1), BY("one byte more", 1), AT("2^31", (uint64_t)1 << 31),
		     AT("2^40", (uint64_t)1 << 40), ALL_OVER("as long as user space", TOP),
		     ALL_OVER("longer than that", TOP + PG), ALL_OVER("2^63", (uint64_t)1 << 63),
		     UP_TO("up to 2^64", 0), UP_TO("beyond 2^64", PG),
		     AT("2^64 less two pages", -2 * PG), AT("2^64 less 1", ALL) },
	[OFFSET] = { AT("1", 1), AT("2^40", (uint64_t)1 << 40),
		     AT("2^63 less a page", ((uint64_t)1 << 63) - PG),
		     AT("2^63", (uint64_t)1 << 63), AT("2^64 less a page", -PG),
		     AT("2^64 less 1", ALL) },
	[COUNT] = { AT("0", 0), AT("2", 2), AT("1024", 1024), AT("1025", 1025),
		    AT("2^31", (uint64_t)1 << 31), AT("2^52", (uint64_t)1 << 52),
		    AT("2^63", (uint64_t)1 << 63), AT("2^64 less 1", ALL) },
	[HEAP] = { AT("0", 0), BY("one byte on", 1), BY("one byte back", -(uint64_t)1),
		   BY("2^40 on", (uint64_t)1 << 40), AT("below its start", P(0)), NOT_OURS },
};

struct subject {
	const char	  *name;
	enum call	   call;
	uint64_t	   arg[6];
	enum argument_kind kinds[NR_ARGUMENTS];
	const char	  *names[NR_ARGUMENTS];
	bool		   takes_away; /* it does harm to whatever memory it reaches */
};

#define ANON (MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_NORESERVE)

#define RANGE \
	{ \
		"addr", "length" \
	}
#define ADVISE(what, page, value, harms) \
	{ \
		"madvise " what, CALL_MADVISE, { P(page), PG, value }, { ADDRESS, LENGTH }, RANGE, \
			harms \
	}
#define VECTORS(name, call) \
	{ \
		name, call, { VEC_AT(VEC_SPARE_HERE), 1, VEC_AT(VEC_SPARE_THERE), 1, 0 }, \
			{ POINTER, COUNT,   POINTER, COUNT,   BITS, \
			  GOOD,	   POINTER, LENGTH,  POINTER, LENGTH }, \
			{ "vector here",    "elements here", "vector there", \
			  "elements there", "flags",	     NULL, \
			  "base here",	    "length here",   "base there", \
			  "length there" }, \
			false \
	}

static const struct subject subjects[] = {
	{ "mmap, anonymous",
	  CALL_MMAP,
	  { P(30), PG, PROT_RW, ANON },
	  { ADDRESS, LENGTH, BITS, BITS, GOOD, OFFSET },
	  { "addr", "length", "prot", "flags", NULL, "offset" },
	  false },
	{ "mmap, FIXED",
	  CALL_MMAP,
	  { P(30), PG, PROT_RW, ANON | MAPF_FIXED },
	  { ADDRESS, LENGTH },
	  RANGE,
	  true },
	{ "mmap, FIXED_NOREPLACE",
	  CALL_MMAP,
	  { P(30), PG, PROT_RW, ANON | MAPF_FIXED_NOREPLACE },
	  { ADDRESS, LENGTH },
	  RANGE,
	  false },
	{ "mmap, shared file",
	  CALL_MMAP,
	  { P(30), PG, PROT_R, MAPF_SHARED, FILE_RW },
	  { GOOD, LENGTH, BITS, BITS, GOOD, OFFSET },
	  { NULL, "length", "prot", "flags", NULL, "offset" },
	  false },
	{ "mmap, SHARED_VALIDATE",
	  CALL_MMAP,
	  { 0, PG, PROT_R, MAPF_SHARED_VALIDATE, FILE_RW },
	  { GOOD, GOOD, GOOD, BITS },
	  { NULL, NULL, NULL, "flags" },
	  false },
	{ "munmap", CALL_MUNMAP, { P(1), PG }, { ADDRESS, LENGTH }, RANGE, true },
	{ "mprotect",
	  CALL_MPROTECT,
	  { P(1), PG, PROT_R },
	  { ADDRESS, LENGTH, BITS },
	  { "addr", "length", "prot" },
	  true },
	{ "mremap, MAYMOVE",
	  CALL_MREMAP,
	  { P(1), PG, 2 * PG, REMAP_MAYMOVE, P(30) },
	  { ADDRESS, LENGTH, LENGTH, BITS },
	  { "addr", "old length", "new length", "flags" },
	  true },
	{ "mremap, FIXED",
	  CALL_MREMAP,
	  { P(1), PG, PG, REMAP_MAYMOVE | REMAP_FIXED, P(30) },
	  { ADDRESS, LENGTH, LENGTH, GOOD, ADDRESS },
	  { "addr", "old length", "new length", NULL, "new addr" },
	  true },
	{ "mremap, DONTUNMAP",
	  CALL_MREMAP,
	  { P(1), PG, PG, REMAP_MAYMOVE | REMAP_DONTUNMAP, P(30) },
	  { ADDRESS, LENGTH, LENGTH, GOOD, ADDRESS },
	  { "addr", "old length", "new length", NULL, "new addr" },
	  true },
	{ "madvise",
	  CALL_MADVISE,
	  { P(1), PG, 0 },
	  { GOOD, GOOD, BITS },
	  { NULL, NULL, "advice" },
	  false },
	ADVISE("NORMAL", 1, ADVICE_NORMAL, true),
	ADVISE("RANDOM", 1, ADVICE_RANDOM, true),
	ADVISE("SEQUENTIAL", 1, ADVICE_SEQUENTIAL, true),
	ADVISE("WILLNEED", 1, ADVICE_WILLNEED, true),
	ADVISE("DONTNEED", 1, ADVICE_DONTNEED, true),
	ADVISE("FREE", 1, ADVICE_FREE, true),
	ADVISE("REMOVE", 8, ADVICE_REMOVE, true),
	ADVISE("DONTFORK", 1, ADVICE_DONTFORK, true),
	ADVISE("DOFORK", 1, ADVICE_DOFORK, true),
	ADVISE("HUGEPAGE", 1, ADVICE_HUGEPAGE, true),
	ADVISE("NOHUGEPAGE", 1, ADVICE_NOHUGEPAGE, true),
	ADVISE("DONTDUMP", 1, ADVICE_DONTDUMP, true),
	ADVISE("DODUMP", 1, ADVICE_DODUMP, true),
	ADVISE("WIPEONFORK", 1, ADVICE_WIPEONFORK, true),
	ADVISE("KEEPONFORK", 1, ADVICE_KEEPONFORK, true),
	ADVISE("COLD", 1, ADVICE_COLD, true),
	ADVISE("PAGEOUT", 1, ADVICE_PAGEOUT, true),
	ADVISE("POPULATE_READ", 1, ADVICE_POPULATE_READ, false),
	ADVISE("POPULATE_WRITE", 1, ADVICE_POPULATE_WRITE, false),
	ADVISE("DONTNEED_LOCKED", 1, ADVICE_DONTNEED_LOCKED, true),
	ADVISE("COLLAPSE", 1, ADVICE_COLLAPSE, true),
	ADVISE("GUARD_INSTALL", 1, ADVICE_GUARD_INSTALL, true),
	ADVISE("GUARD_REMOVE", 1, ADVICE_GUARD_REMOVE, true),
	{ "msync",
	  CALL_MSYNC,
	  { P(8), PG, SYNC_SYNC },
	  { ADDRESS, LENGTH, BITS },
	  { "addr", "length", "flags" },
	  false },
	{ "mincore",
	  CALL_MINCORE,
	  { P(1), PG, P(41) },
	  { ADDRESS, LENGTH, POINTER },
	  { "addr", "length", "vec" },
	  false },
	{ "mlock", CALL_MLOCK, { P(1), PG }, { ADDRESS, LENGTH }, RANGE, false },
	{ "mlock2",
	  CALL_MLOCK2,
	  { P(1), PG, 0 },
	  { ADDRESS, LENGTH, BITS },
	  { "addr", "length", "flags" },
	  false },
	{ "munlock", CALL_MUNLOCK, { P(19), PG }, { ADDRESS, LENGTH }, RANGE, false },
	{ "mlockall",
	  CALL_MLOCKALL,
	  { LOCKALL_FUTURE | LOCKALL_ONFAULT },
	  { BITS },
	  { "flags" },
	  false },
	{ "mseal",
	  CALL_MSEAL,
	  { P(1), PG, 0 },
	  { ADDRESS, LENGTH, BITS },
	  { "addr", "length", "flags" },
	  false },
	VECTORS("process_vm_readv", CALL_READV),
	VECTORS("process_vm_writev", CALL_WRITEV),
	{ "brk", CALL_BRK, { HEAP_END }, { HEAP }, { "addr" }, false },
	{ "pin",
	  CALL_PIN,
	  { P(0), 1, 0 },
	  { ADDRESS, COUNT, BITS },
	  { "addr", "pages", "flags" },
	  false },
};

static const struct user_iovec spare[2] = { { P(40) + 1024, 8 }, { P(0), 8 } };

/* slot - where an argument stands in the request. */
static uint64_t *
slot(struct request *request, unsigned argument)
{
	struct user_iovec *vec;

	if (argument < 6)
		return &request->arg[argument];
	vec = &request->spare[(argument - 6) / 2];
	return argument % 2 == 0 ? &vec->base : &vec->bytes;
}

static struct request
good_request(const struct subject *s)
{
	struct request request = { .call = s->call, .spare = { spare[0], spare[1] } };

	for (unsigned i = 0; i < 6; i++)
		request.arg[i] = s->arg[i];
	return request;
}

static uint64_t
spoil(const struct bad_class *class, uint64_t value, uint64_t address)
{
	switch (class->relation) {
	case ABSOLUTE:
		return class->value;
	case TO_VALUE:
		return value + class->value;
	case TO_ADDRESS:
		return class->value - address;
	}
	return 0;
}

/* address_of - what the length at `argument` starts from. */
static uint64_t
address_of(struct request *request, unsigned argument)
{
	return *slot(request, argument < 6 ? 0 : argument - 1);
}

static void
each_class(const struct subject *s, unsigned argument, void (*visit)(const struct bad *, void *),
	   void *data)
{
	enum argument_kind kind = s->kinds[argument];

	for (unsigned i = 0; i < MOST_CLASSES && classes[kind][i].name; i++) {
		const struct bad_class *class = &classes[kind][i];
		struct bad bad = {
			.subject = s->name,
			.argument = s->names[argument],
			.name = class->name,
			.is_length = kind == LENGTH,
			.is_deadly = class->is_top || (s->takes_away && class->reaches_all),
			.request = good_request(s),
		};
		uint64_t *value = slot(&bad.request, argument);

		*value = spoil(class, *value, address_of(&bad.request, argument));
		visit(&bad, data);
	}
}

static void
each_bit(const struct subject *s, unsigned argument, void (*visit)(const struct bad *, void *),
	 void *data)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		struct bad bad = {
			.subject = s->name,
			.argument = s->names[argument],
			.bit = bit,
			.request = good_request(s),
		};

		*slot(&bad.request, argument) ^= (uint64_t)1 << bit;
		visit(&bad, data);
	}
}

#define MOST_ERRORS 4096 /* as numbers just below 2^64 */

const char *
bad_differs(const struct bad *bad)
{
	const uint64_t *arg = bad->request.arg;

	switch ((int)bad->request.call) {
	case CALL_MMAP:
		if ((arg[3] & MAPF_HUGETLB) && (arg[3] & MAPF_ANONYMOUS))
			return "no huge pages, and none that may come later either";
		if ((arg[3] & (MAPF_FIXED | MAPF_FIXED_NOREPLACE)) &&
		    arg[0] > -(uint64_t)MOST_ERRORS)
			return "Linux takes such an address for an error of its own";
		return NULL;
	case CALL_MADVISE:
		return (uint32_t)arg[2] == ADVICE_NEXT_TOUCH ? "an advice of ours" : NULL;
	case CALL_READV:
	case CALL_WRITEV:
		return arg[1] >> 32 && (uint32_t)arg[1] <= 1 ? "Linux looks at 32 bits of it"
							     : NULL;
	default:
		return NULL;
	}
}

void
bad_each(void (*visit)(const struct bad *bad, void *data), void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		for (unsigned k = 0; k < NR_ARGUMENTS; k++) {
			if (subjects[i].kinds[k] == BITS)
				each_bit(&subjects[i], k, visit, data);
			else if (subjects[i].kinds[k] != GOOD)
				each_class(&subjects[i], k, visit, data);
		}
	}
}
