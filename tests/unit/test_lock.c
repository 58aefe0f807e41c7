/* test_lock.c - locks keep others out, ranks are obeyed, readers share. */
#include <anymm/lock.h>

#include "base/root.h"
#include "phys_machine.h"

static void
fresh(unsigned cpus)
{
	phys_fresh_with(&(struct machine_config){ .nr_frames = 256, .nr_cpus = cpus });
}

static unsigned
nr_held(enum lock_rank rank)
{
	return root()->locks[platform_cpu()].held[rank];
}

/* Ranks. */

struct pair {
	struct lock outer;
	struct lock inner;
};

static void
acquire_both(void *arg)
{
	struct pair *pair = arg;

	lock_acquire(&pair->outer);
	lock_acquire(&pair->inner);
}

static void
locks_are_acquired_in_ascending_rank(void **state)
{
	(void)state;
	for (unsigned outer = 0; outer < RANK_NR; outer++) {
		for (unsigned inner = 0; inner < RANK_NR; inner++) {
			bool legal = outer < inner || (outer == inner && outer == RANK_TABLE);
			struct pair pair;

			fresh(1);
			lock_init(&pair.outer, (enum lock_rank)outer);
			lock_init(&pair.inner, (enum lock_rank)inner);
			if (!legal && MM_DEBUG) {
				expect_stop(acquire_both, &pair, "while holding rank");
				continue;
			}
			acquire_both(&pair);
			lock_release(&pair.inner);
			lock_release(&pair.outer);
			assert_int_equal(nr_held((enum lock_rank)outer), 0);
			assert_int_equal(nr_held((enum lock_rank)inner), 0);
		}
	}
}

static void
a_wrong_order_is_named(void **state)
{
	struct pair pair;

	(void)state;
	fresh(1);
	lock_init(&pair.outer, RANK_NODE);
	lock_init(&pair.inner, RANK_SPACE);
	if (MM_DEBUG)
		expect_stop(acquire_both, &pair, "acquiring rank space while holding rank node");
}

/* Another CPU's locks are none of ours. */
static void
ranks_are_kept_per_cpu(void **state)
{
	struct lock high;
	struct lock low;

	(void)state;
	fresh(2);
	lock_init(&high, RANK_ASID);
	lock_init(&low, RANK_PROC);
	lock_acquire(&high);
	machine_cpu_set(1);
	lock_acquire(&low);
	lock_release(&low);
	machine_cpu_set(0);
	lock_release(&high);
	assert_false(lock_is_held(&high));
}

static void
release(void *arg)
{
	lock_release(arg);
}

static void
releasing_what_is_not_held_stops(void **state)
{
	struct lock lock;

	(void)state;
	fresh(2);
	lock_init(&lock, RANK_OBJECT);
	if (!MM_DEBUG)
		return;
	expect_stop(release, &lock, "not true");
	lock_acquire(&lock);
	assert_true(lock_is_held(&lock));
	machine_cpu_set(1);
	expect_stop(release, &lock, "releasing rank object, which CPU 1 does not hold");
}

static void
lock_to_read(void *arg)
{
	read_lock(arg);
}

static void
lock_to_write(void *arg)
{
	write_lock(arg);
}

static void
readers_and_writers_have_ranks_too(void **state)
{
	struct rwlock space;
	struct lock   table;

	(void)state;
	fresh(1);
	rwlock_init(&space, RANK_SPACE);
	lock_init(&table, RANK_TABLE);
	read_lock(&space);
	lock_acquire(&table);
	lock_release(&table);
	read_unlock(&space);
	write_lock(&space);
	lock_acquire(&table);
	lock_release(&table);
	write_unlock(&space);
	lock_acquire(&table);
	if (MM_DEBUG) {
		expect_stop(lock_to_read, &space, "acquiring rank space while holding rank table");
		fresh(1);
		rwlock_init(&space, RANK_SPACE);
		read_lock(&space);
		expect_stop(lock_to_write, &space, "acquiring rank space while holding rank space");
	}
}

/* A lock held for ever is waited for for ever: the machine says so instead of hanging. */
static void
waiting_for_oneself_is_noticed(void **state)
{
	struct rwlock lock;

	(void)state;
	machine_needs(MACHINE_NOTICES_DEADLOCK);
	fresh(2);
	rwlock_init(&lock, RANK_SPACE);
	write_lock(&lock);
	machine_cpu_set(1);
	assert_true(machine_expect_stop(lock_to_read, &lock, NULL, 0));
	fresh(2);
	rwlock_init(&lock, RANK_SPACE);
	read_lock(&lock);
	machine_cpu_set(1);
	assert_true(machine_expect_stop(lock_to_write, &lock, NULL, 0));
}

static void
unlock_write(void *arg)
{
	write_unlock(arg);
}

static void
unlock_read(void *arg)
{
	read_unlock(arg);
}

static void
unlocking_a_free_rwlock_stops(void **state)
{
	struct rwlock lock;

	(void)state;
	fresh(1);
	rwlock_init(&lock, RANK_SPACE);
	expect_stop(unlock_write, &lock, "write_unlock without a writer");
	expect_stop(unlock_read, &lock, "not true");
}

/* Modes of the reader lock. */

static void
readers_share_the_word_until_there_are_lines(void **state)
{
	static struct reader_line lines[CPU_MAX];
	struct rwlock		  lock;

	(void)state;
	fresh(3);
	memset(lines, 0, sizeof(lines));
	rwlock_init(&lock, RANK_SPACE);
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		read_lock(&lock);
		assert_int_equal(atomic_load(&lock.word), cpu + 1);
	}
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		read_unlock(&lock);
	}
	assert_int_equal(atomic_load(&lock.word), 0);
	machine_cpu_set(0);
	write_lock(&lock);
	rwlock_distribute(&lock, lines);
	write_unlock(&lock);
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		read_lock(&lock);
		assert_int_equal(atomic_load(&lock.word), 0);
		assert_int_equal(atomic_load(&lines[cpu].readers), 1);
	}
	for (unsigned cpu = 0; cpu < 3; cpu++) {
		machine_cpu_set(cpu);
		read_unlock(&lock);
		assert_int_equal(atomic_load(&lines[cpu].readers), 0);
	}
	write_lock(&lock);
	write_unlock(&lock);
}

static void
distribute(void *arg)
{
	rwlock_distribute(arg, NULL);
}

static void
lines_are_given_only_by_a_writer(void **state)
{
	struct rwlock lock;

	(void)state;
	fresh(1);
	rwlock_init(&lock, RANK_SPACE);
	expect_stop(distribute, &lock, "without holding the lock for writing");
}

/* Races: fibers switched at every point of the locks. */
#define CPUS 3

struct race {
	struct lock	   lock;
	struct rwlock	   rwlock;
	_Atomic uint8_t	   byte;
	struct reader_line lines[CPU_MAX];
	unsigned	   inside;  /* holders of the lock at this moment */
	unsigned	   readers; /* readers inside at this moment */
	unsigned	   writers;
	unsigned	   together; /* times that readers met */
	unsigned	   total;
	unsigned	   wrong;
};

static void
lock_body(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < 20; i++) {
		lock_acquire(&race->lock);
		race->wrong += race->inside++ != 0;
		byte_lock_acquire(&race->byte, RANK_NODE);
		race->total++;
		arch_point();
		byte_lock_release(&race->byte, RANK_NODE);
		race->wrong += --race->inside != 0;
		lock_release(&race->lock);
	}
}

static void
one_cpu_at_a_time_holds_a_lock(void **state)
{
	void (*const bodies[CPUS])(void *) = { lock_body, lock_body, lock_body };
	uint64_t seed = test_seed(5);

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct machine_schedule schedule = { .policy = round % 2 ? RACE_PCT : RACE_RANDOM,
						     .param = 3,
						     .seed = test_random(&seed) };
		static struct race	race;

		memset(&race, 0, sizeof(race));
		fresh(CPUS);
		lock_init(&race.lock, RANK_SLAB);
		machine_race(CPUS, bodies, &race, &schedule);
		assert_int_equal(race.wrong, 0);
		assert_int_equal(race.total, CPUS * 20);
	}
}

static void
read_body(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < 12; i++) {
		read_lock(&race->rwlock);
		race->wrong += race->writers != 0;
		race->together += race->readers++ != 0;
		arch_point();
		race->wrong += race->writers != 0;
		race->readers--;
		read_unlock(&race->rwlock);
	}
}

/* The writer gives the lock its lines half way: readers change their mode under way. */
static void
write_body(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < 12; i++) {
		write_lock(&race->rwlock);
		race->wrong += race->writers++ != 0 || race->readers != 0;
		if (race->total++ == 6)
			rwlock_distribute(&race->rwlock, race->lines);
		arch_point();
		race->wrong += --race->writers != 0 || race->readers != 0;
		write_unlock(&race->rwlock);
	}
}

static void
writers_exclude_all_and_readers_only_writers(void **state)
{
	void (*const one_writer[CPUS])(void *) = { read_body, read_body, write_body };
	void (*const two_writers[CPUS])(void *) = { write_body, read_body, write_body };
	uint64_t seed = test_seed(6);
	unsigned together = 0;

	(void)state;
	machine_needs(MACHINE_SWITCHES_AT_POINTS);
	for (unsigned round = 0; round < 200; round++) {
		struct machine_schedule schedule = { .policy = round % 2 ? RACE_PCT : RACE_RANDOM,
						     .param = 2 + round % 5,
						     .seed = test_random(&seed) };
		static struct race	race;

		memset(&race, 0, sizeof(race));
		fresh(CPUS);
		rwlock_init(&race.rwlock, RANK_SPACE);
		machine_race(CPUS, round % 4 < 2 ? one_writer : two_writers, &race, &schedule);
		assert_int_equal(race.wrong, 0);
		assert_int_equal(atomic_load(&race.rwlock.word), 0);
		for (unsigned cpu = 0; cpu < CPUS; cpu++)
			assert_int_equal(atomic_load(&race.lines[cpu].readers), 0);
		together += race.together;
	}
	assert_true(together > 0);
}

/* All schedules of one reader and one writer with few switches, in both modes. */
static void
read_once(void *arg)
{
	struct race *race = arg;

	read_lock(&race->rwlock);
	race->wrong += race->writers != 0;
	race->readers++;
	arch_point();
	race->wrong += race->writers != 0;
	race->readers--;
	read_unlock(&race->rwlock);
}

static void
write_once(void *arg)
{
	struct race *race = arg;

	write_lock(&race->rwlock);
	race->wrong += race->writers++ != 0 || race->readers != 0;
	if (race->total++ == 0 && !atomic_load(&race->rwlock.lines))
		rwlock_distribute(&race->rwlock, race->lines);
	arch_point();
	race->wrong += --race->writers != 0 || race->readers != 0;
	write_unlock(&race->rwlock);
}

static void
no_schedule_lets_a_reader_meet_a_writer(void **state)
{
	void (*const bodies[])(void *) = { read_once, write_once, read_once };
	struct machine_schedule schedule = { .policy = RACE_EXHAUSTIVE, .param = 2 };
	static struct race	race;

	(void)state;
	machine_needs(MACHINE_SWITCHES_AT_POINTS);
	for (unsigned distributed = 0; distributed < 2; distributed++) {
		unsigned runs = 0;

		fresh(3);
		do {
			memset(&race, 0, sizeof(race));
			rwlock_init(&race.rwlock, RANK_SPACE);
			if (distributed)
				atomic_store(&race.rwlock.lines, race.lines);
			machine_race(3, bodies, &race, &schedule);
			assert_int_equal(race.wrong, 0);
			assert_int_equal(atomic_load(&race.rwlock.word), 0);
			runs++;
		} while (machine_next_schedule());
		assert_true(runs > 100);
	}
}

TEST_SUITE(lock, cmocka_unit_test(locks_are_acquired_in_ascending_rank),
	   cmocka_unit_test(a_wrong_order_is_named), cmocka_unit_test(ranks_are_kept_per_cpu),
	   cmocka_unit_test(releasing_what_is_not_held_stops),
	   cmocka_unit_test(readers_and_writers_have_ranks_too),
	   cmocka_unit_test(waiting_for_oneself_is_noticed),
	   cmocka_unit_test(unlocking_a_free_rwlock_stops),
	   cmocka_unit_test(readers_share_the_word_until_there_are_lines),
	   cmocka_unit_test(lines_are_given_only_by_a_writer),
	   cmocka_unit_test(one_cpu_at_a_time_holds_a_lock),
	   cmocka_unit_test(writers_exclude_all_and_readers_only_writers),
	   cmocka_unit_test(no_schedule_lets_a_reader_meet_a_writer))
