/* SPDX-License-Identifier: GPL-2.0 */
/* A hardware queue: a submission ring, a completion ring and the jobs in flight. */
#ifndef XQACCEL_QUEUE_H
#define XQACCEL_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "job.h"

struct xqaccel_device;
struct xq_hw_descriptor;
struct xq_hw_completion;

/* Enough to keep the engine busy over an interrupt; more would only delay other clients. */
#define XQACCEL_QUEUE_DEPTH	16
/* One interrupt for so many completions, unless there is none for so long or nothing to do. */
#define XQACCEL_COALESCE_JOBS	8
#define XQACCEL_COALESCE_US	50
/* log2 of ring entries: more than are ever in flight. */
#define XQACCEL_RING_LOG2	5

/**
 * struct xqaccel_queue - all members but the addresses under xqaccel_device.lock, unless they say
 *	otherwise
 * @xq: device
 * @index: number of the queue
 * @log2: of the entries of both rings
 * @sq: submission ring
 * @cq: completion ring
 * @sq_dma: bus address of @sq
 * @cq_dma: bus address of @cq
 * @written: bytes of each descriptor that may not be zero
 * @sq_tail: our index into the submission ring
 * @sq_rung: the value of it that the doorbell was last rung with; under @bell
 * @cq_head: our index into the completion ring
 * @cq_rung: the value of it that the doorbell was last rung with; under @bell
 * @phase: that a new completion at cq_head has
 * @inflight: length of @jobs
 * @ahead_ns: device time that was charged for them
 * @jobs: in the order in which the device got them, so they must end in that order
 * @stopped: a reset is under way or the device is not there: neither dispatch nor doorbells.
 *	Changed with @bell held, too
 * @broken: the device contradicted itself on this queue; only a reset helps
 * @halted: the device starts no further job, because a suspend begins
 * @idle: halted, and no job was running when the suspend came
 * @reached: index of the descriptor that the device would have started next when the queue was
 *	stopped
 * @step: of the program that was running then, the job that was next to end; ~0 if not known
 * @step_tail: index of the completion that this program's would have been
 * @irq_reaped: whether an interrupt, or somebody who polls, reaped since the watchdog last looked
 * @polled: somebody who polls took what an interrupt will come for
 * @silent: the device raises no interrupt for completions: all jobs in flight are polled for, and
 *	nobody waits for room
 * @watch: watchdog, pending while jobs are in flight
 * @bell: Protects what the doorbells were last rung with, so that they are rung in order. Inside of
 *	xqaccel_device.lock, or without it: who rings it keeps nobody from the jobs meanwhile. Raw,
 *	as nobody waits for it but for a register or two.
 */
struct xqaccel_queue {
	struct xqaccel_device *xq;
	unsigned int index;
	unsigned int log2;
	struct xq_hw_descriptor *sq;
	struct xq_hw_completion *cq;
	dma_addr_t sq_dma;
	dma_addr_t cq_dma;
	u16 written[1 << XQACCEL_RING_LOG2];
	u32 sq_tail;
	u32 sq_rung;
	u32 cq_head;
	u32 cq_rung;
	u32 phase;
	unsigned int inflight;
	u64 ahead_ns;
	struct list_head jobs;
	bool stopped;
	bool broken;
	bool halted;
	bool idle;
	u32 reached;
	u32 step;
	u32 step_tail;
	bool irq_reaped;
	bool polled;
	bool silent;
	struct delayed_work watch;
	raw_spinlock_t bell;
};

int xqaccel_queues_alloc(struct xqaccel_device *xq);
void xqaccel_queues_free(struct xqaccel_device *xq);
void xqaccel_queue_start(struct xqaccel_queue *q);
void xqaccel_queue_stop(struct xqaccel_queue *q);
void xqaccel_queue_halt(struct xqaccel_queue *q);
void xqaccel_queue_listen(struct xqaccel_queue *q);
bool xqaccel_queue_idle(struct xqaccel_queue *q);
void xqaccel_queue_cancel(struct xqaccel_job *job);
bool xqaccel_queue_late(struct xqaccel_queue *q);
void xqaccel_queue_note_reached(struct xqaccel_queue *q, bool answers);
unsigned int xqaccel_queue_started(const struct xqaccel_queue *q);
void xqaccel_queue_push(struct xqaccel_queue *q, struct xqaccel_job *job);
void xqaccel_queue_ring(struct xqaccel_queue *q);
bool xqaccel_queue_collect(struct xqaccel_queue *q);
bool xqaccel_queue_reap(struct xqaccel_queue *q);

/* The oldest job in flight, which is the one that the device works on. */
static inline struct xqaccel_job *xqaccel_queue_head(struct xqaccel_queue *q)
{
	return list_first_entry_or_null(&q->jobs, struct xqaccel_job, node);
}

bool xqaccel_queue_has_room(const struct xqaccel_queue *q);

#endif
