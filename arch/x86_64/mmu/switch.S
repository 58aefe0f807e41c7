/*
 * switch.S - leaving one stack of the kernel for another.
 *
 * What lies at a saved stack pointer, lowest first:
 *
 *	r15 r14 r13 r12 rbx   rbp return-address
 *
 * The last two are a frame record, so the chain that kstack_copy follows begins ARCH_SAVED_RECORD
 * above the stack pointer, and the saved RBP is moved along with all others. Vector registers are
 * the program's, and no function of the kernel keeps anything in them.
 *
 * uint64_t x86_switch(uint64_t *save, uint64_t sp)
 *	Saves here, goes on there. The call that has saved comes back when somebody switches to
 *	it, with 0: that is the result of x86_switch_twice in a copy.
 *
 * int64_t x86_switch_twice(int64_t (*copy)(void *arg, uint64_t sp), void *arg)
 *	Saves as for a switch, lets copy(arg, sp) do something with the stack from there up, and
 *	returns its result.
 *
 * x86_switch_start
 *	Where a new thread's first switch returns to, 24 bytes below an aligned address: calls
 *	rbx(r12), which does not return.
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
	.globl x86_switch
x86_switch:
	save_registers
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	load_registers
	xorl	%eax, %eax
	ret

	.globl x86_switch_twice
x86_switch_twice:
	save_registers
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rsp, %rsi
	subq	$8, %rsp
	call	*%rax
	addq	$8, %rsp
	load_registers
	ret

	.globl x86_switch_start
x86_switch_start:
	andq	$-16, %rsp
	movq	%r12, %rdi
	call	*%rbx
	ud2

	.section .note.GNU-stack, "", @progbits
