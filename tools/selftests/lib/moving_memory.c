// SPDX-License-Identifier: GPL-2.0
#include "moving_memory.h"

#include "kselftest.h"

#include "host_state.h"

#define ASIDE_SLOT	(TEST_SLOT + 1)
#define ASIDE_GPA	(TEST_GPA + SZ_512M)
#define ASIDE_PAGES	600

void moving_memory_create(struct moving_memory *mem, void *hva, uint64_t nr_pages,
			  uint64_t first_moving, uint64_t nr_moving)
{
	memset(mem, 0, sizeof(*mem));
	mem->vm = test_vm_create(MOVING_NR_VCPUS, mem->vcpus);
	mem->hva = hva;
	mem->nr_pages = nr_pages;
	mem->first_moving = first_moving;
	mem->nr_moving = nr_moving;
	mem->moving = hva + first_moving * PAGE_SIZE;
	test_slot_set(mem->vm, TEST_SLOT, 0, TEST_GPA, nr_pages * PAGE_SIZE, hva);
	test_slot_set(mem->vm, ASIDE_SLOT, 0, ASIDE_GPA, ASIDE_PAGES * PAGE_SIZE,
		      test_mem_alloc(ASIDE_PAGES * PAGE_SIZE));
	map_ring_keep();
}

void moving_memory_create_huge(struct moving_memory *mem, void *huge, uint64_t skew)
{
	moving_memory_create(mem, huge + skew * PAGE_SIZE, MOVING_HUGE_PAGES,
			     PAGES_PER_HUGE - skew, MOVING_HUGE * PAGES_PER_HUGE);
}

void moving_memory_destroy(struct moving_memory *mem)
{
	if (!mem->vm)
		return;
	kvm_vm_free(mem->vm);
}

static int map_once(struct moving_memory *mem, uint64_t flags,
		    struct kvm_memory_mapping *left,
		    struct kvm_map_memory_batch *batch)
{
	uint64_t size = mem->nr_pages * PAGE_SIZE, sum;
	struct kvm_memory_mapping mapping = { TEST_GPA, size, flags };
	int ret;

	map_batch_init(batch, &mapping, 1, mem->round & 1 ? 4 : 1);
	ret = map_batch_at(mem->vm->fd, mem->round & 2 ? MAP_BY_URING : MAP_BY_IOCTL,
			   (uint64_t)batch);
	batch->mappings = 0;
	TEST_ASSERT(!ret == !mapping.size && batch->first_undone == !ret &&
		    mapping.base_address + mapping.size == TEST_GPA + size,
		    "result %d with 0x%llx bytes left at 0x%llx", ret,
		    mapping.size, mapping.base_address);
	sum = batch->bytes_mapped + batch->bytes_present + batch->bytes_skipped;
	TEST_ASSERT(ret ? sum >= size - mapping.size : sum == size,
		    "result %d, 0x%lx bytes counted, 0x%llx left", ret, sum,
		    mapping.size);
	if (left)
		*left = mapping;
	return ret;
}

int moving_memory_map(struct moving_memory *mem, uint64_t flags,
		      struct kvm_memory_mapping *left,
		      struct kvm_map_memory_batch *batch)
{
	int ret;

	/* The ring's task work: see map_batch().  All again, to count exactly. */
	do {
		ret = map_once(mem, flags, left, batch);
	} while (ret == -EINTR && !(mem->round & 2));
	return ret;
}

static void map_while_it_changes(struct moving_memory *mem)
{
	static const uint64_t flags[] = {
		0, KVM_MEMORY_MAPPING_READ, KVM_MEMORY_MAPPING_RESIDENT,
	};
	struct kvm_map_memory_batch batch;
	unsigned int i = 0;
	int ret;

	do {
		ret = moving_memory_map(mem, mem->same_flags ? mem->flags :
					flags[i++ % ARRAY_SIZE(flags)], NULL, &batch);
		mem->nr_done += !ret;
		mem->nr_efault += ret == -EFAULT;
		mem->nr_eagain += ret == -EAGAIN;
		mem->nr_ehwpoison += ret == -EHWPOISON;
		TEST_ASSERT(!ret || ret == -EFAULT || ret == -EAGAIN ||
			    (ret == -EHWPOISON && mem->poison), "result %d", ret);
	} while (!READ_ONCE(mem->changed));
}

static void *changer_main(void *data)
{
	struct moving_memory *mem = data;
	unsigned int i;

	for (i = 0; i < MOVING_CHANGES; i++)
		mem->change(mem, mem->round * MOVING_CHANGES + i);
	WRITE_ONCE(mem->changed, true);
	return NULL;
}

static void *vcpu0_main(void *data)
{
	struct moving_memory *mem = data;

	guest_pass_run(mem->vcpus[0], &mem->passes[0]);
	return NULL;
}

static void *vcpu1_main(void *data)
{
	struct moving_memory *mem = data;

	guest_pass_run(mem->vcpus[1], &mem->passes[1]);
	return NULL;
}

/* One from below, one from above. */
static void start_vcpus(struct moving_memory *mem, enum moving_vcpus where)
{
	uint64_t above = mem->nr_pages - mem->first_moving - mem->nr_moving;
	bool aside = where == VCPUS_ASIDE;
	uint64_t nr_pages = aside ? ASIDE_PAGES : mem->nr_pages;
	int i;

	mem->passes[0] = (struct guest_pass) {
		.gpa = aside ? ASIDE_GPA : TEST_GPA,
		.nr_pages = where == VCPUS_AROUND ? mem->first_moving : nr_pages,
		.ops = PASS_READ | PASS_WRITE | PASS_FOREVER,
	};
	mem->passes[1] = mem->passes[0];
	mem->passes[1].gpa += (nr_pages - 1) * PAGE_SIZE;
	mem->passes[1].stride = -1ULL;
	if (where == VCPUS_AROUND)
		mem->passes[1].nr_pages = above;

	TEST_ASSERT(!pthread_create(&mem->threads[0], NULL, vcpu0_main, mem) &&
		    !pthread_create(&mem->threads[1], NULL, vcpu1_main, mem),
		    "Cannot create threads");
	for (i = 0; i < MOVING_NR_VCPUS; i++)
		TEST_ASSERT(wait_until(guest_pass_progress(mem->vcpus[i])),
			    "vCPU %d does not run", i);
}

static void stop_vcpus(struct moving_memory *mem)
{
	int i;

	for (i = 0; i < MOVING_NR_VCPUS; i++) {
		guest_pass_stop(mem->vcpus[i]);
		TEST_ASSERT(!pthread_join(mem->threads[i], NULL), "No thread");
	}
}

void moving_memory_compare(struct moving_memory *mem)
{
	uint64_t size = mem->nr_pages * PAGE_SIZE, i;
	struct kvm_map_memory_batch batch;
	struct guest_pass verify = {
		.gpa = TEST_GPA,
		.nr_pages = mem->nr_pages,
		.ops = PASS_READ | PASS_VERIFY,
		.expect = (mem->round + 1) << 20,
	};

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	assert_batch_done(&batch, batch.bytes_mapped, size - batch.bytes_mapped);

	for (i = 0; i < mem->nr_pages; i++)
		*(uint64_t *)(mem->hva + i * PAGE_SIZE) = verify.expect + i;
	TEST_ASSERT_EQ(guest_pass(mem->vcpus[0], &verify), 0);
	TEST_ASSERT_EQ(guest_read_write(mem->vcpus[1], TEST_GPA, size, mem->hva), 0);
}

void moving_memory_race(struct moving_memory *mem, enum moving_vcpus where,
			void (*change)(struct moving_memory *mem, unsigned int nr))
{
	pthread_t changer;

	mem->change = change;
	for (mem->round = 0; mem->round < MOVING_ROUNDS; mem->round++) {
		mem->changed = false;
		start_vcpus(mem, where);
		TEST_ASSERT(!pthread_create(&changer, NULL, changer_main, mem),
			    "Cannot create a thread");
		map_while_it_changes(mem);
		TEST_ASSERT(!pthread_join(changer, NULL), "No thread");
		stop_vcpus(mem);
		if (mem->settle)
			mem->settle(mem);
		moving_memory_compare(mem);
	}
	ksft_print_msg("%u jobs done, %u -EFAULT, %u -EAGAIN, %u -EHWPOISON\n",
		       mem->nr_done, mem->nr_efault, mem->nr_eagain,
		       mem->nr_ehwpoison);
	/* Jobs can map at any time what vCPUs can use at any time. */
	TEST_ASSERT(where != VCPUS_THROUGH || !mem->nr_efault,
		    "%u jobs failed", mem->nr_efault);
}

void moving_memory_await(const unsigned int *nr_ended)
{
	unsigned int before = READ_ONCE(*nr_ended);

	TEST_ASSERT(wait_until(READ_ONCE(*nr_ended) != before),
		    "No job ends in the way that is waited for");
}

void *moving_page(struct moving_memory *mem, uint64_t i)
{
	return mem->moving + i * PAGE_SIZE;
}

uint64_t moving_piece_size(struct moving_memory *mem)
{
	return mem->nr_moving / MOVING_PIECES * PAGE_SIZE;
}

void *moving_piece(struct moving_memory *mem, unsigned int i)
{
	return mem->moving + i % MOVING_PIECES * moving_piece_size(mem);
}

static uint64_t *mark_of(void *page)
{
	return page + PAGE_SIZE / 2;
}

void moving_mark(void *page, uint64_t nr_pages, uint64_t mark)
{
	uint64_t i;

	for (i = 0; i < nr_pages; i++)
		*mark_of(page + i * PAGE_SIZE) = mark;
}

uint64_t moving_count_marks(void *page, uint64_t nr_pages, uint64_t mark)
{
	uint64_t i, nr = 0;

	for (i = 0; i < nr_pages; i++)
		nr += READ_ONCE(*mark_of(page + i * PAGE_SIZE)) == mark;
	return nr;
}
