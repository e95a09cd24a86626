// SPDX-License-Identifier: MIT
/* The fields and results of functions that need no KVM, as TAP. */
#ifdef FFI_DECLARATIONS
/* As a user of the library without the inline functions. */
#include <liburing.h>
#include <errno.h>
#include <string.h>
#include <linux/kvm_map_memory.h>
#include FFI_DECLARATIONS
#else
#include <liburing_kvm.h>
#endif
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int tests, failures;

static void ok(int passed, const char *name)
{
	failures += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++tests, name);
}

static void test_prep(void)
{
	static const unsigned char expected[64] = {
		46,				/* opcode: IORING_OP_URING_CMD */
		0,				/* flags */
		0, 0,				/* ioprio */
		0x34, 0x12, 0, 0,		/* fd */
		0xf1, 0xae, 0x80, 0xc0,		/* cmd_op: 128 bytes, in and out */
		0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,		/* addr */
		0, 0, 0, 0,			/* len */
		0, 0, 0, 0,			/* uring_cmd_flags */
		0xff, 0xff, 0xff, 0xff,		/* user_data: the caller's */
		0xff, 0xff, 0xff, 0xff,
		0, 0,				/* buf_index */
		0, 0,				/* personality */
		0, 0, 0, 0,			/* file_index */
		0xf0, 0xde, 0xbc, 0x9a,		/* cmd.batch */
		0x78, 0x56, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,		/* cmd.reserved */
	};
	/* One entry more than is to be written. */
	unsigned char entries[128];
	int i, beyond = 0;

	memset(entries, 0xff, sizeof(entries));
	io_uring_prep_cmd_kvm_map_memory((struct io_uring_sqe *)entries, 0x1234,
					 (struct kvm_map_memory_batch *)
					 0x56789abcdef0UL);
	for (i = 0; i < 64; i++)
		if (entries[i] != expected[i])
			printf("# byte %d is %#x, not %#x\n", i, entries[i],
			       expected[i]);
	ok(!memcmp(entries, expected, 64), "prep fills all 64 bytes but user_data");
	for (i = 64; i < 128; i++)
		beyond |= entries[i] != 0xff;
	ok(!beyond, "prep writes nothing beyond a plain entry");
}

static void test_init(void)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch, expected;

	ok(sizeof(mapping) == 24 && sizeof(batch) == 128,
	   "sizes of the structures");
	kvm_memory_mapping_init(&mapping, 0x1000, 0x2000,
				KVM_MEMORY_MAPPING_READ);
	ok(mapping.base_address == 0x1000 && mapping.size == 0x2000 &&
	   mapping.flags == KVM_MEMORY_MAPPING_READ, "mapping_init");
	memset(&batch, 0xff, sizeof(batch));
	memset(&expected, 0, sizeof(expected));
	expected.mappings = (unsigned long)&mapping;
	expected.nr_mappings = 1;
	expected.nr_workers = 7;
	kvm_map_memory_batch_init(&batch, &mapping, 1, 7);
	ok(!memcmp(&batch, &expected, sizeof(batch)),
	   "batch_init clears results and reserved fields");
}

static void test_left(void)
{
	struct kvm_memory_mapping mappings[] = {
		{ 0x1000, 0, 0 }, { 0x2000, 0x3000, 0 }, { 0xb000, 0x5000, 0 },
	};
	struct kvm_map_memory_batch batch;

	kvm_map_memory_batch_init(&batch, mappings, 3, 3);
	ok(kvm_map_memory_batch_left(&batch) == 0x8000, "left adds up sizes");
	mappings[1].size = 0;
	mappings[2].size = 0;
	ok(kvm_map_memory_batch_left(&batch) == 0, "nothing left");
}

static void test_errors(void)
{
	struct kvm_memory_mapping mapping = { 0x1000, 0x2000, 0 };
	struct kvm_map_memory_batch batch;
	int null_fd = open("/dev/null", O_RDWR);

	kvm_map_memory_batch_init(&batch, &mapping, 1, 0);
	errno = E2BIG;
	ok(kvm_map_memory_probe(null_fd) == -ENOTTY,
	   "probe of a file that is not KVM's: ENOTTY");
	ok(kvm_map_memory_probe(-1) == -EBADF, "probe of no file: EBADF");
	ok(kvm_map_memory_batch_run(null_fd, &batch) == -ENOTTY &&
	   mapping.size == 0x2000 && batch.workers_used == 0,
	   "batch_run on a file that is not KVM's: ENOTTY, nothing changed");
	ok(kvm_map_memory_vcpu(null_fd, &mapping) == -ENOTTY &&
	   mapping.size == 0x2000,
	   "vcpu on a file that is not KVM's: ENOTTY, nothing changed");
	ok(errno == E2BIG, "errno is left alone");
	close(null_fd);
}

static void test_kvm(void)
{
	int kvm_fd = open("/dev/kvm", O_RDWR), features;

	if (kvm_fd < 0) {
		printf("ok %d - probe of /dev/kvm # SKIP cannot open it: %s\n",
		       ++tests, strerror(errno));
		return;
	}
	features = kvm_map_memory_probe(kvm_fd);
	printf("# features %#x\n", features);
	ok(features >= 0, "probe of /dev/kvm: a mask, 0 without the feature");
	close(kvm_fd);
}

int main(void)
{
	test_prep();
	test_init();
	test_left();
	test_errors();
	test_kvm();
	printf("1..%d\n", tests);
	return failures != 0;
}
