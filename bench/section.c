// SPDX-License-Identifier: GPL-2.0
#include "clock.h"
#include "mark.h"
#include "section.h"

static unsigned int nr_sections;

double section_begin(void)
{
	double start = clock_seconds();

	nr_sections++;
	MARK(MARK_BEGIN);
	return start;
}

double section_end(double start)
{
	MARK(MARK_END);
	return clock_seconds() - start;
}

unsigned int section_number(void)
{
	return nr_sections;
}
