// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// testvm:
// testvm: --cpus 4
// testvm: --cpus 16
// testvm: --cpu -la57
// testvm: --numa 2 --append numa_balancing=disable
// debug:
// debug: --cpus 4
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs while vCPUs run and fault on the same memory, and several jobs at the
 * same time.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(32 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define NR_VCPUS	2
#define NR_JOBS		8

struct vcpu_thread {
	pthread_t thread;
	struct kvm_vcpu *vcpu;
	struct guest_pass pass;
};

FIXTURE(running) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct vcpu_thread threads[NR_VCPUS];
	void *hva;
};

FIXTURE_VARIANT(running) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(running, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(running, ioctl_3_workers) {
	.entry = MAP_BY_IOCTL, .workers = 3,
};

FIXTURE_VARIANT_ADD(running, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(running, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(running)
{
	self->vm = test_vm_create(NR_VCPUS, self->vcpus);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(running)
{
	kvm_vm_free(self->vm);
}

static void *vcpu_thread_main(void *data)
{
	struct vcpu_thread *thread = data;

	guest_pass_run(thread->vcpu, &thread->pass);
	return NULL;
}

static void vcpu_thread_start(struct vcpu_thread *thread, struct kvm_vcpu *vcpu,
			      struct guest_pass pass)
{
	thread->vcpu = vcpu;
	thread->pass = pass;
	TEST_ASSERT(!pthread_create(&thread->thread, NULL, vcpu_thread_main,
				    thread), "Cannot create a thread");
}

/*
 * The vCPUs write the memory from both ends, over and over, before the job
 * starts and until it has ended: each pair of first touches is a race, and
 * no write may get lost.
 */
TEST_F_TIMEOUT(running, vcpus_fault_on_the_same_memory, 60)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = TEST_PAGES,
		.ops = PASS_WRITE | PASS_FOREVER,
		.value = 0x1000000,
	};
	struct kvm_map_memory_batch batch;
	uint64_t i;

	vcpu_thread_start(&self->threads[0], self->vcpus[0], pass);
	pass.gpa = TEST_GPA + TEST_SIZE - PAGE_SIZE;
	pass.stride = -1ULL;
	pass.value = 0x2000000;
	vcpu_thread_start(&self->threads[1], self->vcpus[1], pass);
	for (i = 0; i < NR_VCPUS; i++)
		ASSERT_TRUE(wait_until(guest_pass_progress(self->vcpus[i])));

	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, &batch));
	ASSERT_EQ(TEST_SIZE, batch.bytes_mapped + batch.bytes_present);
	ASSERT_GE(batch.bytes_present, NR_VCPUS * PAGE_SIZE);

	for (i = 0; i < NR_VCPUS; i++) {
		guest_pass_stop(self->vcpus[i]);
		ASSERT_EQ(0, pthread_join(self->threads[i].thread, NULL));
	}
	for (i = 0; i < TEST_PAGES; i++) {
		uint64_t word = *(uint64_t *)(self->hva + i * PAGE_SIZE);

		ASSERT_TRUE(word == 0x1000000 + i ||
			    word == 0x2000000 + TEST_PAGES - 1 - i);
	}
	ASSERT_EQ(0, guest_read_write(self->vcpus[0], TEST_GPA, TEST_SIZE,
				      self->hva));
	ASSERT_EQ(0, guest_read_write(self->vcpus[1], TEST_GPA, TEST_SIZE,
				      self->hva));
}

/* The words that a vCPU wrote before the job are still there after it. */
TEST_F(running, keep_what_vcpus_wrote)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = TEST_PAGES / 2,
		.stride = 2,
		.ops = PASS_WRITE,
		.value = 77,
	};
	struct kvm_map_memory_batch batch;

	ASSERT_EQ(TEST_PAGES / 2, guest_pass(self->vcpus[0], &pass));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, &batch));
	assert_batch_done(&batch, TEST_SIZE / 2, TEST_SIZE / 2);
	pass.ops = PASS_READ | PASS_VERIFY;
	pass.expect = 77;
	ASSERT_EQ(0, guest_pass(self->vcpus[1], &pass));
	ASSERT_EQ(0, guest_write(self->vcpus[1], TEST_GPA, TEST_SIZE));
}

/* Jobs share nothing but the memory: together they map it exactly once. */
TEST_F_TIMEOUT(running, jobs_at_the_same_time, 60)
{
	struct kvm_memory_mapping mappings[NR_JOBS];
	struct kvm_map_memory_batch batches[NR_JOBS];
	struct map_thread threads[NR_JOBS];
	uint64_t mapped = 0;
	int i;

	for (i = 0; i < NR_JOBS; i++) {
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + (i % 4) * SZ_4M,
			.size = TEST_SIZE - (i % 4) * SZ_4M,
		};
		map_batch_init(&batches[i], &mappings[i], 1, variant->workers);
		map_thread_start(&threads[i], self->vm, variant->entry,
				 &batches[i]);
	}
	for (i = 0; i < NR_JOBS; i++) {
		ASSERT_EQ(0, map_thread_join(&threads[i]));
		ASSERT_EQ(1, batches[i].first_undone);
		ASSERT_EQ(TEST_SIZE - (i % 4) * SZ_4M,
			  batches[i].bytes_mapped + batches[i].bytes_present);
		mapped += batches[i].bytes_mapped;
	}
	ASSERT_EQ(TEST_SIZE, mapped);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_read_write(self->vcpus[0], TEST_GPA, TEST_SIZE,
				      self->hva));
}

/* All of them in one ring, submitted together. */
TEST(jobs_of_one_ring)
{
	struct kvm_memory_mapping mappings[NR_JOBS];
	struct kvm_map_memory_batch batches[NR_JOBS];
	uint64_t part = TEST_SIZE / NR_JOBS;
	int results[NR_JOBS], i;
	struct io_uring ring;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	void *hva;

	vm = test_vm_create(1, &vcpu);
	hva = test_slot_add(vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
			    VM_MEM_SRC_ANONYMOUS);
	map_ring_open(&ring, NR_JOBS, 0);
	for (i = 0; i < NR_JOBS; i++) {
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + i * part,
			.size = part,
		};
		map_batch_init(&batches[i], &mappings[i], 1, i % 4);
		map_ring_prep(&ring, vm->fd, &batches[i], i);
	}
	map_ring_submit(&ring, NR_JOBS);
	map_ring_wait_all(&ring, results, NR_JOBS);
	io_uring_queue_exit(&ring);
	for (i = 0; i < NR_JOBS; i++) {
		ASSERT_EQ(0, results[i]);
		assert_batch_done(&batches[i], part, 0);
	}
	ASSERT_EQ(0, guest_read_write(vcpu, TEST_GPA, TEST_SIZE, hva));
	kvm_vm_free(vm);
}

/* Neither knows of the other. */
TEST(jobs_of_two_vms)
{
	struct kvm_memory_mapping mappings[2];
	struct kvm_map_memory_batch batches[2];
	struct map_thread threads[2];
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vms[2];
	void *hvas[2];
	int i;

	for (i = 0; i < 2; i++) {
		vms[i] = test_vm_create(1, &vcpus[i]);
		hvas[i] = test_slot_add(vms[i], TEST_SLOT, TEST_GPA, TEST_SIZE,
					VM_MEM_SRC_ANONYMOUS);
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA,
			.size = TEST_SIZE,
		};
		map_batch_init(&batches[i], &mappings[i], 1, 3);
	}
	for (i = 0; i < 2; i++)
		map_thread_start(&threads[i], vms[i],
				 i ? MAP_BY_IOCTL : MAP_BY_URING, &batches[i]);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, map_thread_join(&threads[i]));
		assert_batch_done(&batches[i], TEST_SIZE, 0);
	}
	ASSERT_EQ(0, guest_read_write(vcpus[0], TEST_GPA, TEST_SIZE, hvas[0]));
	kvm_vm_free(vms[0]);
	ASSERT_EQ(0, guest_read_write(vcpus[1], TEST_GPA, TEST_SIZE, hvas[1]));
	kvm_vm_free(vms[1]);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
