/*
 * ap.S - the first steps of every CPU but the boot CPU.
 *
 * A startup interrupt begins in real mode at the page it names. smp.c has copied
 * this code to AP_PAGE and filled in the words at its end. The boot tables map
 * the page at its own address and the image in the upper half; from there the
 * CPU takes the kernel's root and a stack of its own.
 */
#define AP_PAGE	      0x8000
#define AP(symbol)    (AP_PAGE + (symbol) - ap_start)
#define CR4_PAE_PGE   0x0a0
#define MSR_EFER      0xc0000080
#define EFER_SCE_LME_NXE 0x901
#define CR0_PE	      1
#define CR0_PE_MP_NE_WP_PG 0x80010023

	.section .rodata
	.balign 8
	.code16
	.globl ap_start, ap_end, ap_boot_root, ap_root, ap_stack, ap_cpu
ap_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AP(ap_gdt_pointer)
	movl	$CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	$0x18, $AP(ap_32)

	.code32
ap_32:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	AP(ap_boot_root), %eax
	movl	%eax, %cr3
	movl	$CR4_PAE_PGE, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	movl	$EFER_SCE_LME_NXE, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_PE_MP_NE_WP_PG, %eax
	movl	%eax, %cr0
	ljmp	$0x08, $AP(ap_64)

	.code64
ap_64:
	movq	AP(ap_root), %rax
	movq	AP(ap_stack), %rsp
	movq	AP(ap_cpu), %rdi
	movabsq	$ap_upper_half, %rcx
	jmp	*%rcx

	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00cf9b000000ffff	/* 32-bit code, for the way through */
ap_gdt_pointer:
	.short . - ap_gdt - 1
	.long AP(ap_gdt)
	.balign 8
ap_boot_root:
	.quad 0
ap_root:
	.quad 0
ap_stack:
	.quad 0
ap_cpu:
	.quad 0
ap_end:

	.text
ap_upper_half:
	movq	%rax, %cr3
	xorl	%ebp, %ebp
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	call	smp_enter
	ud2

	.section .note.GNU-stack, "", @progbits
