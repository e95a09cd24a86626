/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's program, 64-bit, position-independent: writes its own address to the
 * first word of every page from %rdi up to %rsi, then halts.
 */
	.section .rodata
	.globl	guest_program, guest_program_end
	.code64
guest_program:
	movq	%rdi, (%rdi)
	addq	$4096, %rdi
	cmpq	%rsi, %rdi
	jb	guest_program
	hlt
guest_program_end:

	.section .note.GNU-stack, "", @progbits
