/*
 * trap.S - into the kernel and out of it.
 *
 * Every vector has a stub of 16 bytes that pushes an error code (if the CPU has
 * not) and its number. What follows fills a struct arch_context downwards.
 *
 *   from ring 0   the context lies on the kernel stack; trap_kernel(ctx) handles it
 *                 and the interrupted code goes on
 *   from ring 3   rsp0 is the end of the context that user_enter was given, so the
 *                 context is already where it belongs: user_enter returns
 *
 * SYSCALL leaves the user's stack pointer in place and interrupts off (SFMASK);
 * the entry builds the same context by hand.
 */
#define CPU_KERNEL_RSP	16
#define CPU_CONTEXT_END 24
#define CPU_USER_RSP	32

#define CTX_BYTES  (24 * 8)
#define CTX_RIP	   (19 * 8)
#define CTX_RFLAGS (21 * 8)
#define CTX_VECTOR (17 * 8)

#define USER_CS	       0x2b
#define USER_SS	       0x23
#define VECTOR_SYSCALL 0x100

	.macro push_registers
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$16, %rsp	/* the bases stay as they are there: user.c loads them */
	.endm

	.macro pop_registers
	addq	$16, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$16, %rsp	/* vector and error */
	.endm

	.text
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* 8, 10 - 14, 17, 21, 29, 30 push an error code (SDM vol. 3A, table 6-1) */
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set vector, vector + 1
	.endr

	.balign 16
trap_common:
	cld
	testb	$3, 24(%rsp)	/* the saved CS */
	jnz	from_user
	push_registers
	movq	%rsp, %rdi
	call	trap_kernel
	pop_registers
	iretq

from_user:
	swapgs
	push_registers
	leaq	CTX_BYTES(%rsp), %rax
	cmpq	%rax, %gs:CPU_CONTEXT_END
	je	leave_user
	movq	%rsp, %rdi	/* on a stack of its own: NMI, double fault, machine check */
	call	trap_kernel
	ud2

	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	movq	%rsp, %gs:CPU_USER_RSP
	movq	%gs:CPU_CONTEXT_END, %rsp
	pushq	$USER_SS
	pushq	%gs:CPU_USER_RSP
	pushq	%r11
	pushq	$USER_CS
	pushq	%rcx
	pushq	$0
	pushq	$VECTOR_SYSCALL
	push_registers

	/* user_enter's frame: the registers that a C function must keep. */
leave_user:
	movq	%gs:CPU_KERNEL_RSP, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/*
 * void user_resume(struct arch_context *ctx, struct boot_cpu *cpu) - interrupts off,
 * rsp0 and context_end set. Returns at the next trap from ring 3.
 *
 * SYSRET loads RIP from RCX and faults in ring 0, on the user's stack, if that is
 * not canonical. So it is only used to return from a system call to a RIP in the
 * lower half, and with RCX and R11 as SYSCALL has left them; all else goes by IRETQ.
 */
	.globl user_resume
user_resume:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, CPU_KERNEL_RSP(%rsi)
	movq	%rdi, %rsp
	cmpq	$VECTOR_SYSCALL, CTX_VECTOR(%rsp)
	jne	by_iret
	movq	CTX_RIP(%rsp), %rax
	shrq	$47, %rax
	jnz	by_iret
	movq	CTX_RFLAGS(%rsp), %rax
	testl	$0x100, %eax	/* single step: SYSRET would trap one instruction late */
	jnz	by_iret
	pop_registers
	popq	%rcx		/* rip */
	addq	$8, %rsp	/* cs */
	popq	%r11		/* rflags */
	movq	(%rsp), %rsp
	swapgs
	sysretq

by_iret:
	pop_registers
	swapgs
	iretq

	.section .note.GNU-stack, "", @progbits
