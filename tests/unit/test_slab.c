/* test_slab.c - objects of every size: apart, aligned, zero, and guarded when free. */
#include <stdlib.h>

#include <anymm/slab.h>

#include "phys_machine.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* is_guarded - the sanitizer would report an access to this byte; true where there is none. */
static bool
is_guarded(const void *at)
{
#ifdef HAS_ASAN
	return __asan_address_is_poisoned(at);
#else
	(void)at;
	return true;
#endif
}

static bool
is_accessible(const void *at)
{
#ifdef HAS_ASAN
	return !__asan_address_is_poisoned(at);
#else
	(void)at;
	return true;
#endif
}

/* write_unseen - a stray write that the sanitizer does not see. */
__attribute__((no_sanitize_address)) static void
write_unseen(volatile char *at)
{
	*at = 1;
}

/* fresh - a machine of 64 MiB; the caches of a test live in the test. */
static void
fresh(void)
{
	phys_fresh(16384);
}

static bool
is_all(const char *at, int byte, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != (char)byte)
			return false;
	return true;
}

/* live_with - one size: fill more than two slabs, check that objects do not touch, free all. */
static void
live_with(size_t bytes, size_t align)
{
	static char	 *objects[2000];
	struct slab_cache cache;
	uint64_t	  free;
	unsigned	  nr;

	fresh();
	free = nr_free_frames();
	slab_init(&cache, "test", bytes, align);
	nr = 2u * cache.per_slab + 1;
	nr = nr < ARRAY_SIZE(objects) ? nr : (unsigned)ARRAY_SIZE(objects);
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = slab_alloc(&cache);
		assert_non_null(objects[i]);
		assert_int_equal((uintptr_t)objects[i] % align, 0);
		assert_true(is_all(objects[i], 0, bytes));
		memset(objects[i], (int)(i % 255 + 1), bytes);
	}
	assert_int_equal(cache.nr_objects, nr);
	for (unsigned i = 0; i < nr; i++)
		assert_true(is_all(objects[i], (int)(i % 255 + 1), bytes));
	for (unsigned i = 0; i < nr; i++) {
		slab_free(&cache, objects[i]);
		assert_true(is_guarded(objects[i]));
		assert_true(is_guarded(objects[i] + bytes - 1));
	}
	assert_int_equal(cache.nr_objects, 0);
	phys_check_machine();
	slab_drain(&cache);
	assert_int_equal(cache.nr_slabs, 0);
	assert_int_equal(nr_free_frames(), free);
	phys_check_machine();
}

/* LUN-26, DRG-14. */
static void
objects_of_every_size_live_apart(void **state)
{
	static const size_t sizes[] = { 1,    2,    3,	   7,	  8,	 9,	15,
					16,   24,   56,	   64,	  100,	 192,	255,
					256,  576,  1000,  1024,  2048,	 3000,	4096,
					5000, 8192, 12288, 16384, 32768, 65535, 65536 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		live_with(sizes[i], 1);
		live_with(sizes[i], 8);
		live_with(sizes[i], 64);
	}
}

/* Real sizes of the library lose less than an eighth in small slabs, a quarter in large ones. */
static void
little_memory_is_lost(void **state)
{
	(void)state;
	fresh();
	for (size_t bytes = 256; bytes <= 65536; bytes += 8) {
		struct slab_cache cache;
		size_t		  slab;

		slab_init(&cache, "test", bytes, 8);
		slab = (size_t)ARCH_PAGE_SIZE << cache.order;
		assert_true(cache.per_slab >= 1);
		assert_true(cache.per_slab * bytes >= slab - slab / (cache.order <= 3 ? 8 : 4));
		assert_true(cache.first_offset + (size_t)cache.per_slab * cache.stride <= slab);
		assert_true(cache.order <= 7);
	}
}

static void
init_odd(void *arg)
{
	const size_t	 *odd = arg;
	struct slab_cache cache;

	slab_init(&cache, "odd", odd[0], odd[1]);
}

/* DRG-14: none is larger than 64 KiB. */
static void
senseless_caches_stop(void **state)
{
	static const size_t odd[][2] = { { 0, 8 }, { 65537, 8 }, { 8, 0 }, { 8, 3 }, { 8, 128 } };

	(void)state;
	fresh();
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
		size_t pair[2] = { odd[i][0], odd[i][1] };

		expect_stop(init_odd, pair, "cache odd: ");
	}
}

/* The caches and pointers of one mistake. */
struct mistake {
	struct slab_cache cache;
	struct slab_cache other;
	void		 *object;
};

static void
free_wrongly(void *arg)
{
	struct mistake *m = arg;

	slab_free(&m->cache, m->object);
}

static void
prepare(struct mistake *m, size_t bytes)
{
	fresh();
	slab_init(&m->cache, "mine", bytes, 8);
	slab_init(&m->other, "other", bytes, 8);
	m->object = slab_alloc(&m->cache);
	assert_non_null(m->object);
}

static void
a_double_free_stops(void **state)
{
	struct mistake m;

	(void)state;
	prepare(&m, 100);
	assert_non_null(slab_alloc(&m.cache));
	slab_free(&m.cache, m.object);
	expect_stop(free_wrongly, &m, "is freed twice");
	/* After its slab is gone. */
	prepare(&m, 100);
	slab_free(&m.cache, m.object);
	slab_drain(&m.cache);
	frame_drain_magazines();
	expect_stop(free_wrongly, &m, "cache mine: ");
}

static void
foreign_pointers_stop(void **state)
{
	struct mistake m;
	int	       local;
	pfn_t	       pfn;

	(void)state;
	prepare(&m, 100);
	m.object = &local;
	expect_stop(free_wrongly, &m, "is not memory");
	prepare(&m, 100);
	m.object = slab_alloc(&m.other);
	expect_stop(free_wrongly, &m, "is not one of its objects");
	prepare(&m, 100);
	m.object = (char *)m.object + 8;
	expect_stop(free_wrongly, &m, "is not the start of an object");
	prepare(&m, 100);
	m.object = (char *)m.object - m.cache.first_offset;
	expect_stop(free_wrongly, &m, "is not the start of an object");
	prepare(&m, 100);
	EXPECT_OK(frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn));
	m.object = arch_frame_ptr(pfn);
	expect_stop(free_wrongly, &m, "is not one of its objects");
	prepare(&m, 100);
	pfn = alloc_order(3);
	m.object = arch_frame_ptr(pfn_add(pfn, 5));
	expect_stop(free_wrongly, &m, "is not one of its objects");
}

static void
no_object_is_freed_without_harm(void **state)
{
	struct mistake m;

	(void)state;
	prepare(&m, 100);
	slab_free(&m.cache, NULL);
	assert_int_equal(m.cache.nr_objects, 1);
}

static void
alloc_again(void *arg)
{
	slab_alloc(&((struct mistake *)arg)->cache);
}

/* LUN-26. */
static void
a_write_to_a_free_object_stops_at_its_next_allocation(void **state)
{
	struct mistake m;

	(void)state;
	if (!MM_DEBUG)
		return;
	for (size_t at = 0; at < 104; at += 103) {
		prepare(&m, 100);
		slab_free(&m.cache, m.object);
		write_unseen((char *)m.object + at);
		expect_stop(alloc_again, &m, "was written to");
	}
}

static void
a_write_behind_an_object_stops_when_it_is_freed(void **state)
{
	struct mistake m;

	(void)state;
	if (!MM_DEBUG)
		return;
	for (size_t bytes = 64; bytes <= 65536; bytes *= 4) {
		prepare(&m, bytes);
		assert_true(is_guarded((char *)m.object + bytes));
		assert_true(is_guarded((char *)m.object + bytes + 15));
		write_unseen((char *)m.object + bytes);
		expect_stop(free_wrongly, &m, "written beyond the");
	}
}

static void
live_objects_are_accessible_and_their_borders_are_not(void **state)
{
	struct mistake m;
	char	      *object;

	(void)state;
	prepare(&m, 40);
	object = m.object;
	for (unsigned i = 0; i < 40; i++)
		assert_true(is_accessible(object + i));
	if (MM_DEBUG) {
		assert_true(is_guarded(object - 1));
		assert_true(is_guarded(object + 40));
	}
	slab_free(&m.cache, object);
	for (unsigned i = 0; i < 40; i++)
		assert_true(is_guarded(object + i));
}

/* Frames of slabs that were given back are ordinary frames again. */
static void
frames_of_old_slabs_can_be_used(void **state)
{
	struct mistake m;
	pfn_t	       pfn;

	(void)state;
	prepare(&m, 2000);
	slab_free(&m.cache, m.object);
	slab_drain(&m.cache);
	while (!pfn_is_none(pfn = alloc_order(0)))
		memset(arch_frame_ptr(pfn), 0x11, ARCH_PAGE_SIZE);
	phys_check_machine();
}

/* DRG-14. */
static void
few_empty_slabs_are_kept(void **state)
{
	static void	 *objects[600];
	struct slab_cache cache;
	uint64_t	  free;

	(void)state;
	fresh();
	free = nr_free_frames();
	slab_init(&cache, "test", 1000, 8);
	for (unsigned i = 0; i < 600; i++)
		objects[i] = slab_alloc(&cache);
	assert_true(cache.nr_slabs > 50);
	assert_int_equal(cache.nr_spare, 0);
	for (unsigned i = 0; i < 600; i++)
		slab_free(&cache, objects[i]);
	assert_int_equal(cache.nr_spare, SLAB_SPARES_MAX);
	assert_int_equal(cache.nr_slabs, SLAB_SPARES_MAX);
	assert_int_equal(nr_free_frames(), free - ((uint64_t)SLAB_SPARES_MAX << cache.order));
	slab_drain(&cache);
	assert_int_equal(cache.nr_slabs, 0);
	assert_int_equal(nr_free_frames(), free);
	/* And the cache goes on after that. */
	assert_non_null(slab_alloc(&cache));
	phys_check_machine();
}

static void
lack_of_memory_changes_nothing(void **state)
{
	struct slab_cache cache;
	uint64_t	  nr = 0;

	(void)state;
	phys_fresh(300);
	slab_init(&cache, "test", 700, 8);
	while (slab_alloc(&cache))
		nr++;
	assert_true(nr > 1000);
	assert_int_equal(cache.nr_objects, nr);
	/* A slab more, or else the frame of the reserve: nothing else is left. */
	assert_true(nr_free_frames() <= (uint64_t)1 << cache.order);
	phys_check_machine();
}

static void
an_injected_failure_is_asked_for_once(void **state)
{
	struct slab_cache cache;
	uint64_t	  before;

	(void)state;
	fresh();
	slab_init(&cache, "test", 3000, 8);
	before = machine_allocations();
	/* The first needs a slab, and asks once all the same. */
	assert_non_null(slab_alloc(&cache));
	assert_int_equal(machine_allocations(), before + 1);
	machine_fail_allocation(1, false);
	assert_null(slab_alloc(&cache));
	assert_int_equal(cache.nr_objects, 1);
	assert_non_null(slab_alloc(&cache));
}

/* Random life of several caches against what each object was filled with. */
#define CACHES	 4
#define HELD_MAX 500

static void
random_objects_keep_what_was_written(void **state)
{
	static const size_t sizes[CACHES] = { 24, 200, 1500, 9000 };
	uint64_t	    seed = test_seed(7);
	struct slab_cache   caches[CACHES];
	static struct {
		char	*object;
		unsigned cache;
		char	 fill;
	} held[HELD_MAX];
	unsigned nr = 0;

	(void)state;
	phys_fresh_with(&(struct machine_config){ .nr_frames = 700, .nr_cpus = 2 });
	for (unsigned i = 0; i < CACHES; i++)
		slab_init(&caches[i], "test", sizes[i], 8);
	for (unsigned step = 0; step < 30000; step++) {
		uint64_t random = test_random(&seed);
		unsigned c = (unsigned)(random >> 8) % CACHES;

		machine_cpu_set(random >> 16 & 1);
		if (random % 2 && nr < HELD_MAX) {
			held[nr].object = slab_alloc(&caches[c]);
			if (!held[nr].object)
				continue;
			held[nr].cache = c;
			held[nr].fill = (char)(random >> 24);
			assert_true(is_all(held[nr].object, 0, sizes[c]));
			memset(held[nr].object, held[nr].fill, sizes[c]);
			nr++;
		} else if (nr) {
			unsigned i = (unsigned)(random >> 32) % nr;

			assert_true(is_all(held[i].object, held[i].fill, sizes[held[i].cache]));
			slab_free(&caches[held[i].cache], held[i].object);
			held[i] = held[--nr];
		}
		if (random >> 40 & 1 && step % 512 == 0)
			slab_drain(&caches[c]);
		if (step % 256 == 0)
			phys_check_machine();
	}
	while (nr) {
		nr--;
		slab_free(&caches[held[nr].cache], held[nr].object);
	}
	for (unsigned i = 0; i < CACHES; i++) {
		slab_drain(&caches[i]);
		assert_int_equal(caches[i].nr_slabs, 0);
	}
	assert_int_equal(frame_totals().by_kind[FRAME_KERNEL], 0);
	phys_check_machine();
}

TEST_SUITE(slab, cmocka_unit_test(objects_of_every_size_live_apart),
	   cmocka_unit_test(little_memory_is_lost), cmocka_unit_test(senseless_caches_stop),
	   cmocka_unit_test(a_double_free_stops), cmocka_unit_test(foreign_pointers_stop),
	   cmocka_unit_test(no_object_is_freed_without_harm),
	   cmocka_unit_test(a_write_to_a_free_object_stops_at_its_next_allocation),
	   cmocka_unit_test(a_write_behind_an_object_stops_when_it_is_freed),
	   cmocka_unit_test(live_objects_are_accessible_and_their_borders_are_not),
	   cmocka_unit_test(frames_of_old_slabs_can_be_used),
	   cmocka_unit_test(few_empty_slabs_are_kept),
	   cmocka_unit_test(lack_of_memory_changes_nothing),
	   cmocka_unit_test(an_injected_failure_is_asked_for_once),
	   cmocka_unit_test(random_objects_keep_what_was_written))
