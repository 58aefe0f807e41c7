/*
 * rows.h - one row for each call, argument and error: what Linux gives, and what the library gives.
 *
 * A row is run three times over: by the library, as the real call on the Linux that the test runs
 * on, and as text, which docs/compat.md holds word for word. Rows of calls that Linux does not have
 * are run by the library only.
 *
 * The memory it meets, in pages from BASE:
 *
 *	 0 ..  3  private anonymous, rw, page 0 written
 *	 5 ..  6  private anonymous, r
 *	 8 ..  9  shared anonymous, rw
 *	10 .. 12  a file of two pages, private, rw: the last page lies beyond its end
 *	13 .. 14  the same file, shared, r, opened for reading only
 *	16        private anonymous, rw, sealed
 *	17        private anonymous, r, sealed
 *	19        private anonymous, rw, locked
 *	21        private anonymous without any right
 *	23        a guard in private anonymous memory
 *	25 .. 26  a device, shared, rw: only for rows that begin there
 *	27        a file that nobody may execute, private, rw: likewise
 *	40 .. 41  private anonymous, rw: vectors and results; holds the iovecs of VEC_AT
 *	50 .. 51  private anonymous, rw, a stack
 *	all others: nothing
 *
 * and a heap of two pages elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <anymm/call.h>

#define BASE	 ((uint64_t)0x300000000000) /* where sanitizers keep nothing */
#define PG	 ARCH_PAGE_SIZE
#define P(n)	 (BASE + (uint64_t)(n)*PG)
#define KERNEL	 ((uint64_t)0xffff800000000000)
#define HOLE_PTR ((uint64_t)8) /* a pointer to nothing */
#define ALL	 UINT64_MAX
#define TOP	 ((uint64_t)0x7ffffffff000) /* end of user space, on both sides */

enum call {
	CALL_MMAP,
	CALL_MUNMAP,
	CALL_MPROTECT,
	CALL_MREMAP,
	CALL_MADVISE,
	CALL_MSYNC,
	CALL_MINCORE,
	CALL_MLOCK,
	CALL_MLOCK2,
	CALL_MUNLOCK,
	CALL_MLOCKALL,
	CALL_MUNLOCKALL,
	CALL_MSEAL,
	CALL_READV,
	CALL_WRITEV,
	CALL_BRK, /* brk itself gives no error: ERR_NOMEM if the end is not the one asked for */
	CALL_PIN, /* Linux has no such call */
};

static inline bool
is_ours(enum call call)
{
	return call == CALL_PIN;
}

/* What fd of mmap stands for. */
enum file {
	FILE_NONE,
	FILE_RW,
	FILE_RO,
	FILE_WO,
	FILE_NOEXEC, /* where it lies is mounted so */
};

/* What the process may have, from when its memory stands. */
enum allowance {
	ALLOW_ALL,
	ALLOW_NO_SPACE,	  /* RLIMIT_AS of a page */
	ALLOW_NO_DATA,	  /* RLIMIT_DATA of a page */
	ALLOW_ONE_LOCKED, /* RLIMIT_MEMLOCK of a page, which page 19 has; no right to more */
	ALLOW_NO_LOCK,	  /* RLIMIT_MEMLOCK of 0; no right to more */
	ALLOW_NO_FUTURE,  /* as ALLOW_ONE_LOCKED, and what comes is to be locked */
	ALLOW_REGIONS,	  /* as many regions as there may be; ALLOW_REGIONS + n: n less */
	ALLOW_REGIONS_END = ALLOW_REGIONS + 8,
};

/* spare_regions - how many more there may be; false: the request does not say. */
static inline bool
spare_regions(enum allowance allowance, unsigned *nr)
{
	*nr = (unsigned)allowance - ALLOW_REGIONS;
	return allowance >= ALLOW_REGIONS;
}

/* One call. `spare` goes where VEC_SPARE_HERE and VEC_SPARE_THERE are. */
struct request {
	enum call	  call;
	uint64_t	  arg[6];
	enum allowance	  allowance;
	struct user_iovec spare[2];
};

/* The iovecs in page 40: VEC_AT(i) is the address of the i-th. */
enum vec {
	VEC_HERE,      /* 8 bytes of page 0 */
	VEC_NOWHERE,   /* 8 bytes of page 4, where nothing is */
	VEC_NEGATIVE,  /* a length with the top bit set */
	VEC_KERNEL,    /* 8 bytes of the kernel's */
	VEC_EMPTY,     /* no bytes, nowhere */
	VEC_READONLY,  /* 8 bytes of page 5 */
	VEC_NO_RIGHTS, /* 8 bytes of page 21 */
	VEC_GUARD,     /* 8 bytes of page 23 */
	VEC_BEYOND,    /* 8 bytes of page 12 */
	VEC_FILE,      /* 8 bytes of page 10 */
	VEC_DEVICE,    /* 8 bytes of page 25 */
	VEC_READ_FILE, /* 8 bytes of page 13 */
	VEC_SPARE_HERE,
	VEC_SPARE_THERE,
	NR_VECS,
};
extern const struct user_iovec vectors[NR_VECS];

#define VEC_AT(i) (P(40) + 256 + (uint64_t)(i) * sizeof(struct user_iovec))

#define DEVICE_PAGE  25
#define DEVICE_PAGES 2

/* wants_device - the request begins in the device's pages, or its vector there does. */
static inline bool
wants_device(const struct request *request)
{
	uint64_t at = request->arg[0];

	if (request->call == CALL_READV || request->call == CALL_WRITEV)
		return request->arg[2] == VEC_DEVICE;
	return at >= P(DEVICE_PAGE) && at < P(DEVICE_PAGE + DEVICE_PAGES);
}

#define NOEXEC_PAGE 27

static inline bool
wants_noexec(const struct request *request)
{
	return request->arg[0] == P(NOEXEC_PAGE) ||
	       (request->call == CALL_MMAP && request->arg[4] == FILE_NOEXEC);
}

struct row {
	enum call      call;
	const char    *what;
	uint64_t       arg[6];
	err_t	       linux_gives;
	err_t	       gives;
	bool	       changes; /* an error that leaves a part done, as on Linux */
	const char    *why;	/* the two differ on purpose */
	enum allowance allowance;
};

extern const struct row rows[];
extern const size_t	nr_rows;

/* call_name - as in the manual. */
const char *call_name(enum call call);

/* What stands for an address near the end of the heap, wherever that is. */
#define HEAP_END ((uint64_t)0x5a << 56)

static inline uint64_t
heap_address(uint64_t end, uint64_t arg)
{
	return arg >> 56 == HEAP_END >> 56 || arg >> 56 == (HEAP_END - 1) >> 56
		       ? end + (arg - HEAP_END)
		       : arg;
}

/* What a call on this Linux gave, and whether the maps are others now. */
struct native_outcome {
	err_t err;
	bool  changed;
};

/* native_run - as a real call; false: this Linux is older than what rows say, or does not let us. */
bool native_run(const struct request *request, struct native_outcome *outcome);
