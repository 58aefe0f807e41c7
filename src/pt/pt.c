/*
 * pt.c - the tables of one space from birth to death, and which CPUs use them.
 *
 * cached_on is the set of CPUs that may hold translations under the space's
 * tag: a CPU enters it before it first loads the root, and leaves it when it has
 * flushed the whole tag while the space was not active there (shootdown.c).
 * Flushes go to exactly these CPUs.
 *
 * Which root a CPU loads depends on its node (replica.h). It enters cached_on before it asks, and who changes
 * the answer asks for cached_on after that; so no CPU goes on with a root that is given up.
 */
#include "pt/table.h"

#include "base/assert.h"
#include "pt/replica.h"
#include "pt/state.h"

err_t
pt_init_state(void)
{
	unsigned	 order = 0;
	struct pt_state *st;
	pfn_t		 pfn;
	err_t		 err;

	while ((ARCH_PAGE_SIZE << order) < sizeof(*st))
		order++;
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .order = order }, &pfn);
	if (err)
		return err;
	for (unsigned i = 0; i < 1u << order; i++)
		arch_frame_zero(pfn_add(pfn, i));
	st = arch_frame_ptr(pfn);
	err = frame_alloc((struct frame_request){ .kind = FRAME_KERNEL, .zeroed = true },
			  &st->zero_frame);
	if (err) {
		frame_release(pfn);
		return err;
	}
	lock_init(&st->asid_lock, RANK_ASID);
	lock_init(&st->replicas_lock, RANK_REPLICAS);
	list_init(&st->replicas);
	atomic_store(&st->generation, 1);
	st->next_asid = 1;
	st->used[0] = 1; /* asid 0 is the kernel's */
	root()->part[ROOT_PT] = st;
	return OK;
}

err_t
pt_create(struct pt *pt)
{
	return pt_create_on(platform_node(), pt);
}

err_t
pt_create_on(unsigned node, struct pt *pt)
{
	pfn_t pfn;
	err_t err = table_alloc_on(node, ARCH_PT_LEVELS - 1, &pfn);

	if (err)
		return err;
	frame_of(pfn)->table.is_root = true;
	arch_pt_init_root(pfn);
	*pt = (struct pt){ .root = pfn };
	return OK;
}

void
pt_clear(struct pt *pt)
{
	REQUIRE(atomic_load(&pt->active_on) == 0, "a space dies while the CPUs %lx have it active",
		(unsigned long)atomic_load(&pt->active_on));
	if (atomic_load(&pt->cached_on))
		shootdown_space(pt, NULL, 0, true);
	asid_free(pt);
	table_lock(pt->root);
	for (unsigned i = 0; table_live(pt->root); i++) {
		pte_t pte = table_get(pt->root, i);

		if (arch_pte_equal(pte, arch_pte_empty()))
			continue;
		table_set(pt->root, i, arch_pte_empty());
		table_put(arch_pte_table_pfn(pte));
	}
	table_unlock(pt->root);
}

void
pt_destroy(struct pt *pt)
{
	pt_clear(pt);
	if (pt_has_replicas(pt))
		replicas_destroy(pt);
	table_put(pt->root);
	pt->root = pfn_none();
}

/* The CPU leaves whatever user half it has. Interrupts are off. */
static void
leave_current(struct pt_cpu *cpu)
{
	struct pt *before = atomic_load(&cpu->current);

	arch_tlb_activate(pfn_none(), 0);
	atomic_store(&cpu->current, NULL);
	if (before)
		atomic_fetch_and(&before->active_on, ~cpu_bit(platform_cpu()));
}

/*
 * Interrupts are off from the moment the space is published as current until the
 * hardware uses it: a new generation waits for this CPU's flush, which so comes
 * when no older root is loaded any more. A tag that has become too old in between
 * is given up, with the old root, and fetched again with interrupts on. The points
 * are where another CPU's roll-over or shootdown may come in between.
 */
void
pt_activate(struct pt *pt)
{
	struct pt_state *st = pt_state();
	struct pt_cpu	*cpu = &st->cpu[platform_cpu()];
	cpu_mask_t	 self = cpu_bit(platform_cpu());

	while (atomic_load(&cpu->current) != pt) {
		struct pt *before;
		bool	   irq;

		asid_ensure(pt);
		irq = arch_irq_save();
		before = atomic_exchange(&cpu->current, pt);
		arch_point();
		if (tag_generation(atomic_load(&pt->tag)) == atomic_load(&st->generation)) {
			atomic_fetch_or(&pt->active_on, self);
			atomic_fetch_or(&pt->cached_on, self);
			cpu->root = pt_root_here(pt);
			arch_tlb_activate(cpu->root, tag_asid(atomic_load(&pt->tag)));
			arch_point();
			if (before)
				atomic_fetch_and(&before->active_on, ~self);
		} else {
			atomic_store(&cpu->current, before);
			leave_current(cpu);
		}
		arch_irq_restore(irq);
	}
}

void
pt_deactivate(struct pt *pt)
{
	struct pt_cpu *cpu = &pt_state()->cpu[platform_cpu()];
	bool	       irq = arch_irq_save();

	if (atomic_load(&cpu->current) == pt)
		leave_current(cpu);
	arch_irq_restore(irq);
}
