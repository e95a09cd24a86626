// SPDX-License-Identifier: MIT
/* Reading a working set from a file, which may be damaged or hostile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "working_set.h"
#include "working_set_file.h"

#define BUFFER_SIZE 4096

struct input {
	int fd;
	/*
	 * The number and text of the last line; 0 after an error that is not one of
	 * the file's text.
	 */
	unsigned long line;
	char text[WORKING_SET_LINE_MAX];
	/* Without that of the last line. */
	__u32 crc;
	__u64 page_size;
	size_t next;
	size_t filled;
	char buffer[BUFFER_SIZE];
};

/* Returns 1, 0 at the end of the file, or an error. */
static int next_byte(struct input *input, char *byte)
{
	ssize_t ret;

	if (input->next == input->filled) {
		do {
			ret = read(input->fd, input->buffer, BUFFER_SIZE);
		} while (ret < 0 && errno == EINTR);
		if (!ret)
			return 0;
		if (ret < 0) {
			input->line = 0;
			return -errno;
		}
		input->next = 0;
		input->filled = ret;
	}
	*byte = input->buffer[input->next++];
	return 1;
}

/*
 * Reads a line, without its end, into text.  A file that ends here is not complete:
 * -ENODATA.
 */
static int next_line(struct input *input)
{
	size_t length = 0;
	char byte;
	int ret;

	input->line++;
	for (;;) {
		ret = next_byte(input, &byte);
		if (ret <= 0)
			return ret < 0 ? ret : -ENODATA;
		if (byte == '\n')
			break;
		/* Digits that no line has, or a text without an end. */
		if (!byte || length == sizeof(input->text) - 1)
			return -EINVAL;
		input->text[length++] = byte;
	}
	input->text[length] = '\0';
	return 0;
}

static void line_counts(struct input *input)
{
	input->crc = liburing_kvm_crc32(input->crc, input->text,
					strlen(input->text));
	input->crc = liburing_kvm_crc32(input->crc, "\n", 1);
}

static int skip_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length))
		return -EINVAL;
	*text += length;
	return 0;
}

static int skip_number(const char **text, unsigned int base, __u64 *number)
{
	static const char digits[] = "0123456789abcdef";
	const char *first = *text, *found;

	for (*number = 0; **text; (*text)++) {
		found = strchr(digits, **text);
		if (!found || found >= digits + base)
			break;
		if (*number > (~0ULL - (found - digits)) / base)
			return -ERANGE;
		*number = *number * base + (found - digits);
	}
	return *text == first ? -EINVAL : 0;
}

static int parse_head(struct input *input)
{
	const char *text = input->text;
	int ret = skip_word(&text, WORKING_SET_HEAD);

	if (ret < 0)
		/* Another version, and not another file. */
		return strncmp(text, "kvm-working-set ", 16) ? ret : -EOPNOTSUPP;
	ret = skip_number(&text, 10, &input->page_size);
	if (ret < 0 || *text)
		return ret < 0 ? ret : -EINVAL;
	if (!input->page_size || input->page_size & (input->page_size - 1))
		return -EINVAL;
	/* Its ranges would be no ranges of pages here. */
	return input->page_size % liburing_kvm_page_size() ? -EOPNOTSUPP : 0;
}

static int parse_range(const struct input *input, __u64 *base, __u64 *size)
{
	const char *text = input->text;
	int ret = skip_word(&text, "0x");

	if (!ret)
		ret = skip_number(&text, 16, base);
	if (!ret)
		ret = skip_word(&text, " 0x");
	if (!ret)
		ret = skip_number(&text, 16, size);
	if (!ret && *text)
		ret = -EINVAL;
	if (ret < 0)
		return ret;
	if (!*size || (*base | *size) % input->page_size || *size > ~0ULL - *base)
		return -ERANGE;
	return 0;
}

/* The last line, whose figures have to be those of the others. */
static int parse_sums(const struct input *input,
		      const struct kvm_working_set *found)
{
	const char *text = input->text;
	__u64 nr, bytes, crc;
	int ret = skip_word(&text, WORKING_SET_RANGES);

	if (!ret)
		ret = skip_number(&text, 10, &nr);
	if (!ret)
		ret = skip_word(&text, WORKING_SET_BYTES);
	if (!ret)
		ret = skip_number(&text, 10, &bytes);
	if (!ret)
		ret = skip_word(&text, WORKING_SET_CRC);
	if (!ret)
		ret = skip_number(&text, 16, &crc);
	if (!ret && *text)
		ret = -EINVAL;
	if (ret < 0)
		return ret;
	return nr == found->nr && bytes == kvm_working_set_bytes(found) &&
	       crc == input->crc ? 0 : -EBADMSG;
}

static int read_lines(struct input *input, struct kvm_working_set *found)
{
	__u64 base, size;
	char byte;
	int ret;

	ret = next_line(input);
	if (!ret)
		ret = parse_head(input);
	while (!ret) {
		line_counts(input);
		ret = next_line(input);
		if (ret < 0 || *input->text == *WORKING_SET_RANGES)
			break;
		ret = parse_range(input, &base, &size);
		if (!ret)
			ret = liburing_kvm_range_push(found, base, size);
	}
	if (!ret)
		ret = parse_sums(input, found);
	if (ret < 0)
		return ret;
	input->line++;
	ret = next_byte(input, &byte);
	return ret > 0 ? -EINVAL : ret;
}

/*
 * No page may be in two ranges.  Returns -EEXIST, and the line of the later of two
 * that overlap; ranges have been read from the second line on.
 */
static int check_overlaps(struct kvm_working_set *found, unsigned long *line)
{
	struct kvm_memory_mapping *sorted, *last, *range;
	size_t i;
	int ret = 0;

	for (i = 0; i < found->nr; i++)
		found->ranges[i].flags = i + 2;
	sorted = liburing_kvm_ranges_sorted(found);
	if (!sorted)
		return -ENOMEM;
	for (i = 1; i < found->nr && !ret; i++) {
		last = &sorted[i - 1];
		range = &sorted[i];
		if (range->base_address - last->base_address >= last->size)
			continue;
		*line = range->flags > last->flags ? range->flags : last->flags;
		ret = -EEXIST;
	}
	free(sorted);
	return ret;
}

int kvm_working_set_read(struct kvm_working_set *set, int fd,
			 unsigned long *line)
{
	struct input input = { .fd = fd };
	struct kvm_working_set found = { 0 };
	int saved_errno = errno, ret;
	unsigned long error_line = 0;

	ret = read_lines(&input, &found);
	if (ret < 0 && ret != -ENOMEM)
		error_line = input.line;
	if (!ret)
		ret = check_overlaps(&found, &error_line);
	ret = liburing_kvm_working_set_take(set, &found, ret);
	if (line)
		*line = error_line;
	errno = saved_errno;
	return ret;
}
