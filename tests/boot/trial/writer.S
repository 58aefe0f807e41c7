/*
 * writer.S - the program of the stress: it writes without ever leaving ring 3, except for
 * faults, so that what its CPU has cached stays cached until somebody flushes it.
 *
 *   RDI, RDX   a word each on two private pages      R9    a word on the page that comes and goes
 *   R8         a word on a shared page               R10   a word that the boot CPU writes
 *   RSI        times                                 R12   where to repeat that word
 */
	.section .rodata
	.balign 4096
	.globl writer_page
writer_page:
	lock incq (%rdi)
	lock incq (%rdx)
	lock incq (%r8)
	lock incq (%r9)
	movq	(%r10), %rax
	movq	%rax, (%r12)
	decq	%rsi
	jnz	writer_page
	syscall

	.balign 4096

	.section .note.GNU-stack, "", @progbits
