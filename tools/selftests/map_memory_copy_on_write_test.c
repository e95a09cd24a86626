// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * Jobs that have to replace page after page, because the pages are shared:
 * each replacement invalidates mappings of the VM, those that other workers
 * are just making included, and the job has to get to its end all the same.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(32 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)

FIXTURE(cow) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(cow) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(cow, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(cow, ioctl_2_workers) {
	.entry = MAP_BY_IOCTL, .workers = 2,
};

FIXTURE_VARIANT_ADD(cow, ioctl_16_workers) {
	.entry = MAP_BY_IOCTL, .workers = 16,
};

FIXTURE_VARIANT_ADD(cow, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(cow)
{
	self->vm = test_vm_create(1, &self->vcpu);
}

FIXTURE_TEARDOWN(cow)
{
	kvm_vm_free(self->vm);
}

static void set_slot(FIXTURE_DATA(cow) *self, void *hva)
{
	self->hva = hva;
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, hva);
}

static void populate_by_reading(void *hva)
{
	uint64_t offset;

	for (offset = 0; offset < TEST_SIZE; offset += PAGE_SIZE)
		READ_ONCE(*(uint64_t *)(hva + offset));
}

static void map_and_use(FIXTURE_DATA(cow) *self,
			const FIXTURE_VARIANT(cow) *variant)
{
	struct kvm_map_memory_batch batch;
	uint64_t start = now_ms();

	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				 0, variant->workers, &batch), 0);
	assert_batch_done(&batch, TEST_SIZE, 0);
	ksft_print_msg("%lu ms with %u workers\n", now_ms() - start,
		       batch.workers_used);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

TEST_F_TIMEOUT(cow, zero_pages, 90)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	populate_by_reading(self->hva);
	map_and_use(self, variant);
}

/* They are in the VM's page tables as well, and have to be removed there. */
TEST_F_TIMEOUT(cow, zero_pages_that_the_guest_has_read, 90)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	ASSERT_EQ(TEST_PAGES, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	map_and_use(self, variant);
}

/* As a VMM restores a snapshot. */
TEST_F_TIMEOUT(cow, private_file_memory, 90)
{
	int memfd = memfd_create("snapshot", 0);
	uint64_t i;
	void *file;

	ASSERT_EQ(0, ftruncate(memfd, TEST_SIZE));
	file = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, file);
	for (i = 0; i < TEST_PAGES; i++)
		*(uint64_t *)(file + i * PAGE_SIZE) = i;
	set_slot(self, mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			    memfd, 0));
	ASSERT_NE(MAP_FAILED, self->hva);
	populate_by_reading(self->hva);
	map_and_use(self, variant);
	for (i = 0; i < TEST_PAGES; i++)
		ASSERT_EQ(i, *(uint64_t *)(file + i * PAGE_SIZE));
}

/* As a VMM forks to take a snapshot. */
TEST_F_TIMEOUT(cow, memory_shared_by_fork, 90)
{
	int fds[2];
	pid_t child;
	char word;

	set_slot(self, test_mem_alloc(TEST_SIZE));
	memset(self->hva, 1, TEST_SIZE);
	ASSERT_EQ(0, pipe(fds));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], &word, 1));
	}
	map_and_use(self, variant);
	close(fds[1]);
	ASSERT_EQ(child, waitpid(child, NULL, 0));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
