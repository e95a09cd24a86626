/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In 64-bit mode: writes %rax to the first word of %rcx pages from %rdi on if
 * %rdx is not 0, else reads them to %rax.  Two threads that set registers and
 * run the same vCPU can start it anywhere between them: it ends in any case.
 */
	.section .rodata
	.globl	access_program, access_program_end
	.code64
access_program:
	andq	$0xffff, %rcx
1:	testq	%rcx, %rcx
	jz	3f
	testq	%rdx, %rdx
	jz	2f
	movq	%rax, (%rdi)
2:	movq	(%rdi), %rax
	addq	$4096, %rdi
	decq	%rcx
	jmp	1b
3:	hlt
	jmp	access_program
access_program_end:

	.section .note.GNU-stack, "", @progbits
