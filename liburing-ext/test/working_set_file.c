// SPDX-License-Identifier: MIT
/* Files of working sets: written, read, damaged and hostile. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "working_set_test.h"

#define HEAD "kvm-working-set 1 page-size 4096\n"

/* Digits. */
#define TEN "0000000000"

static int new_file(const char *text, size_t length)
{
	int fd = memfd_create("working-set", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length ||
	    lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

/* Another way to calculate it than the library's. */
static uint32_t crc32_of(const char *text, size_t length)
{
	uint32_t remainder = 0xffffffff;
	size_t i;
	int bit;

	for (i = 0; i < length * 8; i++) {
		bit = text[i / 8] >> i % 8 & 1;
		remainder = (remainder & 1) != (uint32_t)bit ?
			    remainder >> 1 ^ 0xedb88320 : remainder >> 1;
	}
	return ~remainder;
}

/* Text and the last line that belongs to it, as far as it is one. */
static int new_summed_file(const char *text, unsigned int ranges,
			   unsigned long long bytes)
{
	char file[4096];
	int length = snprintf(file, sizeof(file),
			      "%sranges %u bytes %llu crc32 0x%08x\n", text,
			      ranges, bytes, crc32_of(text, strlen(text)));

	return new_file(file, length);
}

static void test_format(void)
{
	static const char expected[] = HEAD
		"0x100000000 0x2000\n"
		"0x4000 0x1000\n"
		"ranges 2 bytes 12288 crc32 0x";
	struct kvm_working_set *set = new_set();
	int fd = new_file("", 0);
	char text[256] = "";

	ok(crc32_of("123456789", 9) == 0xcbf43926, "the checksum is CRC-32");
	ADD(set, { 1 << 20, 2 }, { 4, 1 });
	errno = E2BIG;
	ok(!kvm_working_set_write(set, fd), "a set is written");
	ok(errno == E2BIG, "errno is left alone");
	ok(pread(fd, text, sizeof(text), 0) == sizeof(expected) - 1 + 9 &&
	   !memcmp(text, expected, sizeof(expected) - 1), "as documented");
	snprintf(text + 160, 16, "%08x\n",
		 crc32_of(text, strstr(text, "ranges") - text));
	ok(!strcmp(text + sizeof(expected) - 1, text + 160), "with its checksum");
	close(fd);
	kvm_working_set_destroy(set);
}

static void test_round_trip(size_t nr)
{
	struct kvm_memory_mapping *ranges = calloc(nr + 1, sizeof(*ranges));
	struct kvm_working_set *set = new_set(), *read = new_set();
	int fd = new_file("", 0);
	unsigned long line = 9;
	size_t i, found, bad = 0;

	/* In no order. */
	for (i = 0; i < nr; i++) {
		ranges[i].base_address = (i ^ 0x155) * 4 * PAGE;
		ranges[i].size = (1 + i % 3) * PAGE;
	}
	bad += kvm_working_set_add(set, ranges, nr) != 0;
	bad += kvm_working_set_write(set, fd) != 0;
	lseek(fd, 0, SEEK_SET);
	bad += kvm_working_set_read(read, fd, &line) != 0 || line != 0;
	for (i = 0; i < nr; i += found) {
		found = kvm_working_set_mappings(read, i, ranges, nr, 0);
		if (!found)
			break;
		bad += ranges[0].base_address != (i ^ 0x155) * 4 * PAGE;
	}
	ok(!bad && i == nr && kvm_working_set_count(read) == nr &&
	   kvm_working_set_bytes(read) == kvm_working_set_bytes(set),
	   "%zu ranges, written and read", nr);
	close(fd);
	free(ranges);
	kvm_working_set_destroy(set);
	kvm_working_set_destroy(read);
}

static void test_adds(void)
{
	struct kvm_working_set *set = new_set();
	int fd = new_summed_file(HEAD "0x2000 0x2000\n", 1, 8192);

	ADD(set, { 3, 1 }, { 1, 1 });
	ok(!kvm_working_set_read(set, fd, NULL) &&
	   HAS(set, { 3, 1 }, { 1, 2 }), "read adds to what is there");
	close(fd);
	kvm_working_set_destroy(set);
}

/* Refused with an error that is in a line, and nothing is added. */
static void check_refused(int fd, int error, unsigned long line,
			  const char *what)
{
	struct kvm_working_set *set = new_set();
	unsigned long found = 99;
	int ret;

	ADD(set, { 7, 1 });
	errno = E2BIG;
	ret = kvm_working_set_read(set, fd, &found);
	ok(ret == -error && found == line && errno == E2BIG &&
	   HAS(set, { 7, 1 }), "%s", what);
	if (ret != -error || found != line)
		printf("# %s in line %lu\n", strerror(-ret), found);
	lseek(fd, 0, SEEK_SET);
	ok(kvm_working_set_read(set, fd, NULL) == ret, "the same without a line");
	kvm_working_set_destroy(set);
	close(fd);
}

static void refuses_text(const char *text, int error, unsigned long line,
			 const char *what)
{
	check_refused(new_file(text, strlen(text)), error, line, what);
}

static void refuses_lines(const char *lines, int error, unsigned long line,
			  const char *what)
{
	char text[1024];

	snprintf(text, sizeof(text), HEAD "0x2000 0x1000\n%s", lines);
	check_refused(new_summed_file(text, 2, 8192), error, line, what);
}

static void test_heads(void)
{
	refuses_text("", ENODATA, 1, "an empty file");
	refuses_text("kvm-working-set 1 page-size 4096", ENODATA, 1, "half a line");
	refuses_text("\n", EINVAL, 1, "an empty line");
	refuses_text("\177ELF\n", EINVAL, 1, "another kind of file");
	refuses_text("kvm-working-set 2 page-size 4096\n", EOPNOTSUPP, 1,
		     "another version");
	refuses_text("kvm-working-set 1 page-size 0\n", EINVAL, 1, "pages of 0");
	refuses_text("kvm-working-set 1 page-size 4097\n", EINVAL, 1,
		     "pages of no power of two");
	refuses_text("kvm-working-set 1 page-size 512\n", EOPNOTSUPP, 1,
		     "pages smaller than the host's");
	refuses_text("kvm-working-set 1 page-size 4096 1\n", EINVAL, 1,
		     "more behind the head");
	refuses_text("kvm-working-set 1 page-size 18446744073709551616\n", ERANGE,
		     1, "a number of more than 64 bits");
	refuses_text(HEAD, ENODATA, 2, "nothing but a head");
	refuses_text(HEAD "0x1000 0x1000\n", ENODATA, 3, "no sums");
}

static void test_lines(void)
{
	refuses_lines("0x4000\n", EINVAL, 3, "no size");
	refuses_lines("4000 1000\n", EINVAL, 3, "no hexadecimal numbers");
	refuses_lines("0x4000  0x1000\n", EINVAL, 3, "two blanks");
	refuses_lines("0x4000 0x1000 1\n", EINVAL, 3, "more behind a range");
	refuses_lines("0x4000 0x1000\r\n", EINVAL, 3, "lines of another system");
	refuses_lines("0xA000 0x1000\n", EINVAL, 3, "capital digits");
	refuses_lines("0x 0x1000\n", EINVAL, 3, "no digits");
	refuses_lines("-0x4000 0x1000\n", EINVAL, 3, "a sign");
	refuses_lines("\n", EINVAL, 3, "an empty line");
	refuses_lines("0x4001 0x1000\n", ERANGE, 3, "an address of no page");
	refuses_lines("0x4000 0x1001\n", ERANGE, 3, "a size of no pages");
	refuses_lines("0x4000 0x0\n", ERANGE, 3, "no bytes");
	refuses_lines("0xfffffffffffff000 0x1000\n", ERANGE, 3, "a wrap-around");
	refuses_lines("0x1000 0xfffffffffffff000\n", ERANGE, 3,
		      "a size that wraps around");
	refuses_lines("0x10000000000000000 0x1000\n", ERANGE, 3,
		      "an address of more than 64 bits");
	refuses_lines("0x" TEN TEN TEN TEN TEN TEN TEN TEN TEN "4000 0x1000\n",
		      EINVAL, 3, "a line too long");
	refuses_lines("0x2000 0x1000\n", EEXIST, 3, "a range twice");
	refuses_lines("0x9000 0x3000\n0x1000 0x1000\n0xa000 0x1000\n", EBADMSG, 6,
		      "wrong numbers of ranges and bytes");
}

/* The overlap is found whichever of the two is at the lower address. */
static void test_overlap(void)
{
	check_refused(new_summed_file(HEAD
				      "0x9000 0x3000\n0x1000 0x1000\n0x8000 0x2000\n",
				      3, 0x6000), EEXIST, 4,
		      "an overlap with an earlier line, from below");
	check_refused(new_summed_file(HEAD
				      "0x8000 0x2000\n0x1000 0x1000\n0x9000 0x3000\n",
				      3, 0x6000), EEXIST, 4,
		      "an overlap with an earlier line, from above");
	check_refused(new_summed_file(HEAD "0x2000 0x1000\n0x1000 0x1001000\n",
				      2, 0x1002000), EEXIST, 3,
		      "a range over another");
}

static void test_sums(void)
{
	static const char text[] = HEAD "0x2000 0x1000\n";
	char file[256], longer[300];

	check_refused(new_summed_file(text, 2, 4096), EBADMSG, 3,
		      "too many ranges promised");
	check_refused(new_summed_file(text, 1, 8192), EBADMSG, 3,
		      "too many bytes promised");
	refuses_text(HEAD "0x2000 0x1000\nranges 1 bytes 4096 crc32 0x00000000\n",
		     EBADMSG, 3, "a wrong checksum");
	refuses_text(HEAD "ranges 18446744073709551615 bytes 0 crc32 0x0\n",
		     EBADMSG, 2, "a huge number of ranges");
	refuses_text(HEAD "ranges 18446744073709551616 bytes 0 crc32 0x0\n",
		     ERANGE, 2, "a number of ranges of more than 64 bits");
	refuses_text(HEAD "ranges 0 bytes 0\n", EINVAL, 2, "sums without checksum");
	snprintf(file, sizeof(file), "%sranges 1 bytes 4096 crc32 0x%08x", text,
		 crc32_of(text, strlen(text)));
	refuses_text(file, ENODATA, 3, "sums without the line's end");
	snprintf(longer, sizeof(longer), "%s\n\n", file);
	refuses_text(longer, EINVAL, 4, "more lines after the sums");
}

/* Each byte in turn is damaged, and the file cut behind each byte. */
static void test_damage(void)
{
	struct kvm_working_set *set = new_set(), *read = new_set();
	unsigned int i, length, accepted = 0, cut = 0;
	char text[256], damaged[256];
	int fd = new_file("", 0);

	ADD(set, { 8, 2 }, { 4, 1 }, { 1 << 20, 77 });
	kvm_working_set_write(set, fd);
	length = pread(fd, text, sizeof(text), 0);
	close(fd);
	for (i = 0; i < length; i++) {
		memcpy(damaged, text, length);
		damaged[i] ^= 1 << i % 8;
		fd = new_file(damaged, length);
		accepted += !kvm_working_set_read(read, fd, NULL);
		close(fd);
		fd = new_file(text, i);
		cut += kvm_working_set_read(read, fd, NULL) == -ENODATA;
		close(fd);
	}
	ok(length > 100 && !accepted, "no file with a wrong bit is accepted");
	ok(cut == length, "one that was cut anywhere: ENODATA");
	ok(!kvm_working_set_count(read), "none of them added anything");
	kvm_working_set_destroy(read);
	kvm_working_set_destroy(set);
}

static void test_binary(void)
{
	static const char zeros[64], text[] = HEAD "0x2000 0x1000\0\n";
	unsigned int seed = 1, i, j;
	struct kvm_working_set *set = new_set();
	char noise[4096];
	int fd, accepted = 0;

	check_refused(new_file(zeros, sizeof(zeros)), EINVAL, 1, "zeros");
	check_refused(new_file(text, sizeof(text)), EINVAL, 2, "a NUL in a line");
	for (i = 0; i < 200; i++) {
		memcpy(noise, HEAD, sizeof(HEAD) - 1);
		for (j = sizeof(HEAD) - 1; j < sizeof(noise); j++)
			noise[j] = "0x1a f\nranges"[rand_r(&seed) % 13];
		fd = new_file(noise, sizeof(noise));
		accepted += !kvm_working_set_read(set, fd, NULL);
		close(fd);
	}
	ok(!accepted && !kvm_working_set_count(set), "noise is not accepted");
	kvm_working_set_destroy(set);
}

static void test_files(void)
{
	struct kvm_working_set *set = new_set();
	int full = open("/dev/full", O_WRONLY);
	unsigned long line = 99;

	ADD(set, { 8, 2 });
	ok(kvm_working_set_write(set, full) == -ENOSPC, "no space: ENOSPC");
	ok(kvm_working_set_write(set, -1) == -EBADF &&
	   kvm_working_set_read(set, -1, &line) == -EBADF && line == 0,
	   "no file: EBADF, in no line");
	line = 99;
	close(full);
	full = open("/", O_RDONLY);
	ok(kvm_working_set_read(set, full, &line) == -EISDIR && line == 0,
	   "a directory: EISDIR, in no line");
	close(full);
	kvm_working_set_destroy(set);
}

int main(void)
{
	test_format();
	test_round_trip(0);
	test_round_trip(1);
	test_round_trip(50000);
	test_adds();
	test_heads();
	test_lines();
	test_overlap();
	test_sums();
	test_damage();
	test_binary();
	test_files();
	return done_testing();
}
