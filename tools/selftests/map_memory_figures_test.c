// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * What an operator reads in a VM's directory of debugfs of its jobs: the sums of
 * those that are over, and how far each one is that is running.
 */
#include <dirent.h>
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

#define DEBUGFS		"/sys/kernel/debug/kvm"
#define TEST_SIZE	(8 * SZ_1M)

struct figures {
	uint64_t jobs_running, jobs_done;
	uint64_t bytes_mapped, bytes_present, bytes_skipped;
	uint64_t helpers;
	uint64_t errors_eintr, errors_ecanceled, errors_eagain, errors_enomem;
	uint64_t errors_efault, errors_other;
};

struct running {
	uint64_t job, workers, max_workers;
	uint64_t bytes_mapped, bytes_present, bytes_skipped, bytes_total;
};

FIXTURE(figures) {
	struct kvm_vm *vm;
	void *hva;
};

FIXTURE_VARIANT(figures) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(figures, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(figures, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(figures)
{
	/* Mounts debugfs if need be. */
	if (count_vms(getpid()) < 0)
		SKIP(return, "The kernel has no debugfs");
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(figures)
{
	if (self->vm)
		kvm_vm_free(self->vm);
}

static FILE *open_file(const struct kvm_vm *vm, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%d-%d/%s", getpid(), vm->fd, name);
	return fopen(path, "r");
}

static uint64_t read_line(FILE *file, const char *name)
{
	uint64_t value;
	char word[64];

	TEST_ASSERT(fscanf(file, "%63s %lu", word, &value) == 2, "No %s", name);
	TEST_ASSERT(!strcmp(word, name), "%s in place of %s", word, name);
	return value;
}

/* Its names are what others depend on, and their order. */
static struct figures read_figures(const struct kvm_vm *vm)
{
	FILE *file = open_file(vm, "map_memory");
	struct figures figures;

	TEST_ASSERT(file, "The VM has no figures");
	figures.jobs_running = read_line(file, "jobs_running");
	figures.jobs_done = read_line(file, "jobs_done");
	figures.bytes_mapped = read_line(file, "bytes_mapped");
	figures.bytes_present = read_line(file, "bytes_present");
	figures.bytes_skipped = read_line(file, "bytes_skipped");
	figures.helpers = read_line(file, "helpers");
	figures.errors_eintr = read_line(file, "errors_eintr");
	figures.errors_ecanceled = read_line(file, "errors_ecanceled");
	figures.errors_eagain = read_line(file, "errors_eagain");
	figures.errors_enomem = read_line(file, "errors_enomem");
	figures.errors_efault = read_line(file, "errors_efault");
	figures.errors_other = read_line(file, "errors_other");
	fclose(file);
	return figures;
}

static const char * const columns[] = {
	"job", "workers", "max_workers", "bytes_mapped", "bytes_present",
	"bytes_skipped", "bytes_total",
};

/* How many jobs are running, the last of them in @running. */
static unsigned int read_running(const struct kvm_vm *vm, struct running *running)
{
	FILE *file = open_file(vm, "map_memory_jobs");
	char line[256], *name = line;
	unsigned int i, nr = 0;

	TEST_ASSERT(file && fgets(line, sizeof(line), file), "The VM has no list of jobs");
	for (i = 0; i < ARRAY_SIZE(columns); i++, name = NULL)
		TEST_ASSERT(!strcmp(strtok(name, "\n ") ?: "", columns[i]),
			    "No column %s", columns[i]);
	while (fscanf(file, "%lu %lu %lu %lu %lu %lu %lu", &running->job,
		      &running->workers, &running->max_workers,
		      &running->bytes_mapped, &running->bytes_present,
		      &running->bytes_skipped, &running->bytes_total) == 7)
		nr++;
	fclose(file);
	return nr;
}

/* A VM that has had no job. */
static bool has_no_figures(const struct kvm_vm *vm)
{
	const struct figures none = {}, figures = read_figures(vm);
	struct running running;

	return !memcmp(&figures, &none, sizeof(none)) && !read_running(vm, &running);
}

TEST_F(figures, sums)
{
	const uint64_t half = TEST_SIZE / 2;
	struct kvm_map_memory_batch batch;
	struct running running;
	struct figures figures;

	ASSERT_TRUE(has_no_figures(self->vm));

	assert_map_range(self->vm, variant->entry, TEST_GPA, half, 0, 2, half);
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
			       KVM_MEMORY_MAPPING_RESIDENT, 1, &batch));
	ASSERT_EQ(half, batch.bytes_skipped);
	figures = read_figures(self->vm);
	ASSERT_EQ(0, figures.jobs_running);
	ASSERT_EQ(2, figures.jobs_done);
	ASSERT_EQ(half, figures.bytes_mapped);
	ASSERT_EQ(half, figures.bytes_present);
	ASSERT_EQ(half, figures.bytes_skipped);
	ASSERT_EQ(0, figures.helpers);
	ASSERT_EQ(0, read_running(self->vm, &running));
}

/* By io_uring these are not seen running, but count. */
TEST_F(figures, few_resident_pages)
{
	struct figures figures;

	memset(self->hva, 1, PAGE_SIZE);
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, 2 * PAGE_SIZE,
			       KVM_MEMORY_MAPPING_RESIDENT, 1, NULL));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, PAGE_SIZE,
			       KVM_MEMORY_MAPPING_RESIDENT, 1, NULL));
	figures = read_figures(self->vm);
	ASSERT_EQ(0, figures.jobs_running);
	ASSERT_EQ(2, figures.jobs_done);
	ASSERT_EQ(PAGE_SIZE, figures.bytes_mapped);
	ASSERT_EQ(PAGE_SIZE, figures.bytes_present);
	ASSERT_EQ(PAGE_SIZE, figures.bytes_skipped);
}

TEST_F(figures, errors)
{
	struct kvm_map_memory_batch batch;
	struct figures figures;

	ASSERT_EQ(0, mprotect(self->hva + SZ_1M, PAGE_SIZE, PROT_NONE));
	ASSERT_EQ(-EFAULT, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0, 1,
				     &batch));
	ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, TEST_GPA + TEST_SIZE,
				     PAGE_SIZE, 0, 1, &batch));
	/* Refused: no job. */
	ASSERT_EQ(-EINVAL, map_range(self->vm, variant->entry, TEST_GPA, 1, 0, 1, &batch));
	figures = read_figures(self->vm);
	ASSERT_EQ(2, figures.jobs_done);
	ASSERT_EQ(SZ_1M, figures.bytes_mapped);
	ASSERT_EQ(1, figures.errors_efault);
	ASSERT_EQ(1, figures.errors_other);
	ASSERT_EQ(0, figures.errors_eintr + figures.errors_ecanceled +
		     figures.errors_eagain + figures.errors_enomem);
}

static void do_nothing(int signal)
{
}

/* Cancels the job that waits at the gate. */
static void cancel(struct blocked_job *job, struct map_thread *thread,
		   struct io_uring *ring)
{
	struct sigaction action = { .sa_handler = do_nothing };
	int results[2];

	if (thread) {
		TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "No handler");
		TEST_ASSERT(!pthread_kill(thread->thread, SIGUSR1), "No signal");
		TEST_ASSERT_EQ(map_thread_join(thread), -EINTR);
		return;
	}
	io_uring_prep_cancel64(io_uring_get_sqe(ring), 1, 0);
	map_ring_submit(ring, 1);
	map_ring_wait_all(ring, results, 2);
	TEST_ASSERT_EQ(results[1], -ECANCELED);
}

TEST_F(figures, of_a_running_job)
{
	bool uring = variant->entry == MAP_BY_URING;
	struct running running;
	struct figures figures;
	struct blocked_job job;
	struct map_thread thread;
	struct io_uring ring;

	if (!blocked_job_create(&job, 3))
		SKIP(return, "userfaultfd is not permitted");
	if (uring) {
		map_ring_open(&ring, 4, 0);
		blocked_job_submit(&job, &ring);
	} else {
		map_thread_start(&thread, job.vm, variant->entry, &job.batch);
		blocked_job_wait(&job);
	}

	ASSERT_EQ(1, read_running(job.vm, &running));
	ASSERT_EQ(3, running.workers);
	ASSERT_EQ(3, running.max_workers);
	ASSERT_EQ(BLOCKED_SIZE, running.bytes_total);
	ASSERT_LE(BLOCKED_OFFSET / SZ_2M * SZ_2M, running.bytes_mapped);
	ASSERT_GE(BLOCKED_OFFSET, running.bytes_mapped);
	figures = read_figures(job.vm);
	ASSERT_EQ(1, figures.jobs_running);
	ASSERT_EQ(0, figures.jobs_done);
	ASSERT_EQ(2, figures.helpers);
	ASSERT_LE(running.bytes_mapped, figures.bytes_mapped);
	/* Those of another VM are its own. */
	ASSERT_TRUE(has_no_figures(self->vm));
	kvm_vm_free(self->vm);
	self->vm = NULL;

	cancel(&job, uring ? NULL : &thread, &ring);
	blocked_job_wait_left(&job);
	figures = read_figures(job.vm);
	ASSERT_EQ(0, figures.jobs_running);
	ASSERT_EQ(1, figures.jobs_done);
	ASSERT_EQ(!uring, figures.errors_eintr);
	ASSERT_EQ(uring, figures.errors_ecanceled);
	ASSERT_EQ(job.batch.bytes_mapped, figures.bytes_mapped);
	ASSERT_EQ(0, read_running(job.vm, &running));

	if (uring)
		io_uring_queue_exit(&ring);
	blocked_job_finish(&job, variant->entry);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
