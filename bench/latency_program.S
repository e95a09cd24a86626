/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's program that times its own faults: writes a word to every page from
 * %rdi up to %rsi, and the time each write took, in ticks of its TSC, to the
 * 8-byte words from %r8 on.
 */
	.section .rodata
	.globl	latency_program, latency_program_end
	.code64
latency_program:
	lfence
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	movq	%rdx, %rcx
	movq	%rdi, (%rdi)
	lfence
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	subq	%rcx, %rdx
	movq	%rdx, (%r8)
	addq	$8, %r8
	addq	$4096, %rdi
	cmpq	%rsi, %rdi
	jb	latency_program
	hlt
latency_program_end:

	.section .note.GNU-stack, "", @progbits
