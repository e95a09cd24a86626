/* SPDX-License-Identifier: GPL-2.0 */
/* What kvm-prefault check looks at: rows in groups. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include "failure.h"

enum check_state {
	CHECK_OK,
	/* It works, slower or with less than the machine has. */
	CHECK_LIMITED,
	CHECK_MISSING,
};

enum check_group {
	CHECK_KVM,
	/* Each feature of KVM_CAP_MAP_MEMORY. */
	CHECK_FEATURES,
	/* The methods of 'kvm-prefault run'. */
	CHECK_METHODS,
	/* Limits of this process, which a VMM started like it has as well. */
	CHECK_PROCESS,
	CHECK_MEMORY,
	CHECK_WATCH,
};

struct check_row {
	enum check_group group;
	const char *name;
	enum check_state state;
	/* The reason is the row's value in every state; one line. */
	struct failure text;
};

#define CHECKS_MAX 64

struct checks {
	/* /dev/kvm, or -1 and the reason. */
	int kvm_fd;
	struct failure kvm_failure;
	/* The mask of KVM_CAP_MAP_MEMORY. */
	unsigned int features;
	unsigned int nr;
	struct check_row rows[CHECKS_MAX];
};

/* Adds a row; its value is the text, and its advice empty. */
__printf(5, 6)
struct check_row *check_add(struct checks *checks, enum check_group group,
			    const char *name, enum check_state state,
			    const char *format, ...);
/* Adds a row that lacks something. */
void check_add_failure(struct checks *checks, enum check_group group,
		       const char *name, enum check_state state,
		       const struct failure *failure);

/* Each adds the rows of its group. */
void check_kvm(struct checks *checks);
void check_features(struct checks *checks);
void check_methods(struct checks *checks);
void check_process(struct checks *checks);
void check_memory(struct checks *checks);
void check_watch(struct checks *checks);

void check_print_text(FILE *file, const struct checks *checks, int status);
void check_print_json(FILE *file, const struct checks *checks, int status);

#endif
