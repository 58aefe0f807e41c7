/*
 * space.h - address spaces: regions, placement, and the calls on them.
 *
 * Every call plans, then commits: when it fails, the space is as it was,
 * except where Linux changes a part first (said at the call). Addresses and
 * lengths of the calls are raw user arguments; anything wrong with them is an
 * error, never an assertion. Placement follows Linux on x86-64.
 */
#pragma once

#include <anymm/pt.h>
#include <anymm/region.h>

/* Where things go, and how much; set at create, copied by fork. All byte addresses. */
struct space_layout {
	vaddr_t	 min_addr;	/* lowest address a hint or search may give */
	vaddr_t	 mmap_base;	/* top-down: end of the search; bottom-up: its start */
	vaddr_t	 end;		/* end of user space, at most ARCH_USER_END */
	vaddr_t	 brk_start;	/* start of the heap; 0: no heap, brk always gives 0 */
	uint64_t stack_guard;	/* bytes kept free below a grows-down region */
	uint64_t huge_size;	/* alignment of large mappings (2 MiB); 0: none */
	uint64_t limit_as;	/* bytes of address space, UINT64_MAX: no limit */
	uint64_t limit_data;	/* bytes of private writable memory (not stacks), likewise */
	uint64_t limit_stack;	/* bytes one grows-down region may reach, likewise */
	uint64_t limit_commit;	/* largest request for memory in bytes, unless COMMIT_ALWAYS */
	uint64_t limit_memlock; /* bytes of locked memory; 0: locking is not permitted at all */
	uint64_t max_regions;
	bool	 bottom_up;
};

/* space_default_layout - Linux's constants, scaled to the machine's user half. */
struct space_layout space_default_layout(void);

/* [c] constant after create   [s] lock   [a] atomic */
struct space {
	struct rwlock	 lock;
	_Atomic uint32_t refs; /* [a] processes, threads, holders */
	struct pt	 pt;
	struct region	*regions;	  /* [s] root of the tree (src/space/tree.c) */
	uint64_t	 nr_regions;	  /* [s] */
	uint64_t	 total_pages;	  /* [s] sum of region_pages */
	uint64_t	 committed_pages; /* [s] sum of region_charge */
	uint64_t     charged_pages;   /* [s] its promises (commit.h): committed_pages, and what the
				 * operation at work has not used yet */
	uint64_t     data_pages;      /* [s] private writable, not grows-down */
	uint64_t     locked_pages;    /* [s] in regions with REGION_LOCKED */
	unsigned     new_flags;	      /* [s] flags of regions to come: REGION_LOCKED, LOCKONFAULT */
	bool	     may_have_guards; /* [s] guards were installed here or in an ancestor */
	_Atomic bool may_have_pins;   /* [a] private pages were pinned here */
	vaddr_t	     brk;	      /* [s] current end of the heap, any alignment */
	struct space_layout layout;   /* [s] */
	struct space	   *next, *prev; /* the list of all spaces (RANK_PROC lock) */
};

/*
 * space_create - an empty space with one reference.
 *   fails  ERR_INVAL: the layout does not fit the machine; ERR_NOMEM
 */
err_t space_create(const struct space_layout *layout, struct space **out);

/* space_get, space_put - references; the last put unmaps everything. Needs: active on no CPU. */
void space_get(struct space *sp);
void space_put(struct space *sp);

/*
 * space_fork - a child whose memory equals the parent's, shared until written.
 *
 *   gives  *out with one reference. Do-not-fork regions are missing from it,
 *          wipe-on-fork regions are empty. No CPU can write what is now shared.
 *   fails  ERR_NOMEM, ERR_OVERFLOW: the parent is exactly as before
 *   cost   O(used root slots + regions), plus the tables on the borders of
 *          do-not-fork and wipe-on-fork regions
 */
err_t space_fork(struct space *parent, struct space **out);

/* space_fork_on - the same, and the root of the child's tables lies on that node if it has room. */
err_t space_fork_on(struct space *parent, unsigned node, struct space **out);

/*
 * space_replicate - each node walks tables of its own from now on, which are caches of the space's
 * (src/pt/replica.h); the children of forks too. A node that finds no memory for them gives them
 * up, until this is called again. space_unreplicate - all walk the same tables.
 *   fails  ERR_NOMEM: nothing changed
 */
err_t space_replicate(struct space *sp);
void  space_unreplicate(struct space *sp);

/* space_add_thread - a second thread will run in sp: readers stop sharing a line. fails ERR_NOMEM. */
err_t space_add_thread(struct space *sp);

/* Linux's values on x86-64, so that recorded calls pass through unchanged. */
enum map_flag {
	MAPF_SHARED = 0x01,
	MAPF_PRIVATE = 0x02,
	MAPF_SHARED_VALIDATE = 0x03,
	MAPF_TYPE = 0x0f,
	MAPF_FIXED = 0x10,
	MAPF_ANONYMOUS = 0x20,
	MAPF_32BIT = 0x40,
	MAPF_ABOVE4G = 0x80,
	MAPF_GROWSDOWN = 0x100,
	MAPF_DENYWRITE = 0x800,
	MAPF_LOCKED = 0x2000,
	MAPF_NORESERVE = 0x4000,
	MAPF_POPULATE = 0x8000,
	MAPF_NONBLOCK = 0x10000,
	MAPF_STACK = 0x20000,
	MAPF_HUGETLB = 0x40000,
	MAPF_FIXED_NOREPLACE = 0x100000,
};

/* With MAPF_HUGETLB, six bits say how large the pages are: 2 to the power of that many bytes; 0: as usual. */
#define MAPF_HUGE_SHIFT 26
#define MAPF_HUGE_MASK	0x3fu

struct map_request {
	vaddr_t	       addr;	       /* hint, or the place with MAPF_FIXED */
	uint64_t       length;	       /* bytes, rounded up to pages */
	unsigned       prot;	       /* Linux's PROT bits, which are PROT_R, PROT_W, PROT_X */
	uint64_t       flags;	       /* enum map_flag, and whatever else the user has set */
	struct object *object;	       /* NULL with MAPF_ANONYMOUS; a reference is taken */
	uint64_t       offset;	       /* bytes, page aligned */
	bool	       readonly_file;  /* the file was opened without write permission */
	bool	       writeonly_file; /* the file was opened without read permission */
	bool noexec_file;     /* nothing of it may be executed (where it lies is mounted so) */
	bool align_by_offset; /* large mappings follow the file's alignment (a regular file) */
	unsigned
		region_flags; /* GROWSDOWN .. NOMERGE and hints of enum region_flag, for image loaders */
};

/*
 * space_map - mmap(2).
 *   gives  *out: the address
 *   fails  ERR_INVAL, ERR_NOMEM, ERR_EXIST, ERR_BADF, ERR_ACCES, ERR_OPNOTSUPP, ERR_OVERFLOW (the offset),
 *          ERR_PERM, ERR_AGAIN (locked memory) as Linux: nothing changed
 */
err_t space_map(struct space *sp, const struct map_request *request, vaddr_t *out);

/*
 * space_unmap - munmap(2); holes are fine.
 *   fails  ERR_INVAL, ERR_NOMEM (a split needs memory): nothing changed
 */
err_t space_unmap(struct space *sp, vaddr_t addr, uint64_t length);

/*
 * space_protect - mprotect(2).
 *   fails  ERR_INVAL: nothing changed; ERR_NOMEM at a hole or over a limit, ERR_ACCES at
 *          a region that may not become writable or executable: the part before it is changed, as
 *          Linux does; ERR_NOMEM for want of memory: nothing changed
 */
err_t space_protect(struct space *sp, vaddr_t addr, uint64_t length, uint64_t prot);

/* space_brk - brk(2): moves the end of the heap if it can; gives the end after the call. */
vaddr_t space_brk(struct space *sp, vaddr_t addr);

enum remap_flag {
	REMAP_MAYMOVE = 1,
	REMAP_FIXED = 2,
	REMAP_DONTUNMAP = 4,
};

struct remap_request {
	vaddr_t addr;
	uint64_t
		old_length; /* bytes, rounded up to pages; 0: a second mapping of the same object */
	uint64_t new_length; /* bytes, rounded up to pages */
	uint64_t flags;	     /* enum remap_flag */
	vaddr_t	 new_addr;   /* with REMAP_FIXED the place; with REMAP_DONTUNMAP a hint */
};

/*
 * space_remap - mremap(2): grow, shrink or move.
 *
 *   gives  *out: the address now; *fresh: what has been added to a locked region and wants
 *          its pages (empty: nothing)
 *   fails  ERR_INVAL, ERR_FAULT, ERR_NOMEM, ERR_AGAIN, ERR_PERM as Linux. Nothing changed, except
 *          that a fixed move of several regions keeps those moved before the failure
 */
err_t space_remap(struct space *sp, const struct remap_request *request, vaddr_t *out,
		  struct va_range *fresh);

/* Linux's values. Those that only say what is likely are kept as flags or change nothing. */
enum advice {
	ADVICE_NORMAL = 0,
	ADVICE_RANDOM = 1,
	ADVICE_SEQUENTIAL = 2,
	ADVICE_WILLNEED = 3,
	ADVICE_DONTNEED = 4,
	ADVICE_FREE = 8,
	ADVICE_REMOVE = 9,
	ADVICE_DONTFORK = 10,
	ADVICE_DOFORK = 11,
	ADVICE_MERGEABLE = 12,
	ADVICE_UNMERGEABLE = 13,
	ADVICE_HUGEPAGE = 14,
	ADVICE_NOHUGEPAGE = 15,
	ADVICE_DONTDUMP = 16,
	ADVICE_DODUMP = 17,
	ADVICE_WIPEONFORK = 18,
	ADVICE_KEEPONFORK = 19,
	ADVICE_COLD = 20,
	ADVICE_PAGEOUT = 21,
	ADVICE_POPULATE_READ = 22,
	ADVICE_POPULATE_WRITE = 23,
	ADVICE_DONTNEED_LOCKED = 24,
	ADVICE_COLLAPSE = 25,
	ADVICE_GUARD_INSTALL = 102,
	ADVICE_GUARD_REMOVE = 103,
	ADVICE_NEXT_TOUCH = 128, /* ours: pages go to the node of whoever touches them next */
};

/*
 * space_advise - madvise(2) for the values above, apart from POPULATE_* (call_madvise does them).
 *   fails  ERR_INVAL: misaligned, unknown advice; ERR_INVAL, ERR_ACCES, ERR_PERM: it does not fit a
 *          region, the part before it is done; ERR_NOMEM at a hole: the rest is done;
 *          ERR_AGAIN for want of memory: nothing changed
 */
err_t space_advise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice);

enum lock_flag {
	LOCKF_ONFAULT = 1, /* mlock2(2): MLOCK_ONFAULT */
};

/* mlockall(2)'s. */
enum lock_all_flag {
	LOCKALL_CURRENT = 1,
	LOCKALL_FUTURE = 2,
	LOCKALL_ONFAULT = 4,
};

/*
 * space_lock, space_unlock - mlock2(2), munlock(2), apart from bringing the pages in.
 *   fails  ERR_INVAL, ERR_PERM, ERR_NOMEM over limit_memlock or for want of memory: nothing changed;
 *          ERR_NOMEM at a hole: the part before it is done
 */
err_t space_lock(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags);
err_t space_unlock(struct space *sp, vaddr_t addr, uint64_t length);

/*
 * space_lock_all, space_unlock_all - mlockall(2), munlockall(2), apart from bringing the pages in.
 *   fails  ERR_INVAL, ERR_PERM, ERR_NOMEM: nothing changed
 */
err_t space_lock_all(struct space *sp, unsigned flags);
err_t space_unlock_all(struct space *sp);

/*
 * space_seal - mseal(2): from now on the range cannot be unmapped, moved, replaced or given another
 * protection, nor can read-only contents be thrown away.
 *   fails  ERR_INVAL; ERR_NOMEM: a hole, or no memory. Nothing changed
 */
err_t space_seal(struct space *sp, vaddr_t addr, uint64_t length, uint64_t flags);

/*
 * space_place - from which nodes pages of the range come from now on, as with mbind(2). Private
 * pages: the region says it; pages of shared mappings: their object, for everybody who maps it.
 *   fails  ERR_INVAL: misaligned, wraps around, no such policy or node; ERR_FAULT: a hole;
 *          ERR_NOMEM for want of memory, or too many regions. Nothing changed
 */
err_t space_place(struct space *sp, vaddr_t addr, uint64_t length, struct placement place);

/*
 * space_migrate - pages of the range move to the node, if the space alone has them: shared ones,
 * pinned ones and those of objects stay where they are. Holes are fine.
 *   gives  *moved: how many pages have moved, also when this fails
 *   fails  ERR_INVAL: misaligned, outside the space, no such node; ERR_NOMEM: the rest has not moved
 */
err_t space_migrate(struct space *sp, vaddr_t addr, uint64_t length, unsigned node,
		    uint64_t *moved);

enum sync_flag {
	SYNC_ASYNC = 1,
	SYNC_INVALIDATE = 2,
	SYNC_SYNC = 4,
};

/*
 * space_sync - msync(2): what was written to shared mappings reaches the pagers.
 *   fails  ERR_INVAL, ERR_NOMEM (the range wraps around): nothing done; ERR_NOMEM at a hole: the
 *          rest is done; ERR_BUSY: SYNC_INVALIDATE on locked memory, ERR_IO from a pager: the part
 *          before it is done
 */
err_t space_sync(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags);

/*
 * space_resident - mincore(2) for at most nr_pages pages from the page-aligned va to the end of its
 * region: vec[i] = 1 if the page is there without a pager's help, else 0.
 *   gives  *done: how many; the next page is another region's, or none's
 *   fails  ERR_NOMEM: va lies in no region
 */
err_t space_resident(struct space *sp, vaddr_t va, uint64_t nr_pages, uint8_t *vec, uint64_t *done);

/* What /proc/PID/smaps says of memory, in pages. */
struct usage {
	uint64_t size;
	uint64_t resident;     /* mapped here, the zero page and devices not counted */
	uint64_t shared_clean; /* resident, and mapped from elsewhere too */
	uint64_t shared_dirty;
	uint64_t private_clean; /* resident, and mapped here only */
	uint64_t private_dirty;
	uint64_t anonymous; /* resident, and of no object */
	uint64_t swapped; /* on the swap device: private pages, and those of the regions' objects */
	uint64_t locked;  /* resident in locked regions */
	uint64_t tables;  /* tables with something in the range, whoever else has them; no root */
};

/*
 * space_usage - sums over the regions of the range, by looking at every entry. HOLDS_READ sp->lock.
 *   cost   O(regions + tables in the range)
 */
struct usage space_usage(struct space *sp, struct va_range range);

/* space_find - the region that holds va, or NULL. HOLDS_READ sp->lock. */
struct region *space_find(struct space *sp, vaddr_t va);

/* space_first, region_next - regions in order of address; NULL ends. HOLDS_READ sp->lock. */
struct region *space_first(struct space *sp);
struct region *region_next(struct region *r);

/*
 * space_grow_stack - extend the grows-down region above va down to va's page.
 *   fails  ERR_FAULT: no such region, the guard gap or the stack limit forbids
 *          it; ERR_NOMEM: address-space limit. HOLDS sp->lock for writing.
 */
err_t space_grow_stack(struct space *sp, vaddr_t va);

/* space_list_first, space_list_next - all spaces (checks, statistics). */
struct space *space_list_first(void);
struct space *space_list_next(struct space *sp);

/* space_init - called once at boot. space_live_regions - region objects in use (leak tests). */
err_t	 space_init(void);
uint64_t space_live_regions(void);

/* space_drain - give back the frames that the layer's caches keep as spares. */
void space_drain(void);
