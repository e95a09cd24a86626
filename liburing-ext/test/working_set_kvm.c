// SPDX-License-Identifier: MIT
/*
 * The pages that a real guest touches, by the dirty bitmaps of its slots, by the dirty
 * ring of its vCPU and by pagemap, and mapped in the next VM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <liburing_kvm.h>
#include "kvm_create_vm.h"
#include "working_set_test.h"

/* Two slots in reach of a guest in real mode, of as many pages each. */
#define LOW_SLOT	0
#define LOW_PAGE	0
#define HIGH_SLOT	5
#define HIGH_PAGE	0x80
#define SLOT_PAGES	64
/* The guest's program, which it does not write to. */
#define CODE_PAGE	2
#define RING_ENTRIES	4096
/* KVM checks its size, which is a page at least, in bytes. */
#define RING_BYTES	(RING_ENTRIES * sizeof(struct kvm_dirty_gfn))

static const unsigned char written[] = { 0x90, 0x0a, 0x09, 0x91, 0x0a, 0xbf, 0x85 };
/*
 * The same as ranges, by address and in the order of the writes.  The program's page
 * comes first: KVM maps a page that is only read for writing, too, and logs it.
 */
#define BY_ADDRESS	{ CODE_PAGE, 1 }, { 0x09, 2 }, { 0x85, 1 }, { 0x90, 2 }, { 0xbf, 1 }
#define BY_TIME		{ CODE_PAGE, 1 }, { 0x90, 1 }, { 0x0a, 1 }, { 0x09, 1 }, \
			{ 0x91, 1 }, { 0xbf, 1 }, { 0x85, 1 }

struct machine {
	int fd;
	int vcpu_fd;
	unsigned char *memory;
	struct kvm_run *run;
	struct kvm_dirty_gfn *ring;
};

static void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void *map(size_t bytes, int flags, int fd, off_t offset)
{
	void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd,
			     offset);

	if (address == MAP_FAILED)
		bail_out("mmap");
	return address;
}

static void add_slot(struct machine *machine, unsigned int slot, __u64 page,
		     void *host, unsigned int flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = page * PAGE,
		.memory_size = SLOT_PAGES * PAGE,
		.userspace_addr = (unsigned long)host,
	};

	if (ioctl(machine->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		bail_out("KVM_SET_USER_MEMORY_REGION");
}

/* For each page: mov $segment, %ax; mov %ax, %es; movb $1, %es:0.  Then hlt. */
static void write_program(unsigned char *code)
{
	static const unsigned char store[] = {
		0x8e, 0xc0, 0x26, 0xc6, 0x06, 0, 0, 1,
	};
	size_t i;

	for (i = 0; i < sizeof(written); i++) {
		*code++ = 0xb8;
		*code++ = 0;
		*code++ = written[i];
		memcpy(code, store, sizeof(store));
		code += sizeof(store);
	}
	*code = 0xf4;
}

static void create_vcpu(struct machine *machine, int kvm_fd, int ring)
{
	struct kvm_regs regs = { .rip = CODE_PAGE * PAGE, .rflags = 2 };
	struct kvm_sregs sregs;
	long run_size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	machine->vcpu_fd = ioctl(machine->fd, KVM_CREATE_VCPU, 0);
	if (machine->vcpu_fd < 0 || run_size < 0)
		bail_out("KVM_CREATE_VCPU");
	machine->run = map(run_size, MAP_SHARED, machine->vcpu_fd, 0);
	if (ring)
		machine->ring = map(RING_BYTES, MAP_SHARED, machine->vcpu_fd,
				    KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
	if (ioctl(machine->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		bail_out("KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(machine->vcpu_fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(machine->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		bail_out("KVM_SET_REGS");
}

static void create(struct machine *machine, int kvm_fd, int ring,
		   unsigned int flags)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DIRTY_LOG_RING,
		.args = { RING_BYTES },
	};

	memset(machine, 0, sizeof(*machine));
	machine->fd = kvm_create_vm(kvm_fd);
	if (machine->fd < 0)
		bail_out("KVM_CREATE_VM");
	if (ring && ioctl(machine->fd, KVM_ENABLE_CAP, &cap) < 0)
		bail_out("KVM_CAP_DIRTY_LOG_RING");
	machine->memory = map(2 * SLOT_PAGES * PAGE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(machine->memory, 2 * SLOT_PAGES * PAGE, MADV_NOHUGEPAGE);
	add_slot(machine, LOW_SLOT, LOW_PAGE, machine->memory, flags);
	add_slot(machine, HIGH_SLOT, HIGH_PAGE,
		 machine->memory + SLOT_PAGES * PAGE, flags);
	create_vcpu(machine, kvm_fd, ring);
}

static void destroy(struct machine *machine)
{
	close(machine->vcpu_fd);
	close(machine->fd);
	munmap(machine->memory, 2 * SLOT_PAGES * PAGE);
	if (machine->ring)
		munmap(machine->ring, RING_BYTES);
}

static void run(struct machine *machine)
{
	write_program(machine->memory + CODE_PAGE * PAGE);
	if (ioctl(machine->vcpu_fd, KVM_RUN, NULL) < 0)
		bail_out("KVM_RUN");
	ok(machine->run->exit_reason == KVM_EXIT_HLT, "the guest comes to its end");
}

static int add_bitmap(struct kvm_working_set *set, struct machine *machine,
		      unsigned int slot, __u64 page)
{
	__u64 bitmap[SLOT_PAGES / 64];
	struct kvm_dirty_log log = { .slot = slot };

	log.dirty_bitmap = bitmap;
	if (ioctl(machine->fd, KVM_GET_DIRTY_LOG, &log) < 0)
		bail_out("KVM_GET_DIRTY_LOG");
	return kvm_working_set_add_dirty_bitmap(set, page * PAGE, SLOT_PAGES,
						bitmap);
}

static void test_bitmap(int kvm_fd)
{
	struct kvm_working_set *set = new_set();
	struct machine machine;

	create(&machine, kvm_fd, 0, KVM_MEM_LOG_DIRTY_PAGES);
	run(&machine);
	ok(!add_bitmap(set, &machine, LOW_SLOT, LOW_PAGE) &&
	   !add_bitmap(set, &machine, HIGH_SLOT, HIGH_PAGE) &&
	   HAS(set, BY_ADDRESS), "bitmaps: the pages that it touched");
	destroy(&machine);
	kvm_working_set_destroy(set);
}

static void test_ring(int kvm_fd)
{
	static const struct kvm_working_set_slot slots[] = {
		{ HIGH_SLOT, 0, HIGH_PAGE * PAGE, SLOT_PAGES * PAGE },
		{ LOW_SLOT, 0, LOW_PAGE * PAGE, SLOT_PAGES * PAGE },
	};
	struct kvm_working_set *set = new_set();
	struct machine machine;
	int taken;

	create(&machine, kvm_fd, 1, KVM_MEM_LOG_DIRTY_PAGES);
	run(&machine);
	taken = kvm_working_set_add_dirty_ring(set, machine.ring, RING_ENTRIES,
					       slots, 2);
	ok(taken == 7 && HAS(set, BY_TIME),
	   "ring: the pages, in the order of the first touches");
	destroy(&machine);
	kvm_working_set_destroy(set);
}

static void add_slots_by_pagemap(struct kvm_working_set *set,
				 const struct machine *machine)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned long host = (unsigned long)machine->memory;

	ok(!kvm_working_set_add_pagemap(set, fd, host, LOW_PAGE * PAGE,
					SLOT_PAGES * PAGE,
					KVM_WORKING_SET_PRESENT) &&
	   !kvm_working_set_add_pagemap(set, fd, host + SLOT_PAGES * PAGE,
					HIGH_PAGE * PAGE, SLOT_PAGES * PAGE,
					KVM_WORKING_SET_PRESENT), "pagemap is read");
	close(fd);
}

/* The set of one VM, through a file to the next. */
static void test_replay(int kvm_fd)
{
	struct kvm_working_set *set = new_set(), *read = new_set();
	struct kvm_working_set *mapped = new_set();
	struct kvm_memory_mapping mappings[16];
	struct kvm_map_memory_batch batch;
	int fd = memfd_create("working-set", MFD_CLOEXEC);
	struct machine machine;
	size_t nr;

	create(&machine, kvm_fd, 0, 0);
	run(&machine);
	add_slots_by_pagemap(set, &machine);
	destroy(&machine);
	ok(HAS(set, BY_ADDRESS),
	   "pagemap: the pages that it touched");
	ok(!kvm_working_set_write(set, fd) && !lseek(fd, 0, SEEK_SET) &&
	   !kvm_working_set_read(read, fd, NULL), "written and read");

	create(&machine, kvm_fd, 0, 0);
	nr = kvm_working_set_mappings(read, 0, mappings, 16, 0);
	kvm_map_memory_batch_init(&batch, mappings, nr, 1);
	ok(nr == 5 && !kvm_map_memory_batch_run(machine.fd, &batch) &&
	   batch.bytes_mapped == kvm_working_set_bytes(set),
	   "a batch maps the set in the next VM");
	add_slots_by_pagemap(mapped, &machine);
	ok(HAS(mapped, BY_ADDRESS), "and nothing else");
	destroy(&machine);
	close(fd);
	kvm_working_set_destroy(mapped);
	kvm_working_set_destroy(read);
	kvm_working_set_destroy(set);
}

int main(void)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm_fd < 0) {
		printf("1..0 # SKIP /dev/kvm: %s\n", strerror(errno));
		return 0;
	}
	test_bitmap(kvm_fd);
	test_ring(kvm_fd);
	if (kvm_map_memory_probe(kvm_fd) & KVM_MAP_MEMORY_FEATURE_BATCH)
		test_replay(kvm_fd);
	else
		printf("ok %d - replay # SKIP KVM lacks the feature\n",
		       ++tap_number);
	close(kvm_fd);
	return done_testing();
}
