// SPDX-License-Identifier: GPL-2.0
// quick: debug
// kernel: debug
/*
 * Allocations for helper threads fail, and allocations in them: the owner of the job
 * does the work, and the next job has helpers again.
 */
#include "kvm_test_harness.h"

#include "lib/fault_injection.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(8 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define NR_WORKERS	4
#define NO_END		1000000

FIXTURE(helper) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
	struct uffd_gate gate;

	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	/* Of the thread that calls. */
	pthread_t thread;
	enum map_entry entry;
	int result;
};

FIXTURE_VARIANT(helper) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(helper, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(helper, uring) { .entry = MAP_BY_URING };

static void create_vm(FIXTURE_DATA(helper) *self)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
}

FIXTURE_SETUP(helper)
{
	create_vm(self);
}

FIXTURE_TEARDOWN(helper)
{
	fault_injection_end();
	kvm_vm_free(self->vm);
}

static void init_call(FIXTURE_DATA(helper) *self)
{
	self->mapping = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
}

/* Whatever the thread makes, io-wq's and helpers, inherits that it has to fail. */
static void *call_and_fail(void *data)
{
	FIXTURE_DATA(helper) *self = data;

	make_thread_fail(gettid(), true);
	self->result = map_batch(self->vm, self->entry, &self->batch);
	return NULL;
}

/*
 * A job whose workers stand at the first page that they come to, while all
 * allocations below @function but @but_not fail in the calling thread and in those
 * made by it.
 */
static bool start_job(FIXTURE_DATA(helper) *self, enum map_entry entry,
		      const char *function, const char *but_not)
{
	if (!fault_injection_begin(function, but_not, false) ||
	    !uffd_gate_close_off(&self->gate, self->mem, TEST_SIZE))
		return false;

	init_call(self);
	fail_first(NO_END);
	self->entry = entry;
	TEST_ASSERT(!pthread_create(&self->thread, NULL, call_and_fail, self),
		    "Cannot create a thread");
	return true;
}

static int end_job(FIXTURE_DATA(helper) *self)
{
	fault_injection_end();
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT(!pthread_join(self->thread, NULL), "Cannot join the thread");
	return self->result;
}

/* Each of four workers stands at a chunk of its own. */
static void expect_helpers(FIXTURE_DATA(helper) *self)
{
	struct map_thread thread;
	int i;

	TEST_ASSERT(!madvise(self->mem, TEST_SIZE, MADV_DONTNEED), "MADV_DONTNEED");
	TEST_ASSERT(uffd_gate_close_off(&self->gate, self->mem, TEST_SIZE),
		    "userfaultfd was permitted before");
	init_call(self);
	map_thread_start(&thread, self->vm, self->entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&thread), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, NR_WORKERS);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem), 0);
}

static void expect_owner_alone(FIXTURE_DATA(helper) *self)
{
	TEST_ASSERT_EQ(end_job(self), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, 1);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem), 0);
}

/* Allocations behind copy_process() are the kernel's own, which warns of some. */
TEST_F(helper, cannot_be_made)
{
	if (!start_job(self, variant->entry, "kvm_map_memory_helper_make", "copy_process"))
		SKIP(return, "No fault injection, or no userfaultfd");

	ASSERT_TRUE(wait_until(fail_first_count()));
	ASSERT_EQ(0, count_threads(HELPER_COMM));
	expect_owner_alone(self);
	expect_helpers(self);
}

TEST_F(helper, cannot_be_a_vhost_task)
{
	if (!start_job(self, variant->entry, "vhost_task_create", "copy_process"))
		SKIP(return, "No fault injection, or no userfaultfd");

	ASSERT_TRUE(wait_until(fail_first_count()));
	ASSERT_EQ(0, count_threads(HELPER_COMM));
	expect_owner_alone(self);
	expect_helpers(self);
}

/* The owner of a command asks another thread to make them. */
TEST(helper_cannot_be_asked_for)
{
	FIXTURE_DATA(helper) data = {}, *self = &data;

	create_vm(self);
	if (!start_job(self, MAP_BY_URING, "kvm_map_memory_make_from", NULL))
		SKIP(return, "No fault injection, or no userfaultfd");

	ASSERT_TRUE(wait_until(fail_first_count()));
	ASSERT_EQ(0, count_threads(HELPER_COMM));
	expect_owner_alone(self);
	expect_helpers(self);
	kvm_vm_free(self->vm);
}

/* They are made, but cannot work, and end. */
TEST_F(helper, has_no_context)
{
	if (!start_job(self, variant->entry, "map_memory_helper_fn",
		       "kvm_map_memory_helper_make"))
		SKIP(return, "No fault injection, or no userfaultfd");

	ASSERT_TRUE(wait_until(fail_first_count() >= NR_WORKERS - 1));
	expect_owner_alone(self);
	ASSERT_EQ(0, count_threads(HELPER_COMM));
	expect_helpers(self);
}

/*
 * The first helper can make no others, and fails with the chunk that it takes.  Only
 * the owner may have taken one before, and maps it; it may take more before it learns
 * of the failure.
 */
TEST_F(helper, has_no_page_tables)
{
	const uint64_t chunk = 2 * SZ_1M;
	uint64_t done, mapped;

	if (!start_job(self, variant->entry, "map_memory_helper_fn",
		       "kvm_arch_map_memory_create_context"))
		SKIP(return, "No fault injection, or no userfaultfd");

	/* Another helper, then page tables. */
	ASSERT_TRUE(wait_until(fail_first_count() >= 2));
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	fault_injection_end();
	ASSERT_EQ(-ENOMEM, self->result);
	done = self->mapping.base_address - TEST_GPA;
	mapped = vm_get_stat(self->vm, "pages_4k") * PAGE_SIZE;
	ASSERT_EQ(TEST_SIZE - done, self->mapping.size);
	ASSERT_TRUE(done == 0 || done == chunk);
	ASSERT_EQ(0, mapped % chunk);
	ASSERT_LE(done, mapped);
	ASSERT_GT(TEST_SIZE, mapped);
	ASSERT_EQ(mapped, self->batch.bytes_mapped);
	ASSERT_EQ(0, self->batch.bytes_present);
	ASSERT_EQ(0, self->batch.first_undone);

	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE - mapped, mapped - done);
	expect_helpers(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
