// SPDX-License-Identifier: GPL-2.0
// quick: debug
// kernel: debug
/*
 * The figures of a VM's jobs in its binary statistics, which a kernel has that is
 * built as a whole.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(8 * SZ_1M)
#define NOT_READ	0xeeeeeeeeeeeeeeeeULL

static const char * const errors[] = {
	"map_memory_errors_eintr", "map_memory_errors_ecanceled",
	"map_memory_errors_eagain", "map_memory_errors_enomem",
	"map_memory_errors_efault", "map_memory_errors_other",
};

/* The library leaves the value alone if there is none of this name. */
static uint64_t read_stat(struct kvm_vm *vm, const char *name)
{
	uint64_t value = NOT_READ;

	__vm_get_stat(vm, name, &value, 1);
	TEST_ASSERT(value != NOT_READ, "No statistic %s", name);
	return value;
}

static uint64_t sum_of_errors(struct kvm_vm *vm)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		sum += read_stat(vm, errors[i]);
	return sum;
}

FIXTURE(binary_stats) {
	struct kvm_vm *vm;
	void *hva;
};

FIXTURE_SETUP(binary_stats)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(binary_stats)
{
	kvm_vm_free(self->vm);
}

TEST_F(binary_stats, of_a_vm_without_jobs)
{
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_jobs_running"));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_jobs_done"));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_helpers"));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_bytes_mapped"));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_bytes_present"));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_bytes_skipped"));
	EXPECT_EQ(0, sum_of_errors(self->vm));
}

TEST_F(binary_stats, sums)
{
	const uint64_t half = TEST_SIZE / 2;
	struct kvm_map_memory_batch batch;

	assert_map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, half, 0, 2, half);
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_URING, TEST_GPA, TEST_SIZE,
			       KVM_MEMORY_MAPPING_RESIDENT, 1, &batch));
	EXPECT_EQ(0, read_stat(self->vm, "map_memory_jobs_running"));
	EXPECT_EQ(2, read_stat(self->vm, "map_memory_jobs_done"));
	EXPECT_EQ(half, read_stat(self->vm, "map_memory_bytes_mapped"));
	EXPECT_EQ(half, read_stat(self->vm, "map_memory_bytes_present"));
	EXPECT_EQ(half, read_stat(self->vm, "map_memory_bytes_skipped"));
	EXPECT_EQ(0, sum_of_errors(self->vm));
}

TEST_F(binary_stats, errors_by_kind)
{
	struct kvm_map_memory_batch batch;

	ASSERT_EQ(0, mprotect(self->hva + SZ_1M, PAGE_SIZE, PROT_NONE));
	ASSERT_EQ(-EFAULT, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, TEST_SIZE, 0, 1,
				     &batch));
	ASSERT_EQ(-ENOENT, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA + TEST_SIZE,
				     PAGE_SIZE, 0, 1, &batch));
	EXPECT_EQ(1, read_stat(self->vm, "map_memory_errors_efault"));
	EXPECT_EQ(1, read_stat(self->vm, "map_memory_errors_other"));
	EXPECT_EQ(2, sum_of_errors(self->vm));
	EXPECT_EQ(SZ_1M, read_stat(self->vm, "map_memory_bytes_mapped"));
}

TEST_F(binary_stats, of_a_running_job)
{
	struct blocked_job job;
	struct io_uring ring;
	int results[2];

	if (!blocked_job_create(&job, 3))
		SKIP(return, "userfaultfd is not permitted");
	kvm_vm_free(self->vm);
	map_ring_open(&ring, 4, 0);
	blocked_job_submit(&job, &ring);

	EXPECT_EQ(1, read_stat(job.vm, "map_memory_jobs_running"));
	EXPECT_EQ(0, read_stat(job.vm, "map_memory_jobs_done"));
	EXPECT_EQ(2, read_stat(job.vm, "map_memory_helpers"));
	EXPECT_GE(BLOCKED_OFFSET, read_stat(job.vm, "map_memory_bytes_mapped"));

	io_uring_prep_cancel64(io_uring_get_sqe(&ring), 1, 0);
	map_ring_submit(&ring, 1);
	map_ring_wait_all(&ring, results, 2);
	ASSERT_EQ(-ECANCELED, results[1]);
	blocked_job_wait_left(&job);
	EXPECT_EQ(0, read_stat(job.vm, "map_memory_jobs_running"));
	EXPECT_EQ(1, read_stat(job.vm, "map_memory_jobs_done"));
	EXPECT_EQ(1, read_stat(job.vm, "map_memory_errors_ecanceled"));
	EXPECT_EQ(job.batch.bytes_mapped, read_stat(job.vm, "map_memory_bytes_mapped"));
	/* An idle helper ends by itself. */
	EXPECT_TRUE(wait_until(!read_stat(job.vm, "map_memory_helpers")));

	io_uring_queue_exit(&ring);
	/* The library's descriptor would keep the VM. */
	close(job.vm->stats_fd);
	job.vm->stats_fd = 0;
	blocked_job_finish(&job, MAP_BY_URING);
	self->vm = test_vm_create(0, NULL);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
