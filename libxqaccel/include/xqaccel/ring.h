/* SPDX-License-Identifier: MIT */
/*
 * Jobs in a program's own io_uring, so that reads of files, sockets and jobs end in one place. The
 * program owns the ring and waits for it; these functions fill in an entry of its submission
 * queue and say what came back. Queues (xqaccel/device.h) have a ring of their own and need none of this.
 *
 * Any thread may call them. They allocate nothing, and need no liburing.
 */
#ifndef XQACCEL_RING_H
#define XQACCEL_RING_H

#include <xqaccel/device.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct io_uring_sqe;	/* of linux/io_uring.h */

/**
 * xq_device_file() - the file descriptor of a device, to be registered with a ring or given to ioctl()
 *
 * It stays the device's and is closed with it. Return: -EOPNOTSUPP for "soft".
 */
int xq_device_file(const struct xq_device *dev);

/** xq_device_has_ring() - whether driver and kernel take jobs from a ring */
bool xq_device_has_ring(const struct xq_device *dev);

/**
 * struct xq_ring_jobs - the jobs of one command, which run one after the other
 * @jobs: [count] of any operation, none of them SILENT; memory of the caller's that has to stay as it is
 *	until the command's completion
 * @count: 1..255
 * @lane: 0..lanes - 1 of xq_device_info(). Commands of a lane run in the order of submission; queues
 *	have lanes, too, from 0 on
 * @timeout_ms: time limit of each job on the device, 0 for the device's default
 * @completions: NULL, or [count], written before the command's completion; for xq_ring_completion()
 * @flags: XQACCEL_SUBMIT_*, of entries of 128 bytes, as linux/xqaccel.h describes them
 * @in_fence: with XQACCEL_SUBMIT_IN_FENCE: descriptor of a sync_file that the jobs wait for
 * @out_fence: with XQACCEL_SUBMIT_OUT_FENCE: set to one that is signalled when they have ended, at the
 *	latest when the command's completion comes; owned by the program if the jobs were accepted
 */
struct xq_ring_jobs {
	const struct xqaccel_job_desc *jobs;
	unsigned int count;
	uint32_t lane;
	uint32_t timeout_ms;
	struct xqaccel_completion *completions;
	uint32_t flags;
	int in_fence;
	int32_t *out_fence;
};

/**
 * xq_ring_prepare() - fill in an entry: do these jobs
 * @sqe: the entry; all of it is set, so user_data and flags (IOSQE_*) have to be set afterwards. With
 *	IOSQE_FIXED_FILE the caller puts the index of the registered file into sqe->fd
 * @sqe_bytes: of an entry of this ring: 64, or 128 with IORING_SETUP_SQE128
 *
 * One completion comes for all jobs, when the last has ended. Return: -EOPNOTSUPP a device without
 * rings or fences, or completions or flags in an entry of 64 bytes; -EINVAL another size, count or lane.
 */
int xq_ring_prepare(const struct xq_device *dev, struct io_uring_sqe *sqe, size_t sqe_bytes,
		    const struct xq_ring_jobs *jobs);

/**
 * xq_ring_prepare_cancel() - fill in an entry: end a command of this ring before its time
 * @user_data: of the command's entry
 *
 * The completion of that command comes as ever and says how it ended; that of this one has 0, or
 * -ENOENT if it had ended. Return: as xq_ring_prepare().
 */
int xq_ring_prepare_cancel(const struct xq_device *dev, struct io_uring_sqe *sqe,
			   size_t sqe_bytes, uint64_t user_data);

/**
 * xq_ring_status() - what a completion's res says of the jobs
 * @res: of the completion
 *
 * Return: 0 all ended well; else how the first did that did not, as struct xq_completion says it, or
 * why the command was refused, as xq_queue_submit() says it: then no job of it ran.
 */
int xq_ring_status(int32_t res);

/** xq_ring_device_ns() - device time of the jobs, from big_cqe[0] of IORING_SETUP_CQE32 */
uint64_t xq_ring_device_ns(const struct xq_device *dev, uint64_t big_cqe);

/** xq_ring_completion() - one of xq_ring_jobs.completions, as queues give it */
void xq_ring_completion(const struct xq_device *dev, const struct xqaccel_completion *from,
			struct xq_completion *to);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
