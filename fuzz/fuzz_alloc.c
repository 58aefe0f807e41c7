/*
 * fuzz_alloc.c - the frame allocator and slabs under any sequence of legal calls.
 *
 * An input is a row of 4-byte records; each is folded into an operation that
 * makes sense at that moment, so no input is wasted on being refused:
 *
 *	byte 0	what to do, and on which CPU
 *	byte 1	kind, node, flags
 *	byte 2	order or size
 *	byte 3	which of the blocks or objects held
 *
 * Beside the machine runs a model: one byte per frame saying whose it is, and
 * the list of what is held. It knows exactly when an allocation must succeed.
 * After each step the totals by kind are compared with the model's, at the end
 * every descriptor, list and magazine (tests/phys_check.h). The last record of
 * an input may be a mistake, a double free for one, which must stop the machine.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <anymm/slab.h>
#include <sim/sim.h>

#include "tests/phys_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define RECORD	    4
#define RECORDS_MAX 48
#define NODES	    3
#define CPUS	    3
#define WORLD	    800
#define HELD_MAX    RECORDS_MAX
#define CACHES	    3

/* Owners in the model: a node's free frame is FREE_OF + node. */
enum {
	NOT_OURS = 0,
	TAKEN = 1,
	FREE_OF = 2,
};

struct block {
	pfn_t		pfn;
	unsigned	order;
	enum frame_kind kind;
	uint32_t	count;
};

struct piece {
	unsigned char *at;
	unsigned       cache;
	unsigned char  fill;
};

static struct {
	uint8_t		  owner[WORLD];
	uint64_t	  by_kind[FRAME_KINDS]; /* without the frames of slabs */
	struct block	  blocks[HELD_MAX];
	unsigned	  nr_blocks;
	struct piece	  objects[HELD_MAX];
	unsigned	  nr_objects;
	struct slab_cache caches[CACHES];
} model, fresh;

static const size_t cache_bytes[CACHES] = { 40, 700, 2500 };

/* Small blocks are what runs are made of: poisoning and checking large ones takes long. */
static const uint8_t orders[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 5 };

static void
fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("fuzz_alloc: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* The machine: three nodes, a hole, reserved frames in the middle, three CPUs. */

static void
learn_free_frames(void)
{
	for (pfn_t pfn = frame_first(); !pfn_is_none(pfn);) {
		const struct frame *f = frame_of(pfn);
		uint64_t	    frames = (uint64_t)1 << f->order;

		if (f->kind == FRAME_FREE)
			memset(fresh.owner + pfn.n, FREE_OF + atomic_load(&f->node), frames);
		fresh.by_kind[f->kind] += frames;
		pfn = frame_next(pfn_add(pfn, frames - 1));
	}
}

static void
start(void)
{
	static const struct boot_range ranges[] = {
		{ .start = { 3 }, .nr_frames = 300, .kind = BOOT_RAM, .node = 0 },
		{ .start = { 303 }, .nr_frames = 200, .kind = BOOT_RAM, .node = 1 },
		{ .start = { 600 }, .nr_frames = 190, .kind = BOOT_RAM, .node = 2 },
		{ .start = { 100 }, .nr_frames = 9, .kind = BOOT_RESERVED },
	};

	if (!sim_start(&(struct sim_config){
		    .ranges = ranges, .nr_ranges = 4, .nr_cpus = CPUS, .reserve_frames = 20 }) ||
	    phys_init(sim_boot_map()) != OK)
		fail("the machine does not start");
	learn_free_frames();
	for (unsigned i = 0; i < CACHES; i++)
		slab_init(&fresh.caches[i], "fuzz", cache_bytes[i], 8);
	sim_snapshot();
}

/* The model. */

static bool
run_is_free(uint64_t n, uint64_t frames)
{
	for (uint64_t i = 0; i < frames; i++)
		if (model.owner[n + i] < FREE_OF || model.owner[n + i] != model.owner[n])
			return false;
	return true;
}

static uint64_t
slab_frames(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < CACHES; i++)
		sum += (uint64_t)model.caches[i].nr_slabs << model.caches[i].order;
	return sum;
}

static uint64_t
nr_free(void)
{
	return model.by_kind[FRAME_FREE] - slab_frames();
}

/* model_can - must this allocation succeed? Only asked while no slab hides which frames are free. */
static bool
model_can(unsigned order, bool may_use_reserve)
{
	uint64_t frames = (uint64_t)1 << order;

	if (nr_free() < frames || (!may_use_reserve && nr_free() - frames < 20))
		return false;
	for (uint64_t n = 0; n + frames <= WORLD; n += frames)
		if (run_is_free(n, frames))
			return true;
	return false;
}

static void
model_move(unsigned from, unsigned to, unsigned order)
{
	model.by_kind[from] -= (uint64_t)1 << order;
	model.by_kind[to] += (uint64_t)1 << order;
}

static void
check_totals(void)
{
	struct frame_totals totals = frame_totals();

	for (unsigned kind = 0; kind < FRAME_KINDS; kind++) {
		uint64_t wanted = model.by_kind[kind];

		if (kind == FRAME_FREE)
			wanted -= slab_frames();
		if (kind == FRAME_KERNEL)
			wanted += slab_frames();
		if (totals.by_kind[kind] != wanted)
			fail("I-LEDGER: kind %u has %llu frames, the model %llu", kind,
			     (unsigned long long)totals.by_kind[kind], (unsigned long long)wanted);
	}
}

/* Operations. Each gets the record; held things are chosen by its last byte. */

static struct block *
chosen_block(const uint8_t *r)
{
	return model.nr_blocks ? &model.blocks[r[3] % model.nr_blocks] : NULL;
}

static void
note_alloc(const struct frame_request *request, pfn_t pfn)
{
	uint64_t	     frames = (uint64_t)1 << request->order;
	const unsigned char *bytes = arch_frame_ptr(pfn);

	/* Slabs take frames that the model does not see; what it calls taken must never come twice. */
	for (uint64_t i = 0; i < frames; i++)
		if (pfn.n + i >= WORLD || model.owner[pfn.n + i] < FREE_OF)
			fail("frame %llx is given out, but it was not free",
			     (unsigned long long)(pfn.n + i));
	if (pfn.n % frames || frame_of(pfn)->order != request->order || frame_count(pfn) != 1 ||
	    frame_of(pfn)->kind != request->kind || frame_of(pfn)->word)
		fail("block %llx is not what was asked for", (unsigned long long)pfn.n);
	if (request->zeroed && (bytes[0] || memcmp(bytes, bytes + 1, 4095) != 0))
		fail("frame %llx is not zero", (unsigned long long)pfn.n);
	memset(model.owner + pfn.n, TAKEN, frames);
	model_move(FRAME_FREE, request->kind, request->order);
	model.blocks[model.nr_blocks++] = (struct block){
		.pfn = pfn, .order = request->order, .kind = request->kind, .count = 1
	};
}

static void
alloc_block(const uint8_t *r)
{
	static const enum frame_kind kinds[] = { FRAME_TABLE, FRAME_ANON, FRAME_OBJECT,
						 FRAME_KERNEL };
	struct frame_request	     request = {
			.kind = kinds[r[1] & 3],
			.by_node = true,
			.node = (r[1] >> 2) & 3,
			.zeroed = r[1] & 16,
			.may_use_reserve = r[1] & 32,
			.order = orders[r[2] & 15],
	};
	bool  knows = slab_frames() == 0;
	pfn_t pfn;
	err_t err;

	if (model.nr_blocks == HELD_MAX)
		return;
	err = frame_alloc(request, &pfn);
	if (knows && (err == OK) != model_can(request.order, request.may_use_reserve))
		fail("order %u: %s, against the model", request.order, err_name(err));
	if (err != OK && err != ERR_NOMEM)
		fail("order %u: %s", request.order, err_name(err));
	if (err == OK)
		note_alloc(&request, pfn);
}

static void
forget_block(struct block *b)
{
	unsigned node = atomic_load(&frame_of(b->pfn)->node);

	memset(model.owner + b->pfn.n, (int)(FREE_OF + node), (size_t)1 << b->order);
	model_move(b->kind, FRAME_FREE, b->order);
	*b = model.blocks[--model.nr_blocks];
}

static void
put_block(const uint8_t *r)
{
	struct block *b = chosen_block(r);
	pfn_t	      pfn;

	if (!b)
		return;
	pfn = b->pfn;
	if (frame_count(pfn) != b->count)
		fail("block %llx has count %u, the model %u", (unsigned long long)pfn.n,
		     frame_count(pfn), b->count);
	if (frame_put(pfn) != (b->count == 1))
		fail("frame_put of count %u", b->count);
	if (--b->count)
		return;
	forget_block(b);
	frame_free(pfn);
}

static void
get_block(const uint8_t *r)
{
	struct block *b = chosen_block(r);
	err_t	      err;

	if (!b)
		return;
	err = frame_get(b->pfn);
	if (err != (b->count >= FRAME_COUNT_MAX ? ERR_OVERFLOW : OK))
		fail("frame_get of count %u: %s", b->count, err_name(err));
	if (err == OK)
		b->count++;
}

/* saturate - as if very many slots named the frame; or back to one. */
static void
saturate_block(const uint8_t *r)
{
	struct block *b = chosen_block(r);

	if (!b)
		return;
	b->count = b->count > 1000 ? 1 : FRAME_COUNT_MAX - 1;
	atomic_store(&frame_of(b->pfn)->count, b->count);
}

static void
change_kind(const uint8_t *r)
{
	struct block   *b = chosen_block(r);
	enum frame_kind to = r[1] & 1 ? FRAME_ANON : FRAME_OBJECT;

	if (!b || b->kind == FRAME_TABLE || b->kind == to)
		return;
	frame_set_kind(b->pfn, to);
	model_move(b->kind, to, b->order);
	b->kind = to;
}

static void
alloc_object(const uint8_t *r)
{
	unsigned       c = r[2] % CACHES;
	unsigned char *at;

	if (model.nr_objects == HELD_MAX)
		return;
	at = slab_alloc(&model.caches[c]);
	if (!at)
		return;
	if (at[0] || memcmp(at, at + 1, cache_bytes[c] - 1) != 0)
		fail("object %p is not zero", (void *)at);
	memset(at, r[3], cache_bytes[c]);
	model.objects[model.nr_objects++] = (struct piece){ .at = at, .cache = c, .fill = r[3] };
}

static void
free_object(const uint8_t *r)
{
	struct piece *o;

	if (!model.nr_objects)
		return;
	o = &model.objects[r[3] % model.nr_objects];
	if (o->at[0] != o->fill || memcmp(o->at, o->at + 1, cache_bytes[o->cache] - 1) != 0)
		fail("object %p does not hold what was written", (void *)o->at);
	slab_free(&model.caches[o->cache], o->at);
	*o = model.objects[--model.nr_objects];
}

static void
drain(const uint8_t *r)
{
	if (r[1] & 1)
		slab_drain(&model.caches[r[2] % CACHES]);
	else
		frame_drain_magazines();
}

/* fail_next - the next allocation fails, and changes nothing. */
static void
fail_next(const uint8_t *r)
{
	pfn_t pfn = pfn_none();

	sim_fail_allocation(1, false);
	if (r[1] & 1) {
		if (slab_alloc(&model.caches[r[2] % CACHES]))
			fail("an object in spite of the injected failure");
	} else if (frame_alloc((struct frame_request){ .kind = FRAME_ANON }, &pfn) != ERR_NOMEM ||
		   !pfn_is_none(pfn)) {
		fail("a frame in spite of the injected failure");
	}
	sim_fail_allocation(0, false);
}

static void (*const operations[])(const uint8_t *r) = {
	alloc_block, alloc_block,  put_block,	put_block, get_block, saturate_block,
	change_kind, alloc_object, free_object, drain,	   fail_next,
};

/* Mistakes: each must stop the machine. They end an input. */

static void
free_twice(void *arg)
{
	struct block *b = arg;

	atomic_store(&frame_of(b->pfn)->count, 0);
	frame_free(b->pfn);
	frame_free(b->pfn);
}

static void
free_named(void *arg)
{
	frame_free(((struct block *)arg)->pfn);
}

static void
put_below_zero(void *arg)
{
	struct block *b = arg;

	atomic_store(&frame_of(b->pfn)->count, 0);
	frame_put(b->pfn);
}

static void
free_inside(void *arg)
{
	struct block *b = arg;

	frame_free(pfn_add(b->pfn, b->order ? 1 : WORLD));
}

static void
make_table(void *arg)
{
	frame_set_kind(((struct block *)arg)->pfn, FRAME_TABLE);
}

static void
free_object_inside(void *arg)
{
	struct piece *o = arg;

	slab_free(&model.caches[o->cache], o->at + 8);
}

static void
free_object_elsewhere(void *arg)
{
	struct piece *o = arg;

	slab_free(&model.caches[(o->cache + 1) % CACHES], o->at);
}

static void
free_object_twice(void *arg)
{
	struct piece *o = arg;

	slab_free(&model.caches[o->cache], o->at);
	slab_free(&model.caches[o->cache], o->at);
}

static void
make_mistake(const uint8_t *r)
{
	static void (*const with_block[])(void *) = { free_twice, free_named, put_below_zero,
						      free_inside, make_table };
	static void (*const with_object[])(void *) = { free_object_inside, free_object_elsewhere,
						       free_object_twice };
	char text[256];

	if (r[1] & 1 && model.nr_objects) {
		if (!sim_expect_stop(with_object[r[2] % ARRAY_SIZE(with_object)],
				     &model.objects[r[3] % model.nr_objects], text, sizeof(text)))
			fail("a mistake with an object was not noticed");
	} else if (model.nr_blocks) {
		if (!sim_expect_stop(with_block[r[2] % ARRAY_SIZE(with_block)], chosen_block(r),
				     text, sizeof(text)))
			fail("a mistake with a block was not noticed");
	}
}

/* Give everything back: then all must be as it was. */
static void
finish(void)
{
	static const uint8_t first[RECORD];
	const char	    *fault;

	while (model.nr_objects)
		free_object(first);
	for (unsigned i = 0; i < model.nr_blocks; i++) {
		model.blocks[i].count = 1;
		atomic_store(&frame_of(model.blocks[i].pfn)->count, 1);
	}
	while (model.nr_blocks)
		put_block(first);
	for (unsigned i = 0; i < CACHES; i++)
		slab_drain(&model.caches[i]);
	fault = phys_fault();
	if (fault)
		fail("%s", fault);
	if (memcmp(model.owner, fresh.owner, sizeof(model.owner)) != 0 ||
	    memcmp(model.by_kind, fresh.by_kind, sizeof(model.by_kind)) != 0)
		fail("the end differs from the start");
	check_totals();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static bool started;
	size_t	    records = bytes / RECORD < RECORDS_MAX ? bytes / RECORD : RECORDS_MAX;

	if (!started) {
		start();
		started = true;
	}
	sim_reset();
	model = fresh;
	for (size_t i = 0; i < records; i++) {
		const uint8_t *r = data + i * RECORD;

		if (i + 1 == records && r[0] == 0xff) {
			make_mistake(r);
			return 0;
		}
		sim_cpu_set((r[0] >> 4) % CPUS);
		operations[(r[0] & 15) % ARRAY_SIZE(operations)](r);
		check_totals();
	}
	if (phys_fault())
		fail("%s", phys_fault());
	finish();
	return 0;
}
