/*
 * call.h - the system calls of a memory manager, one function each: what a
 * kernel's system-call table points at.
 *
 * Arguments are the user's, unchecked, and as wide as they are in Linux: flags of 64 bits are looked at
 * whole. What a call says about regions is done in
 * space.h; these add what needs pages: populating, reading and writing user
 * memory, pins. No lock is held and interrupts are on. A call that finds no memory lets
 * page-out make room and begins anew (reclaim.h). The results are Linux's (docs/compat.md has
 * the exceptions).
 */
#pragma once

#include <anymm/usercopy.h>

/*
 * call_mmap, call_mremap, call_brk - space_map, space_remap, space_brk; then the new pages of
 * locked memory, or with MAPF_POPULATE, are brought in. That may stop early: no error follows.
 */
err_t	call_mmap(struct space *sp, const struct map_request *request, vaddr_t *out);
err_t	call_mremap(struct space *sp, const struct remap_request *request, vaddr_t *out);
vaddr_t call_brk(struct space *sp, vaddr_t addr);

/* call_munmap, call_mprotect - space_unmap, space_protect. */
err_t call_munmap(struct space *sp, vaddr_t addr, uint64_t length);
err_t call_mprotect(struct space *sp, vaddr_t addr, uint64_t length, uint64_t prot);

/*
 * call_madvise - space_advise, and ADVICE_POPULATE_READ, ADVICE_POPULATE_WRITE.
 *   fails  as space_advise; populating: ERR_NOMEM at a hole or without memory, ERR_INVAL where the
 *          protection forbids it, ERR_FAULT where the page cannot be had: those before it stay
 */
err_t call_madvise(struct space *sp, vaddr_t addr, uint64_t length, enum advice advice);

/* call_msync, call_mseal - space_sync, space_seal. */
err_t call_msync(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags);
err_t call_mseal(struct space *sp, vaddr_t addr, uint64_t length, uint64_t flags);

/*
 * call_mincore - one byte a page to the user's `vec`: bit 0 is set if the page is resident.
 *   fails  ERR_INVAL: addr is not page aligned; ERR_NOMEM: beyond user space, or a page in no
 *          region; ERR_FAULT: vec cannot be written. What was written before stays
 */
err_t call_mincore(struct space *sp, vaddr_t addr, uint64_t length, vaddr_t vec);

/*
 * call_mlock2, call_mlock, call_munlock - space_lock, space_unlock; then the pages are brought in.
 *   fails  as those; bringing in: ERR_NOMEM where there can be no page, ERR_AGAIN without memory:
 *          the range is locked all the same
 */
err_t call_mlock(struct space *sp, vaddr_t addr, uint64_t length);
err_t call_mlock2(struct space *sp, vaddr_t addr, uint64_t length, unsigned flags);
err_t call_munlock(struct space *sp, vaddr_t addr, uint64_t length);

/* call_mlockall, call_munlockall - space_lock_all, space_unlock_all; pages that cannot be had are no error. */
err_t call_mlockall(struct space *sp, unsigned flags);
err_t call_munlockall(struct space *sp);

/* One element of a vector of user memory, as struct iovec on a 64-bit machine. */
struct user_iovec {
	uint64_t base;
	uint64_t bytes;
};

/* process_vm_readv(2), process_vm_writev(2): the vectors lie in the local space's memory. */
struct process_vm_request {
	struct space *local;
	struct space *remote;
	vaddr_t	      local_vec; /* of struct user_iovec */
	uint64_t      nr_local;
	vaddr_t	      remote_vec;
	uint64_t      nr_remote;
	uint64_t      flags; /* must be 0 */
};

/*
 * call_process_vm_readv, call_process_vm_writev - copy from the remote space to the local one, or
 * the other way.
 *   gives  *done: bytes copied, up to the first that cannot be reached, if that is not the first of all
 *   fails  ERR_INVAL: flags, more than 1024 elements, or lengths that add up to more than half of
 *          what 64 bits hold; ERR_FAULT: a vector or the first byte cannot be reached; ERR_NOMEM
 */
err_t call_process_vm_readv(const struct process_vm_request *request, uint64_t *done);
err_t call_process_vm_writev(const struct process_vm_request *request, uint64_t *done);

enum pin_flag {
	PIN_WRITE = 1, /* the device writes to the pages */
};

/*
 * call_pin - hold the frames behind nr_pages pages from va for as long as wanted.
 *
 * While it is pinned, a private page keeps its frame and its owner: it has been made exclusive, for
 * reading too, and a fork gives the child a copy at once. A frame whose page is unmapped meanwhile
 * stays with the pin alone.
 *   gives  frames[i], each pinned once
 *   fails  ERR_INVAL: misaligned; ERR_FAULT: a page that the access may not reach; ERR_NOMEM: nothing
 *          is pinned
 */
err_t call_pin(struct space *sp, vaddr_t va, uint64_t nr_pages, unsigned flags, pfn_t *frames);

/* call_unpin - let go; `dirty`: the device has written. */
void call_unpin(const pfn_t *frames, uint64_t nr_pages, bool dirty);
