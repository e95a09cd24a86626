/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PVH entry: 32-bit, without paging, %ebx is the address of the start info.
 * Enters 64-bit mode, with the first 512 GiB mapped one to one in pages of 1 GiB.
 */
	.section .note.xen, "a", @note
	.long	4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	entry

	.text
	.code32
	.globl	entry
entry:
	cld
	movl	$stack_end, %esp
	movl	%ebx, %ebp

	movl	$directory, %edi
	movl	$0x83, %eax		/* present, writable, a page */
	xorl	%edx, %edx
1:	movl	%eax, (%edi)
	movl	%edx, 4(%edi)
	addl	$1 << 30, %eax
	adcl	$0, %edx
	addl	$8, %edi
	cmpl	$directory + 4096, %edi
	jb	1b
	movl	$directory + 3, top

	movl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$top, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	$0x80000001, %eax	/* PG, PE */
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $1f

	.code64
1:	xorl	%eax, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	%ebp, %edi
	call	guest_main
2:	hlt
	jmp	2b

	.section .rodata
	.balign	8
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.bss
	.balign	4096
directory:
	.skip	4096
top:	.skip	4096
	.skip	16384
stack_end:

	.section .note.GNU-stack, "", @progbits
