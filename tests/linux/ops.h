/*
 * ops.h - one operation of a program on its memory, and what came of it.
 *
 * Operations are concrete: every address is a number. So a sequence can be run again,
 * cut down, and told as a scenario, whoever made it up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <anymm/space.h>

#define MAX_PROCESSES 4
#define MAX_OPS	      4096
#define MAX_LINES     2048

/* The files that both sides have. The first three are the same one, opened differently. */
enum file {
	FILE_BOTH,  /* shared memory, for reading and writing */
	FILE_READ,  /* opened for reading only */
	FILE_WRITE, /* opened for writing only */
	FILE_DISK,  /* on a file system that aligns large mappings, if there is one */
	FILES,
	FILE_NONE = FILES,
};
#define FILE_PAGES 64

enum op_kind {
	OP_MMAP,     /* addr, length, prot, flags, offset; file */
	OP_MUNMAP,   /* addr, length */
	OP_MPROTECT, /* addr, length, prot */
	OP_MADVISE,  /* addr, length, advice */
	OP_BRK,	     /* addr */
	OP_LOAD,     /* addr, bytes: 1 or 8 */
	OP_STORE,    /* addr, bytes, value */
	OP_FORK,     /* the child's number */
	OP_EXIT,
	OP_MREMAP,     /* addr, old length, new length, flags, new addr */
	OP_MLOCK,      /* addr, length, flags */
	OP_MUNLOCK,    /* addr, length */
	OP_MLOCKALL,   /* flags */
	OP_MUNLOCKALL, /* - */
	OP_MSEAL,      /* addr, length, flags */
	OP_MSYNC,      /* addr, length, flags */
	OP_MINCORE,    /* addr, length */
	OP_VM_READ,    /* local addr, bytes, remote addr, remote process, remote bytes, cuts */
	OP_VM_WRITE,   /* likewise */
	OP_FETCH,      /* addr: a return instruction is put there, if it can, and run */
	OP_TRUNCATE,   /* bytes; file */
	OP_PUNCH,      /* offset, length, whole pages; file */
	OP_READ,       /* offset, bytes; file */
	OP_WRITE,      /* offset, bytes, seed; file */
	OP_LIMIT,      /* enum limit, bytes */
	OP_VISIT,      /* seed: looks at pages of every region and around it */
	OP_MARK,       /* seed: stores to them */
	OP_KINDS,
};

/* A flag of OP_MPROTECT: from the start of the stack on. */
#define PROTECT_GROWSDOWN 0x01000000u

/* What OP_LIMIT sets. */
enum limit {
	LIMIT_AS,
	LIMIT_DATA,
	LIMIT_STACK,
	LIMIT_MEMLOCK,
	LIMITS,
};

/* The most that OP_READ and OP_WRITE move. */
#define MOST_FILE_BYTES 4096

struct op_traits {
	const char *name;
	unsigned    nr_args;   /* of a plain call: all are told as numbers */
	bool	    has_range; /* acts on arg[1] bytes at arg[0] */
	bool	    is_call;   /* a system call about the space that only has a value */
	bool	    is_look;   /* a visit of many pages */
	bool	    has_flags; /* changes flags that only smaps shows */
};
extern const struct op_traits op_traits[OP_KINDS];

struct op {
	enum op_kind kind;
	unsigned     process;
	enum file    file;
	uint64_t     arg[6];
};

/*
 * One side of OP_VM_READ and OP_VM_WRITE as a vector for the call: its range as it is, or in several
 * elements, some of them empty, in any order, and now and then one more that is no good.
 */
#define MOST_ELEMENTS 5

struct element {
	uint64_t base, bytes;
};

unsigned op_vector(const struct op *op, bool is_remote, struct element *vector);

/* `value`: what the call gives, a negative number for an error; of accesses: the bytes. */
struct result {
	int64_t	 value;
	uint32_t signal; /* AGENT_SIGNAL, 0: none */
	uint64_t data;	 /* digest of what was read */
};

/* A run of mapped pages as both sides tell it. */
struct map_line {
	uint64_t start, end;
	uint64_t offset;  /* bytes in the backing */
	uint64_t backing; /* names file or shared memory, in the side's own numbers; 0: none */
	unsigned prot;
	unsigned flags; /* enum region_flag: only REGION_SHARED unless flags were asked for */
	bool	 is_stack;
};

/* file_byte - what OP_WRITE writes. */
static inline unsigned char
file_byte(uint64_t seed, uint64_t i)
{
	return (unsigned char)((seed + i) * 0x9e3779b97f4a7c15u >> 56);
}

/* bytes_digest - of what OP_READ has read. */
static inline uint64_t
bytes_digest(const unsigned char *bytes, uint64_t nr)
{
	uint64_t digest = nr;

	for (uint64_t i = 0; i < nr; i++)
		digest = (digest ^ bytes[i]) * 0x9e3779b97f4a7c15u;
	return digest;
}

/* What both sides begin with. */
struct setup {
	uint64_t seed;
	uint64_t limit_as, limit_data, limit_stack; /* beyond what stands at the start */
	uint64_t limit_memlock; /* UINT64_MAX: the right to lock without a limit is kept */
	bool	 is_wrong;	/* the library's side makes a mistake, which must be noticed */

	/* Filled in by the Linux side. */
	struct space_layout layout;
	struct map_line	    image[16];
	unsigned	    nr_image;
	bool		    disk_aligns;
	uint64_t	    data_bytes; /* of the agent's image, as RLIMIT_DATA counts it */
};

struct agent_page;

/* The most pages that OP_MINCORE asks for. */
#define MOST_MINCORE 8192

/* What a kernel may be too old for. */
enum linux_feature {
	LINUX_HAS_GUARDS,
	LINUX_HAS_SEALS,
	LINUX_HAS_MERGING,	   /* of equal pages; and nobody does it now */
	LINUX_ZEROES_TAIL_OF_DISK, /* what was stored behind a file's end is gone when it grows */
	LINUX_FEATURES,
};
bool linux_has(enum linux_feature feature);

/* The Linux side. Each function ends the program with a message if the host is not fit. */
void	 linux_open(const char *agent);
void	 linux_begin(struct setup *setup);
void	 linux_apply(const struct op *op, struct result *result);
unsigned linux_maps(unsigned process, struct map_line *lines);
unsigned linux_maps_and_flags(unsigned process, struct map_line *lines);
void	 linux_visit(unsigned process, const struct op *op, const uint64_t *pages, unsigned nr,
		     struct agent_page *seen);
void	 linux_end(void);

/* The library's side. */
void	 library_open(void);
void	 library_begin(const struct setup *setup);
void	 library_apply(const struct op *op, struct result *result);
unsigned library_maps(unsigned process, struct map_line *lines);
void	 library_visit(unsigned process, const struct op *op, const uint64_t *pages, unsigned nr,
		       struct agent_page *seen);
uint64_t library_file_bytes(enum file file);   /* its size now */
struct space *library_space(unsigned process); /* NULL: not alive */
bool	      library_check(char *text, size_t bytes);

/* library_guesses_cache - which pages of the range Linux has in its cache is not known here. */
bool library_guesses_cache(unsigned process, uint64_t start, uint64_t end);

void library_end(void);

/* library_gone - after library_end: everything was given back. */
bool library_gone(char *text, size_t bytes);
