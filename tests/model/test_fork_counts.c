/*
 * test_fork_counts.c - what fork and the faults after it cost, counted exactly.
 *
 * A space has touched 1 GiB (on a small machine: half of what it can address),
 * in one piece that begins at a boundary of every table. Then, each step with
 * every counter of the library compared:
 *
 *	fork              the root's used slots, and nothing below the root
 *	first write       the path is copied once, table by table, and one page
 *	second write      the next page in the same tables: one page
 *	other side's      its path is taken over without a copy; a page that the
 *	write             other has copied is reused, a page still shared is copied
 *	exit              what only this side names
 *
 * A machine that cannot deny writes at upper levels copies the tables at fork
 * instead; then the leaf entries are what both share, and 16 MiB are enough.
 */
#include "harness.h"

#include <anymm/process.h>
#include <anymm/stats.h>

#include <stdio.h>

#define PAGE ARCH_PAGE_SIZE

enum { SHARES = ARCH_HAS_UPPER_WRITE_DENIAL, BELOW_ROOT = ARCH_PT_LEVELS - 1 };

/* The piece: whole tables at every level where it has more than one. */
struct piece {
	struct va_range range;
	uint64_t	pages;
	uint64_t	tables[ARCH_PT_LEVELS];	 /* by level, below the root */
	uint64_t	entries[ARCH_PT_LEVELS]; /* in the first table of each level */
	uint64_t	all_tables;
};

static struct piece
choose_piece(void)
{
	struct piece p = { 0 };
	uint64_t     most = (uint64_t)1 << (SHARES ? 30 : 24);
	uint64_t     bytes = min_u64(most, (ARCH_USER_END + PAGE) / 2);
	uint64_t     below = bytes / PAGE;

	while (bytes & (bytes - 1))
		bytes &= bytes - 1;
	p.range = va_range(bytes, 2 * bytes);
	p.pages = below = bytes / PAGE;
	for (unsigned level = 0; level < ARCH_PT_LEVELS - 1; level++) {
		p.entries[level] = min_u64(below, ARCH_PT_ENTRIES);
		p.tables[level] = (below + ARCH_PT_ENTRIES - 1) / ARCH_PT_ENTRIES;
		p.all_tables += p.tables[level];
		below = p.tables[level];
	}
	return p;
}

static uint64_t counts[STAT_NR];

/* count_from_here, counted - how much a counter has grown since. */
static void
count_from_here(void)
{
	for (unsigned i = 0; i < STAT_NR; i++)
		counts[i] = stat_get((enum stat)i);
}

struct expected {
	enum stat stat;
	uint64_t  n;
};

/* expect_counts - these counters have grown by so much, and no other has grown at all. */
static void
expect_counts(const char *step, const struct expected *expected, unsigned nr)
{
	uint64_t want[STAT_NR] = { 0 };
	bool	 equal = true;

	for (unsigned i = 0; i < nr; i++)
		want[expected[i].stat] = expected[i].n;
	for (unsigned i = 0; i < STAT_NR; i++) {
		uint64_t got = stat_get((enum stat)i) - counts[i];

		if (got != want[i]) {
			print_error("%s: %s is %llu, expected %llu\n", step,
				    stat_name((enum stat)i), (unsigned long long)got,
				    (unsigned long long)want[i]);
			equal = false;
		}
	}
	assert_true(equal);
	count_from_here();
}

#define EXPECT_COUNTS(step, ...) \
	expect_counts(step, (const struct expected[]){ __VA_ARGS__ }, \
		      ARRAY_SIZE(((const struct expected[]){ __VA_ARGS__ })))

static void
store(struct process *proc, vaddr_t va, uint8_t byte)
{
	assert_int_equal(machine_user(proc->space, ACCESS_STORE, va, &byte, 1), FAULT_DONE);
}

static uint8_t
load(struct process *proc, vaddr_t va)
{
	uint8_t byte = 0;

	assert_int_equal(machine_user(proc->space, ACCESS_LOAD, va, &byte, 1), FAULT_DONE);
	return byte;
}

static struct process *
parent_with(const struct piece *p)
{
	struct space_layout layout = space_default_layout();
	struct space	   *sp;
	struct process	   *proc;
	vaddr_t		    at;

	EXPECT_OK(space_create(&layout, &sp));
	EXPECT_OK(proc_create(0, sp, &proc));
	space_put(sp);
	EXPECT_OK(space_map(
		proc->space,
		&(struct map_request){ .addr = p->range.start,
				       .length = p->range.end - p->range.start,
				       .prot = PROT_RW,
				       .flags = MAPF_PRIVATE | MAPF_ANONYMOUS | MAPF_FIXED },
		&at));
	return proc;
}

static void
leave(struct process *proc)
{
	pt_deactivate(&proc->space->pt);
}

static void
gone(struct process *parent, struct process *proc)
{
	int32_t code;

	leave(proc);
	proc_exit(proc, 0);
	EXPECT_OK(proc_reap(parent, proc, &code));
}

/* Entries in the tables on the path to the first page: what copying the path has to write. */
static uint64_t
path_entries(const struct piece *p)
{
	uint64_t n = 0;

	for (unsigned level = 0; level < ARCH_PT_LEVELS - 1; level++)
		n += p->entries[level];
	return n;
}

/* `writable`: pages the parent may write at the moment, which matters where tables are copied. */
static struct process *
fork_counted(struct process *parent, const struct piece *p, uint64_t writable)
{
	struct process *child;

	count_from_here();
	EXPECT_OK(proc_fork(parent, 0, 0, &child));
	if (SHARES)
		EXPECT_COUNTS("fork", { STAT_FORKS, 1 }, { STAT_TABLE_VISITS, 0 },
			      { STAT_TABLE_ALLOCS, 1 }, { STAT_TABLE_SHARES, 1 },
			      { STAT_COUNT_CHANGES, 1 }, { STAT_PTE_WRITES, 2 },
			      { STAT_FLUSH_SPACES, 1 });
	else
		EXPECT_COUNTS("fork, tables copied", { STAT_FORKS, 1 },
			      { STAT_TABLE_VISITS, p->all_tables },
			      { STAT_TABLE_ALLOCS, 1 + p->all_tables },
			      { STAT_COUNT_CHANGES, p->pages },
			      { STAT_PTE_WRITES, p->pages + p->all_tables + writable },
			      { STAT_FLUSH_SPACES, 1 });
	return child;
}

/* The page is copied; nothing else happens, the path being this side's alone. */
static void
expect_one_copy(const char *step)
{
	EXPECT_COUNTS(step, { STAT_FAULT_COPY, 1 }, { STAT_PAGE_COPIES, 1 }, { STAT_PTE_WRITES, 2 },
		      { STAT_COUNT_CHANGES, 1 }, { STAT_FLUSH_PAGES, 1 });
}

static void
expect_one_reuse(const char *step)
{
	EXPECT_COUNTS(step, { STAT_FAULT_REUSE, 1 }, { STAT_PTE_WRITES, 1 });
}

/* The first write after fork: each table of the path is copied, then the page. */
static void
first_write(struct process *proc, const struct piece *p)
{
	store(proc, p->range.start, 'c');
	if (!SHARES) {
		expect_one_copy("first write");
		return;
	}
	EXPECT_COUNTS(
		"first write", { STAT_FAULT_COPY, 1 }, { STAT_PAGE_COPIES, 1 },
		{ STAT_TABLE_SPLITS, BELOW_ROOT }, { STAT_TABLE_ALLOCS, BELOW_ROOT },
		/* each entry once in the copy and once to lose its write bit; the slots; the leaf */
		{ STAT_PTE_WRITES, 2 * path_entries(p) + BELOW_ROOT + 2 },
		{ STAT_COUNT_CHANGES, path_entries(p) + BELOW_ROOT + 1 }, { STAT_FLUSH_PAGES, 1 });
}

/* The other side's first write: its tables are its own again, its page as well. */
static void
last_owners_write(struct process *proc, const struct piece *p)
{
	store(proc, p->range.start, 'p');
	if (!SHARES) {
		expect_one_reuse("last owner's write");
		return;
	}
	EXPECT_COUNTS("last owner's write", { STAT_FAULT_REUSE, 1 },
		      { STAT_TABLE_RECLAIMS, BELOW_ROOT }, { STAT_PTE_WRITES, BELOW_ROOT + 1 });
}

/* Exit of the side that has copied the path once. */
static void
exit_of_the_writer(struct process *parent, struct process *child, const struct piece *p)
{
	uint64_t tables = SHARES ? BELOW_ROOT : p->all_tables;
	uint64_t entries = SHARES ? path_entries(p) : p->pages + p->all_tables - 1;

	gone(parent, child);
	/* Every entry of its own tables, the root's slot, and the root. */
	EXPECT_COUNTS("exit of the writer", { STAT_TABLE_FREES, tables + 1 },
		      { STAT_COUNT_CHANGES, entries + 2 }, { STAT_PTE_WRITES, 1 },
		      { STAT_FLUSH_SPACES, 1 });
}

/* Exit of a side that has not written since it was forked. */
static void
exit_without_a_write(struct process *parent, struct process *child, const struct piece *p)
{
	count_from_here();
	gone(parent, child);
	if (SHARES)
		EXPECT_COUNTS("exit without a write", { STAT_TABLE_FREES, 1 },
			      { STAT_COUNT_CHANGES, 2 }, { STAT_PTE_WRITES, 1 });
	else
		EXPECT_COUNTS("exit without a write", { STAT_TABLE_FREES, 1 + p->all_tables },
			      { STAT_COUNT_CHANGES, 1 + p->all_tables + p->pages },
			      { STAT_PTE_WRITES, 1 });
}

/* One bit at the root was the obstacle; on a machine without it, the leaf's. */
static void
write_after_the_other_is_gone(struct process *proc, const struct piece *p)
{
	store(proc, p->range.start, 'w');
	if (SHARES)
		EXPECT_COUNTS("write after the other is gone", { STAT_FAULT_UPGRADE, 1 },
			      { STAT_TABLE_RECLAIMS, 1 }, { STAT_PTE_WRITES, 1 });
	else
		expect_one_reuse("write after the other is gone");
}

static void
touch_all(struct process *proc, const struct piece *p)
{
	count_from_here();
	for (uint64_t i = 0; i < p->pages; i++)
		store(proc, p->range.start + i * PAGE, (uint8_t)i);
	EXPECT_COUNTS("touch", { STAT_FAULT_ZERO_FILL, p->pages },
		      { STAT_TABLE_ALLOCS, p->all_tables },
		      { STAT_PTE_WRITES, p->pages + p->all_tables });
}

static void
fork_of_a_gibibyte_touches_only_the_root(void **state)
{
	struct piece	p = choose_piece();
	struct process *parent, *child;
	vaddr_t		page[4];
	int32_t		code;

	(void)state;
	machine_fresh_with(&(struct machine_config){ .nr_frames = p.pages + p.pages / 8 + 4096 });
	for (unsigned i = 0; i < 4; i++)
		page[i] = p.range.start + i * PAGE;
	parent = parent_with(&p);
	touch_all(parent, &p);

	child = fork_counted(parent, &p, p.pages);
	first_write(child, &p);
	store(child, page[1], 'c');
	expect_one_copy("second write");
	last_owners_write(parent, &p);
	store(parent, page[2], 'p');
	expect_one_copy("a page still shared");
	store(child, page[2], 'c');
	expect_one_reuse("its last owner");
	machine_check_invariants();

	assert_int_equal(load(child, page[0]), 'c');
	assert_int_equal(load(parent, page[0]), 'p');
	assert_int_equal(load(parent, page[1]), 1);
	assert_int_equal(load(parent, page[3]), 3);
	assert_int_equal(load(child, page[3]), 3);
	count_from_here();
	exit_of_the_writer(parent, child, &p);

	/* The parent has its path to itself: the second fork costs what the first one did. */
	child = fork_counted(parent, &p, 2);
	exit_without_a_write(parent, child, &p);
	write_after_the_other_is_gone(parent, &p);
	child = fork_counted(parent, &p, 1);
	count_from_here();
	gone(NULL, parent);
	if (SHARES)
		EXPECT_COUNTS("exit of the parent", { STAT_TABLE_FREES, 1 },
			      { STAT_COUNT_CHANGES, 2 }, { STAT_PTE_WRITES, 1 },
			      { STAT_FLUSH_SPACES, 1 });
	assert_int_equal(load(child, page[3]), 3);
	machine_check_invariants();
	leave(child);
	proc_exit(child, 0);
	EXPECT_OK(proc_reap(NULL, child, &code));
	machine_check();
	machine_stop();
}

TEST_SUITE(fork_counts, cmocka_unit_test(fork_of_a_gibibyte_touches_only_the_root))
