/*
 * kthread.S - leaving one kernel stack for another.
 *
 * What lies at a saved stack pointer, lowest first:
 *
 *	r15 r14 r13 r12 rbx   rbp return-address
 *
 * The last two are a frame record, so the chain that kstack_copy follows begins at RBP_AT
 * above the stack pointer, and the saved RBP is moved along with all others.
 *
 * void kthread_switch(vaddr_t *save, vaddr_t sp)
 *	Saves here, goes on there. The call that has saved comes back when somebody switches to
 *	it, with 0: that is the result of kthread_fork_here in the child.
 *
 * int kthread_fork_here(struct kthread *child)
 *	Saves as for a switch, lets kthread_copy(child, sp) copy the stack from there up, and
 *	returns its result.
 *
 * kthread_start
 *	Where a new thread's first switch returns to: rbx(r12), on an aligned stack.
 */
	.macro save_registers
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.endm

	.macro load_registers
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	.endm

	.text
	.globl kthread_switch
kthread_switch:
	save_registers
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	load_registers
	xorl	%eax, %eax
	ret

	.globl kthread_fork_here
kthread_fork_here:
	save_registers
	movq	%rsp, %rsi
	subq	$8, %rsp
	call	kthread_copy
	addq	$8, %rsp
	load_registers
	ret

	.globl kthread_start
kthread_start:
	movq	%r12, %rdi
	call	*%rbx
	call	kthread_end
	ud2

	.section .note.GNU-stack, "", @progbits
