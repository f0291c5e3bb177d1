/* SPDX-License-Identifier: GPL-2.0 */
/* A job from its check to its completion. */
#ifndef XQACCEL_JOB_H
#define XQACCEL_JOB_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/xqaccel.h>

#include "words.h"
#include "xq_regs.h"
#include "xq_work.h"

struct device;
struct xqaccel_buffer;
struct xqaccel_caps;
struct xqaccel_client;
struct xqaccel_device;
struct xqaccel_fence;
struct xqaccel_lane;
struct xqaccel_program;
struct xqaccel_uring_command;
struct xq_hull;
struct work_struct;

/* Resets of others' making that a running job survives. */
#define XQACCEL_MAX_INTERRUPTIONS	3

enum xqaccel_job_state {
	XQACCEL_JOB_NEW,	/* only its submitter knows it */
	XQACCEL_JOB_QUEUED,	/* in its lane */
	XQACCEL_JOB_ACTIVE,	/* on a hardware queue, or ending */
	XQACCEL_JOB_ENDED,	/* its completion waits to be reaped */
	XQACCEL_JOB_TAKEN,	/* a thread in WAIT is copying its completion */
};

struct xqaccel_span {
	struct xqaccel_buffer *buf;
	u64 offset;
	u64 bytes;
	bool written;	/* by the job; else only read */
};

/* What the check of a description learns of an operand that is there. */
struct xqaccel_reach {
	u64 bytes;	/* from its first to past its last */
	bool written;
	bool apart;	/* its rows, if it is written */
};

/**
 * struct xqaccel_job - a job that was accepted; struct xqaccel_job_desc is how it was described
 * @node: in lane->jobs, then queue->jobs, then client->done; between the last two maybe in xq->sync
 * @lane_node: in lane->done while @node is in client->done; of a ring's job in command->jobs
 * @id_node: in client->by_id from when the job is counted until it is reaped
 * @state: where it is
 * @client: its owner, with a reference until the job ends
 * @lane: of @client
 * @fence: of its submit, until it ends; or NULL
 * @program: that it is a run of, with a reference until it ends; or NULL
 * @completion: what WAIT returns
 * @timeout: jiffies that it may be at the head of a queue
 * @deadline: in jiffies; valid once it is at the head of a queue
 * @macs: multiplications
 * @least_ns: a guess of device time that it takes in any case
 * @measured_ns: where the device time of such jobs is kept, under xq->lock; NULL: nowhere
 * @accumulate: it can't run again from its start once it has begun
 * @silent: nobody wants to hear of it if it ends well
 * @of_ring: an io_uring command brought it, and not SUBMIT; WAIT does not know it
 * @end: of whoever brought it: called under the lock when the job has ended, and frees it; NULL:
 *	its completion waits to be reaped
 * @command: the io_uring command; NULL once that has ended without it
 * @polled: who wants to know its end polls for it
 * @index: of the job in that command
 * @dispatched_ns: when it was given to a queue, in ns of CLOCK_MONOTONIC
 * @head_ns: when it became the head of the queue, 0 before and when it is in flight no more
 * @charged_ns: device time that was charged for it when it was dispatched
 * @long_one: it counted as long then
 * @interruptions: resets that came while it may have been running
 * @shared: others have some of its buffers, too
 * @canceled: by its owner, while it was in flight
 * @timed_out: found guilty at the start of a reset
 * @operands: how many it has at most; what is behind them in @span and @desc is not set
 * @span: bytes of each operand, with a reference to the buffer until the job ends
 * @desc: ready for the submission ring but for the id
 *
 * Nobody but the submitter knows it before it is in lane->jobs; from then on it is
 * under xqaccel_device.lock.
 */
struct xqaccel_job {
	struct list_head node;
	struct list_head lane_node;
	struct hlist_node id_node;
	enum xqaccel_job_state state;
	struct xqaccel_client *client;
	struct xqaccel_lane *lane;
	struct xqaccel_fence *fence;
	struct xqaccel_program *program;
	struct xqaccel_completion completion;
	unsigned long timeout;
	unsigned long deadline;
	unsigned int interruptions;
	u64 macs;
	u64 least_ns;
	u64 *measured_ns;
	u64 dispatched_ns;
	u64 head_ns;
	u64 charged_ns;
	void (*end)(struct xqaccel_job *job);
	struct xqaccel_uring_command *command;
	u32 index;
	bool long_one;
	bool of_ring;
	bool polled;
	bool accumulate;
	bool silent;
	bool shared;
	bool canceled;
	bool timed_out;
	unsigned int operands;
	struct xqaccel_span span[XQ_OPERANDS];
	struct xq_hw_descriptor desc;
};

/* So much of a job's descriptor is set; the rest is zero on the ring. */
static inline size_t xqaccel_job_desc_bytes(const struct xqaccel_job *job)
{
	return offsetof(struct xq_hw_descriptor, operand) +
	       job->operands * sizeof(job->desc.operand[0]);
}

static_assert(sizeof(struct xqaccel_work) == sizeof(((struct xq_hw_descriptor *)NULL)->work));

/* The words of a descriptor that are the same as a description's. */
static inline void xqaccel_work_fill(struct xq_hw_descriptor *hw, const struct xqaccel_work *work)
{
#ifdef __LITTLE_ENDIAN
	static_assert(sizeof(*work) % XQACCEL_CHUNK_BYTES == 0);
	xqaccel_chunks_copy(hw->work, work, sizeof(*work));
#else
	const u32 *words = (const u32 *)work;
	unsigned int i;

	for (i = 0; i < XQ_WORK_WORDS; i++)
		hw->work[i] = cpu_to_le32(words[i]);
#endif
}

/**
 * struct xqaccel_job_source - where jobs come from, and what they have in common
 * @jobs: in user memory
 * @lane: that they are for
 * @timeout_ms: of each, 0 for the default
 */
struct xqaccel_job_source {
	struct xqaccel_array jobs;
	u32 lane;
	u32 timeout_ms;
};

/* How long a job may go on when its file was closed. */
#define XQACCEL_CLOSE_GRACE_MS	1000

/* job_memory.c */
int xqaccel_job_memory_init(void);
void xqaccel_job_memory_exit(void);
struct xqaccel_job *xqaccel_job_alloc(unsigned int operands);
void xqaccel_job_free(struct xqaccel_device *xq, struct xqaccel_job *job);

/* job_check.c */
int xqaccel_job_check(const struct xqaccel_caps *caps, const struct xqaccel_job_desc *desc,
		      unsigned int given, struct xqaccel_reach *reach);

/* job_make.c */
struct xqaccel_job *xqaccel_job_create(struct xqaccel_client *client,
				       const struct xqaccel_job_desc *d, unsigned int given,
				       const struct xqaccel_reach *reach);

/* job.c */
struct xqaccel_job *xqaccel_job_find(struct xqaccel_client *client, u64 id);
void xqaccel_job_count(struct xqaccel_job *job);
void xqaccel_job_uncount(struct xqaccel_job *job);
void xqaccel_job_release(struct xqaccel_job *job);
void xqaccel_job_finish(struct xqaccel_job *job, u32 status);
void xqaccel_job_fail(struct xqaccel_job *job, u32 status);
void xqaccel_job_end(struct xqaccel_job *job);
void xqaccel_job_failed_at(struct xqaccel_job *job, u64 step);
void xqaccel_job_result(struct xqaccel_job *job, const struct xq_hw_completion *c);

/* job_overlap.c */
bool xqaccel_job_reads(const struct xqaccel_job *job, const struct xqaccel_buffer *buf,
		       const struct xq_hull *written);
bool xqaccel_job_overwrites(const struct xqaccel_job *later, const struct xqaccel_job *job);

/* submit.c */
int xqaccel_job_source_check(const struct xqaccel_job_source *source, u32 max_count);
struct xqaccel_job *xqaccel_job_from_user(struct xqaccel_client *client,
					  const struct xqaccel_job_source *source, u32 index);
void xqaccel_jobs_discard(struct xqaccel_device *xq, struct list_head *jobs);

/* fence.c */
bool xqaccel_fence_blocks(const struct xqaccel_job *job);

/* wait.c */
int xqaccel_completion_to_user(const struct xqaccel_array *to, u32 index,
			       const struct xqaccel_completion *c);

/* cancel.c */
int xqaccel_job_cancel(struct xqaccel_job *job);

/* dma_sync.c */
bool xqaccel_dma_needs_sync(struct device *dev, dma_addr_t example);
bool xqaccel_dma_syncs_pages(struct device *dev);
void xqaccel_buffer_sync_for_device(struct xqaccel_buffer *buf);
int xqaccel_job_sync_for_device(struct xqaccel_job *job);
void xqaccel_sync_work(struct work_struct *work);

#endif
