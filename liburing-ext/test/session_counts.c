// SPDX-License-Identifier: MIT
/*
 * What sessions report by outcome: mapped, present, skipped, failed; and that an error
 * in the middle costs no more than the memory that has it.  The arguments are paths.
 */
#include "session_test.h"

#define SIZE	(12 * MIB)
#define HOLE	(5 * MIB)
#define HOLE_SIZE	(3 * PAGE)

static unsigned int path;
static char *memory;
static int vm_fd = -1, vcpu_fd = -1;
static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;

static void begin(void)
{
	memory = memory_new(SIZE);
	if (path != KVM_PREFAULT_PATH_POPULATE)
		vm_fd = vm_new(&vcpu_fd, BASE, memory, SIZE);
	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, vm_fd, &piece, 1);
	options.path = path;
	options.nr_workers = 2;
	if (path == KVM_PREFAULT_PATH_PRE_FAULT) {
		options.vcpu_fds = &vcpu_fd;
		options.nr_vcpu_fds = 1;
	}
}

static void end(void)
{
	if (vcpu_fd >= 0)
		close(vcpu_fd);
	if (vm_fd >= 0)
		close(vm_fd);
	vcpu_fd = -1;
	vm_fd = -1;
	munmap(memory, SIZE);
}

static struct kvm_prefault_session_report run(void)
{
	struct kvm_prefault_session *session = session_new(&options);
	struct kvm_prefault_session_report report;

	must(kvm_prefault_session_start(session, NULL), "start");
	kvm_prefault_session_wait(session, -1);
	print_report(session);
	report = report_of(session);
	must(kvm_prefault_session_destroy(session), "destroy");
	return report;
}

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

	begin();
	report = run();
	ok(report.result == 0 && counts(&report, SIZE, 0) && report.path == path,
	   "all is mapped");
	ok(report.threads >= 1 && report.threads <= 2 &&
	   (path != KVM_PREFAULT_PATH_PRE_FAULT || report.threads == 1),
	   "by the threads that were asked for");
	report = run();
	ok(report.result == 0 && counts(&report, 0, SIZE), "the second time it is there");
	end();
}

static void test_order(void)
{
	struct kvm_memory_mapping mappings[] = {
		{ BASE + 8 * MIB, MIB, 0 }, { BASE, MIB, 0 }, { BASE, 2 * MIB, 0 },
	};
	struct kvm_prefault_session_report report;

	begin();
	options.mappings = mappings;
	options.nr_mappings = 3;
	report = run();
	ok(report.result == 0 && report.bytes_total == 4 * MIB &&
	   counts(&report, 3 * MIB, MIB) && report.slices == 1,
	   "ranges that overlap, in one slice");
	ok(resident_bytes(memory, SIZE) == 3 * MIB, "and nothing else");
	end();
}

static void test_resident(void)
{
	struct kvm_prefault_session_report report;

	begin();
	memset(memory + MIB, 1, MIB);
	memset(memory + 6 * MIB, 1, PAGE);
	piece.flags = KVM_MEMORY_MAPPING_RESIDENT;
	report = run();
	ok(report.result == 0 && counts(&report, MIB + PAGE, 0) &&
	   report.bytes_skipped == SIZE - MIB - PAGE, "only what is resident");
	ok(resident_bytes(memory, SIZE) == MIB + PAGE, "and nothing else came");
	end();
}

static void test_hole(void)
{
	struct kvm_prefault_session_report report;

	begin();
	munmap(memory + HOLE, HOLE_SIZE);
	report = run();
	/* What the other worker mapped above the hole is found present by the next try. */
	if (report.bytes_present % PAGE == 0 && report.bytes_present <= 2 * (SIZE - HOLE))
		report.bytes_present = 0;
	ok(report.result == -EFAULT && report.first_error == -EFAULT &&
	   report.first_error_address == BASE + HOLE, "first error, and where");
	ok(report.bytes_failed == HOLE_SIZE && counts(&report, SIZE - HOLE_SIZE, 0) &&
	   report.bytes_left == 0, "only what has the error fails");
	end();
}

/* Nothing there at all: it gives up bytes by the huge page, and ends. */
static void test_nothing(void)
{
	struct kvm_prefault_session_report report;

	begin();
	munmap(memory, SIZE);
	report = run();
	ok(report.result == -EFAULT && report.first_error_address == BASE &&
	   report.bytes_failed == SIZE && counts(&report, 0, 0) && report.slices < 20,
	   "no memory at all");
	end();
}

static void test_read(void)
{
	struct kvm_prefault_session_report report;

	begin();
	piece.flags = KVM_MEMORY_MAPPING_READ;
	report = run();
	ok(report.result == 0 && counts(&report, SIZE, 0), "as a read");
	if (path == KVM_PREFAULT_PATH_POPULATE) {
		mprotect(memory, SIZE, PROT_READ);
		piece.flags = 0;
		report = run();
		ok(report.result == 0 && counts(&report, SIZE, 0),
		   "memory that may not be written to, too");
	}
	end();
}

int main(int argc, char **argv)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++) {
		if (!use_path(argv[i], &path))
			continue;
		test_all();
		test_order();
		test_resident();
		test_hole();
		test_nothing();
		test_read();
	}
	return done_testing();
}
