// SPDX-License-Identifier: MIT
/* Eventfds of lanes. The service thread ends jobs when nobody waits for them, so they are told in any case. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "soft.h"

void soft_event_set(struct soft_lane *lane, int fd)
{
	if (lane->event >= 0)
		close(lane->event);
	lane->event = fd;
}

void soft_event_tell(const struct soft_lane *lane)
{
	/* One that has counted as far as it can is readable, which is all that matters. */
	if (lane->event >= 0 && eventfd_write(lane->event, 1))
		return;
}

/* Where /proc is there; else it is only seen that there is such a descriptor. */
static bool is_eventfd(int fd)
{
	static const char is[] = "anon_inode:[eventfd]";
	char path[32], target[sizeof(is)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	return n < 0 || ((size_t)n == sizeof(is) - 1 && !memcmp(target, is, sizeof(is) - 1));
}

int soft_eventfd(struct xq_backend *backend, uint32_t lane, int fd)
{
	struct soft *soft = (struct soft *)backend;
	int own = -1;

	if (fd != XQACCEL_NO_EVENTFD) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return -errno;
		if (!is_eventfd(own)) {
			close(own);
			return -EINVAL;
		}
	}
	pthread_mutex_lock(&soft->lock);
	soft_event_set(&soft->lane[lane], own);
	pthread_mutex_unlock(&soft->lock);
	return 0;
}
