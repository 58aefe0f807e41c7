/*
 * migrate.S - the running thread of kernel code goes on on another CPU.
 *
 * void migrate_away(struct boot_cpu *to, struct boot_cpu *from)
 *	Called with interrupts off. Saves what a function keeps on the thread's stack, leaves
 *	that stack, and only then offers it to the other CPU: from that moment it may run there.
 *	This CPU goes to its idle loop.
 *
 * void migrate_arrive(uint64_t rsp)
 *	Called by the idle loop of the other CPU: the thread returns from migrate_away.
 */
#define CPU_IDLE_STACK 40
#define CPU_MIGRANT    48

	.text
	.globl migrate_away
migrate_away:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rax
	movq	CPU_IDLE_STACK(%rsi), %rsp
	xorl	%ebp, %ebp
	xchgq	%rax, CPU_MIGRANT(%rdi)
	call	smp_wake	/* (to) */
	call	smp_idle
	ud2

	.globl migrate_arrive
migrate_arrive:
	movq	%rdi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

	.section .note.GNU-stack, "", @progbits
