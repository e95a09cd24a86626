// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include "entry.h"
#include "median.h"
#include "section.h"

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	return same(a->scenario, b->scenario) && same(a->peer, b->peer) &&
	       same(a->memory, b->memory) && same(a->state, b->state) &&
	       same(a->layout, b->layout) && a->workers == b->workers &&
	       a->bytes == b->bytes;
}

struct entry *entries_get(struct entries *entries, const struct entry *key)
{
	struct entry *list;
	unsigned int i;

	for (i = 0; i < entries->nr; i++)
		if (same_key(&entries->list[i], key))
			return &entries->list[i];
	list = reallocarray(entries->list, entries->nr + 1, sizeof(*list));
	if (!list)
		err(1, "results");
	entries->list = list;
	list[entries->nr] = *key;
	return &list[entries->nr++];
}

void entries_free(struct entries *entries)
{
	free(entries->list);
	entries->list = NULL;
	entries->nr = 0;
}

void entry_add_sample(struct entry *entry, double seconds)
{
	if (entry->nr_samples == ENTRY_MAX_SAMPLES)
		errx(1, "more than %d samples", ENTRY_MAX_SAMPLES);
	entry->seconds[entry->nr_samples++] = seconds;
	entry->section = section_number();
}

void entry_set_figure(struct entry *entry, const struct metric *metric,
		      double value)
{
	unsigned int i;

	for (i = 0; i < entry->nr_figures; i++)
		if (entry->figures[i].metric == metric)
			break;
	if (i == ENTRY_MAX_FIGURES)
		errx(1, "more than %d figures", ENTRY_MAX_FIGURES);
	if (i == entry->nr_figures)
		entry->nr_figures++;
	entry->figures[i].metric = metric;
	entry->figures[i].value = value;
}

void entry_set_faults(struct entry *entry, uint64_t faults)
{
	if (!entry->faults_known || faults > entry->faults_left)
		entry->faults_left = faults;
	entry->faults_known = true;
}

double entry_median(const struct entry *entry)
{
	double sorted[ENTRY_MAX_SAMPLES];
	unsigned int nr = entry->nr_samples;

	if (!nr)
		return 0;
	memcpy(sorted, entry->seconds, nr * sizeof(*sorted));
	return median_sort(sorted, nr);
}
