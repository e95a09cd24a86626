/* SPDX-License-Identifier: MIT */
/* The allocator of glibc under names that a program does not replace with its own. */
#ifndef LIBC_ALLOCATOR_H
#define LIBC_ALLOCATOR_H

#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

#endif /* LIBC_ALLOCATOR_H */
