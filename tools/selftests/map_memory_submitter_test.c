// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Of all the helpers of a job the thread that submits it makes one: helpers make the
 * others.  The kernel's trace of new tasks tells who has made whom.
 */
#include <sys/mount.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TRACING		"/sys/kernel/tracing"
#define NR_WORKERS	32
#define TEST_SIZE	(NR_WORKERS * SZ_2M)

FIXTURE(submitter) {
	struct kvm_vm *vm;
	void *hva;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(submitter) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(submitter, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(submitter, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(submitter)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
}

FIXTURE_TEARDOWN(submitter)
{
	file_write(TRACING "/events/task/task_newtask/enable", "0");
	kvm_vm_free(self->vm);
}

static bool start_trace(void)
{
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	return file_write(TRACING "/buffer_size_kb", "256") &&
	       file_write(TRACING "/trace", "0") &&
	       file_write(TRACING "/events/task/task_newtask/enable", "1");
}

/* Helpers made: all of them, and those made by threads that are no helpers. */
static void read_trace(int *all, int *by_others)
{
	FILE *file = fopen(TRACING "/trace", "r");
	char line[512];

	TEST_ASSERT(file, "There is no trace");
	*all = *by_others = 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, "comm=" HELPER_COMM))
			continue;
		++*all;
		*by_others += strncmp(line + strspn(line, " "), HELPER_COMM,
				      strlen(HELPER_COMM)) != 0;
	}
	fclose(file);
}

TEST_F(submitter, makes_one_helper)
{
	int i, all, by_others;
	struct map_thread thread;

	if (!start_trace())
		SKIP(return, "The kernel traces no new tasks");
	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	read_trace(&all, &by_others);
	ASSERT_EQ(NR_WORKERS - 1, all);
	ASSERT_EQ(1, by_others);

	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&thread));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(NR_WORKERS, self->batch.workers_used);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
