// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cache.h"

bool cache_init(struct cache *cache, const char *text)
{
	unsigned long bytes;

	if (sscanf(text, "%lu:%u", &bytes, &cache->ways) != 2 || !cache->ways)
		return false;
	cache->sets = (bytes >> LINE_SHIFT) / cache->ways;
	if (!cache->sets || cache->sets & (cache->sets - 1))
		return false;
	cache->lines = calloc((size_t)cache->sets * cache->ways, sizeof(uint64_t));
	return cache->lines;
}

static uint64_t *set_of(struct cache *cache, uint64_t line)
{
	return cache->lines + (line & (cache->sets - 1)) * cache->ways;
}

/* How many lines of the set come before it; all if it is not there. */
static unsigned int find(const struct cache *cache, const uint64_t *set, uint64_t tag)
{
	unsigned int i;

	for (i = 0; i < cache->ways && set[i] != tag; i++)
		;
	return i;
}

bool cache_access(struct cache *cache, uint64_t line)
{
	uint64_t *set = set_of(cache, line), tag = line + 1;
	unsigned int place = find(cache, set, tag);
	bool hit = place < cache->ways;

	if (!hit)
		place--;
	memmove(set + 1, set, place * sizeof(*set));
	set[0] = tag;
	return hit;
}

void cache_invalidate(struct cache *cache, uint64_t line)
{
	uint64_t *set = set_of(cache, line);
	unsigned int place = find(cache, set, line + 1);

	if (place < cache->ways)
		set[place] = 0;
}
