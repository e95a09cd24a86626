// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/ioctl.h>
#include "bar.h"

#define WIDTH		20
#define DEFAULT_COLUMNS	80

_Static_assert(WIDTH + 3 <= BAR_TEXT_SIZE, "the bar has no room in its text");

unsigned int bar_percent(uint64_t done, uint64_t total)
{
	/* In floating point, as 100 times the bytes may be too large. */
	double percent = total ? 100.0 * done / total : 100;

	return percent < 100 ? percent : 100;
}

const char *bar_draw(char text[BAR_TEXT_SIZE], uint64_t done, uint64_t total)
{
	unsigned int filled = bar_percent(done, total) * WIDTH / 100;

	text[0] = '[';
	memset(text + 1, '#', filled);
	memset(text + 1 + filled, '.', WIDTH - filled);
	text[WIDTH + 1] = ']';
	text[WIDTH + 2] = '\0';
	return text;
}

int bar_columns(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return DEFAULT_COLUMNS;
	return size.ws_col;
}
