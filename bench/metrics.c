// SPDX-License-Identifier: GPL-2.0
#include "metric.h"

const struct metric metric_instructions = {
	.name = "instructions",
	.title = "instructions",
	.unit = "instructions",
	.better = BETTER_LOWER,
};

const struct metric metric_instructions_per_page = {
	.name = "instructions_per_page",
	.title = "instructions a page",
	.unit = "instructions",
	.better = BETTER_LOWER,
};

const struct metric metric_seconds_median = {
	.name = "seconds_median",
	.title = "median",
	.unit = "s",
	.better = BETTER_LOWER,
};

const struct metric metric_seconds_spread = {
	.name = "seconds_spread",
	.title = "spread",
	.unit = "s",
	.better = BETTER_LOWER,
};

const struct metric metric_gib_per_second = {
	.name = "gib_per_second",
	.title = "rate",
	.unit = "GiB/s",
	.better = BETTER_HIGHER,
};

const struct metric metric_faults_left = {
	.name = "faults_left",
	.title = "faults left",
	.unit = "faults",
	.better = BETTER_LOWER,
};

const struct metric metric_workers_used = {
	.name = "workers_used",
	.title = "threads that took part",
	.unit = "threads",
};

const struct metric metric_secondary_page_table_bytes = {
	.name = "secondary_page_table_bytes",
	.title = "KVM's page tables",
	.unit = "bytes",
	.better = BETTER_LOWER,
};
