/*
 * rows.h - one row for each call, argument and error: what Linux gives, and what the library gives.
 *
 * A row is run three times over: by the library, as the real call on the Linux that the test runs
 * on, and as text, which docs/compat.md holds word for word.
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
 *	40 .. 41  private anonymous, rw: vectors and results; holds the iovecs of vec_at()
 *	all others: nothing
 */
#pragma once

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
};

/* What fd of mmap stands for. */
enum file {
	FILE_NONE,
	FILE_RW,
	FILE_RO,
};

struct row {
	enum call   call;
	const char *what;
	uint64_t    arg[6];
	err_t	    linux_gives;
	err_t	    gives;
	bool	    changes; /* an error that leaves a part done, as on Linux */
	const char *why;     /* the two differ on purpose */
};

extern const struct row rows[];
extern const size_t	nr_rows;

/* The iovecs in page 40: vec_at(i) is the address of the i-th. */
enum vec {
	VEC_HERE,     /* 8 bytes of page 0 */
	VEC_NOWHERE,  /* 8 bytes of page 4, where nothing is */
	VEC_NEGATIVE, /* a length with the top bit set */
	VEC_KERNEL,   /* 8 bytes of the kernel's */
	VEC_EMPTY,    /* no bytes, nowhere */
	VEC_READONLY, /* 8 bytes of page 5 */
	NR_VECS,
};
extern const struct user_iovec vectors[NR_VECS];

static inline uint64_t
vec_at(enum vec i)
{
	return P(40) + 256 + i * sizeof(struct user_iovec);
}

/* call_name - as in the manual. */
const char *call_name(enum call call);

/* native_run - the row as a real call on this Linux; false: this Linux is older than what rows say. */
bool native_run(const struct row *row, int *result);
