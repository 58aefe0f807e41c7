/*
 * tlb.c - invalidation of translations on this CPU.
 *
 * What the instructions promise (SDM vol. 3A, 4.10.4.1):
 *
 *   INVLPG            every translation of the page, of any size and global too, and
 *                     all paging-structure entries, under the current tag
 *   MOV CR3, bit 63   with tags: 0 drops everything under the new tag, 1 nothing;
 *                     without tags: everything but globals
 *   INVPCID 1         everything under one tag but globals
 *   INVPCID 2         everything
 *   CR4.PGE changed   everything
 *
 * INVPCID 0 (one address under one tag) drops only the paging-structure entries
 * on the way to that address. Law T1 wants all of them, so a page of a space
 * that is not current here costs a flush of its tag.
 *
 * Without tags every activate flushes, so only the current space has anything
 * cached and flushing "the current one" is always enough.
 *
 * Whoever reads CR3 and acts on it keeps interrupts off in between, because a
 * handler may switch spaces.
 */
#include <anymm/arch.h>

#include <x86/instr.h>
#include <x86/machine.h>

static_assert(ARCH_ASIDS == 1 << 12, "the tag is the low 12 bits of CR3");

/* A test asks what becomes of a machine that forgets a flush. */
static bool
is_skipped(enum x86_flush flush, vaddr_t va)
{
	return UNLIKELY(x86_machine.skip_flush != NULL) && x86_machine.skip_flush(flush, va);
}

static bool
is_current(unsigned asid)
{
	return (x86_read_cr3() & (ARCH_ASIDS - 1)) == asid;
}

/*
 * flush_other_asid - everything under a tag that is not current. Without INVPCID
 * the tag is loaded for a moment, with the kernel's own root, whose user half
 * is empty: nothing of the user half can be cached under the tag meanwhile.
 */
static void
flush_other_asid(unsigned asid)
{
	uint64_t cr3 = x86_read_cr3();

	if (x86_machine.has_invpcid) {
		x86_invpcid(X86_INVPCID_ONE_ASID, asid, 0);
		return;
	}
	x86_write_cr3(x86_machine.kernel_root.raw | asid);
	x86_write_cr3(cr3 | X86_CR3_NO_FLUSH);
}

void
x86_tlb_flush_page(unsigned asid, vaddr_t va)
{
	bool irq;

	if (is_skipped(X86_FLUSH_PAGE, va))
		return;
	irq = arch_irq_save();
	if (!x86_machine.has_pcid || is_current(asid))
		x86_invlpg(va);
	else
		flush_other_asid(asid);
	arch_irq_restore(irq);
}

void
x86_tlb_flush_asid(unsigned asid)
{
	bool irq;

	if (is_skipped(X86_FLUSH_ASID, 0))
		return;
	irq = arch_irq_save();
	if (!x86_machine.has_pcid || is_current(asid))
		x86_write_cr3(x86_read_cr3());
	else
		flush_other_asid(asid);
	arch_irq_restore(irq);
}

void
x86_tlb_flush_all(void)
{
	bool	 irq = arch_irq_save();
	uint64_t cr4 = x86_read_cr4();

	if (x86_machine.has_invpcid) {
		x86_invpcid(X86_INVPCID_ALL, 0, 0);
	} else {
		x86_write_cr4(cr4 ^ X86_CR4_PGE);
		x86_write_cr4(cr4);
	}
	arch_irq_restore(irq);
}

void
x86_tlb_activate(pfn_t root, unsigned asid)
{
	uint64_t cr3 = x86_machine.kernel_root.raw;

	if (!pfn_is_none(root))
		cr3 = root.n << ARCH_PAGE_SHIFT;
	if (x86_machine.has_pcid)
		cr3 |= asid | X86_CR3_NO_FLUSH;
	x86_write_cr3(cr3);
}

void
x86_pt_init_root(pfn_t root)
{
	pfn_t	     kernel = { x86_machine.kernel_root.raw >> ARCH_PAGE_SHIFT };
	const pte_t *from = arch_frame_ptr(kernel);
	pte_t	    *to = arch_frame_ptr(root);

	for (unsigned i = ARCH_USER_ROOT_SLOTS; i < ARCH_PT_ENTRIES; i++)
		arch_pte_write(to + i, arch_pte_read(from + i));
}
