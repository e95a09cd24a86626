// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Tracepoints of a batch, read through tracefs: they tell the same as its results.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/map-memory"
#define EVENTS		INSTANCE "/events/kvmmmu"
#define TEST_SIZE	(32 * SZ_1M)
#define CHUNK		SZ_2M
#define NR_CHUNKS	(TEST_SIZE / CHUNK)
#define NR_WORKERS	4

/* Those of one job. */
struct events {
	unsigned int submit, done, chunk_begin, chunk_end, helper_begin, helper_end;
	uint64_t job;
	/* As kvm_map_memory_submit has them, and kvm_map_memory_done. */
	uint64_t bytes, mappings, flags;
	int64_t vm, result;
	uint64_t mapped, present, skipped, workers;
	/* The sums over chunks. */
	uint64_t size, chunk_mappings, chunk_mapped, chunk_present, chunk_skipped;
	uint64_t helper_chunks, helpers_kept;
};

FIXTURE(trace) {
	struct kvm_vm *vm;
	void *hva;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(trace) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(trace, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(trace, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(trace)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
}

FIXTURE_TEARDOWN(trace)
{
	kvm_vm_free(self->vm);
	rmdir(INSTANCE);
}

/* False where the kernel has no tracefs. */
static bool start_trace(void)
{
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (mkdir(INSTANCE, 0700))
		return false;
	TEST_ASSERT(file_write(INSTANCE "/buffer_size_kb", "256"), "No buffer");
	/* The events of a module that is loaded belong to every instance. */
	TEST_ASSERT(file_write(EVENTS "/kvm_map_memory_submit/enable", "1") &&
		    file_write(EVENTS "/kvm_map_memory_done/enable", "1") &&
		    file_write(EVENTS "/kvm_map_memory_chunk_begin/enable", "1") &&
		    file_write(EVENTS "/kvm_map_memory_chunk_end/enable", "1") &&
		    file_write(EVENTS "/kvm_map_memory_helper_begin/enable", "1") &&
		    file_write(EVENTS "/kvm_map_memory_helper_end/enable", "1"),
		    "The kernel has no such events");
	return true;
}

/* The value of "@name " in the line of an event. */
static int64_t value_of(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	TEST_ASSERT(at, "No '%s' in %s", name, line);
	return strtoll(at + strlen(name), NULL, 0);
}

static void add_chunk_end(struct events *events, const char *text)
{
	events->chunk_end++;
	events->chunk_mapped += value_of(text, " mapped ");
	events->chunk_present += value_of(text, " present ");
	events->chunk_skipped += value_of(text, " skipped ");
}

static void add_chunk_begin(struct events *events, const char *text)
{
	events->chunk_begin++;
	events->size += value_of(text, " size ");
	events->chunk_mappings += value_of(text, " mappings ");
}

static void add_submit(struct events *events, const char *text)
{
	events->submit++;
	events->vm = value_of(text, " vm ");
	events->bytes = value_of(text, " bytes ");
	events->mappings = value_of(text, " mappings ");
	events->flags = value_of(text, " flags ");
}

static void add_done(struct events *events, const char *text)
{
	events->done++;
	events->result = value_of(text, " result ");
	events->mapped = value_of(text, " mapped ");
	events->present = value_of(text, " present ");
	events->skipped = value_of(text, " skipped ");
	events->workers = value_of(text, " workers ");
}

static void add_helper_end(struct events *events, const char *text)
{
	events->helper_end++;
	events->helper_chunks += value_of(text, " chunks ");
	events->helpers_kept += value_of(text, " kept ");
}

static void add_helper_begin(struct events *events, const char *text)
{
	events->helper_begin++;
}

static const struct {
	const char *name;
	void (*add)(struct events *events, const char *text);
} kinds[] = {
	{ "kvm_map_memory_submit:", add_submit },
	{ "kvm_map_memory_done:", add_done },
	{ "kvm_map_memory_chunk_begin:", add_chunk_begin },
	{ "kvm_map_memory_chunk_end:", add_chunk_end },
	{ "kvm_map_memory_helper_begin:", add_helper_begin },
	{ "kvm_map_memory_helper_end:", add_helper_end },
};

static void add_line(struct events *events, const char *line)
{
	const char *text;
	unsigned int i;
	uint64_t job;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		text = strstr(line, kinds[i].name);
		if (!text)
			continue;
		job = value_of(text, " job ");
		TEST_ASSERT(!events->job || events->job == job,
			    "Jobs %lu and %lu", events->job, job);
		events->job = job;
		kinds[i].add(events, text);
	}
}

static struct events read_trace(void)
{
	struct events events = {};
	char line[512];
	FILE *file;

	file = fopen(INSTANCE "/trace", "r");
	TEST_ASSERT(file, "There is no trace");
	while (fgets(line, sizeof(line), file))
		add_line(&events, line);
	fclose(file);
	TEST_ASSERT(file_write(INSTANCE "/trace", "0"), "The trace stays");
	return events;
}

static void expect_agreement(FIXTURE_DATA(trace) *self, const struct events *events,
			     int result, uint64_t asked)
{
	const struct kvm_map_memory_batch *batch = &self->batch;

	TEST_ASSERT_EQ(events->submit, 1);
	TEST_ASSERT_EQ(events->done, 1);
	TEST_ASSERT_EQ(events->vm, getpid());
	TEST_ASSERT_EQ(events->bytes, asked);
	TEST_ASSERT_EQ(events->mappings, batch->nr_mappings);
	TEST_ASSERT_EQ(events->flags, batch->flags);
	TEST_ASSERT_EQ(events->result, result);
	TEST_ASSERT_EQ(events->mapped, batch->bytes_mapped);
	TEST_ASSERT_EQ(events->present, batch->bytes_present);
	TEST_ASSERT_EQ(events->skipped, batch->bytes_skipped);
	TEST_ASSERT_EQ(events->workers, batch->workers_used);
	TEST_ASSERT_EQ(events->chunk_begin, events->chunk_end);
	TEST_ASSERT_EQ(events->chunk_mapped, batch->bytes_mapped);
	TEST_ASSERT_EQ(events->chunk_present, batch->bytes_present);
	TEST_ASSERT_EQ(events->chunk_skipped, batch->bytes_skipped);
	TEST_ASSERT_EQ(events->helper_begin, events->helper_end);
}

TEST_F(trace, one_range)
{
	struct events events;

	if (!start_trace())
		SKIP(return, "The kernel has no tracefs");
	memset(self->hva, 1, CHUNK);
	assert_map_range(self->vm, variant->entry, TEST_GPA, CHUNK, 0, 1, CHUNK);
	read_trace();

	self->mapping.flags = KVM_MEMORY_MAPPING_RESIDENT;
	memset(self->hva + CHUNK, 1, CHUNK);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	events = read_trace();
	expect_agreement(self, &events, 0, TEST_SIZE);
	ASSERT_EQ(NR_CHUNKS, events.chunk_begin);
	ASSERT_EQ(TEST_SIZE, events.size);
	ASSERT_EQ(NR_CHUNKS, events.chunk_mappings);
	ASSERT_EQ(0, events.helpers_kept);
}

/* Each helper takes a chunk and waits for its memory. */
TEST_F(trace, helpers)
{
	struct map_thread thread;
	struct uffd_gate gate;
	struct events events;
	int i;

	if (!start_trace())
		SKIP(return, "The kernel has no tracefs");
	if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	self->batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&gate);
	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_thread_join(&thread));

	events = read_trace();
	expect_agreement(self, &events, 0, TEST_SIZE);
	ASSERT_EQ(NR_WORKERS - 1, events.helper_begin);
	ASSERT_EQ(NR_WORKERS - 1, events.helpers_kept);
	ASSERT_LE(NR_WORKERS - 1, events.helper_chunks);
	ASSERT_GT(NR_CHUNKS, events.helper_chunks);
}

/* Small ranges share a chunk; one of them fails. */
TEST_F(trace, small_ranges)
{
	struct kvm_memory_mapping mappings[100];
	struct events events;
	unsigned int i;

	if (!start_trace())
		SKIP(return, "The kernel has no tracefs");
	for (i = 0; i < ARRAY_SIZE(mappings); i++)
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + 2 * i * PAGE_SIZE,
			.size = PAGE_SIZE,
		};
	ASSERT_EQ(0, mprotect(self->hva + 20 * PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	map_batch_init(&self->batch, mappings, ARRAY_SIZE(mappings), 1);
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &self->batch));
	events = read_trace();
	expect_agreement(self, &events, -EFAULT, ARRAY_SIZE(mappings) * PAGE_SIZE);
	ASSERT_EQ(10, self->batch.first_undone);
	ASSERT_EQ(2, events.chunk_begin);
	ASSERT_EQ(ARRAY_SIZE(mappings), events.chunk_mappings);
}

/* By io_uring it is no job that helpers could join, and looks like one. */
TEST_F(trace, few_resident_pages)
{
	struct events events;

	if (!start_trace())
		SKIP(return, "The kernel has no tracefs");
	memset(self->hva, 1, 2 * PAGE_SIZE);
	self->mapping.size = 4 * PAGE_SIZE;
	self->mapping.flags = KVM_MEMORY_MAPPING_RESIDENT;
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	events = read_trace();
	expect_agreement(self, &events, 0, 4 * PAGE_SIZE);
	ASSERT_EQ(2 * PAGE_SIZE, self->batch.bytes_mapped);
	ASSERT_EQ(1, events.chunk_begin);
	ASSERT_EQ(4 * PAGE_SIZE, events.size);
	ASSERT_EQ(0, events.helper_begin);
}

/* No job: nobody hears of it. */
TEST_F(trace, refused)
{
	struct events events;

	if (!start_trace())
		SKIP(return, "The kernel has no tracefs");
	self->batch.reserved[0] = 1;
	ASSERT_EQ(-EINVAL, map_batch(self->vm, variant->entry, &self->batch));
	events = read_trace();
	ASSERT_EQ(0, events.submit);
	ASSERT_EQ(0, events.done);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
