/* SPDX-License-Identifier: MIT */
/*
 * A bar on standard error once a command has worked for a second, if that is a terminal. Each
 * part of the work (reading, computing, writing) has one of its own.
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

/**
 * progress_follow() - the same where the total is found out meanwhile; 0 as long as it is not known
 */
void progress_follow(const char *what, const uint64_t *done, const uint64_t *total);

/* Takes the bar away. */
void progress_stop(void);

#endif
