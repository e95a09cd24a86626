// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * The progress of a batch: what the VMM reads while it runs, and in the end, and
 * what becomes of it if its memory goes away.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(32 * SZ_1M)
#define CHUNK		SZ_2M
/* There is memory up to a page in the middle of a chunk. */
#define GATE_OFFSET	(4 * CHUNK + 100 * PAGE_SIZE)
/* Longer than a worker waits before it reports. */
#define DUE_MS		200
#define NOT_WRITTEN	0xeeeeeeeeeeeeeeeeULL

FIXTURE(progress) {
	struct kvm_vm *vm;
	void *hva;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	/* A page of its own, with nothing behind it. */
	struct kvm_map_memory_progress *progress;
};

FIXTURE_VARIANT(progress) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(progress, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(progress, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(progress)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, 1);
	self->progress = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(self->progress != MAP_FAILED &&
		    !mprotect((void *)self->progress + PAGE_SIZE, PAGE_SIZE, PROT_NONE),
		    "No memory");
	memset(self->progress, 0xee, PAGE_SIZE);
	self->batch.progress = (uint64_t)self->progress;
}

FIXTURE_TEARDOWN(progress)
{
	kvm_vm_free(self->vm);
}

static uint64_t read_field(const __u64 *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void expect_progress(FIXTURE_DATA(progress) *self, uint64_t mapped,
			    uint64_t present, uint64_t skipped)
{
	TEST_ASSERT_EQ(read_field(&self->progress->bytes_total), TEST_SIZE);
	TEST_ASSERT_EQ(read_field(&self->progress->bytes_mapped), mapped);
	TEST_ASSERT_EQ(read_field(&self->progress->bytes_present), present);
	TEST_ASSERT_EQ(read_field(&self->progress->bytes_skipped), skipped);
}

/* The batch waits for the page at GATE_OFFSET.  False without userfaultfd. */
static bool start(FIXTURE_DATA(progress) *self, enum map_entry entry)
{
	memset(self->hva, 1, GATE_OFFSET);
	if (!uffd_gate_close_off(&self->gate, self->hva + GATE_OFFSET,
				 TEST_SIZE - GATE_OFFSET))
		return false;
	map_thread_start(&self->thread, self->vm, entry, &self->batch);
	TEST_ASSERT(uffd_gate_wait(&self->gate) == self->hva + GATE_OFFSET,
		    "The batch waits elsewhere");
	return true;
}

static void finish(FIXTURE_DATA(progress) *self)
{
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
}

TEST_F(progress, at_the_end)
{
	const uint64_t there = 8 * SZ_1M;

	assert_map_range(self->vm, variant->entry, TEST_GPA, there, 0, 1, there);
	self->mapping.flags = KVM_MEMORY_MAPPING_RESIDENT;
	memset(self->hva + there, 1, there);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(there, self->batch.bytes_mapped);
	expect_progress(self, there, there, TEST_SIZE - 2 * there);
}

/* The range ends with its first failure; what is behind it was not done. */
TEST_F(progress, at_the_end_of_a_failure)
{
	ASSERT_EQ(0, mprotect(self->hva + GATE_OFFSET, PAGE_SIZE, PROT_NONE));
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &self->batch));
	expect_progress(self, self->batch.bytes_mapped, 0, 0);
	ASSERT_EQ(GATE_OFFSET, self->batch.bytes_mapped);
}

/* Chunks that are done are reported, and the one in hand is once that is due. */
TEST_F(progress, while_it_runs)
{
	const uint64_t step = 100 * PAGE_SIZE;
	uint64_t start_ms;

	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(TEST_SIZE, read_field(&self->progress->bytes_total));
	ASSERT_LE(GATE_OFFSET / CHUNK * CHUNK, read_field(&self->progress->bytes_mapped));
	ASSERT_GE(GATE_OFFSET, read_field(&self->progress->bytes_mapped));

	start_ms = now_ms();
	while (now_ms() < start_ms + DUE_MS)
		usleep(DUE_MS * 100);
	uffd_gate_release(&self->gate, self->hva + GATE_OFFSET, step);
	ASSERT_EQ(self->hva + GATE_OFFSET + step, uffd_gate_wait(&self->gate));
	ASSERT_LE(GATE_OFFSET + PAGE_SIZE, read_field(&self->progress->bytes_mapped));
	ASSERT_GE(GATE_OFFSET + step, read_field(&self->progress->bytes_mapped));

	finish(self);
	expect_progress(self, TEST_SIZE, 0, 0);
}

struct reader {
	pthread_t thread;
	const struct kvm_map_memory_progress *progress;
	bool stop;
	uint64_t went_back;
	uint64_t values;
};

static void *reader_main(void *data)
{
	struct reader *reader = data;
	uint64_t last = 0, now;

	while (!READ_ONCE(reader->stop)) {
		now = read_field(&reader->progress->bytes_mapped);
		reader->went_back += now < last;
		reader->values += now != last;
		last = now;
	}
	return NULL;
}

TEST_F(progress, never_goes_back)
{
	struct reader reader = { .progress = self->progress };
	int round;

	self->batch.nr_workers = 4;
	for (round = 0; round < 4; round++) {
		memset(self->progress, 0, sizeof(*self->progress));
		ASSERT_EQ(0, madvise(self->hva, TEST_SIZE, MADV_DONTNEED));
		self->mapping.base_address = TEST_GPA;
		self->mapping.size = TEST_SIZE;
		reader.stop = false;
		ASSERT_EQ(0, pthread_create(&reader.thread, NULL, reader_main, &reader));
		ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
		WRITE_ONCE(reader.stop, true);
		ASSERT_EQ(0, pthread_join(reader.thread, NULL));
		ASSERT_EQ(0, reader.went_back);
		expect_progress(self, TEST_SIZE, 0, 0);
	}
	ksft_print_msg("%lu values were seen\n", reader.values);
}

static void expect_refused(FIXTURE_DATA(progress) *self, enum map_entry entry,
			   uint64_t address, int error)
{
	self->batch.progress = address;
	self->batch.bytes_mapped = NOT_WRITTEN;
	TEST_ASSERT_EQ(map_batch_at(self->vm->fd, entry, (uint64_t)&self->batch), error);
	TEST_ASSERT_EQ(self->batch.bytes_mapped, NOT_WRITTEN);
	TEST_ASSERT_EQ(self->mapping.size, TEST_SIZE);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), 0);
}

TEST_F(progress, bad_address)
{
	uint64_t page = (uint64_t)self->progress;

	expect_refused(self, variant->entry, page + 4, -EINVAL);
	expect_refused(self, variant->entry, page + 1, -EINVAL);
	expect_refused(self, variant->entry, 1ULL << 63, -EFAULT);
	/* Only its first half is there. */
	expect_refused(self, variant->entry, page + PAGE_SIZE - 16, -EFAULT);
	ASSERT_EQ(0, mprotect(self->progress, PAGE_SIZE, PROT_READ));
	expect_refused(self, variant->entry, page, -EFAULT);
	ASSERT_EQ(NOT_WRITTEN, self->progress->bytes_total);
	ASSERT_EQ(0, mprotect(self->progress, PAGE_SIZE, PROT_NONE));
	expect_refused(self, variant->entry, page, -EFAULT);
}

TEST_F(progress, memory_that_goes_away)
{
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, munmap(self->progress, PAGE_SIZE));
	finish(self);
}

TEST_F(progress, memory_that_becomes_read_only)
{
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, mprotect(self->progress, PAGE_SIZE, PROT_READ));
	finish(self);
	ASSERT_GE(GATE_OFFSET, self->progress->bytes_mapped);
}

/* A page that the kernel has to bring back, or to copy, is written all the same. */
TEST_F(progress, memory_that_comes_back)
{
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, madvise(self->progress, PAGE_SIZE, MADV_DONTNEED));
	ASSERT_EQ(0, self->progress->bytes_total);
	uffd_gate_release(&self->gate, self->hva + GATE_OFFSET, 4 * CHUNK);
	ASSERT_EQ(self->hva + GATE_OFFSET + 4 * CHUNK, uffd_gate_wait(&self->gate));
	ASSERT_LE(GATE_OFFSET + 3 * CHUNK, read_field(&self->progress->bytes_mapped));
	finish(self);
	ASSERT_EQ(TEST_SIZE, self->progress->bytes_mapped);
}

/* The child keeps what was there. */
TEST_F(progress, memory_that_is_copied_on_write)
{
	int ready[2], go[2], status;
	char byte = 0;
	pid_t pid;

	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		/* The gate stays closed as long as anybody has it. */
		close(self->gate.fd);
		write(ready[1], &byte, 1);
		/* Until the parent is done. */
		_exit(read(go[0], &byte, 1) ||
		      self->progress->bytes_mapped > GATE_OFFSET);
	}
	close(go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	finish(self);
	expect_progress(self, TEST_SIZE, 0, 0);
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
