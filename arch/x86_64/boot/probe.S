/*
 * probe.S - the code that ring 3 runs for a scenario's accesses.
 *
 * One page, mapped readable and executable for ring 3 at the same address of the
 * kernel half in every space. Each probe makes its access and comes back by
 * SYSCALL; if the access faults, RIP still stands at it, and the kernel decides.
 */
	.section .rodata
	.balign 4096
	.globl probe_page, probe_load1, probe_load8, probe_store1, probe_store8, probe_add8
probe_page:

	.balign 16
probe_load1:
	movzbl	(%rdi), %eax
	syscall
	.balign 16
probe_load8:
	movq	(%rdi), %rax
	syscall
	.balign 16
probe_store1:
	movb	%sil, (%rdi)
	syscall
	.balign 16
probe_store8:
	movq	%rsi, (%rdi)
	syscall

	/* RSI times: one more at RDI. For CPUs that write while others change the space. */
	.balign 16
probe_add8:
	lock incq (%rdi)
	decq	%rsi
	jnz	probe_add8
	syscall

	.balign 4096

	.section .note.GNU-stack, "", @progbits
