// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of io_uring: read, checked, and their jobs made.
 *
 * Commands enter their lane as they are issued. None is left to io_uring's workers by -EAGAIN:
 * these would issue it while its ring goes on with those behind it, which overtake it. What one can
 * sleep for is the memory of descriptions, as io_uring does for all that entries point to, memory
 * for jobs, and the locks of buffers that others are submitting jobs for; it does not wait for the
 * device, for jobs or for fences.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "client.h"
#include "compat.h"
#include "fence.h"
#include "job.h"
#include "uring.h"

#define COMPLETION_MIN_BYTES	32

/* What fits into an entry of 64 bytes, and into one of 128. */
#define SMALL_BYTES	16
#define LARGE_BYTES	80

static_assert(sizeof(struct xqaccel_uring_submit) == LARGE_BYTES);
static_assert(offsetof(struct xqaccel_uring_submit, completions) == SMALL_BYTES);
static_assert(sizeof(struct xqaccel_uring_cancel) == SMALL_BYTES);

union uring_data {
	u64 words[LARGE_BYTES / sizeof(u64)];
	struct xqaccel_uring_submit submit;
	struct xqaccel_uring_cancel cancel;
};

/* The ring is memory of user space, which may change it at any time. */
static void data_read(union uring_data *data, const struct io_uring_cmd *cmd,
		      unsigned int issue_flags)
{
	const size_t bytes = issue_flags & IO_URING_F_SQE128 ? LARGE_BYTES : SMALL_BYTES;
	const u64 *from = xqaccel_uring_payload(cmd);
	unsigned int i;

	memset(data, 0, sizeof(*data));
	for (i = 0; i < bytes / sizeof(*from); i++)
		data->words[i] = READ_ONCE(from[i]);
}

static bool words_zero(const u64 *words, size_t count)
{
	while (count--)
		if (words[count])
			return false;
	return true;
}

/* ---- submit ------------------------------------------------------------------- */

static int submit_check(const struct xqaccel_uring_submit *s,
			const struct xqaccel_job_source *source)
{
	int ret;

	ret = xqaccel_fences_check(s->flags, s->in_fence);
	if (ret)
		return ret;
	if (s->reserved32 || !words_zero(s->reserved, ARRAY_SIZE(s->reserved)))
		return -EINVAL;
	if (s->out_fence && !(s->flags & XQACCEL_SUBMIT_OUT_FENCE))
		return -EINVAL;
	if (!s->completions && s->completion_stride)
		return -EINVAL;
	if (s->completions && (s->completion_stride < COMPLETION_MIN_BYTES ||
			       s->completion_stride > XQACCEL_MAX_STRUCT))
		return -EINVAL;
	return xqaccel_job_source_check(source, XQACCEL_URING_MAX_BATCH);
}

static int jobs_make(struct xqaccel_client *client, const struct xqaccel_job_source *source,
		     struct xqaccel_uring_command *command)
{
	u32 i;

	for (i = 0; i < source->jobs.count; i++) {
		struct xqaccel_job *job = xqaccel_job_from_user(client, source, i);

		if (IS_ERR(job)) {
			dev_dbg(&client->xq->dev, "job %u of %u of a command refused: %ld\n", i,
				source->jobs.count, PTR_ERR(job));
			return PTR_ERR(job);
		}
		xqaccel_uring_command_add(command, job);
		if (job->silent)
			return -EINVAL;
		cond_resched();
	}
	return 0;
}

/* Where the process finds the descriptor of the fence when the command is done or its CQE there. */
static int out_fence_report(const struct xqaccel_uring_submit *s, const struct xqaccel_fencing *f)
{
	if (!(s->flags & XQACCEL_SUBMIT_OUT_FENCE))
		return 0;
	return put_user(f->fd, (s32 __user *)u64_to_user_ptr(s->out_fence));
}

/* A command with all its jobs; with @f their fences. */
static int command_make(struct io_uring_cmd *cmd, const struct xqaccel_uring_submit *s,
			const struct xqaccel_job_source *source, struct xqaccel_fencing *f,
			unsigned int issue_flags)
{
	struct xqaccel_client *client = cmd->file->private_data;
	struct xqaccel_uring_command *command;
	int ret;

	command = xqaccel_uring_command_create(cmd, s, issue_flags);
	if (!command)
		return -ENOMEM;
	ret = jobs_make(client, source, command);
	if (!ret)
		ret = out_fence_report(s, f);
	if (ret) {
		xqaccel_uring_command_discard(command);
		return ret;
	}
	return xqaccel_uring_command_start(command, f, issue_flags);
}

static int submit(struct io_uring_cmd *cmd, const struct xqaccel_uring_submit *s,
		  unsigned int issue_flags)
{
	const struct xqaccel_job_source source = {
		.jobs = { .stride = s->stride, .count = s->count, .array = s->jobs },
		.lane = s->lane,
		.timeout_ms = s->timeout_ms,
	};
	const struct xqaccel_client *client = cmd->file->private_data;
	struct xqaccel_fencing fencing;
	int ret;

	ret = submit_check(s, &source);
	if (ret)
		return ret;
	/* One that is off is resumed by the jobs, which wait for that. */
	if (READ_ONCE(client->xq->lost))
		return -ENODEV;
	ret = xqaccel_fencing_take(&fencing, s->flags, s->in_fence);
	if (ret)
		return ret;
	ret = command_make(cmd, s, &source, &fencing, issue_flags);
	xqaccel_fencing_put(&fencing);
	return ret;
}

/* ---- cancel ------------------------------------------------------------------- */

static int cancel(struct io_uring_cmd *cmd, const union uring_data *data)
{
	const struct xqaccel_uring_cancel *c = &data->cancel;
	const size_t used = sizeof(*c) / sizeof(u64);

	if (c->flags)
		return -EOPNOTSUPP;
	if (c->reserved || !words_zero(data->words + used, ARRAY_SIZE(data->words) - used))
		return -EINVAL;
	return xqaccel_uring_command_cancel(cmd, c->user_data);
}

/* ---- file operations ------------------------------------------------------------ */

/* Of the flags the kernel has the upper 8 bits to itself. */
#define USER_FLAGS	GENMASK(23, 0)

int xqaccel_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	union uring_data data;

	if (issue_flags & IO_URING_F_CANCEL) {
		xqaccel_uring_command_abandon(cmd, issue_flags);
		return 0;
	}
	if (cmd->flags & USER_FLAGS)
		return -EOPNOTSUPP;
	data_read(&data, cmd, issue_flags);
	switch (cmd->cmd_op) {
	case XQACCEL_URING_SUBMIT:
		return submit(cmd, &data.submit, issue_flags);
	case XQACCEL_URING_CANCEL:
		return cancel(cmd, &data);
	default:
		return -ENOTTY;
	}
}

/* Called by who waits for completions in a ring with IOPOLL; 1 if this command's is there. */
int xqaccel_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			     unsigned int poll_flags)
{
	return xqaccel_uring_command_poll(cmd);
}
