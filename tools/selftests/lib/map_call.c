// SPDX-License-Identifier: GPL-2.0
#include "host_state.h"
#include "map_call.h"

static int pre_fault(struct map_call *call)
{
	struct kvm_pre_fault_memory range = {
		.gpa = call->mapping.base_address,
		.size = call->mapping.size,
	};
	int ret;

	ret = __vcpu_ioctl(call->vcpu, KVM_PRE_FAULT_MEMORY, &range) ? -errno : 0;
	call->mapping.base_address = range.gpa;
	call->mapping.size = range.size;
	return ret;
}

static int make_call(struct map_call *call)
{
	switch (call->kind) {
	case CALL_PRE_FAULT:
		return pre_fault(call);
	case CALL_VCPU:
		return vcpu_map_memory(call->vcpu, &call->mapping);
	case CALL_IOCTL:
	case CALL_URING:
		map_batch_init(&call->batch, &call->mapping, 1, call->workers);
		return map_batch(call->vm, call->kind == CALL_URING ?
				 MAP_BY_URING : MAP_BY_IOCTL, &call->batch);
	}
	TEST_FAIL("There is no call %d", call->kind);
	return -EINVAL;
}

static void init_call(struct map_call *call, uint64_t gpa, uint64_t size,
		      uint64_t flags)
{
	call->mapping.base_address = gpa;
	call->mapping.size = size;
	call->mapping.flags = flags;
	call->ended = false;
	memset(&call->batch, 0, sizeof(call->batch));
}

static void make_checked_call(struct map_call *call)
{
	const struct kvm_memory_mapping *left = &call->mapping;
	struct kvm_memory_mapping asked = call->mapping;

	call->result = make_call(call);

	TEST_ASSERT(left->base_address >= asked.base_address &&
		    left->base_address + left->size ==
		    asked.base_address + asked.size,
		    "what is left must be the end of what was asked for");
	/* KVM_PRE_FAULT_MEMORY succeeds when it has done a part. */
	TEST_ASSERT(call->kind == CALL_PRE_FAULT || !call->result == !left->size,
		    "result %d with 0x%llx bytes left", call->result, left->size);
	if (call->kind == CALL_IOCTL || call->kind == CALL_URING)
		TEST_ASSERT_EQ(call->batch.first_undone, !call->result);
}

int map_call_run(struct map_call *call, uint64_t gpa, uint64_t size, uint64_t flags)
{
	init_call(call, gpa, size, flags);
	make_checked_call(call);
	return call->result;
}

static void *map_call_main(void *data)
{
	struct map_call *call = data;

	make_checked_call(call);
	/* Pairs with map_call_ended(). */
	__atomic_store_n(&call->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

void map_call_start(struct map_call *call, uint64_t gpa, uint64_t size,
		    uint64_t flags)
{
	init_call(call, gpa, size, flags);
	TEST_ASSERT(!pthread_create(&call->thread, NULL, map_call_main, call),
		    "Cannot create a thread");
}

bool map_call_ended(struct map_call *call)
{
	return __atomic_load_n(&call->ended, __ATOMIC_ACQUIRE);
}

uint64_t map_call_cpu_ms(struct map_call *call)
{
	struct timespec ts;
	clockid_t clock;

	TEST_ASSERT(!pthread_getcpuclockid(call->thread, &clock) &&
		    !clock_gettime(clock, &ts), "The thread has no CPU clock");
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

int map_call_join(struct map_call *call)
{
	TEST_ASSERT(wait_until(map_call_ended(call)),
		    "The call did not return in %d ms", DEADLINE_MS);
	TEST_ASSERT(!pthread_join(call->thread, NULL), "Cannot join a thread");
	return call->result;
}

void assert_call_done(const struct map_call *call, uint64_t mapped,
		      uint64_t present)
{
	TEST_ASSERT_EQ(call->result, 0);
	TEST_ASSERT_EQ(call->mapping.size, 0);
	if (call->kind == CALL_IOCTL || call->kind == CALL_URING)
		assert_batch_done(&call->batch, mapped, present);
}
