/*
 * magazine.c - the fast path for single frames, and the count behind the reserve.
 *
 * A CPU takes and gives single frames at its own magazine, whose lock nobody
 * else wants, and moves them to and from the node's buddies half a magazine at
 * a time. So an allocation writes no cache line that other CPUs write.
 *
 * The reserve is exact all the same. phys.nr_free counts the frames in the
 * free lists of all nodes, magazines not included. While it is at least the
 * reserve, taking a frame from a magazine cannot leave fewer free frames than
 * the reserve. When it is lower, memory is low: magazines are bypassed, and
 * emptied before any request is refused.
 *
 * Locks: a magazine's, then a node's.
 */
#include "phys/magazine.h"

#include "phys/buddy.h"

static struct magazine *
magazine_of(unsigned cpu, unsigned node)
{
	struct phys *p = phys();
	size_t	     index = (size_t)cpu * p->nr_nodes + node;

	return (struct magazine *)(void *)(p->magazines +
					   index * magazine_bytes(p->magazine_frames));
}

size_t
magazine_bytes(unsigned frames)
{
	size_t bytes = sizeof(struct magazine) + frames * sizeof(uint32_t);

	return (bytes + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

void
magazine_init(struct magazine *m)
{
	lock_init(&m->lock, RANK_MAGAZINE);
	atomic_init(&m->nr, 0);
}

bool
free_lists_claim(uint64_t n, uint64_t floor)
{
	_Atomic uint64_t *nr_free = &phys()->nr_free;
	uint64_t	  now = atomic_load_explicit(nr_free, memory_order_relaxed);

	do {
		if (now < n || now - n < floor)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		nr_free, &now, now - n, memory_order_acq_rel, memory_order_relaxed));
	return true;
}

void
free_lists_add(uint64_t n)
{
	atomic_fetch_add_explicit(&phys()->nr_free, n, memory_order_release);
}

bool
free_lists_are_low(void)
{
	return atomic_load_explicit(&phys()->nr_free, memory_order_relaxed) < phys()->reserve;
}

static uint32_t
nr_in(const struct magazine *m)
{
	return atomic_load_explicit(&m->nr, memory_order_relaxed);
}

static void
set_nr(struct magazine *m, uint32_t nr)
{
	atomic_store_explicit(&m->nr, nr, memory_order_relaxed);
}

/* batch - how many frames move between a magazine and the buddies at once. */
static uint32_t
batch(void)
{
	return (phys()->magazine_frames + 1) / 2;
}

/* refill - HOLDS m->lock, m is empty. It stays so if the claim would touch the reserve. */
static void
refill(struct magazine *m, unsigned node)
{
	uint32_t want = batch();
	uint32_t got;

	if (!free_lists_claim(want, phys()->reserve))
		return;
	got = buddy_take_many(&phys()->nodes[node], m->frames, want);
	if (got < want)
		free_lists_add(want - got);
	set_nr(m, got);
}

/* spill - HOLDS m->lock; the `nr` frames longest in the magazine go back. */
static void
spill(struct magazine *m, unsigned node, uint32_t nr)
{
	uint32_t left = nr_in(m) - nr;

	buddy_give_many(&phys()->nodes[node], m->frames, nr);
	free_lists_add(nr);
	for (uint32_t i = 0; i < left; i++)
		m->frames[i] = m->frames[nr + i];
	set_nr(m, left);
}

bool
magazine_take(unsigned node, uint32_t *out)
{
	struct magazine *m;
	uint32_t	 nr;

	if (!phys()->magazine_frames || free_lists_are_low())
		return false;
	m = magazine_of(platform_cpu(), node);
	lock_acquire(&m->lock);
	if (nr_in(m) == 0)
		refill(m, node);
	nr = nr_in(m);
	if (nr) {
		*out = m->frames[nr - 1];
		set_nr(m, nr - 1);
	}
	lock_release(&m->lock);
	return nr != 0;
}

bool
magazine_give(unsigned node, uint32_t n)
{
	struct magazine *m;

	if (!phys()->magazine_frames || free_lists_are_low())
		return false;
	m = magazine_of(platform_cpu(), node);
	lock_acquire(&m->lock);
	if (nr_in(m) == phys()->magazine_frames)
		spill(m, node, batch());
	m->frames[nr_in(m)] = n;
	set_nr(m, nr_in(m) + 1);
	lock_release(&m->lock);
	return true;
}

void
magazine_drain_all(void)
{
	struct phys *p = phys();

	if (!p->magazine_frames)
		return;
	for (unsigned cpu = 0; cpu < p->nr_cpus; cpu++) {
		for (unsigned node = 0; node < p->nr_nodes; node++) {
			struct magazine *m = magazine_of(cpu, node);

			if (nr_in(m) == 0)
				continue;
			lock_acquire(&m->lock);
			spill(m, node, nr_in(m));
			lock_release(&m->lock);
		}
	}
}

void
frame_drain_magazines(void)
{
	magazine_drain_all();
}
