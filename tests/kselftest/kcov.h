/* SPDX-License-Identifier: GPL-2.0 */
/* Which places of the driver a thread passes: the kernel's KCOV, of the calling thread alone. */
#ifndef XQ_TEST_KCOV_H
#define XQ_TEST_KCOV_H

#include <stdint.h>

#define KCOV_ENTRIES	(64U << 10)

struct kcov {
	int fd;
	unsigned long *area;	/* [0] is the number of places that follow */
};

/* 0, or -ENOENT where the kernel has none; then the others do nothing and count no places. */
int kcov_open(struct kcov *k);
int kcov_start(struct kcov *k);
void kcov_reset(struct kcov *k);
uint64_t kcov_count(const struct kcov *k);

#endif
