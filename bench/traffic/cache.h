/* SPDX-License-Identifier: GPL-2.0 */
/* A simulated cache: sets of lines, the least recently used of which goes. */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stdint.h>

#define LINE_SHIFT	6

struct cache {
	unsigned int sets;
	unsigned int ways;
	/* Of each set, the most recently used first; 0: none. */
	uint64_t *lines;
};

/* From "BYTES:WAYS"; false if that makes no sense. */
bool cache_init(struct cache *cache, const char *text);
/* Whether @line was there; it is there afterwards. */
bool cache_access(struct cache *cache, uint64_t line);
/* As if another CPU had written to it. */
void cache_invalidate(struct cache *cache, uint64_t line);

#endif
