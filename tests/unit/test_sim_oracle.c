/*
 * test_sim_oracle.c - the ledger against a model that simply remembers everything.
 *
 * Two roots, three leaf tables that both may name at two places, four pages in each
 * table, three CPUs. The model keeps, for each CPU, tag and page, every translation that
 * the tables have given while the tag was live there and not flushed. A page
 * is stale if one of them is not given any more. After each random change or flush
 * the ledger must say the same, and must stop the machine exactly when a writable
 * page would meet a stale one at its address.
 */
#include "sim_rig.h"

#include <string.h>

#define NR_ROOTS  2
#define NR_TABLES 3
#define NR_CPUS	  3
#define NR_FRAMES 4
#define NR_PLACES 2 /* where a root may name a leaf table */
#define PER_TABLE 4
#define NR_PAGES  (NR_PLACES * PER_TABLE)
#define MANY_WAYS (NR_FRAMES << 4) /* frame and rights (r, w, x, dirty) as a number */

#define DIRTY 8

struct leaf {
	bool	 present;
	unsigned frame;
	unsigned rights;
};

static struct {
	struct leaf leaves[NR_TABLES][PER_TABLE];
	int	    table[NR_ROOTS][NR_PLACES]; /* -1: none */
	bool	    place_writes[NR_ROOTS][NR_PLACES];
	bool	    root_writes[NR_ROOTS];
	int	    active[NR_CPUS]; /* root, or -1 */
	bool	    live[NR_CPUS][NR_ROOTS];
	bool	    cached[NR_CPUS][NR_ROOTS][NR_PAGES][MANY_WAYS];
	bool	    ranges[NR_CPUS][NR_ROOTS]; /* a range's write permission may be stale */
} model;

static pfn_t	roots[NR_ROOTS], tables[NR_TABLES], frames[NR_FRAMES];
static pte_t   *places[NR_ROOTS][NR_PLACES];
static uint64_t random_state;

static unsigned
pick(unsigned n)
{
	return (unsigned)(test_random(&random_state) % n);
}

static vaddr_t
page_va(unsigned page)
{
	return (page / PER_TABLE ? FAR_PAGE : 0) + PAGE(page % PER_TABLE);
}

static unsigned
asid_of(unsigned root)
{
	return root + 1;
}

/* What the tables of the model give a page: -1, or a way. */
static int
way_now(unsigned root, unsigned page)
{
	int		   table = model.table[root][page / PER_TABLE];
	const struct leaf *leaf;
	unsigned	   rights;
	bool		   denied;

	if (table < 0)
		return -1;
	leaf = &model.leaves[table][page % PER_TABLE];
	denied = ARCH_HAS_UPPER_WRITE_DENIAL &&
		 !(model.place_writes[root][page / PER_TABLE] && model.root_writes[root]);
	rights = leaf->rights & (denied ? ~(unsigned)(PROT_W | DIRTY) : ~0u);
	if (!(rights & PROT_W))
		rights &= ~(unsigned)DIRTY;
	if (!leaf->present || !rights)
		return -1;
	return (int)(leaf->frame << 4 | rights);
}

static bool
way_is_served(unsigned way, int now)
{
	return now >= 0 && (unsigned)now >> 4 == way >> 4 && !(way & 15 & ~(unsigned)now);
}

/* Everything reachable is cached wherever the tag is live. */
static void
model_speculate(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		for (unsigned root = 0; root < NR_ROOTS; root++)
			for (unsigned page = 0; page < NR_PAGES && model.live[cpu][root]; page++)
				if (way_now(root, page) >= 0)
					model.cached[cpu][root][page][way_now(root, page)] = true;
}

static bool
model_is_stale(unsigned cpu, unsigned root, unsigned page)
{
	for (unsigned way = 0; way < MANY_WAYS; way++)
		if (model.cached[cpu][root][page][way] && !way_is_served(way, way_now(root, page)))
			return true;
	return false;
}

/* A page that can be written now, while some CPU may still see another frame there. */
static bool
model_time_goes_back(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		for (unsigned root = 0; root < NR_ROOTS; root++)
			for (unsigned page = 0; page < NR_PAGES; page++) {
				int now = way_now(root, page);

				for (unsigned way = 0; way < MANY_WAYS; way++)
					if (model.cached[cpu][root][page][way] && now >= 0 &&
					    now & PROT_W && (unsigned)now >> 4 != way >> 4)
						return true;
			}
	return false;
}

static void
compare(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		for (unsigned root = 0; root < NR_ROOTS; root++)
			for (unsigned page = 0; page < NR_PAGES; page++) {
				bool says = sim_is_stale(cpu, asid_of(root), page_va(page));
				bool is = model_is_stale(cpu, root, page);

				if (is && !says)
					fail_msg("CPU %u root %u page %u: stale, not on the books",
						 cpu, root, page);
				if (says && !is && !model.ranges[cpu][root])
					fail_msg("CPU %u root %u page %u: on the books, not stale",
						 cpu, root, page);
			}
}

/* Changes of entries. Each is first made in the model. */

struct change {
	pte_t *slot;
	pte_t  next;
};

static void
make_change(void *arg)
{
	const struct change *change = arg;

	arch_pte_exchange(change->slot, change->next);
}

static struct change
change_leaf(void)
{
	unsigned      table = pick(NR_TABLES), index = pick(PER_TABLE);
	struct leaf  *leaf = &model.leaves[table][index];
	struct change change = { .slot = (pte_t *)arch_frame_ptr(tables[table]) + index };
	prot_t	      prot = pick(8);

	*leaf = (struct leaf){ 0 };
	if (pick(3) == 0)
		return change;
	prot |= prot ? PROT_R : 0;
	*leaf = (struct leaf){ .present = true, .frame = pick(NR_FRAMES), .rights = prot };
	if (pick(2))
		leaf->rights |= DIRTY;
	change.next = arch_pte_leaf((struct pte_leaf){
		.pfn = frames[leaf->frame], .prot = prot, .dirty = leaf->rights & DIRTY });
	return change;
}

static struct change
change_place(void)
{
	unsigned      root = pick(NR_ROOTS), place = pick(NR_PLACES);
	int	      table = (int)pick(NR_TABLES + 1) - 1;
	bool	      writes = pick(2);
	struct change change = { .slot = places[root][place] };

	if (model.table[root][place] == table && model.place_writes[root][place] && !writes)
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
			model.ranges[cpu][root] |= model.live[cpu][root];
	model.table[root][place] = table;
	model.place_writes[root][place] = writes;
	if (table >= 0)
		change.next = arch_pte_table(tables[table], writes);
	return change;
}

/* The slot of the root above both places, where there is a level between. */
static struct change
change_root(void)
{
	unsigned      root = pick(NR_ROOTS);
	struct change change = { .slot = bare_slot(roots[root], 0, ARCH_PT_LEVELS - 1) };

	if (ARCH_PT_LEVELS == 2)
		return change_leaf();
	model.root_writes[root] = !model.root_writes[root];
	if (!model.root_writes[root])
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
			model.ranges[cpu][root] |= model.live[cpu][root];
	change.next = arch_pte_with_write(arch_pte_read(change.slot), model.root_writes[root]);
	return change;
}

static struct change
any_change(void)
{
	switch (pick(8)) {
	case 0:
		return change_place();
	case 1:
		return change_root();
	default:
		return change_leaf();
	}
}

/* Flushes and activation, on the CPU that we are. */

static void
drop_pages(unsigned cpu, unsigned root)
{
	memset(model.cached[cpu][root], 0, sizeof(model.cached[cpu][root]));
	model.ranges[cpu][root] = false;
	model.live[cpu][root] = model.active[cpu] == (int)root;
}

static void
flush_something(void)
{
	unsigned cpu = pick(NR_CPUS), root = pick(NR_ROOTS), page = pick(NR_PAGES);

	sim_cpu_set(cpu);
	switch (pick(6)) {
	case 0:
		arch_tlb_flush_all();
		for (unsigned r = 0; r < NR_ROOTS; r++)
			drop_pages(cpu, r);
		break;
	case 1:
	case 2:
		arch_tlb_flush_asid(asid_of(root));
		drop_pages(cpu, root);
		break;
	default:
		arch_tlb_flush_page(asid_of(root), page_va(page));
		memset(model.cached[cpu][root][page], 0, sizeof(model.cached[cpu][root][page]));
		break;
	}
}

static void
activate_something(void)
{
	unsigned cpu = pick(NR_CPUS);
	int	 root = (int)pick(NR_ROOTS + 1) - 1;

	sim_cpu_set(cpu);
	model.active[cpu] = root;
	if (root < 0) {
		arch_tlb_activate(pfn_none(), 0);
		return;
	}
	arch_tlb_activate(roots[root], asid_of((unsigned)root));
	model.live[cpu][root] = true;
}

static void
begin(void)
{
	bare_start_with(&(struct sim_config){ .nr_cpus = NR_CPUS, .nr_frames = 64 });
	memset(&model, 0, sizeof(model));
	for (unsigned i = 0; i < NR_FRAMES; i++)
		frames[i] = bare_frame();
	for (unsigned i = 0; i < NR_TABLES; i++)
		tables[i] = bare_frame();
	for (unsigned root = 0; root < NR_ROOTS; root++) {
		roots[root] = bare_root();
		places[root][0] = bare_slot(roots[root], 0, 1);
		places[root][1] = bare_slot(roots[root], FAR_PAGE, 1);
		model.root_writes[root] = true;
		model.table[root][0] = model.table[root][1] = -1;
	}
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		model.active[cpu] = -1;
}

/* One change; false: it was one that must stop the machine, and did. */
static bool
change_something(void)
{
	struct change change = any_change();
	char	      text[2048];
	bool	      stopped, must_stop = model_time_goes_back();

	sim_cpu_set(pick(NR_CPUS));
	stopped = sim_expect_stop(make_change, &change, text, sizeof(text));
	if (stopped && strstr(text, "becomes writable under"))
		return false; /* a table taken over: a rule of its own */
	if (stopped && strstr(text, "becomes writable at") && !must_stop)
		fail_msg("stopped without a reason: %s", text);
	if (!stopped && must_stop)
		fail_msg("a writable page met a stale one, and the machine went on");
	return !stopped;
}

static unsigned
live_on(unsigned steps)
{
	unsigned changes = 0;

	begin();
	for (unsigned i = 0; i < steps; i++) {
		switch (pick(4)) {
		case 0:
			activate_something();
			break;
		case 1:
			flush_something();
			break;
		default:
			if (!change_something())
				return changes;
			changes++;
			break;
		}
		model_speculate();
		compare();
	}
	return changes;
}

static void
the_ledger_agrees_with_a_model_that_remembers_everything(void **state)
{
	unsigned changes = 0;

	(void)state;
	random_state = test_seed(1);
	for (unsigned life = 0; life < 3000; life++)
		changes += live_on(60);
	assert_true(changes > 10000);
}

TEST_SUITE(sim_oracle,
	   cmocka_unit_test_teardown(the_ledger_agrees_with_a_model_that_remembers_everything,
				     bare_stop))
