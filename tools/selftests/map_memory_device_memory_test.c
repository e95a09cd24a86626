// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * A slot with a page of a device's memory (VM_IO, VM_PFNMAP, nothing that the
 * kernel has a struct page for) among others: mapped as by a fault, skipped where
 * only what is resident is wanted, and replaced under jobs, where it could be
 * mapped before and after.
 */
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#include "kvm_test_harness.h"

#include "lib/gup_hold.h"
#include "lib/host_files.h"
#include "lib/moving_memory.h"

#define DEVICES		"/sys/bus/pci/devices/"
/* Among the pages that change; vCPUs leave these alone. */
#define DEVICE_PAGE	600

FIXTURE(device) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(device) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(device, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(device, skewed) { .skew = 201 };

static int device = -1;

static bool has_driver(const char *resource)
{
	char path[128];

	snprintf(path, sizeof(path), "%.*s/driver",
		 (int)(strrchr(resource, '/') - resource), resource);
	return !access(path, F_OK);
}

/* The registers of a PCI device that nobody uses. */
static int open_device(void)
{
	char path[128];
	struct stat st;
	glob_t found;
	int fd = -1;
	size_t i;

	if (glob(DEVICES "*/resource[0-5]", 0, NULL, &found))
		return -1;
	for (i = 0; i < found.gl_pathc && fd < 0; i++) {
		const char *name = found.gl_pathv[i];

		if (stat(name, &st) || st.st_size < PAGE_SIZE || has_driver(name))
			continue;
		snprintf(path, sizeof(path), "%.*s/enable",
			 (int)(strrchr(name, '/') - name), name);
		if (file_write(path, "1"))
			fd = open(name, O_RDWR);
	}
	globfree(&found);
	return fd;
}

static void *device_page(struct moving_memory *mem)
{
	return mem->hva + DEVICE_PAGE * PAGE_SIZE;
}

static void put_device(struct moving_memory *mem)
{
	TEST_ASSERT(mmap(device_page(mem), PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, device, 0) == device_page(mem),
		    "mmap of the device failed");
}

static void put_memory(struct moving_memory *mem)
{
	TEST_ASSERT(mmap(device_page(mem), PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    device_page(mem), "mmap failed");
}

FIXTURE_SETUP(device)
{
	uint64_t size = MOVING_PAGES * PAGE_SIZE + SZ_2M;

	device = open_device();
	if (device < 0)
		SKIP(return, "No PCI device without a driver");
	moving_memory_create(&self->mem,
			     test_mem_alloc(size) + variant->skew * PAGE_SIZE,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
}

FIXTURE_TEARDOWN(device)
{
	moving_memory_destroy(&self->mem);
}

/* By the kernel's own account it is what the test is about. */
static void expect_io_memory(void *hva)
{
	uint64_t start, end;
	char line[512];
	bool inside = false, found = false;
	FILE *file = fopen("/proc/self/smaps", "r");

	TEST_ASSERT(file, "Cannot open /proc/self/smaps");
	while (!found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start == (uint64_t)hva;
		found = inside && !strncmp(line, "VmFlags:", 8) &&
			strstr(line, " io ") && strstr(line, " pf ");
	}
	fclose(file);
	TEST_ASSERT(found, "No VM_IO and VM_PFNMAP at %p", hva);
}

static void expect_counts(struct moving_memory *mem, uint64_t flags,
			  uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(moving_memory_map(mem, flags, NULL, &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_mapped, mapped * PAGE_SIZE);
	TEST_ASSERT_EQ(batch.bytes_present, present * PAGE_SIZE);
	TEST_ASSERT_EQ(batch.bytes_skipped, skipped * PAGE_SIZE);
}

static void expect_guest_reads_device(struct moving_memory *mem)
{
	struct guest_pass verify = {
		.gpa = TEST_GPA + DEVICE_PAGE * PAGE_SIZE,
		.nr_pages = 1,
		.ops = PASS_READ | PASS_VERIFY,
		.expect = *(volatile uint64_t *)device_page(mem),
	};

	TEST_ASSERT(verify.expect && verify.expect != -1ULL,
		    "The device answers 0x%lx", verify.expect);
	TEST_ASSERT_EQ(guest_pass(mem->vcpus[0], &verify), 0);
}

static void map_with_neighbours(struct moving_memory *mem, uint64_t flags)
{
	uint64_t rest = MOVING_PAGES - 1;

	moving_mark(mem->hva, MOVING_PAGES, 1);
	put_device(mem);
	expect_io_memory(device_page(mem));
	expect_counts(mem, flags | KVM_MEMORY_MAPPING_RESIDENT, rest, 0, 1);
	expect_counts(mem, flags, 1, rest, 0);
	expect_counts(mem, flags, 0, rest + 1, 0);
	expect_guest_reads_device(mem);
	TEST_ASSERT_EQ(guest_read(mem->vcpus[1], TEST_GPA, MOVING_PAGES * PAGE_SIZE), 0);
}

TEST_F(device, mapped)
{
	/* Each entry, with one worker and with several. */
	for (self->mem.round = 0; self->mem.round < MOVING_ROUNDS; self->mem.round++) {
		put_memory(&self->mem);
		madvise(self->mem.hva, MOVING_PAGES * PAGE_SIZE, MADV_DONTNEED);
		map_with_neighbours(&self->mem, self->mem.round & 1 ?
				    KVM_MEMORY_MAPPING_READ : 0);
		put_memory(&self->mem);
	}
}

/* The place is empty at no time. */
static void put_in_turn(struct moving_memory *mem, unsigned int nr)
{
	unsigned int i, before = mem->nr_done;

	for (i = 0; i < 50; i++) {
		put_device(mem);
		if (i == 25)
			moving_memory_await(&mem->nr_done);
		put_memory(mem);
	}
	put_device(mem);
	TEST_ASSERT(READ_ONCE(mem->nr_done) != before, "No job has run meanwhile");
}

static void expect_device(struct moving_memory *mem)
{
	struct kvm_map_memory_batch batch;

	expect_io_memory(device_page(mem));
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	expect_guest_reads_device(mem);
	put_memory(mem);
}

TEST_F_TIMEOUT(device, replaced, 60)
{
	self->mem.settle = expect_device;
	moving_memory_race(&self->mem, VCPUS_AROUND, put_in_turn);
	ASSERT_EQ(0, self->mem.nr_efault);
}

/* Replaced after the page was looked for and before its VMA is. */
static void replace_in_between(struct moving_memory *mem, enum map_entry entry)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA + DEVICE_PAGE * PAGE_SIZE,
		.size = PAGE_SIZE,
	};
	struct kvm_map_memory_batch batch;
	struct map_thread thread;

	map_batch_init(&batch, &mapping, 1, 1);
	map_thread_start(&thread, mem->vm, entry, &batch);
	gup_hold_await();
	put_memory(mem);
	gup_hold_end();
	TEST_ASSERT_EQ(map_thread_join(&thread), 0);
	assert_batch_done(&batch, PAGE_SIZE, 0);
	gup_hold_unload();
}

TEST_F(device, replaced_in_between)
{
	enum map_entry entry;

	for (entry = MAP_BY_IOCTL; entry <= MAP_BY_URING; entry++) {
		put_device(&self->mem);
		if (!gup_hold_prepare(device_page(&self->mem)))
			SKIP(return, "No kprobes, or a single CPU");
		replace_in_between(&self->mem, entry);
	}
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
