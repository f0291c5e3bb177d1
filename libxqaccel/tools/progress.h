/* SPDX-License-Identifier: MIT */
/*
 * A bar on standard error for what takes more than a second, if that is a terminal.
 */
#ifndef XQ_TOOL_PROGRESS_H
#define XQ_TOOL_PROGRESS_H

#include <stdint.h>

/**
 * progress_start() - begin to look at a counter
 * @what: a word or two
 * @done: counts up to @total while another thread works; NULL for work that does not tell
 */
void progress_start(const char *what, const uint64_t *done, uint64_t total);

/* Takes the bar away. */
void progress_stop(void);

#endif
