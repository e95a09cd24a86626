// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kinds.h"
#include "machine.h"

struct tally *tally;

static const char * const kind_names[] = {
#define KIND_NAME(id, name) \
	[KIND_##id] = name,
	FUZZ_KINDS(KIND_NAME)
#undef KIND_NAME
};

void count_result(enum kind kind, int result, bool ok)
{
	struct kind_count *count = &tally->kinds[kind];

	atomic_fetch_add(&count->calls, 1);
	if (ok)
		atomic_fetch_add(&count->ok, 1);
	if (result < 0 && -result < NR_ERRNOS)
		atomic_fetch_add(&count->errors[-result], 1);
}

void count_call(enum kind kind, int result)
{
	count_result(kind, result, result >= 0);
}

const char *kind_missing(enum kind kind)
{
	switch (kind) {
	case KIND_ATTRIBUTES:
	case KIND_GMEM_PUNCH:
		return machine.protected_vms ? NULL :
		       "no CONFIG_KVM_SW_PROTECTED_VM";
	case KIND_FAIL_NTH:
		return machine.fail_nth ? NULL : "no CONFIG_FAULT_INJECTION";
	case KIND_DIRTY_RING:
		return machine.dirty_ring ? NULL : "KVM has no dirty ring";
	case KIND_UFFD:
		return machine.uffd ? NULL : "no userfaultfd";
	case KIND_MERGE:
		return machine.ksm ? NULL : "no KSM";
	case KIND_POISON:
		return machine.poison ? NULL : "no MADV_HWPOISON";
	default:
		return NULL;
	}
}

static void print_errors(const struct kind_count *count)
{
	int i;

	for (i = 1; i < NR_ERRNOS; i++)
		if (count->errors[i])
			printf(", %s %lu", strerrorname_np(i) ?: "?",
			       count->errors[i]);
}

/* Why no call of the kind can succeed here, or NULL. */
static const char *kind_excused(int kind, bool stopping)
{
	const char *missing = kind_missing(kind);

	if (!missing && kind == KIND_STOP && !stopping)
		missing = "no seed that is a multiple of 4";
	return missing;
}

bool kinds_are_left(bool stopping)
{
	int i;

	for (i = 0; i < NR_KINDS; i++) {
		if (!kind_excused(i, stopping) && !tally->kinds[i].ok)
			return true;
	}
	return false;
}

int report_kinds(int number, bool stopping)
{
	const struct kind_count *count;
	const char *missing;
	int i, failed = 0;

	for (i = 0; i < NR_KINDS; i++, number++) {
		count = &tally->kinds[i];
		missing = kind_excused(i, stopping);
		if (missing) {
			printf("ok %d - %s # SKIP %s\n", number, kind_names[i],
			       missing);
			continue;
		}

		if (!count->ok)
			failed++;
		printf("%sok %d - %s: %lu calls, %lu of them good",
		       count->ok ? "" : "not ", number, kind_names[i],
		       count->calls, count->ok);
		print_errors(count);
		printf("\n");
	}

	return failed;
}
