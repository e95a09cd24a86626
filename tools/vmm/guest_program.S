/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's programs, 64-bit, position-independent.  The first writes its own address
 * to the first word of every page from %rdi up to %rsi, then halts.  The second does so
 * for the ranges of a list from %rdi up to %rsi, each the addresses of its start and
 * its end.
 */
	.section .rodata
	.globl	guest_program, guest_list_program, guest_program_end
	.code64
guest_program:
	movq	%rdi, (%rdi)
	addq	$4096, %rdi
	cmpq	%rsi, %rdi
	jb	guest_program
	hlt
guest_list_program:
	movq	(%rdi), %rax
	movq	8(%rdi), %rdx
1:	movq	%rax, (%rax)
	addq	$4096, %rax
	cmpq	%rdx, %rax
	jb	1b
	addq	$16, %rdi
	cmpq	%rsi, %rdi
	jb	guest_list_program
	hlt
guest_program_end:

	.section .note.GNU-stack, "", @progbits
