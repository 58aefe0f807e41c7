/* setjmp.S - the registers that a C function keeps, its stack and where it returns to. */
	.text
	.globl setjmp
setjmp:
	movq	(%rsp), %rax
	movq	%rbx, 0(%rdi)
	movq	%rbp, 8(%rdi)
	movq	%r12, 16(%rdi)
	movq	%r13, 24(%rdi)
	movq	%r14, 32(%rdi)
	movq	%r15, 40(%rdi)
	leaq	8(%rsp), %rcx
	movq	%rcx, 48(%rdi)
	movq	%rax, 56(%rdi)
	xorl	%eax, %eax
	ret

	.globl longjmp
longjmp:
	movl	%esi, %eax
	movq	0(%rdi), %rbx
	movq	8(%rdi), %rbp
	movq	16(%rdi), %r12
	movq	24(%rdi), %r13
	movq	32(%rdi), %r14
	movq	40(%rdi), %r15
	movq	48(%rdi), %rsp
	jmp	*56(%rdi)

	.section .note.GNU-stack, "", @progbits
