// SPDX-License-Identifier: MIT
/*
 * The limit of bytes a second: each slice puts off the next one by the time that the
 * limit gives its bytes.  No credit is saved while the session does nothing, so it is
 * never ahead of the limit by more than one slice.
 */
#include <time.h>

#include "session.h"

/* A slice has what the rate allows in a second divided by it. */
#define SLICES_PER_SECOND	10

__u64 liburing_kvm_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

__u64 liburing_kvm_rate_slice(const struct rate *rate, __u64 bytes, __u64 page_size)
{
	__u64 limit = rate->bytes_per_second / SLICES_PER_SECOND;

	if (!rate->bytes_per_second || bytes <= limit)
		return bytes;
	if (limit >= HUGE_SIZE)
		return limit - limit % HUGE_SIZE;
	limit -= limit % page_size;
	return limit ? limit : page_size;
}

static __u64 time_of(__u64 bytes, __u64 bytes_per_second)
{
	long double ns = (long double)bytes * NSEC_PER_SEC / bytes_per_second;

	/* A hundred years are as good as for ever, and do not overflow. */
	return ns < 3e18L ? (__u64)ns : 3000000000000000000ULL;
}

void liburing_kvm_rate_charge(struct rate *rate, __u64 start_ns, __u64 bytes)
{
	if (!rate->bytes_per_second)
		return;
	if (rate->next_ns < start_ns)
		rate->next_ns = start_ns;
	rate->next_ns += time_of(bytes, rate->bytes_per_second);
}

/* What is owed stays owed, in bytes. */
void liburing_kvm_rate_set(struct rate *rate, __u64 bytes_per_second)
{
	__u64 now = liburing_kvm_now_ns();
	__u64 wait = rate->next_ns > now ? rate->next_ns - now : 0;
	/* 0 without a limit until now. */
	long double owed = (long double)wait * rate->bytes_per_second / NSEC_PER_SEC;

	rate->bytes_per_second = bytes_per_second;
	rate->next_ns = now;
	if (bytes_per_second)
		rate->next_ns += time_of((__u64)owed, bytes_per_second);
}
