/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's fault injection: the n-th allocation of this thread, or any of the driver's. */
#ifndef XQ_TEST_FAULT_INJECTION_H
#define XQ_TEST_FAULT_INJECTION_H

#include <stdbool.h>

/*
 * Makes allocations that may sleep, of slabs and of pages, and copies from and to user memory
 * candidates, without a word in the kernel's log. -ENODEV: not such a kernel.
 */
int fail_prepare(void);

/* Only what is called below this function of the kernel is a candidate; NULL: everything is. */
int fail_only_below(const char *symbol);

/* The n-th candidate of this thread from now on fails, n from 1. -errno, or 0. */
int fail_nth(unsigned int n);
/* Ends that; whether it happened, or -errno. */
int fail_nth_happened(void);
/* How many candidates are left until it happens; 0: it has, or -errno. */
int fail_nth_left(void);

/*
 * Of allocations made anywhere below the driver's functions so many in ten thousand fail, in
 * processes that asked for it and their children; 0 ends that. To look for the driver on the
 * stack of every allocation of the whole kernel would take ten times as long.
 */
int fail_driver(unsigned int per_10000);
int fail_this_process(void);

#endif
