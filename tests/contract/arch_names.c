/*
 * arch_names.c - takes the address of every function of the machine contract.
 *
 * gcc rejects a prototype in arch.h that the machine never defines; clang only if
 * the function is used somewhere, which this file sees to. A function added to
 * arch.h and not to this list is found by the test of names.
 */
#include "contract/arch_names.h"

#include <anymm/arch.h>

typedef void (*any_function)(void);

#define NAME(f) ((any_function)(f))

static const any_function names[] = {
	NAME(arch_pte_empty),
	NAME(arch_pte_leaf),
	NAME(arch_pte_decode_leaf),
	NAME(arch_pte_table),
	NAME(arch_pte_table_pfn),
	NAME(arch_pte_mark),
	NAME(arch_pte_decode_mark),
	NAME(arch_pte_kind),
	NAME(arch_pte_writable),
	NAME(arch_pte_with_write),
	NAME(arch_pte_without_accessed_dirty),
	NAME(arch_pte_equal),
	NAME(arch_pte_read),
	NAME(arch_pte_write),
	NAME(arch_pte_exchange),
	NAME(arch_pte_cas),
	NAME(arch_tlb_flush_page),
	NAME(arch_tlb_flush_asid),
	NAME(arch_tlb_flush_all),
	NAME(arch_tlb_activate),
	NAME(arch_tlb_settled),
	NAME(arch_tlb_follow),
	NAME(arch_pt_init_root),
	NAME(arch_irq_save),
	NAME(arch_irq_restore),
	NAME(arch_irq_enabled),
	NAME(arch_relax),
	NAME(arch_point),
	NAME(arch_time),
	NAME(arch_frame_ptr),
	NAME(arch_frame_zero),
	NAME(arch_frame_copy),
	NAME(arch_frame_retire),
	NAME(arch_frame_revive),
	NAME(arch_poison),
	NAME(arch_unpoison),
	NAME(arch_inject_failure),
	NAME(arch_user_read),
	NAME(arch_user_write),
	NAME(arch_context_init),
	NAME(arch_context_set_result),
	NAME(arch_context_result),
	NAME(arch_context_pc),
	NAME(arch_context_set_pc),
	NAME(arch_context_sp),
	NAME(arch_context_set_sp),
	NAME(arch_context_tls),
	NAME(arch_context_set_tls),
	NAME(arch_context_call),
	NAME(arch_context_argument),
	NAME(arch_context_sanitize),
	NAME(arch_context_restart_call),
	NAME(arch_fpu_init),
	NAME(arch_fpu_save),
	NAME(arch_fpu_load),
	NAME(arch_fpu_word),
	NAME(arch_fpu_set_word),
	NAME(arch_fpu_sanitize),
	NAME(arch_start),
	NAME(arch_root_state),
	NAME(arch_console_write),
	NAME(arch_stop),
};

unsigned
names_defined(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		n += names[i] != NULL;
	return n;
}
