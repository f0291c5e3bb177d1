// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "fences.h"
#include "guest.h"

#define TIMEOUT_MS	60000
#define HOLD_NS		(50 * SECOND)

int submit_fenced(int fd, const struct xqaccel_job_desc *jobs, unsigned int count, uint32_t lane,
		  uint32_t flags, int in, int *out, uint64_t *id)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd),
		.flags = flags | (in >= 0 ? XQACCEL_SUBMIT_IN_FENCE : 0) |
			 (out ? XQACCEL_SUBMIT_OUT_FENCE : 0),
		.jobs = { sizeof(*jobs), count, (uintptr_t)jobs },
		.lane = lane,
		.timeout_ms = TIMEOUT_MS,
		.in_fence = in >= 0 ? in : 0,
	};
	const int ret = device_ioctl(fd, XQACCEL_IOCTL_SUBMIT, &cmd);

	if (out)
		*out = cmd.out_fence;
	if (id)
		*id = cmd.first_id;
	return ret;
}

int fence_status(int fence)
{
	struct sync_file_info info = { .name = "" };

	return ioctl(fence, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
}

bool fence_waits(int fence, unsigned int ms)
{
	const int64_t began = now_ns();
	struct pollfd p = { .fd = fence, .events = POLLIN };

	while (poll(&p, 1, 100) == 0)
		if (over_limit(began, ms * MS))
			return false;
	return true;
}

bool dmabuf_busy(int dmabuf, short events)
{
	struct pollfd p = { .fd = dmabuf, .events = events };

	return poll(&p, 1, 0) == 0;
}

/* The device reads how slow a job is when it begins; one that began too late is tried again. */
int hold(int fd, const struct xqaccel_job_desc *job, uint32_t lane)
{
	struct xqaccel_completion c;
	int tries, fence;

	for (tries = 0; tries < 20; tries++) {
		if (inject("slow-ns", HOLD_NS) ||
		    submit_fenced(fd, job, 1, lane, 0, -1, &fence, NULL))
			return -EIO;
		sleep_ms(20U << tries / 4);
		if (inject("slow-ns", 1))
			return -EIO;
		sleep_ms(20);
		if (!fence_status(fence))
			return fence;
		close(fence);
		if (wait_lane(fd, lane, &c, 10 * SECOND))
			return -EIO;
	}
	return -ETIME;
}

int release(void)
{
	return inject("slow-ns", 0);
}
