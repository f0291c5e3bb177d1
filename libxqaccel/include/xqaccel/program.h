/* SPDX-License-Identifier: MIT */
/*
 * Recorded programs: jobs that are checked and written down once, and run as one job of a
 * queue as often as one likes, on buffers that are given each time. The device does the
 * jobs one after the other without the processor in between.
 *
 * Needs XQACCEL_FEATURE_PROGRAM of xq_device_info().
 */
#ifndef XQACCEL_PROGRAM_H
#define XQACCEL_PROGRAM_H

#include <xqaccel/device.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_program;

/**
 * xq_program_create() - record jobs
 * @jobs: [count], in the order in which they run. An operand's handle is xq_buffer_handle() of a
 *	buffer of @dev, or XQACCEL_SLOT(n), n < @slots, for one that is given with each run; its offset
 *	then counts from the place that is given. Nothing is kept of the array
 * @count: 1..XQACCEL_PROGRAM_JOBS
 * @slots: 0..XQACCEL_PROGRAM_SLOTS
 * @program: set to the program, owned by the caller until xq_program_destroy()
 *
 * A job may read what those before it have written. Buffers that are named may be destroyed
 * before the program; their memory stays until it has been, too.
 *
 * Return: 0, -EOPNOTSUPP (the device has no programs, or lacks what a job asks for), -EINVAL, -ERANGE,
 * -EOVERFLOW, -ENOENT (no such buffer), -ENOSPC, -ENOMEM, -ENODEV; as linux/xqaccel.h says for
 * XQACCEL_IOCTL_PROGRAM_CREATE.
 */
int xq_program_create(struct xq_device *dev, const struct xqaccel_job_desc *jobs, unsigned int count,
		      unsigned int slots, struct xq_program **program);

/** xq_program_destroy() - NULL is allowed. Runs that were submitted go on. */
void xq_program_destroy(struct xq_program *program);

/** xq_program_jobs() - how many it has */
unsigned int xq_program_jobs(const struct xq_program *program);

/**
 * struct xq_binding - a place in a buffer
 * @buffer: of the program's device, or NULL
 * @offset: bytes from its start
 */
struct xq_binding {
	struct xq_buffer *buffer;
	uint64_t offset;
};

/**
 * struct xq_program_run - what a run is given
 * @program: to run
 * @slot: what its slots are; those that no job uses have no buffer
 * @profile: where the device notes what each job took, for xq_program_profile(); aligned to 32
 *	bytes, with 32 bytes a job. No buffer: nowhere
 * @flags: 0 or XQACCEL_JOB_SILENT
 * @user_data: returned in the completion
 *
 * What is written of a slot, or as profile, may not overlap what the program does with other slots
 * or with the buffers that it names.
 */
struct xq_program_run {
	const struct xq_program *program;
	struct xq_binding slot[XQACCEL_PROGRAM_SLOTS];
	struct xq_binding profile;
	uint32_t flags;
	uint64_t user_data;
};

/**
 * xq_program_submit() - start runs of programs, each one job of the queue with one completion
 * @count: of @runs
 *
 * The queue's time limit is that of a whole run. In the completion macs, bytes and bytes_copied are sums over
 * the jobs, and failed_job says where it failed.
 *
 * Return: as xq_queue_submit(); -ENOENT for a program or buffer of another device, -ERANGE if a job would
 * reach past the end of what is bound.
 */
int xq_program_submit(struct xq_queue *queue, const struct xq_program_run *runs,
		      unsigned int count);

/**
 * xq_program_run() - submit one run and wait for it
 * @completion: may be NULL
 *
 * As xq_gemm_run().
 */
int xq_program_run(struct xq_queue *queue, const struct xq_program_run *run,
		   struct xq_completion *completion);

/**
 * struct xq_job_profile - what one job of a program took
 * @start_ns: @end_ns: by the device's clock
 * @macs: multiply-accumulates
 * @bytes: bytes of all its operands
 */
struct xq_job_profile {
	uint64_t start_ns, end_ns;
	uint64_t macs, bytes;
};

/**
 * xq_program_profile() - read what a run has noted, when it has ended
 * @profile: as it was given to the run
 * @index: of the job, below xq_program_jobs()
 * @job: filled in; of a job that did not end well it is what was in memory before
 */
void xq_program_profile(const struct xq_program *program, const struct xq_binding *profile,
			unsigned int index, struct xq_job_profile *job);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
