/*
 * usercopy.c - the kernel's own accesses to user memory.
 *
 * Through the active space: the machine copies with user rights and stops at a
 * fault; the fault is handled like the user's own and the copy goes on. Through
 * any other space: page by page in the direct map, under the lock of the leaf
 * table, so that the page can neither go away nor change owner meanwhile.
 */
#include <anymm/usercopy.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/root.h"
#include "pt/cursor.h"
#include "pt/table.h"

/* Bytes of [va, va + bytes) that can be user memory at all. */
static size_t
user_bytes(vaddr_t va, size_t bytes)
{
	if (va >= ARCH_USER_END)
		return 0;
	return min_u64(bytes, ARCH_USER_END - va);
}

/*
 * A pager that waits for its page may itself copy user memory, whose fault may bring it to a pager
 * again. More of these in each other than this in one thread are a circle, not work.
 */
#define COPIES_MAX 8

/* nr_copying - of the thread that runs here; NULL: nobody has said which one. */
static unsigned *
nr_copying(void)
{
	bool	  irq = arch_irq_save();
	unsigned *nr = root()->threads[platform_cpu()].nr_copying;

	arch_irq_restore(irq);
	return nr;
}

/* handle_fault - of a copy, like the user's own. (LUN-31) */
static enum fault_result
handle_fault(struct space *sp, vaddr_t va, enum access access)
{
	unsigned	 *nr = nr_copying();
	enum fault_result result;

	if (!nr)
		return fault_handle(sp, va, access);
	REQUIRE(*nr < COPIES_MAX, "a fault at %lx, in %u copies of user memory in each other",
		(unsigned long)va, *nr);
	++*nr;
	result = fault_handle(sp, va, access);
	--*nr;
	return result;
}

size_t
copy_from_user(struct space *sp, void *dst, vaddr_t src, size_t bytes)
{
	size_t limit = user_bytes(src, bytes);
	size_t done = 0;

	while (done < limit) {
		struct arch_fault fault;

		done += arch_user_read((char *)dst + done, src + done, limit - done, &fault);
		if (done < limit && handle_fault(sp, fault.va, ACCESS_LOAD) != FAULT_DONE)
			break;
	}
	return bytes - done;
}

size_t
copy_to_user(struct space *sp, vaddr_t dst, const void *src, size_t bytes)
{
	size_t limit = user_bytes(dst, bytes);
	size_t done = 0;

	while (done < limit) {
		struct arch_fault fault;

		done += arch_user_write(dst + done, (const char *)src + done, limit - done, &fault);
		if (done < limit && handle_fault(sp, fault.va, ACCESS_STORE) != FAULT_DONE)
			break;
	}
	return bytes - done;
}

/* One direction of a copy between a kernel buffer and a space. */
struct transfer {
	enum access access; /* LOAD: out of the space, STORE: into it */
	char	   *buf;
};

/* What the access would have set in the entry, for whoever looks for dirty pages. */
static void
note_access(const struct pt_view *view, enum access access)
{
	pte_t	       *slot = table_slot(view->table, view->index);
	pte_t		pte = arch_pte_read(slot);
	struct pte_leaf leaf;

	do {
		leaf = arch_pte_decode_leaf(pte, view->level);
		leaf.accessed = true;
		leaf.dirty |= access == ACCESS_STORE;
	} while (!arch_pte_cas(slot, &pte, arch_pte_leaf(leaf)));
}

/* What became of a page's part of a transfer. */
enum transferred {
	TRANSFERRED,
	TRANSFER_FAULTS, /* the tables do not allow the access now */
	TRANSFER_NEVER,	 /* no direct map shows what is there */
};

/* is_device - HOLDS_READ sp->lock. */
static bool
is_device(struct space *sp, vaddr_t va)
{
	const struct region *r = space_find(sp, va);

	return r && (r->flags & REGION_DEVICE);
}

/* transfer_page - up to the end of va's page. */
static enum transferred
transfer_page(struct space *sp, const struct transfer *t, vaddr_t va, size_t bytes)
{
	enum transferred result = TRANSFER_FAULTS;
	struct pte_leaf	 leaf;
	struct pt_view	 view;
	char		*page;

	read_lock(&sp->lock);
	view = pt_look_locked(&sp->pt, va);
	if (pt_view_allows(&view, t->access)) {
		leaf = arch_pte_decode_leaf(view.pte, view.level);
		result = leaf.is_special && is_device(sp, va) ? TRANSFER_NEVER : TRANSFERRED;
	}
	if (result == TRANSFERRED) {
		note_access(&view, t->access);
		page = arch_frame_ptr(leaf.pfn);
		page += va & (level_span(view.level) - 1);
		if (t->access == ACCESS_STORE)
			memcpy(page, t->buf, bytes);
		else
			memcpy(t->buf, page, bytes);
	}
	pt_look_done(&view);
	read_unlock(&sp->lock);
	return result;
}

static size_t
transfer_space(struct space *sp, struct transfer t, vaddr_t va, size_t bytes)
{
	size_t left = user_bytes(va, bytes);
	size_t beyond = bytes - left;

	while (left) {
		size_t		 part = min_u64(left, ARCH_PAGE_SIZE - (va & ARCH_PAGE_MASK));
		enum transferred result = transfer_page(sp, &t, va, part);

		if (result == TRANSFERRED) {
			t.buf += part;
			va += part;
			left -= part;
		} else if (result == TRANSFER_NEVER ||
			   handle_fault(sp, va, t.access) != FAULT_DONE) {
			break;
		}
	}
	return left + beyond;
}

size_t
copy_from_space(struct space *sp, void *dst, vaddr_t src, size_t bytes)
{
	return transfer_space(sp, (struct transfer){ .access = ACCESS_LOAD, .buf = dst }, src,
			      bytes);
}

size_t
copy_to_space(struct space *sp, vaddr_t dst, const void *src, size_t bytes)
{
	/* The buffer is only read: a store goes from it into the page. */
	return transfer_space(sp, (struct transfer){ .access = ACCESS_STORE, .buf = (char *)src },
			      dst, bytes);
}
