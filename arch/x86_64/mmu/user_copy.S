/*
 * user_copy.S - copy bytes with user memory on one side.
 *
 * struct copy_result x86_user_copy(void *dst, const void *src, size_t bytes, bool has_smap)
 *
 *	RDI dst   RSI src   RDX bytes   ECX has_smap
 *	RAX bytes not copied   RDX error code of the page fault that stopped it, or 0
 *
 * REP MOVSB leaves RCX, RSI and RDI exact when a byte faults. The handler then
 * sets RDX and resumes behind it, so that there is one way out for both ends.
 */
	.text
	.globl	x86_user_copy
	.type	x86_user_copy, @function
x86_user_copy:
	movl	%ecx, %r8d
	movq	%rdx, %rcx
	xorl	%edx, %edx
	testb	%r8b, %r8b
	jz	.Lcopy
	stac
.Lcopy:
	rep movsb
.Lstopped:
	testb	%r8b, %r8b
	jz	.Lout
	clac
.Lout:
	movq	%rcx, %rax
	ret
	.size	x86_user_copy, . - x86_user_copy

/*
 * Pairs: an instruction that may fault on user memory, and where it goes on, each as
 * its distance from the word itself, so the table needs no relocation.
 */
	.section .rodata
	.balign	4
	.globl	x86_fixups
	.globl	x86_fixups_end
x86_fixups:
	.long	.Lcopy - .
	.long	.Lstopped - .
x86_fixups_end:

	.section .note.GNU-stack, "", @progbits
