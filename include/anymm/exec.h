/*
 * exec.h - a program file becomes a new address space.
 *
 * exec_load builds a space aside: the segments of a 64-bit ELF file as lazy
 * private mappings of the file, a heap, and a stack that holds arguments,
 * environment and auxiliary vector as the System V ABI of x86-64 says. Nothing of
 * the caller changes until it hands the finished space to proc_exec, which cannot
 * fail. Addresses are those that Linux chooses.
 *
 * Static programs and static position-independent programs are loaded. One that
 * needs an interpreter (a dynamic linker) is refused with a clear reason.
 */
#pragma once

#include <anymm/usercopy.h>

/* What can be wrong; each has a sentence in exec_problem_text. */
enum exec_what {
	EXEC_FINE,
	/* The file's header. */
	EXEC_SHORT,	  /* smaller than a header */
	EXEC_MAGIC,	  /* not an ELF file */
	EXEC_CLASS,	  /* not 64-bit */
	EXEC_BYTE_ORDER,  /* not little-endian */
	EXEC_VERSION,	  /* an unknown version */
	EXEC_ABI,	  /* made for another system */
	EXEC_TYPE,	  /* neither a program nor position-independent */
	EXEC_MACHINE,	  /* for another processor */
	EXEC_HEADER_SIZE, /* the header says another size than it has */
	EXEC_TABLE_ENTRY, /* program headers of another size */
	EXEC_TABLE_EMPTY, /* no program header */
	EXEC_TABLE_LONG,  /* more program headers than fit a page */
	EXEC_TABLE_PLACE, /* the program headers lie outside the file */
	/* One program header. */
	EXEC_INTERPRETER,    /* needs a dynamic linker */
	EXEC_DUPLICATE,	     /* a header that may stand there once stands there twice */
	EXEC_STACK_EXECUTE,  /* wants an executable stack */
	EXEC_TOO_MANY,	     /* more loadable segments than are kept */
	EXEC_BEYOND_FILE,    /* the segment's bytes lie outside the file */
	EXEC_FILE_SIZE,	     /* more bytes in the file than in memory */
	EXEC_ALIGNMENT,	     /* not a power of two, or larger than memory */
	EXEC_CONGRUENCE,     /* address and offset differ within the alignment */
	EXEC_ADDRESS,	     /* outside what a user may address */
	EXEC_UNSORTED,	     /* below the segment before it */
	EXEC_OVERLAP,	     /* shares a page with the segment before it */
	EXEC_WRITE_EXECUTE,  /* writable and executable */
	EXEC_READ_ONLY_TAIL, /* a read-only segment whose last page is partly zeros */
	/* All of them together. */
	EXEC_NO_SEGMENT, /* nothing to load */
	EXEC_ENTRY,	 /* starts outside every executable segment */
	/* Loading. */
	EXEC_READ,    /* a page of the file cannot be read */
	EXEC_SPACE,   /* the space does not take the segment: no memory, a limit */
	EXEC_STRINGS, /* arguments and environment are too long, or cannot be read */
	EXEC_STACK,   /* the stack cannot be made */
	EXEC_WHATS,
};

/* Not a program header: the file's own header, or no place in the file. */
#define EXEC_NO_HEADER UINT32_MAX

/* What is wrong, and where. */
struct exec_problem {
	enum exec_what what;
	uint32_t       header; /* number of the program header, or EXEC_NO_HEADER */
	uint64_t       offset; /* bytes into the file: where the wrong field stands */
	uint64_t       value;  /* what stands there */
};

/*
 * exec_problem_text - one line without an end of line, for people: "program header 2,
 * offset 0xb8: the segment's bytes lie outside the file (0x5000)".
 */
void exec_problem_text(const struct exec_problem *problem, char *buf, size_t bytes);

/*
 * A list of strings, as execve(2) gets it. Of a user: in the memory of `space`, which need
 * not be active, `user` is the address of 8-byte addresses up to a zero; 0: an empty list.
 * Of the kernel: space is NULL, and `kernel` ends with NULL; NULL: an empty list.
 */
struct exec_strings {
	struct space	  *space;
	vaddr_t		   user;
	const char *const *kernel;
};

/* The types of auxiliary vector entries that the loader itself writes. */
enum exec_aux_type {
	EXEC_AUX_END = 0,
	EXEC_AUX_HEADERS = 3, /* address of the program headers in memory; 0: not loaded */
	EXEC_AUX_HEADER_SIZE = 4,
	EXEC_AUX_NR_HEADERS = 5,
	EXEC_AUX_PAGE_SIZE = 6,
	EXEC_AUX_BASE = 7,  /* of the interpreter: 0 */
	EXEC_AUX_FLAGS = 8, /* 0 */
	EXEC_AUX_ENTRY = 9,
	EXEC_AUX_PLATFORM = 15, /* address of the platform's name */
	EXEC_AUX_RANDOM = 25,	/* address of 16 random bytes */
	EXEC_AUX_NAME = 31,	/* address of the file's name */
};

struct exec_aux {
	uint64_t type;
	uint64_t value;
};

struct exec_request {
	struct object *file;	/* nobody writes to it meanwhile: the file system's promise */
	uint32_t       machine; /* what e_machine must say: 62 is x86-64 */
	bool	       allow_write_execute; /* segments and stacks may be writable and executable */
	struct space_layout    layout;	    /* brk_start is the loader's to choose */
	vaddr_t		       stack_end;   /* page aligned; 0: the end of user space */
	uint64_t	       brk_gap;	    /* bytes, whole pages, between the image and the heap */
	const char	      *name;	    /* of the file, for EXEC_AUX_NAME */
	struct exec_strings    args;	    /* empty: one empty string, as Linux does */
	struct exec_strings    env;
	const char	      *platform; /* NULL: no such entry */
	const struct exec_aux *aux;	 /* the kernel's own entries, written first */
	unsigned	       nr_aux;
	uint8_t		       random[16]; /* for EXEC_AUX_RANDOM */
};

/* A program that is ready to run. */
struct exec_image {
	struct space *space; /* one reference */
	vaddr_t	      entry;
	vaddr_t	      sp;   /* aligned to 16 bytes; the argument count lies there */
	uint64_t      bias; /* added to the file's addresses; wraps around */
};

/*
 * exec_load - build the space of a program.
 *
 *   needs  no lock held; interrupts on. request->layout fits the machine
 *   gives  *out, which the caller gives to proc_exec and then puts
 *   fails  ERR_NOEXEC: malformed; ERR_OPNOTSUPP: needs an interpreter; ERR_IO, ERR_FAULT: the
 *          file or the caller's strings cannot be read; ERR_2BIG: strings above a quarter of
 *          the stack's limit; ERR_INVAL: the layout; ERR_NOMEM. *problem says more, *out
 *          is untouched, and nothing is left behind but pages of the file in its object
 */
err_t exec_load(const struct exec_request *request, struct exec_image *out,
		struct exec_problem *problem);
