/*
 * test_mixture.c - regions of every kind side by side: calls whose range covers several are right for each.
 *
 * A random program in a space of twelve pages, with a child now and then and pages held for devices;
 * all invariants after each step. What calls give is not looked at: much of it is refused. The random
 * stories (tests/model) compare results and contents, and have neither devices nor special pages.
 */
#include "unit/sketch.h"

#include <anymm/call.h>

enum { ROUNDS = 150, STEPS = 80, MOST_PINS = 8 };

struct mixture {
	uint64_t       random;
	struct space  *sp, *child; /* child: NULL if there is none */
	struct object *device, *file;
	pfn_t	       pins[MOST_PINS];
	unsigned       nr_pins;
};

static unsigned
below(struct mixture *m, unsigned n)
{
	return (unsigned)(test_random(&m->random) % n);
}

static vaddr_t
any_page(struct mixture *m)
{
	return PAGE(1 + below(m, SKETCH_PAGES - 1));
}

static void
begin(struct mixture *m, uint64_t seed)
{
	/* No RAM: nobody may look at it. */
	const struct device_memory memory = { .first = { ((uint64_t)1 << 32) >> ARCH_PAGE_SHIFT } };
	struct space_layout	   layout = sketch_layout();

	layout.limit_memlock = UINT64_MAX;
	*m = (struct mixture){ .random = seed, .sp = sketch_space_with(&layout) };
	EXPECT_OK(object_create_device(3, memory, 3, &m->device));
	m->file = sketch_file(7, 6);
}

static void
end(struct mixture *m)
{
	call_unpin(m->pins, m->nr_pins, false);
	if (m->child)
		space_put(m->child);
	object_put(m->file);
	object_put(m->device);
	sketch_end(m->sp);
}

static void
map(struct mixture *m, struct space *sp)
{
	struct map_request request = { .addr = any_page(m),
				       .length = PAGE(1 + below(m, 3)),
				       .prot = below(m, 8),
				       .flags = MAPF_FIXED | MAPF_PRIVATE | MAPF_ANONYMOUS };
	vaddr_t		   va;

	switch (below(m, 5)) {
	case 0:
		request.region_flags = REGION_NOMERGE;
		break;
	case 1:
		request.flags = MAPF_FIXED | MAPF_SHARED;
		request.object = m->device;
		request.offset = PAGE(below(m, 2));
		break;
	case 2:
		request.flags = MAPF_FIXED | (below(m, 2) ? MAPF_SHARED : MAPF_PRIVATE);
		request.object = m->file;
		request.offset = PAGE(below(m, 4));
		break;
	case 3:
		request.flags = MAPF_FIXED | MAPF_SHARED | MAPF_ANONYMOUS;
		break;
	default:
		request.flags |=
			(below(m, 2) ? MAPF_LOCKED : 0) | (below(m, 3) ? 0 : MAPF_GROWSDOWN);
		break;
	}
	(void)!call_mmap(sp, &request, &va);
}

static void
remap(struct mixture *m, struct space *sp)
{
	struct remap_request request = { .addr = any_page(m),
					 .old_length = PAGE(below(m, 5)),
					 .new_length = PAGE(1 + below(m, 4)),
					 .flags = below(m, 8) | REMAP_MAYMOVE,
					 .new_addr = any_page(m) };
	vaddr_t		     va;

	(void)!call_mremap(sp, &request, &va);
}

/* advise - by any number that means something, and some that do not. */
static void
advise(struct mixture *m, struct space *sp, vaddr_t va, uint64_t bytes)
{
	static const unsigned from[] = { ADVICE_NORMAL, ADVICE_GUARD_INSTALL, ADVICE_NEXT_TOUCH };
	unsigned	      advice = from[below(m, 8) < 5 ? 0 : 1 + below(m, 2)];

	advice += below(m, advice == ADVICE_NORMAL ? ADVICE_COLLAPSE + 1 : 2);
	(void)!call_madvise(sp, va, bytes, (enum advice)advice);
}

static void
lock_all(struct mixture *m, struct space *sp)
{
	if (below(m, 3))
		(void)!call_mlockall(sp, 1 + below(m, 7));
	else
		(void)!call_munlockall(sp);
}

static void
pin_or_unpin(struct mixture *m, struct space *sp)
{
	if (m->nr_pins < MOST_PINS && below(m, 3) &&
	    call_pin(sp, any_page(m), 1, below(m, 2), &m->pins[m->nr_pins]) == OK)
		m->nr_pins++;
	else if (m->nr_pins)
		call_unpin(&m->pins[--m->nr_pins], 1, below(m, 2));
}

static void
fork_or_leave(struct mixture *m)
{
	if (!m->child) {
		EXPECT_OK(space_fork(m->sp, &m->child));
		return;
	}
	space_put(m->child);
	m->child = NULL;
}

static void
touch(struct mixture *m, struct space *sp)
{
	for (unsigned i = 0; i < 4; i++)
		(void)fault_handle(sp, any_page(m), below(m, 2) ? ACCESS_STORE : ACCESS_LOAD);
}

static void
step(struct mixture *m)
{
	struct space *sp = m->child && below(m, 3) == 0 ? m->child : m->sp;
	vaddr_t	      va = any_page(m);
	uint64_t      bytes = PAGE(1 + below(m, 6));

	switch (below(m, 14)) {
	case 0:
		(void)!call_munmap(sp, va, bytes);
		break;
	case 1:
		(void)!call_mprotect(sp, va, bytes, below(m, 8));
		break;
	case 2:
	case 3:
		remap(m, sp);
		break;
	case 4:
	case 5:
		advise(m, sp, va, bytes);
		break;
	case 6:
		(void)!call_mlock2(sp, va, bytes, below(m, 2));
		break;
	case 7:
		(void)!call_munlock(sp, va, bytes);
		break;
	case 8:
		lock_all(m, sp);
		break;
	case 9:
		fork_or_leave(m);
		break;
	case 10:
		pin_or_unpin(m, sp);
		break;
	case 11:
		touch(m, sp);
		break;
	default:
		map(m, sp);
		break;
	}
}

static void
each_kind_beside_each_other(void **state)
{
	uint64_t seed = test_seed(1);

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct mixture m;

		begin(&m, seed + round);
		for (unsigned i = 0; i < STEPS; i++) {
			step(&m);
			machine_check_invariants();
		}
		end(&m);
	}
}

TEST_SUITE(mixture, cmocka_unit_test(each_kind_beside_each_other))
