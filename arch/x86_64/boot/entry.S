/*
 * entry.S - from the loader's 32-bit state to C in the upper half.
 *
 * Two loaders are served, with one entry each and the same work behind it:
 *
 *   PVH (QEMU -kernel)   EBX: physical address of struct hvm_start_info
 *   multiboot2 (GRUB)    EAX: 0x36d76289, EBX: physical address of its tags
 *
 * Both enter in 32-bit protected mode, flat segments, paging off, A20 on. The tables made
 * here map the first GiB twice, at 0 and at the image's address; paging.c
 * replaces them.
 */
#define MULTIBOOT2_MAGIC 0xe85250d6
#define MULTIBOOT2_I386	 0
#define XEN_NOTE_PHYS32_ENTRY 18

#define IMAGE_VIRTUAL 0xffffffff80000000
#define PHYS(symbol)  ((symbol) - IMAGE_VIRTUAL)

#define PTE_PRESENT 0x001
#define PTE_WRITE   0x002
#define PTE_LARGE   0x080

#define CR0_PE_MP_NE_WP_PG 0x80010023
#define CR4_PAE_PGE	   0x0a0
#define MSR_EFER	   0xc0000080
#define EFER_SCE_LME_NXE   0x901
#define EFER_SCE_LME	   0x101
#define CPUID_NX	   (1 << 20)
#define CPUID_LONG	   (1 << 29)

	.section .boot.header, "a"
	.balign 8
header:
	.long MULTIBOOT2_MAGIC
	.long MULTIBOOT2_I386
	.long header_end - header
	.long -(MULTIBOOT2_MAGIC + MULTIBOOT2_I386 + (header_end - header))
	/* entry address: the ELF header's entry is PVH's */
	.balign 8
	.short 3, 0
	.long 12
	.long multiboot2_entry
	/* end */
	.balign 8
	.short 0, 0
	.long 8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, XEN_NOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long boot_entry

	.section .boot, "ax"
	.code32
	.globl boot_entry
boot_entry:
	movl	$0, %eax	/* not a multiboot2 loader */
multiboot2_entry:
	cli
	cld
	movl	%eax, %edi	/* first and second argument of boot_main */
	movl	%ebx, %esi
	movl	$PHYS(boot_stack_top), %esp

	/* The CPU must know long mode. Without it nothing can be printed but this. */
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	testl	$CPUID_LONG, %edx
	jz	no_long_mode
	movl	%edx, %ebp

	/* One page directory of 512 large pages serves both mappings. */
	movl	$PHYS(boot_pd), %ecx
	movl	$(PTE_PRESENT | PTE_WRITE | PTE_LARGE), %eax
1:	movl	%eax, (%ecx)
	movl	$0, 4(%ecx)
	addl	$0x200000, %eax
	addl	$8, %ecx
	cmpl	$PHYS(boot_pd) + 4096, %ecx
	jb	1b
	movl	$PHYS(boot_pd) + PTE_PRESENT + PTE_WRITE, PHYS(boot_pdpt)
	movl	$PHYS(boot_pd) + PTE_PRESENT + PTE_WRITE, PHYS(boot_pdpt) + 510 * 8
	movl	$PHYS(boot_pdpt) + PTE_PRESENT + PTE_WRITE, PHYS(boot_pml4)
	movl	$PHYS(boot_pdpt) + PTE_PRESENT + PTE_WRITE, PHYS(boot_pml4) + 511 * 8

	movl	$PHYS(boot_pml4), %eax
	movl	%eax, %cr3
	movl	$CR4_PAE_PGE, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	movl	$EFER_SCE_LME, %eax
	testl	$CPUID_NX, %ebp
	jz	2f
	movl	$EFER_SCE_LME_NXE, %eax
2:	wrmsr
	movl	$CR0_PE_MP_NE_WP_PG, %eax
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_pointer)
	ljmp	$0x08, $long_mode

no_long_mode:
	movl	$no_long_mode_text, %esi
	movw	$0x3f8, %dx
3:	movb	(%esi), %al
	testb	%al, %al
	jz	4f
	outb	%al, %dx
	incl	%esi
	jmp	3b
4:	movw	$0xf4, %dx	/* isa-debug-exit: failure */
	movl	$1, %eax
	outl	%eax, %dx
5:	hlt
	jmp	5b
no_long_mode_text:
	.asciz "anymm: this CPU has no 64-bit mode\n"

	.code64
long_mode:
	movabsq	$upper_half, %rax
	jmp	*%rax

	.text
upper_half:
	lgdt	boot_gdt_pointer_upper	/* paging.c takes the lower mapping away */
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	xorl	%ebp, %ebp	/* the end of every backtrace */
	call	boot_main
	ud2

	.section .rodata
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code */
	.quad 0x00cf93000000ffff	/* data */
boot_gdt_pointer:
	.short boot_gdt_pointer - boot_gdt - 1
	.quad PHYS(boot_gdt)
boot_gdt_pointer_upper:
	.short boot_gdt_pointer - boot_gdt - 1
	.quad boot_gdt

	.bss
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4096
	/* The boot CPU's first stack; paging.c gives every CPU one with a guard page. */
	.skip 16384
	.globl boot_stack_top
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
