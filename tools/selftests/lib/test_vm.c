// SPDX-License-Identifier: GPL-2.0
#include "test_vm.h"

/* A page of slot 0 that a preparing pass may read and write. */
#define WARM_GVA	(SZ_1G - SZ_2M)

struct guest_state {
	struct guest_pass pass;
	uint64_t stop;
	uint64_t progress;
} __attribute__((aligned(64)));

static struct guest_state guest_states[TEST_MAX_VCPUS]
	__attribute__((aligned(4096)));

/*
 * All of it is in one page, so that the preparing pass brings in what other passes
 * run, too: it is shorter than what it is aligned to.
 */
static void __attribute__((aligned(1024))) guest_main(uint64_t id)
{
	struct guest_state *state = &guest_states[id];

	for (;;) {
		struct guest_pass pass = state->pass;
		uint64_t i;

		do {
			for (i = 0; i < pass.nr_pages; i++) {
				volatile uint64_t *word;

				word = (uint64_t *)(pass.gpa +
						    i * pass.stride * PAGE_SIZE);
				if (pass.ops & PASS_READ) {
					uint64_t seen = *word;

					if (pass.ops & PASS_VERIFY)
						GUEST_ASSERT_EQ(seen, pass.expect + i);
				}
				if (pass.ops & PASS_WRITE)
					*word = pass.value + i;
				WRITE_ONCE(state->progress, state->progress + 1);
			}
		} while ((pass.ops & PASS_FOREVER) && !READ_ONCE(state->stop));

		GUEST_SYNC(0);
	}
}

static struct guest_state *host_state(struct kvm_vcpu *vcpu)
{
	return addr_gva2hva(vcpu->vm, (vm_vaddr_t)&guest_states[vcpu->id]);
}

struct kvm_vcpu *test_vm_add_vcpu(struct kvm_vm *vm, uint32_t id)
{
	struct kvm_vcpu *vcpu;

	TEST_ASSERT(id < TEST_MAX_VCPUS, "vCPU ids end at %u", TEST_MAX_VCPUS);
	vcpu = vm_vcpu_add(vm, id, guest_main);
	vcpu_args_set(vcpu, 1, (uint64_t)id);
	return vcpu;
}

struct kvm_vm *test_vm_create_type(unsigned long type, unsigned int nr_vcpus,
				   struct kvm_vcpu **vcpus)
{
	struct vm_shape shape = { .mode = VM_MODE_DEFAULT, .type = type };
	struct kvm_vm *vm;
	vm_paddr_t warm;
	uint64_t gib;
	uint32_t i;

	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_GBPAGES));

	vm = __vm_create(shape, TEST_MAX_VCPUS, 0);
	for (gib = 1; gib < 8; gib++)
		__virt_pg_map(vm, gib * SZ_1G, gib * SZ_1G, PG_LEVEL_1G);
	warm = vm_phy_page_alloc(vm, KVM_GUEST_PAGE_TABLE_MIN_PADDR,
				 vm->memslots[MEM_REGION_DATA]);
	virt_pg_map(vm, WARM_GVA, warm);

	for (i = 0; i < nr_vcpus; i++)
		vcpus[i] = test_vm_add_vcpu(vm, i);
	return vm;
}

struct kvm_vm *test_vm_create(unsigned int nr_vcpus, struct kvm_vcpu **vcpus)
{
	return test_vm_create_type(VM_TYPE_DEFAULT, nr_vcpus, vcpus);
}

void *test_slot_add(struct kvm_vm *vm, uint32_t slot, uint64_t gpa,
		    uint64_t size, enum vm_mem_backing_src_type src)
{
	vm_userspace_mem_region_add(vm, src, gpa, slot, size / PAGE_SIZE, 0);
	return addr_gpa2hva(vm, gpa);
}

void test_slot_set(struct kvm_vm *vm, uint32_t slot, uint32_t flags,
		   uint64_t gpa, uint64_t size, void *hva)
{
	vm_set_user_memory_region(vm, slot, flags, gpa, size, hva);
}

void test_slot_delete(struct kvm_vm *vm, uint32_t slot)
{
	vm_set_user_memory_region(vm, slot, 0, 0, 0, NULL);
}

bool test_zap_slots_alone(struct kvm_vm *vm)
{
	if (!(kvm_check_cap(KVM_CAP_DISABLE_QUIRKS2) & KVM_X86_QUIRK_SLOT_ZAP_ALL))
		return false;

	vm_enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_SLOT_ZAP_ALL);
	return true;
}

void *test_mem_alloc(uint64_t size)
{
	uint64_t start;
	void *mem;

	mem = mmap(NULL, size + SZ_2M, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	TEST_ASSERT(mem != MAP_FAILED, "mmap of %lu bytes failed", size);
	start = ((uint64_t)mem + SZ_2M - 1) & ~(SZ_2M - 1ULL);
	if (madvise((void *)start, size, MADV_NOHUGEPAGE))
		TEST_ASSERT(errno == EINVAL, "MADV_NOHUGEPAGE failed");
	return (void *)start;
}

uint64_t vcpu_get_stat(struct kvm_vcpu *vcpu, const char *name)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *descs, *desc;
	uint64_t value = 0;
	bool found = false;
	uint32_t i;
	int fd;

	fd = vcpu_get_stats_fd(vcpu);
	read_stats_header(fd, &header);
	descs = read_stats_descriptors(fd, &header);
	for (i = 0; i < header.num_desc && !found; i++) {
		desc = get_stats_descriptor(descs, i, &header);
		if (strcmp(desc->name, name))
			continue;
		read_stat_data(fd, &header, desc, &value, 1);
		found = true;
	}
	TEST_ASSERT(found, "vCPUs have no statistic %s", name);
	free(descs);
	close(fd);
	return value;
}

static void set_pass(struct kvm_vcpu *vcpu, const struct guest_pass *pass)
{
	struct guest_state *state = host_state(vcpu);

	state->pass = *pass;
	if (!state->pass.stride)
		state->pass.stride = 1;
}

/* KVM_RUN fails where a page is converted while the vCPU faults on it. */
static void run_while_converted(struct kvm_vcpu *vcpu)
{
	int ret;

	do {
		ret = _vcpu_run(vcpu);
	} while (ret && errno == EFAULT &&
		 vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT(!ret, KVM_IOCTL_ERROR(KVM_RUN, ret));
}

static void begin_pass(struct kvm_vcpu *vcpu, const struct guest_pass *pass)
{
	set_pass(vcpu, pass);
	if (pass->ops & PASS_CONVERTED)
		run_while_converted(vcpu);
	else
		vcpu_run(vcpu);
}

static void end_pass(struct kvm_vcpu *vcpu)
{
	struct guest_state *state = host_state(vcpu);
	struct ucall uc;

	/*
	 * For the next pass, and here: before it begins, in a thread that starts
	 * late, others may look for progress, and may want it to stop.
	 */
	WRITE_ONCE(state->progress, 0);
	WRITE_ONCE(state->stop, 0);

	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		break;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
		break;
	default:
		TEST_FAIL("vCPU %u: exit reason %s, ucall %lu", vcpu->id,
			  exit_reason_str(vcpu->run->exit_reason), uc.cmd);
	}
}

void guest_pass_run(struct kvm_vcpu *vcpu, const struct guest_pass *pass)
{
	begin_pass(vcpu, pass);
	end_pass(vcpu);
}

int __guest_pass_run(struct kvm_vcpu *vcpu, const struct guest_pass *pass)
{
	set_pass(vcpu, pass);
	return _vcpu_run(vcpu);
}

bool guest_meets_mmio(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t ops)
{
	struct guest_pass pass = { .gpa = gpa, .nr_pages = 1, .ops = ops };
	bool mmio;

	begin_pass(vcpu, &pass);
	mmio = vcpu->run->exit_reason == KVM_EXIT_MMIO;
	if (mmio) {
		TEST_ASSERT_EQ(vcpu->run->mmio.phys_addr, gpa);
		TEST_ASSERT_EQ(vcpu->run->mmio.is_write, ops == PASS_WRITE);
		vcpu_run(vcpu);
	}
	end_pass(vcpu);
	return mmio;
}

void guest_pass_stop(struct kvm_vcpu *vcpu)
{
	WRITE_ONCE(host_state(vcpu)->stop, 1);
}

uint64_t guest_pass_progress(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(host_state(vcpu)->progress);
}

uint64_t guest_pass(struct kvm_vcpu *vcpu, const struct guest_pass *pass)
{
	struct guest_pass warm = {
		.gpa = WARM_GVA,
		.nr_pages = 1,
		.ops = PASS_READ | PASS_VERIFY | PASS_WRITE,
	};
	uint64_t before;

	/*
	 * Run every instruction of the pass first: what faults afterwards is
	 * the memory under test.  A pass ends in the middle of GUEST_SYNC(), so
	 * the rest of that takes a second one.
	 */
	warm.expect = warm.value = *(uint64_t *)addr_gva2hva(vcpu->vm, WARM_GVA);
	guest_pass_run(vcpu, &warm);
	guest_pass_run(vcpu, &warm);

	before = vcpu_get_stat(vcpu, "pf_taken");
	guest_pass_run(vcpu, pass);
	return vcpu_get_stat(vcpu, "pf_taken") - before;
}

uint64_t guest_read(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size)
{
	struct guest_pass pass = {
		.gpa = gpa,
		.nr_pages = size / PAGE_SIZE,
		.ops = PASS_READ,
	};

	return guest_pass(vcpu, &pass);
}

uint64_t guest_verify(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
		      uint64_t expect)
{
	struct guest_pass pass = {
		.gpa = gpa,
		.nr_pages = size / PAGE_SIZE,
		.ops = PASS_READ | PASS_VERIFY,
		.expect = expect,
	};

	return guest_pass(vcpu, &pass);
}

uint64_t guest_write(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size)
{
	struct guest_pass pass = {
		.gpa = gpa,
		.nr_pages = size / PAGE_SIZE,
		.ops = PASS_WRITE,
		.value = gpa,
	};

	return guest_pass(vcpu, &pass);
}

uint64_t guest_read_write(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
			  void *hva)
{
	struct guest_pass pass = {
		.gpa = gpa,
		.nr_pages = size / PAGE_SIZE,
		.ops = PASS_READ | PASS_WRITE,
		.value = gpa ^ 0x5aa5a55a00000000ULL,
	};
	uint64_t faults, i;

	faults = guest_pass(vcpu, &pass);
	for (i = 0; hva && i < pass.nr_pages; i++) {
		uint64_t *word = hva + i * PAGE_SIZE;

		TEST_ASSERT(*word == pass.value + i,
			    "page %lu of 0x%lx: the guest wrote 0x%lx, the host reads 0x%lx",
			    i, gpa, pass.value + i, *word);
	}
	return faults;
}
