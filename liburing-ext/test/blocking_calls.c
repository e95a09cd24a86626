// SPDX-License-Identifier: MIT
/*
 * The blocking calls on a real VM, undisturbed and interrupted by a timer's
 * signals all the time, as TAP.
 */
#include <liburing_kvm.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/kvm.h>
#include "kvm_create_vm.h"

#define SIZE		(96ULL << 20)
#define NR_MAPPINGS	12
#define HOLE		(4ULL << 30)

static int tests, failures;
static volatile sig_atomic_t signals;

static void ok(int passed, const char *name)
{
	failures += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, name);
}

static void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void on_alarm(int number)
{
	(void)number;
	signals++;
}

/* Without SA_RESTART, so that calls end with EINTR. */
static void send_signals(int microseconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_interval.tv_usec = microseconds,
		.it_value.tv_usec = microseconds,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int create_vm(int kvm_fd, void **memory)
{
	struct kvm_userspace_memory_region region = { .memory_size = SIZE };
	int vm_fd = kvm_create_vm(kvm_fd);

	if (vm_fd < 0)
		bail_out("KVM_CREATE_VM");
	*memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*memory == MAP_FAILED)
		bail_out("mmap");
	madvise(*memory, SIZE, MADV_NOHUGEPAGE);
	region.userspace_addr = (unsigned long)*memory;
	if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		bail_out("KVM_SET_USER_MEMORY_REGION");
	return vm_fd;
}

static void destroy_vm(int vm_fd, void *memory)
{
	close(vm_fd);
	munmap(memory, SIZE);
}

static void fill(struct kvm_memory_mapping *mappings)
{
	const __u64 size = SIZE / NR_MAPPINGS;
	int i;

	for (i = 0; i < NR_MAPPINGS; i++)
		kvm_memory_mapping_init(&mappings[i], i * size, size, 0);
}

static void test_batch(int kvm_fd)
{
	struct kvm_memory_mapping mappings[NR_MAPPINGS];
	struct kvm_map_memory_batch batch;
	void *memory;
	int vm_fd = create_vm(kvm_fd, &memory);

	fill(mappings);
	kvm_map_memory_batch_init(&batch, mappings, NR_MAPPINGS, 2);
	ok(kvm_map_memory_batch_run(vm_fd, &batch) == 0 &&
	   kvm_map_memory_batch_left(&batch) == 0 &&
	   batch.first_undone == NR_MAPPINGS &&
	   batch.bytes_mapped == SIZE && batch.bytes_present == 0 &&
	   batch.workers_used >= 1 && batch.workers_used <= 2,
	   "batch_run maps everything and tells so");
	fill(mappings);
	ok(kvm_map_memory_batch_run(vm_fd, &batch) == 0 &&
	   batch.bytes_mapped == 0 && batch.bytes_present == SIZE,
	   "batch_run once more finds everything present");
	destroy_vm(vm_fd, memory);
}

static void test_batch_hole(int kvm_fd)
{
	struct kvm_memory_mapping mappings[NR_MAPPINGS];
	struct kvm_map_memory_batch batch;
	void *memory;
	int vm_fd = create_vm(kvm_fd, &memory);

	fill(mappings);
	kvm_memory_mapping_init(&mappings[5], HOLE, 8192, 0);
	kvm_map_memory_batch_init(&batch, mappings, NR_MAPPINGS, 1);
	ok(kvm_map_memory_batch_run(vm_fd, &batch) == -ENOENT &&
	   batch.first_undone == 5 && mappings[5].base_address == HOLE &&
	   mappings[5].size == 8192 &&
	   kvm_map_memory_batch_left(&batch) == 8192 &&
	   batch.bytes_mapped == SIZE / NR_MAPPINGS * (NR_MAPPINGS - 1),
	   "batch_run maps what lies around a hole");
	destroy_vm(vm_fd, memory);
}

static void test_batch_interrupted(int kvm_fd)
{
	struct kvm_memory_mapping mappings[NR_MAPPINGS];
	struct kvm_map_memory_batch batch;
	void *memory;
	int vm_fd = create_vm(kvm_fd, &memory);
	int direct, error, ret;

	fill(mappings);
	kvm_map_memory_batch_init(&batch, mappings, NR_MAPPINGS, 2);
	send_signals(20000);
	/* The call alone is interrupted: the signals come often enough. */
	direct = ioctl(vm_fd, KVM_MAP_MEMORY_BATCH, &batch);
	error = errno;
	/* They would interrupt the output as well, and stdio loses it then. */
	send_signals(0);
	ok(direct < 0 && error == EINTR &&
	   kvm_map_memory_batch_left(&batch) > 0 &&
	   mappings[batch.first_undone].size > 0,
	   "signals interrupt the ioctl");
	fill(mappings);
	signals = 0;
	send_signals(20000);
	ret = kvm_map_memory_batch_run(vm_fd, &batch);
	send_signals(0);
	printf("# %d signals, result %d\n", (int)signals, ret);
	ok(ret == 0 && signals > 0 && kvm_map_memory_batch_left(&batch) == 0 &&
	   batch.first_undone == NR_MAPPINGS &&
	   batch.bytes_mapped + batch.bytes_present >= SIZE,
	   "batch_run takes up what they leave");
	destroy_vm(vm_fd, memory);
}

static void test_vcpu_interrupted(int kvm_fd)
{
	struct kvm_memory_mapping mapping;
	void *memory;
	int vm_fd = create_vm(kvm_fd, &memory);
	int vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0), ret;

	if (vcpu_fd < 0)
		bail_out("KVM_CREATE_VCPU");
	kvm_memory_mapping_init(&mapping, 0, SIZE, 0);
	signals = 0;
	send_signals(20000);
	ret = kvm_map_memory_vcpu(vcpu_fd, &mapping);
	send_signals(0);
	printf("# %d signals, result %d\n", (int)signals, ret);
	ok(ret == 0 && signals > 0 && mapping.size == 0 &&
	   mapping.base_address == SIZE, "vcpu takes up what signals leave");
	kvm_memory_mapping_init(&mapping, HOLE, 4096, 0);
	ok(kvm_map_memory_vcpu(vcpu_fd, &mapping) == -ENOENT &&
	   mapping.size == 4096, "vcpu in a hole: ENOENT");
	close(vcpu_fd);
	destroy_vm(vm_fd, memory);
}

static void test_threads(int kvm_fd)
{
	struct kvm_memory_mapping mappings[NR_MAPPINGS];
	struct kvm_map_memory_batch batch;
	void *memory;
	int vm_fd = create_vm(kvm_fd, &memory), ret;

	fill(mappings);
	kvm_map_memory_batch_init(&batch, mappings, NR_MAPPINGS, 0);
	ok(kvm_map_memory_batch_run_threads(vm_fd, &batch, 4, NULL) == 0 &&
	   kvm_map_memory_batch_left(&batch) == 0 &&
	   batch.first_undone == NR_MAPPINGS &&
	   batch.bytes_mapped == SIZE && batch.bytes_present == 0 &&
	   batch.workers_used >= 1 && batch.workers_used <= 4 && !batch.flags,
	   "batch_run_threads maps everything");

	fill(mappings);
	madvise(memory, SIZE, MADV_DONTNEED);
	signals = 0;
	send_signals(20000);
	ret = kvm_map_memory_batch_run_threads(vm_fd, &batch, 0, NULL);
	send_signals(0);
	printf("# %d signals, result %d\n", (int)signals, ret);
	ok(ret == 0 && signals > 0 && kvm_map_memory_batch_left(&batch) == 0,
	   "batch_run_threads takes up what signals leave");

	fill(mappings);
	ok(kvm_map_memory_batch_run_threads(vm_fd, &batch, 257, NULL) == -EINVAL,
	   "batch_run_threads with too many threads: EINVAL");
	ok(kvm_map_memory_join(vm_fd, &batch) == -ENOENT,
	   "join without a batch: ENOENT");

	batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	batch.nr_workers = 4;
	ok(kvm_map_memory_batch_run(vm_fd, &batch) == 0 &&
	   kvm_map_memory_end_helpers(vm_fd) == 0, "end_helpers after a batch");
	destroy_vm(vm_fd, memory);
}

int main(void)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int needed = KVM_MAP_MEMORY_FEATURE_BATCH | KVM_MAP_MEMORY_FEATURE_VCPU |
		     KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS |
		     KVM_MAP_MEMORY_FEATURE_OWN_THREADS;

	if (kvm_fd < 0 || (kvm_map_memory_probe(kvm_fd) & needed) != needed) {
		printf("1..0 # SKIP no KVM with KVM_MAP_MEMORY\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_batch(kvm_fd);
	test_batch_hole(kvm_fd);
	test_batch_interrupted(kvm_fd);
	test_vcpu_interrupted(kvm_fd);
	test_threads(kvm_fd);
	printf("1..%d\n", tests);
	close(kvm_fd);
	return failures != 0;
}
