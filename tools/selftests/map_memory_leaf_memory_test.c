// SPDX-License-Identifier: GPL-2.0
// quick: svm debug vmx 7.3
/*
 * Small pages are mapped by the leaf table, as the host's page tables have
 * them; here these have something special in the middle: huge pages, files,
 * pages that must not be mapped, some that were freed lazily.
 */
#include <sys/mount.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/map_job.h"

#define NR_PAGES	1536
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)
/* The special part: some pages of the second leaf table. */
#define ODD_PAGE	600
#define NR_ODD		5

FIXTURE(memory) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(memory) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(memory, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(memory, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(memory)
{
	self->vm = test_vm_create(1, &self->vcpu);
}

FIXTURE_TEARDOWN(memory)
{
	kvm_vm_free(self->vm);
}

static void set_slot(FIXTURE_DATA(memory) *self, void *hva)
{
	self->hva = hva;
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, hva);
}

static uint64_t *word(FIXTURE_DATA(memory) *self, uint64_t page)
{
	return self->hva + page * PAGE_SIZE;
}

static void fill(FIXTURE_DATA(memory) *self)
{
	uint64_t i;

	for (i = 0; i < NR_PAGES; i++)
		*word(self, i) = 0x70000 + i;
}

static void expect_counts(FIXTURE_DATA(memory) *self,
			  const FIXTURE_VARIANT(memory) *variant, uint64_t flags,
			  uint64_t mapped_pages)
{
	assert_map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, flags,
			 variant->workers, mapped_pages * PAGE_SIZE);
}

/* The guest finds what fill() has left there; then it writes. */
static void expect_guest_finds_all(FIXTURE_DATA(memory) *self)
{
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 0x70000), 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

static void map_and_use(FIXTURE_DATA(memory) *self,
			const FIXTURE_VARIANT(memory) *variant)
{
	expect_counts(self, variant, 0, NR_PAGES);
	expect_counts(self, variant, 0, 0);
	expect_guest_finds_all(self);
}

static void make_huge(FIXTURE_DATA(memory) *self)
{
	TEST_ASSERT(!madvise(self->hva + SZ_2M, SZ_2M, MADV_HUGEPAGE),
		    "MADV_HUGEPAGE failed");
}

TEST_F(memory, a_huge_page_among_small_ones)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	make_huge(self);
	fill(self);
	if (thp_bytes(self->hva, TEST_SIZE) != SZ_2M)
		SKIP(return, "No transparent huge pages to be had");

	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(NR_PAGES - 512, vm_get_stat(self->vm, "pages_4k"));
	expect_counts(self, variant, 0, 0);
	expect_guest_finds_all(self);
}

/* It comes with the job, where a leaf table must not be in its way. */
TEST_F(memory, a_huge_page_that_is_not_there_yet)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	make_huge(self);
	expect_counts(self, variant, 0, NR_PAGES);
	if (thp_bytes(self->hva, TEST_SIZE) != SZ_2M)
		SKIP(return, "No transparent huge pages to be had");
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_2m"));
	fill(self);
	expect_guest_finds_all(self);
}

/* A huge page of the host that the guest's tables cannot have as one. */
TEST_F(memory, a_huge_page_out_of_step)
{
	void *hva = test_mem_alloc(TEST_SIZE + SZ_2M);

	self->hva = hva;
	make_huge(self);
	set_slot(self, hva + 9 * PAGE_SIZE);
	fill(self);
	if (thp_bytes(hva, TEST_SIZE) != SZ_2M)
		SKIP(return, "No transparent huge pages to be had");
	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(NR_PAGES, vm_get_stat(self->vm, "pages_4k"));
	expect_guest_finds_all(self);
}

TEST_F(memory, hugetlb_beside_small_pages)
{
	uint64_t pool_old;
	void *huge;

	if (!hugetlb_pool_grow(SZ_2M / 1024, 1, &pool_old))
		SKIP(return, "No free hugetlb pages of 2048 KiB");
	self->hva = test_mem_alloc(TEST_SIZE);
	huge = mmap(self->hva + SZ_2M, SZ_2M, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB, -1, 0);
	ASSERT_EQ(self->hva + SZ_2M, huge);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, SZ_2M, self->hva);
	test_slot_set(self->vm, TEST_SLOT + 1, 0, TEST_GPA + SZ_2M, SZ_2M, huge);
	test_slot_set(self->vm, TEST_SLOT + 2, 0, TEST_GPA + 2 * SZ_2M, SZ_2M,
		      huge + SZ_2M);
	fill(self);
	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(NR_PAGES - 512, vm_get_stat(self->vm, "pages_4k"));
	expect_guest_finds_all(self);
	ASSERT_EQ(0, munmap(huge, SZ_2M));
	hugetlb_pool_restore(SZ_2M / 1024, pool_old);
}

TEST_F(memory, shared_memory)
{
	int memfd = memfd_create("guest", 0);

	ASSERT_EQ(0, ftruncate(memfd, TEST_SIZE));
	set_slot(self, mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    memfd, 0));
	ASSERT_NE(MAP_FAILED, self->hva);
	fill(self);
	map_and_use(self, variant);
}

/* Pages of a file system's own, not backed by swap. */
static void *map_file(int flags)
{
	char dir[] = "/tmp/map-memory-XXXXXX", path[64];
	uint64_t i, value;
	void *hva;
	int fd;

	TEST_ASSERT(mkdtemp(dir), "Cannot make a directory in /tmp");
	if (mount("ramfs", dir, "ramfs", 0, NULL))
		return NULL;
	snprintf(path, sizeof(path), "%s/guest", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	TEST_ASSERT(fd >= 0 && !ftruncate(fd, TEST_SIZE), "Cannot make %s", path);
	for (i = 0; i < NR_PAGES; i++) {
		value = 0x70000 + i;
		TEST_ASSERT(pwrite(fd, &value, sizeof(value), i * PAGE_SIZE) ==
			    sizeof(value), "Cannot write to %s", path);
	}
	hva = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	TEST_ASSERT(hva != MAP_FAILED, "Cannot map %s", path);
	close(fd);
	TEST_ASSERT(!umount2(dir, MNT_DETACH) && !rmdir(dir), "Cannot leave %s", dir);
	return hva;
}

TEST_F(memory, shared_file)
{
	void *hva = map_file(MAP_SHARED);
	uint64_t i;

	if (!hva)
		SKIP(return, "Nothing can be mounted here");
	set_slot(self, hva);
	for (i = 0; i < NR_PAGES; i += 3)
		READ_ONCE(*word(self, i));
	map_and_use(self, variant);
}

TEST_F(memory, private_file)
{
	void *hva = map_file(MAP_PRIVATE);
	uint64_t i;

	if (!hva)
		SKIP(return, "Nothing can be mounted here");
	set_slot(self, hva);
	/* Copies among pages of the file and pages that are not there. */
	for (i = 0; i < NR_PAGES; i += 2)
		READ_ONCE(*word(self, i));
	for (i = 0; i < NR_PAGES; i += 3)
		*word(self, i) = 0x70000 + i;
	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ, NR_PAGES);
	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ, 0);
	/* All but the copies have to be replaced. */
	expect_counts(self, variant, 0, NR_PAGES - NR_PAGES / 3);
	expect_guest_finds_all(self);
}

/* Memory that the kernel itself cannot reach, and so no guest may. */
TEST_F(memory, secret_memory)
{
	struct kvm_memory_mapping mapping = { TEST_GPA, TEST_SIZE };
	uint64_t odd = TEST_GPA + ODD_PAGE * PAGE_SIZE;
	uint64_t size = NR_ODD * PAGE_SIZE, mapped;
	struct kvm_map_memory_batch batch;
	int i, fd;

	fd = syscall(__NR_memfd_secret, 0);
	if (fd < 0)
		SKIP(return, "No memfd_secret: %s", strerror(errno));
	set_slot(self, test_mem_alloc(TEST_SIZE));
	ASSERT_EQ(0, ftruncate(fd, size));
	ASSERT_EQ(word(self, ODD_PAGE),
		  mmap(word(self, ODD_PAGE), size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, 0));
	fill(self);

	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(odd, mapping.base_address);
	mapped = batch.bytes_mapped;
	for (i = 0; i < NR_ODD; i++) {
		struct kvm_memory_mapping page = { odd + i * PAGE_SIZE, PAGE_SIZE };

		ASSERT_EQ(-EFAULT, map_range(self->vm, variant->entry,
					     page.base_address, PAGE_SIZE,
					     i & 1 ? KVM_MEMORY_MAPPING_READ : 0,
					     variant->workers, &batch));
		ASSERT_EQ(0, batch.bytes_mapped + batch.bytes_present);
		ASSERT_EQ(-EFAULT, vcpu_map_memory(self->vcpu, &page));
		ASSERT_EQ(PAGE_SIZE, page.size);
	}

	mapping.base_address += size;
	mapping.size -= size;
	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(TEST_SIZE - size, mapped + batch.bytes_mapped);
	ASSERT_EQ(NR_PAGES - NR_ODD, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0; i < NR_ODD; i++)
		ASSERT_EQ(0x70000 + ODD_PAGE + i, *word(self, ODD_PAGE + i));
	close(fd);
}

/*
 * Pages that may be freed as long as nobody writes to them: what the guest
 * writes must be seen to have been written.
 */
TEST_F(memory, lazily_freed_pages)
{
	uint64_t i;

	set_slot(self, test_mem_alloc(TEST_SIZE));
	fill(self);
	for (i = 0; i < NR_PAGES; i += 3)
		ASSERT_EQ(0, madvise(word(self, i), PAGE_SIZE, MADV_FREE));
	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
	ASSERT_EQ(0, madvise(self->hva, TEST_SIZE, MADV_PAGEOUT));
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(TEST_GPA + i, *word(self, i));

	/* And those that nobody has written to may go at any time. */
	fill(self);
	for (i = 0; i < NR_PAGES; i += 3)
		ASSERT_EQ(0, madvise(word(self, i), PAGE_SIZE, MADV_FREE));
	ASSERT_EQ(0, madvise(self->hva, TEST_SIZE, MADV_PAGEOUT));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, NULL));
	fill(self);
	expect_guest_finds_all(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
