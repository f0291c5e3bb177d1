// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kcov.h"

/* <linux/kcov.h> is not in every libc's headers. */
#define KCOV_INIT_TRACE		_IOR('c', 1, unsigned long)
#define KCOV_ENABLE		_IO('c', 100)
#define KCOV_TRACE_PC		0

int kcov_open(struct kcov *k)
{
	k->area = NULL;
	k->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return -errno;
	if (ioctl(k->fd, KCOV_INIT_TRACE, (unsigned long)KCOV_ENTRIES))
		return -errno;
	k->area = mmap(NULL, KCOV_ENTRIES * sizeof(*k->area), PROT_READ | PROT_WRITE, MAP_SHARED,
		       k->fd, 0);
	if (k->area == MAP_FAILED) {
		k->area = NULL;
		return -errno;
	}
	return 0;
}

int kcov_start(struct kcov *k)
{
	return k->area && ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC) ? -errno : 0;
}

void kcov_reset(struct kcov *k)
{
	if (k->area)
		__atomic_store_n(&k->area[0], 0, __ATOMIC_RELAXED);
}

uint64_t kcov_count(const struct kcov *k)
{
	const uint64_t n = k->area ? __atomic_load_n(&k->area[0], __ATOMIC_RELAXED) : 0;

	return n < KCOV_ENTRIES ? n : KCOV_ENTRIES - 1;
}
