/*
 * shootdown.c - invalidate translations on every CPU that may hold them.
 *
 * The sender fills its own request, puts its bit into each target's inbox,
 * interrupts them, flushes itself meanwhile, and waits. It waits with interrupts
 * on (two senders that interrupt each other both go on), and under any
 * locks, because the handler takes none. One request per CPU is enough: a
 * sender waits before it sends again, and the handler sends nothing.
 *
 * A CPU that has the space cached but not active drops all of it, whatever was
 * asked for, and leaves cached_on: a space that has moved on costs its former
 * CPUs one interrupt, not one per shootdown for ever.
 *
 * Replicas (replica.h) are caches too, in memory. They are emptied first, because a CPU that has flushed
 * may look there again at once, also where no CPU has anything to flush. Their tables are freed last.
 */
#include "base/assert.h"
#include "pt/replica.h"
#include "pt/state.h"

/*
 * Nothing under the tag is left on this CPU, which does not have the space
 * active and cannot activate it meanwhile. If the space has got another tag since
 * the request was written, its bit may stand for that one, and stays.
 */
static void
leave_cached_on(const struct shootdown *req)
{
	if (tag_asid(atomic_load(&req->pt->tag)) == req->asid)
		atomic_fetch_and(&req->pt->cached_on, ~cpu_bit(platform_cpu()));
}

/*
 * Everything under the tag goes, and if the space is active here, its translations come from the root
 * that this CPU's node has now. Another root is loaded only when nothing of the old one is left.
 */
static void
flush_space_here(const struct shootdown *req, bool active)
{
	struct pt_cpu *cpu = &pt_state()->cpu[platform_cpu()];
	pfn_t	       root = pt_root_here(req->pt);
	bool	       reload = active && !pfn_eq(cpu->root, root);

	if (reload)
		arch_tlb_activate(pfn_none(), 0);
	arch_tlb_flush_asid(req->asid);
	stat_inc(STAT_FLUSH_SPACES);
	if (reload) {
		cpu->root = root;
		arch_tlb_activate(root, req->asid);
	}
	if (!active)
		leave_cached_on(req);
}

/* What one CPU does about a request, its own or another's. */
static void
flush_here(const struct shootdown *req)
{
	bool active;

	if (req->everything) {
		arch_tlb_flush_all();
		return;
	}
	active = atomic_load(&pt_state()->cpu[platform_cpu()].current) == req->pt;
	if (req->whole_space || !active) {
		flush_space_here(req, active);
		return;
	}
	for (unsigned i = 0; i < req->nr_pages; i++)
		arch_tlb_flush_page(req->asid, req->pages[i]);
	stat_add(STAT_FLUSH_PAGES, req->nr_pages);
}

void
shootdown_interrupt(void)
{
	struct pt_state *st = pt_state();
	unsigned	 self = platform_cpu();
	cpu_mask_t	 senders = atomic_exchange(&st->cpu[self].inbox, 0);

	arch_point();
	while (senders) {
		unsigned	  sender = (unsigned)__builtin_ctzll(senders);
		struct shootdown *req = &st->cpu[sender].request;

		senders &= senders - 1;
		flush_here(req);
		atomic_fetch_and(&req->waiting, ~cpu_bit(self));
	}
}

/* Send the request in this CPU's slot to the targets, do it here too, and wait. */
static void
shootdown_run(struct shootdown *req, cpu_mask_t targets, bool here)
{
	struct pt_state *st = pt_state();
	cpu_mask_t	 self = cpu_bit(platform_cpu());
	uint64_t	 nr_targets = 0;

	ASSERT(targets == 0 || arch_irq_enabled());
	atomic_store(&req->waiting, targets);
	for (cpu_mask_t left = targets; left; left &= left - 1, nr_targets++)
		atomic_fetch_or(&st->cpu[__builtin_ctzll(left)].inbox, self);
	arch_point();
	if (targets) {
		platform_shootdown(targets);
		stat_inc(STAT_SHOOTDOWNS);
		stat_add(STAT_SHOOTDOWN_IPIS, nr_targets);
	}
	if (here) {
		/* As in the handler: nobody else counts or changes spaces on this CPU meanwhile. */
		bool irq = arch_irq_save();

		flush_here(req);
		arch_irq_restore(irq);
	}
	while (atomic_load(&req->waiting))
		arch_relax();
}

/* Invalidate what CPUs have cached of the space. */
static void
flush_cpus(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole_space)
{
	unsigned	  cpu = platform_cpu();
	struct shootdown *req = &pt_state()->cpu[cpu].request;
	cpu_mask_t	  cached = atomic_load(&pt->cached_on);

	if (cached == 0 || !asid_is_live(pt))
		return;
	req->pt = pt;
	req->asid = tag_asid(atomic_load(&pt->tag));
	req->pages = pages;
	req->nr_pages = nr_pages;
	req->whole_space = whole_space;
	req->everything = false;
	shootdown_run(req, cached & ~cpu_bit(cpu), cached & cpu_bit(cpu));
}

void
shootdown_space(struct pt *pt, const vaddr_t *pages, unsigned nr_pages, bool whole_space)
{
	struct replica_tables gone = { .first = pfn_none() };

	if (pt_has_replicas(pt))
		replicas_empty(pt, pages, nr_pages, whole_space, &gone);
	/* The unhooked entries are visible before we ask who may have cached them. */
	atomic_thread_fence(memory_order_seq_cst);
	arch_point();
	flush_cpus(pt, pages, nr_pages, whole_space);
	replica_tables_free(&gone);
}

void
shootdown_everything(void)
{
	unsigned	  cpu = platform_cpu();
	struct shootdown *req = &pt_state()->cpu[cpu].request;
	cpu_mask_t all = platform_cpus() == CPU_MAX ? ~(cpu_mask_t)0 : cpu_bit(platform_cpus()) - 1;

	req->everything = true;
	shootdown_run(req, all & ~cpu_bit(cpu), true);
}
