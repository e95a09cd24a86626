// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Two address spaces: a vCPU in SMM has memslots of its own.  The calls map address
 * space 0, whatever the other one has at the same guest-physical addresses, and
 * however its slots change meanwhile.
 */
#include <linux/stringify.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_call.h"
#include "lib/uffd_gate.h"

#define AS1(slot)	((slot) | 1 << 16)

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define GATE_OFFSET	(SZ_1M + 5 * PAGE_SIZE)
/* Memory that address space 1 alone has. */
#define SMM_ONLY_SLOT	AS1(TEST_SLOT + 1)
#define SMM_ONLY_GPA	(TEST_GPA + 4 * TEST_SIZE)
#define MOVED_GPA	(TEST_GPA + 2 * TEST_SIZE)

#define SMRAM_SLOT	AS1(TEST_SLOT + 2)
#define SMRAM_GPA	0x30000000
#define SMRAM_SIZE	SZ_64K
#define SMI_ENTRY	0x8000
#define SMI_HANDLER_SIZE 64
#define SMI_PORT	0xe

#define AS0_WORDS	0x0a000000U
#define AS1_WORDS	0x0b000000U
#define NR_ROUNDS	30

/* At the start of SMRAM: the word that the SMI handler is to read. */
struct smi_request {
	uint32_t gpa;		/* 0 to leave SMM */
	uint32_t seen;
};

/* Copied into SMRAM.  16-bit code, in segments that begin at 0 and end at 4 GiB. */
static __attribute__((naked)) void smi_handler(void)
{
	asm(".code16\n"
	    "1:	movl $" __stringify(SMRAM_GPA) ", %esi\n"
	    "	movl (%esi), %edi\n"
	    "	testl %edi, %edi\n"
	    "	jz 2f\n"
	    "	movl (%edi), %eax\n"
	    "	movl %eax, 4(%esi)\n"
	    "	outb %al, $" __stringify(SMI_PORT) "\n"
	    "	jmp 1b\n"
	    "2:	rsm\n"
	    ".code64\n");
}

FIXTURE(spaces) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	/* The first one stays outside SMM. */
	struct kvm_vcpu *vcpus[2];
	void *hvas[2];
	void *smm_only_hva;
	struct smi_request *smi;
	struct uffd_gate gate;
	struct map_call call;

	pthread_t threads[2];
	bool stop;
	uint64_t smm_reads;
};

FIXTURE_VARIANT(spaces) {
	enum map_call_kind kind;
	uint32_t workers;
	bool zap_all;
};

FIXTURE_VARIANT_ADD(spaces, vcpu) { CALL_VCPU, 1, true };
FIXTURE_VARIANT_ADD(spaces, ioctl_1_worker) { CALL_IOCTL, 1, true };
FIXTURE_VARIANT_ADD(spaces, ioctl_2_workers) { CALL_IOCTL, 2, true };
FIXTURE_VARIANT_ADD(spaces, uring_1_worker) { CALL_URING, 1, true };
FIXTURE_VARIANT_ADD(spaces, uring_2_workers) { CALL_URING, 2, true };
FIXTURE_VARIANT_ADD(spaces, ioctl_2_workers_zap_slot) { CALL_IOCTL, 2, false };

static void write_words(void *hva, uint64_t first)
{
	uint64_t i;

	for (i = 0; i < TEST_PAGES; i++)
		*(uint64_t *)(hva + i * PAGE_SIZE) = first + i;
}

static void set_slots(FIXTURE_DATA(spaces) *self)
{
	void *smram = test_mem_alloc(SMRAM_SIZE);

	self->hvas[0] = test_mem_alloc(TEST_SIZE);
	self->hvas[1] = test_mem_alloc(TEST_SIZE);
	self->smm_only_hva = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hvas[0]);
	test_slot_set(self->vm, AS1(TEST_SLOT), 0, TEST_GPA, TEST_SIZE,
		      self->hvas[1]);
	test_slot_set(self->vm, SMM_ONLY_SLOT, 0, SMM_ONLY_GPA, TEST_SIZE,
		      self->smm_only_hva);

	memcpy(smram + SMI_ENTRY, smi_handler, SMI_HANDLER_SIZE);
	self->smi = smram;
	test_slot_set(self->vm, SMRAM_SLOT, 0, SMRAM_GPA, SMRAM_SIZE, smram);
	vcpu_set_msr(self->vcpus[1], MSR_IA32_SMBASE, SMRAM_GPA);
}

FIXTURE_SETUP(spaces)
{
	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(2, self->vcpus);
	if (!variant->zap_all && !test_zap_slots_alone(self->vm))
		SKIP(return, "Updating a slot always zaps all");
	set_slots(self);
	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	self->call.vcpu = self->vcpus[0];
	self->call.workers = variant->workers;
}

FIXTURE_TEARDOWN(spaces)
{
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

static void enter_smm(FIXTURE_DATA(spaces) *self)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(self->vcpus[1], &events);
	events.smi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	vcpu_events_set(self->vcpus[1], &events);
}

/* The word that the second vCPU reads in SMM. */
static uint32_t smm_read(FIXTURE_DATA(spaces) *self, uint64_t gpa)
{
	struct kvm_run *run = self->vcpus[1]->run;

	self->smi->gpa = gpa;
	vcpu_run(self->vcpus[1]);
	TEST_ASSERT_KVM_EXIT_REASON(self->vcpus[1], KVM_EXIT_IO);
	TEST_ASSERT_EQ(run->io.port, SMI_PORT);
	TEST_ASSERT(run->flags & KVM_RUN_X86_SMM, "The vCPU is not in SMM");
	return self->smi->seen;
}

/* With the next pass that it makes. */
static void leave_smm(FIXTURE_DATA(spaces) *self)
{
	self->smi->gpa = 0;
}

static uint64_t verify(struct kvm_vcpu *vcpu, uint64_t offset, uint64_t size)
{
	return guest_verify(vcpu, TEST_GPA + offset, size,
			    AS0_WORDS + offset / PAGE_SIZE);
}

TEST_F(spaces, only_the_first_is_mapped)
{
	uint64_t i;

	write_words(self->hvas[0], AS0_WORDS);
	ASSERT_EQ(0, map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0));
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0; i < TEST_PAGES; i++)
		ASSERT_FALSE(page_is_present(self->hvas[1] + i * PAGE_SIZE));

	/* Slots of the other space are none here. */
	ASSERT_EQ(-ENOENT, map_call_run(&self->call, SMM_ONLY_GPA, TEST_SIZE, 0));
	ASSERT_EQ(SMM_ONLY_GPA, self->call.mapping.base_address);
	ASSERT_FALSE(page_is_present(self->smm_only_hva));

	write_words(self->hvas[1], AS1_WORDS);
	enter_smm(self);
	for (i = 0; i < TEST_PAGES; i += 31)
		ASSERT_EQ(AS1_WORDS + i, smm_read(self, TEST_GPA + i * PAGE_SIZE));
	ASSERT_EQ(0, smm_read(self, SMM_ONLY_GPA));
	ASSERT_EQ(0, verify(self->vcpus[0], 0, TEST_SIZE));

	/* Neither does a vCPU in SMM change what is mapped there. */
	ASSERT_EQ(0, map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0));
	assert_call_done(&self->call, 0, TEST_SIZE);
	leave_smm(self);
	ASSERT_EQ(0, verify(self->vcpus[1], 0, TEST_SIZE));
}

/* The job neither waits for these updates nor fails for them. */
TEST_F(spaces, slots_of_the_other_change_meanwhile)
{
	uint64_t below = GATE_OFFSET / PAGE_SIZE;
	uint32_t i;

	if (!uffd_gate_close_off(&self->gate, self->hvas[0] + GATE_OFFSET,
				 TEST_SIZE - GATE_OFFSET))
		SKIP(return, "userfaultfd is not permitted");

	for (i = 0; i < below; i++)
		*(uint64_t *)(self->hvas[0] + i * PAGE_SIZE) = AS0_WORDS + i;
	write_words(self->hvas[1], AS1_WORDS);
	enter_smm(self);
	ASSERT_EQ(AS1_WORDS, smm_read(self, TEST_GPA));

	map_call_start(&self->call, TEST_GPA, TEST_SIZE, 0);
	for (i = 0; i < variant->workers; i++)
		uffd_gate_wait(&self->gate);
	test_slot_delete(self->vm, AS1(TEST_SLOT));
	test_slot_set(self->vm, AS1(TEST_SLOT), 0, TEST_GPA, TEST_SIZE,
		      self->hvas[1]);
	test_slot_set(self->vm, SMM_ONLY_SLOT, 0, MOVED_GPA, TEST_SIZE,
		      self->smm_only_hva);
	ASSERT_FALSE(map_call_ended(&self->call));
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_call_join(&self->call));
	assert_call_done(&self->call, TEST_SIZE, 0);

	ASSERT_EQ(0, guest_read(self->vcpus[0], TEST_GPA + GATE_OFFSET,
				TEST_SIZE - GATE_OFFSET));
	ASSERT_EQ(variant->zap_all ? below : 0,
		  verify(self->vcpus[0], 0, GATE_OFFSET));
	ASSERT_EQ(AS1_WORDS + 1, smm_read(self, TEST_GPA + PAGE_SIZE));
	ASSERT_EQ(0, smm_read(self, MOVED_GPA));
	ASSERT_EQ(-ENOENT, map_call_run(&self->call, MOVED_GPA, TEST_SIZE, 0));
	ASSERT_EQ(MOVED_GPA, self->call.mapping.base_address);
}

static void *read_outside_smm(void *data)
{
	FIXTURE_DATA(spaces) *self = data;
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = TEST_PAGES,
		.ops = PASS_READ | PASS_VERIFY | PASS_FOREVER,
		.expect = AS0_WORDS,
	};

	guest_pass_run(self->vcpus[0], &pass);
	return NULL;
}

static void *read_in_smm(void *data)
{
	FIXTURE_DATA(spaces) *self = data;
	uint64_t i;

	for (i = 0; !READ_ONCE(self->stop); i = (i + 1) % TEST_PAGES) {
		TEST_ASSERT_EQ(smm_read(self, TEST_GPA + i * PAGE_SIZE),
			       AS1_WORDS + i);
		WRITE_ONCE(self->smm_reads, self->smm_reads + 1);
	}
	return NULL;
}

static uint64_t smm_reads(FIXTURE_DATA(spaces) *self)
{
	return READ_ONCE(self->smm_reads);
}

/* Each vCPU sees its own, while all roots become obsolete again and again. */
TEST_F_TIMEOUT(spaces, both_at_the_same_time, 60)
{
	uint64_t reads;
	int round;

	if (variant->kind == CALL_VCPU)
		self->call.vcpu = test_vm_add_vcpu(self->vm, 2);
	write_words(self->hvas[0], AS0_WORDS);
	write_words(self->hvas[1], AS1_WORDS);
	enter_smm(self);
	ASSERT_EQ(0, pthread_create(&self->threads[0], NULL, read_outside_smm, self));
	ASSERT_EQ(0, pthread_create(&self->threads[1], NULL, read_in_smm, self));

	for (round = 0; round < NR_ROUNDS; round++) {
		reads = smm_reads(self);
		ASSERT_TRUE(wait_until(smm_reads(self) > reads &&
				       guest_pass_progress(self->vcpus[0])));
		map_call_start(&self->call, TEST_GPA, TEST_SIZE, 0);
		test_slot_set(self->vm, SMM_ONLY_SLOT, 0,
			      round % 2 ? SMM_ONLY_GPA : MOVED_GPA, TEST_SIZE,
			      self->smm_only_hva);
		ASSERT_EQ(0, map_call_join(&self->call));
		ASSERT_EQ(0, self->call.mapping.size);
		if (variant->kind != CALL_VCPU) {
			ASSERT_EQ(TEST_SIZE, self->call.batch.bytes_mapped +
				  self->call.batch.bytes_present);
		}
	}

	guest_pass_stop(self->vcpus[0]);
	WRITE_ONCE(self->stop, true);
	ASSERT_EQ(0, pthread_join(self->threads[0], NULL));
	ASSERT_EQ(0, pthread_join(self->threads[1], NULL));
	ASSERT_EQ(0, map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0));
	ASSERT_EQ(0, verify(self->vcpus[0], 0, TEST_SIZE));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_X86_SMM));
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MULTI_ADDRESS_SPACE) >= 2);
	return test_harness_run(argc, argv);
}
