// SPDX-License-Identifier: MIT
/*
 * What sessions report by outcome: mapped, present, skipped, failed; and that an error
 * in the middle costs no more than the memory that has it.  The arguments are paths.
 */
#include "session_paths.h"

#define SIZE	(12 * MIB)
#define HOLE	(5 * MIB)
#define HOLE_SIZE	(3 * PAGE)

/* Only KVM_MAP_MEMORY_BATCH tells mapped from present. */
static int counts(const struct kvm_prefault_session_report *report, __u64 mapped,
		  __u64 present)
{
	if (path <= KVM_PREFAULT_PATH_IOCTL)
		return report->bytes_mapped == mapped &&
		       report->bytes_present == present && !report->bytes_uncounted;
	return report->bytes_uncounted == mapped + present && !report->bytes_mapped &&
	       !report->bytes_present;
}

static void test_all(void)
{
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	report = path_run();
	ok(report.result == 0 && counts(&report, SIZE, 0) && report.path == path,
	   "all is mapped");
	ok(report.threads >= 1 && report.threads <= 2 &&
	   (path != KVM_PREFAULT_PATH_PRE_FAULT || report.threads == 1),
	   "by the threads that were asked for");
	report = path_run();
	ok(report.result == 0 && counts(&report, 0, SIZE), "the second time it is there");
	path_end(SIZE);
}

static void test_order(void)
{
	struct kvm_memory_mapping mappings[] = {
		{ BASE + 8 * MIB, MIB, 0 }, { BASE, MIB, 0 }, { BASE, 2 * MIB, 0 },
	};
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	options.mappings = mappings;
	options.nr_mappings = 3;
	report = path_run();
	ok(report.result == 0 && report.bytes_total == 4 * MIB &&
	   counts(&report, 3 * MIB, MIB) && report.slices == 1,
	   "ranges that overlap, in one slice");
	ok(resident_bytes(memory, SIZE) == 3 * MIB, "and nothing else");
	path_end(SIZE);
}

static void test_slices(void)
{
	struct kvm_memory_mapping mappings[] = {
		{ BASE + 8 * MIB, MIB, 0 }, { BASE, 2 * MIB, 0 },
		{ BASE + 9 * MIB, MIB, 0 }, { BASE + 4 * MIB, 2 * MIB, 0 },
	};
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	options.mappings = mappings;
	options.nr_mappings = 4;
	options.slice_size = 2 * MIB;
	report = path_run();
	ok(report.result == 0 && counts(&report, 6 * MIB, 0) && report.slices == 4,
	   "no slice ends within a huge page that one can map in full");
	path_end(SIZE);
	path_begin(SIZE, SIZE, 2);
	mappings[1].size = 9 * MIB;
	options.mappings = mappings;
	options.nr_mappings = 2;
	options.slice_size = 4 * MIB;
	report = path_run();
	ok(report.result == 0 && counts(&report, 9 * MIB, MIB) && report.slices == 4,
	   "nor within its own multiple, as after a small range");
	path_end(SIZE);
}

static void test_resident(void)
{
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	memset(memory + MIB, 1, MIB);
	memset(memory + 6 * MIB, 1, PAGE);
	piece.flags = KVM_MEMORY_MAPPING_RESIDENT;
	report = path_run();
	ok(report.result == 0 && counts(&report, MIB + PAGE, 0) &&
	   report.bytes_skipped == SIZE - MIB - PAGE, "only what is resident");
	ok(resident_bytes(memory, SIZE) == MIB + PAGE, "and nothing else came");
	path_end(SIZE);
}

static void test_hole(void)
{
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	munmap(memory + HOLE, HOLE_SIZE);
	report = path_run();
	/* What the other worker mapped above the hole is found present by the next try. */
	if (report.bytes_present % PAGE == 0 && report.bytes_present <= 2 * (SIZE - HOLE))
		report.bytes_present = 0;
	ok(report.result == -EFAULT && report.first_error == -EFAULT &&
	   report.first_error_address == BASE + HOLE, "first error, and where");
	ok(report.bytes_failed == HOLE_SIZE && counts(&report, SIZE - HOLE_SIZE, 0) &&
	   report.bytes_left == 0, "only what has the error fails");
	path_end(SIZE);
}

/* Nothing there at all: it gives up bytes by the huge page, and ends. */
static void test_nothing(void)
{
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	munmap(memory, SIZE);
	report = path_run();
	ok(report.result == -EFAULT && report.first_error_address == BASE &&
	   report.bytes_failed == SIZE && counts(&report, 0, 0) && report.slices < 20,
	   "no memory at all");
	path_end(SIZE);
}

static void test_read(void)
{
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 2);
	piece.flags = KVM_MEMORY_MAPPING_READ;
	report = path_run();
	ok(report.result == 0 && counts(&report, SIZE, 0), "as a read");
	if (path == KVM_PREFAULT_PATH_POPULATE) {
		mprotect(memory, SIZE, PROT_READ);
		piece.flags = 0;
		report = path_run();
		ok(report.result == 0 && counts(&report, SIZE, 0),
		   "memory that may not be written to, too");
	}
	path_end(SIZE);
}

int main(int argc, char **argv)
{
	static void (*const tests_of_path[])(void) = {
		test_all, test_order, test_slices, test_resident, test_hole,
		test_nothing, test_read, NULL
	};

	return run_on_paths(argc, argv, tests_of_path);
}
