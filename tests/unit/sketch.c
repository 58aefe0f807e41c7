/* sketch.c - the helpers of sketch.h. */
#include "unit/sketch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct space_layout
sketch_layout(void)
{
	return (struct space_layout){
		.min_addr = PAGE(1),
		.mmap_base = PAGE(SKETCH_PAGES),
		.end = PAGE(SKETCH_PAGES),
		.stack_guard = PAGE(1),
		.limit_as = UINT64_MAX,
		.limit_data = UINT64_MAX,
		.limit_stack = UINT64_MAX,
		.limit_commit = UINT64_MAX,
		.limit_memlock = UINT64_MAX,
		.max_regions = 1000,
	};
}

struct space *
sketch_space_with(const struct space_layout *layout)
{
	struct space *sp;

	machine_fresh();
	EXPECT_OK(space_create(layout, &sp));
	return sp;
}

struct space *
sketch_space(void)
{
	struct space_layout layout = sketch_layout();

	return sketch_space_with(&layout);
}

struct space *
sketch_space_on(unsigned nr_nodes)
{
	struct space_layout layout = sketch_layout();
	struct space	   *sp;

	machine_fresh_with(&(struct machine_config){
		.nr_cpus = 2 * nr_nodes, .nr_nodes = nr_nodes, .nr_frames = 8192 });
	EXPECT_OK(space_create(&layout, &sp));
	return sp;
}

void
sketch_on(unsigned node)
{
	machine_cpu_set(2 * node);
	assert_int_equal(platform_node(), node);
}

void
sketch_leave(struct space *sp)
{
	for (cpu_mask_t cpus = atomic_load(&sp->pt.active_on); cpus; cpus &= cpus - 1) {
		machine_cpu_set((unsigned)__builtin_ctzll(cpus));
		pt_deactivate(&sp->pt);
	}
	machine_cpu_set(0);
}

void
sketch_drop(struct space *sp)
{
	sketch_leave(sp);
	space_put(sp);
}

unsigned
sketch_node(struct space *sp, unsigned page)
{
	struct machine_translation t = machine_translate(sp->pt.root, PAGE(page));

	assert_true(t.present);
	return frame_node(t.pfn);
}

void
sketch_end(struct space *sp)
{
	machine_check_invariants();
	sketch_drop(sp);
	assert_int_equal(space_live_regions(), 0);
	assert_int_equal(object_live(), 0);
	machine_check();
}

struct map_request
sketch_anonymous(unsigned pages, unsigned map_flags)
{
	return (struct map_request){
		.length = PAGE(pages),
		.prot = PROT_RW,
		.flags = map_flags | MAPF_ANONYMOUS,
	};
}

void
sketch_map(struct space *sp, unsigned from, unsigned to, prot_t prot, unsigned region_flags)
{
	struct map_request request = sketch_anonymous(to - from, MAPF_PRIVATE | MAPF_FIXED);
	vaddr_t		   va;

	request.addr = PAGE(from);
	request.prot = prot;
	request.region_flags = region_flags;
	EXPECT_OK(space_map(sp, &request, &va));
	assert_int_equal(va, PAGE(from));
}

struct object *
sketch_file(uint64_t id, uint64_t pages)
{
	struct object *file;

	EXPECT_OK(object_create(&pager_memory_file, id, pages, NULL, &file));
	return file;
}

void
sketch_map_file(struct space *sp, unsigned from, unsigned to, prot_t prot, struct object *file,
		uint64_t page, unsigned map_flags)
{
	struct map_request request = {
		.addr = PAGE(from),
		.length = PAGE(to - from),
		.prot = prot,
		.flags = map_flags | MAPF_FIXED,
		.object = file,
		.offset = PAGE(page),
	};
	vaddr_t va;

	EXPECT_OK(space_map(sp, &request, &va));
	assert_int_equal(va, PAGE(from));
}

static const struct {
	unsigned    flag;
	const char *name;
} flag_names[] = {
	{ REGION_SHARED, " shared" },		{ REGION_GROWSDOWN, " down" },
	{ REGION_NORESERVE, " noreserve" },	{ REGION_DONTFORK, " dontfork" },
	{ REGION_WIPEONFORK, " wipe" },		{ REGION_NOMERGE, " nomerge" },
	{ REGION_MAYNOTWRITE, " maynotwrite" }, { REGION_LOCKED, " locked" },
	{ REGION_LOCKONFAULT, " onfault" },	{ REGION_SEALED, " sealed" },
	{ REGION_SEQUENTIAL, " sequential" },	{ REGION_RANDOM, " random" },
	{ REGION_HUGEPAGE, " huge" },		{ REGION_NOHUGEPAGE, " nohuge" },
	{ REGION_MAYNOTEXEC, " maynotexec" },	{ REGION_DONTDUMP, " dontdump" },
	{ REGION_MERGEABLE, " mergeable" },
};

static void
draw_region(const struct region *r, char *text, size_t bytes)
{
	size_t at = (size_t)snprintf(text, bytes, "%" PRIu64 "-%" PRIu64 " %s%s%s%s",
				     r->range.start / ARCH_PAGE_SIZE, r->range.end / ARCH_PAGE_SIZE,
				     r->prot & PROT_R ? "r" : "", r->prot & PROT_W ? "w" : "",
				     r->prot & PROT_X ? "x" : "", r->prot ? "" : "-");

	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (r->flags & flag_names[i].flag)
			at += (size_t)snprintf(text + at, bytes - at, "%s", flag_names[i].name);
	}
	if (r->place.policy == PLACE_INTERLEAVE)
		at += (size_t)snprintf(text + at, bytes - at, " interleave");
	else if (r->place.policy == PLACE_NODE)
		at += (size_t)snprintf(text + at, bytes - at, " node%u", r->place.node);
	if (r->object && r->object->ops == &pager_zero)
		snprintf(text + at, bytes - at, " @anon:%" PRIu64, r->offset);
	else if (r->object)
		snprintf(text + at, bytes - at, " @%" PRIu64 ":%" PRIu64, r->object->id, r->offset);
}

void
expect_regions(struct space *sp, const char *wanted, const char *file, int line)
{
	char drawn[1024] = "";

	for (struct region *r = space_first(sp); r; r = region_next(r)) {
		size_t at = strlen(drawn);

		if (at > 0)
			at += (size_t)snprintf(drawn + at, sizeof(drawn) - at, ", ");
		draw_region(r, drawn + at, sizeof(drawn) - at);
	}
	if (strcmp(drawn, wanted) != 0) {
		print_error("regions  %s\nexpected %s\n", drawn, wanted);
		_fail(file, line);
	}
	machine_check_invariants();
}

enum fault_result
sketch_access(struct space *sp, enum access access, unsigned page)
{
	uint8_t byte = 0;

	return machine_user(sp, access, PAGE(page), &byte, 1);
}

void
sketch_store(struct space *sp, unsigned page, uint8_t byte)
{
	assert_int_equal(machine_user(sp, ACCESS_STORE, PAGE(page), &byte, 1), FAULT_DONE);
}

uint8_t
sketch_load(struct space *sp, unsigned page)
{
	uint8_t byte = 0;

	assert_int_equal(machine_user(sp, ACCESS_LOAD, PAGE(page), &byte, 1), FAULT_DONE);
	return byte;
}

void
sketch_store_all(struct space *sp, unsigned from, unsigned to)
{
	for (unsigned page = from; page < to; page++)
		sketch_store(sp, page, (uint8_t)page);
}

bool
sketch_is_present(struct space *sp, unsigned page)
{
	return machine_translate(sp->pt.root, PAGE(page)).present;
}

bool
sketch_is_writable(struct space *sp, unsigned page)
{
	struct machine_translation t = machine_translate(sp->pt.root, PAGE(page));

	return t.present && (t.prot & PROT_W);
}

unsigned
sketch_fail_each(err_t (*call)(struct space *sp), struct space *sp)
{
	for (unsigned n = 1;; n++) {
		struct digest before = digest_all();
		uint64_t      regions = space_live_regions();
		uint64_t      objects = object_live();
		struct digest after;
		err_t	      err;

		machine_fail_allocation(n, false);
		err = call(sp);
		machine_fail_allocation(0, false);
		if (err == OK)
			return n - 1;
		assert_true(err == ERR_NOMEM || err == ERR_AGAIN);
		after = digest_all();
		assert_true(before.lo == after.lo && before.hi == after.hi);
		assert_int_equal(space_live_regions(), regions);
		assert_int_equal(object_live(), objects);
		machine_check_invariants();
	}
}
