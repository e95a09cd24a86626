/* SPDX-License-Identifier: GPL-2.0 */
/* Progress on a terminal. */
#ifndef BAR_H
#define BAR_H

#include <stdint.h>

/* To the start of the line, which is emptied. */
#define BAR_ERASE_LINE	"\r\033[K"

/* The text of a bar with its brackets and its end. */
#define BAR_TEXT_SIZE	32

/* Draws a bar into text, which it returns: "[########............]". */
const char *bar_draw(char text[BAR_TEXT_SIZE], uint64_t done, uint64_t total);
/* Of the total, 0 to 100. */
unsigned int bar_percent(uint64_t done, uint64_t total);
/* Columns of the terminal; 80 if unknown. */
int bar_columns(int fd);

#endif
