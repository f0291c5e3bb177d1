// SPDX-License-Identifier: MIT
/*
 * The rings of the device model, served as a driver serves them. All under soft->lock.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "soft.h"

#define RESET_POLL_US	100
#define RESET_POLLS	20000

static void write_reg(struct soft *soft, uint32_t offset, uint32_t value)
{
	xqdev_mmio_write(soft->dev, offset, value, 4);
}

static void write_reg64(struct soft *soft, uint32_t offset, uint64_t value)
{
	write_reg(soft, offset, (uint32_t)value);
	write_reg(soft, offset + 4, (uint32_t)(value >> 32));
}

static void lane_enable(struct soft *soft, unsigned int lane)
{
	struct soft_lane *l = &soft->lane[lane];
	uint32_t i;

	for (i = 0; i < SOFT_RING_ENTRIES; i++)
		l->cq[i].phase = 0;
	l->sq_tail = 0;
	l->cq_head = 0;
	l->phase = 1;
	write_reg64(soft, XQ_QUEUE(lane, XQ_Q_SQ_BASE), (uintptr_t)l->sq);
	write_reg64(soft, XQ_QUEUE(lane, XQ_Q_CQ_BASE), (uintptr_t)l->cq);
	write_reg(soft, XQ_QUEUE(lane, XQ_Q_SIZE), SOFT_RING_LOG2);
	write_reg(soft, XQ_QUEUE(lane, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
}

int soft_lanes_start(struct soft *soft)
{
	unsigned int i;

	for (i = 0; i < soft->info.lanes; i++) {
		struct soft_lane *l = &soft->lane[i];

		l->deadline = UINT64_MAX;
		l->sq = soft_pages_alloc(&soft->memory, SOFT_RING_ENTRIES * sizeof(*l->sq));
		l->cq = soft_pages_alloc(&soft->memory, SOFT_RING_ENTRIES * sizeof(*l->cq));
		if (!l->sq || !l->cq)
			return -1;
		lane_enable(soft, i);
	}
	return 0;
}

void soft_lanes_free(struct soft *soft)
{
	unsigned int i;

	for (i = 0; i < XQ_MAX_QUEUES; i++) {
		soft_event_set(&soft->lane[i], -1);
		while (soft->lane[i].first) {
			struct soft_job *job = soft->lane[i].first;

			soft->lane[i].first = job->next;
			if (job->program)
				soft_program_drop(job->program);
			free(job);
		}
	}
}

/* ---- submission -------------------------------------------------------------------------------- */

static void put_descriptor(struct soft_lane *l, const struct soft_job *job)
{
	l->sq[l->sq_tail] = job->descriptor;
	l->sq_tail = (l->sq_tail + 1) % SOFT_RING_ENTRIES;
}

/* A job's time runs from when it is the lane's first; one that was canceled has none. */
static void first_begins(struct soft *soft, struct soft_lane *l)
{
	if (!l->first)
		l->deadline = UINT64_MAX;
	else
		l->deadline = xq_clock_ns() + (l->first->canceled ? 0 : l->first->timeout_ns);
	if (l->first && l->first->canceled)
		soft_watch_deadline(soft, l->deadline);
}

void soft_lane_push(struct soft *soft, unsigned int lane, struct soft_job *job)
{
	struct soft_lane *l = &soft->lane[lane];

	put_descriptor(l, job);
	job->next = NULL;
	if (l->first) {
		l->last->next = job;
	} else {
		l->first = job;
		first_begins(soft, l);
	}
	l->last = job;
}

void soft_lane_doorbell(struct soft *soft, unsigned int lane)
{
	write_reg(soft, XQ_QUEUE(lane, XQ_Q_SQ_TAIL), soft->lane[lane].sq_tail);
}

/* ---- completion -------------------------------------------------------------------------------- */

bool soft_invalidating(const struct soft *soft)
{
	const uint32_t pending = xqdev_mmio_read(soft->dev, XQ_REG_CTX_PENDING(SOFT_CONTEXT), 4);

	return pending & 1U << SOFT_CONTEXT % 32;
}

/*
 * Memory is freed when the device has acknowledged that it forgot it, which takes as long as
 * the jobs of the context that run now. Nobody waits for that: what dies meanwhile is in the
 * next round.
 */
static void retire_buffers(struct soft *soft)
{
	for (;;) {
		if (soft_invalidating(soft))
			return;
		while (soft->retiring) {
			struct soft_buffer *b = soft->retiring;

			soft->retiring = b->next_dying;
			soft_buffer_free(&soft->memory, b);
		}
		if (!soft->dying)
			return;
		soft->retiring = soft->dying;
		soft->dying = NULL;
		write_reg(soft, XQ_REG_CTX_INVAL, SOFT_CONTEXT);
	}
}

void soft_buffer_put(struct soft *soft, struct soft_buffer *buffer)
{
	if (--buffer->references)
		return;
	soft_unmap_range(&soft->memory, buffer->va, buffer->bytes);
	buffer->next_dying = soft->dying;
	soft->dying = buffer;
	retire_buffers(soft);
}

/* Moves a job to the list of the done; @link points to it. */
static void finish(struct soft *soft, unsigned int lane, struct soft_job **link,
		   const struct xqaccel_completion *completion)
{
	struct soft_lane *l = &soft->lane[lane];
	struct soft_job *job = *link;
	unsigned int i;

	if (job->silent && completion->status == XQACCEL_STATUS_OK) {
		l->outstanding--;
	} else {
		struct xqaccel_completion *done =
			&l->done[(l->done_head + l->done_count++) % SOFT_LANE_JOBS];

		*done = *completion;
		done->user_data = job->user_data;
		done->id = job->id;
		done->lane = lane;
		soft_event_tell(l);
	}
	*link = job->next;
	if (job->program)
		soft_program_put(soft, job->program);
	for (i = 0; i < XQ_OPERANDS; i++)
		if (job->buffer[i])
			soft_buffer_put(soft, job->buffer[i]);
	free(job);
	if (soft->sleepers)
		pthread_cond_broadcast(&soft->ended);
}

/* Moves the lane's oldest job there, and the next one's time begins. */
static void finish_first(struct soft *soft, unsigned int lane,
			 const struct xqaccel_completion *completion)
{
	finish(soft, lane, &soft->lane[lane].first, completion);
	first_begins(soft, &soft->lane[lane]);
}

static void locate_fault(struct soft *soft, uint64_t address, struct xqaccel_completion *done)
{
	const struct soft_buffer *b = soft_buffer_at(&soft->memory, address);

	done->fault_handle = b ? b->handle : 0;
	done->fault_offset = b ? address - b->va : address;
}

static void take_completion(struct soft *soft, unsigned int lane, const struct xq_hw_completion *hw)
{
	struct xqaccel_completion done = {
		.status = le16toh(hw->status), .flags = le16toh(hw->flags),
		.start = le64toh(hw->start), .end = le64toh(hw->end), .macs = le64toh(hw->macs),
		.bytes = le64toh(hw->bytes), .bytes_copied = le64toh(hw->bytes_copied),
	};

	/* Jobs of a queue end in order: another id is a broken device. */
	if (hw->id != soft->lane[lane].first->descriptor.id)
		done.status = XQACCEL_STATUS_DMA;
	if (done.status && soft->lane[lane].first->program) {
		done.failed_job = (uint32_t)done.macs;
		done.macs = 0;
	}
	if (done.status == XQACCEL_STATUS_FAULT)
		locate_fault(soft, le64toh(hw->fault_address), &done);
	finish_first(soft, lane, &done);
}

static bool drain(struct soft *soft, unsigned int lane)
{
	struct soft_lane *l = &soft->lane[lane];
	const uint32_t head = l->cq_head;

	while (l->first && (le16toh(l->cq[l->cq_head].phase) & 1) == l->phase) {
		take_completion(soft, lane, &l->cq[l->cq_head]);
		l->cq_head = (l->cq_head + 1) % SOFT_RING_ENTRIES;
		l->phase ^= !l->cq_head;
	}
	if (l->cq_head == head)
		return false;
	write_reg(soft, XQ_QUEUE(lane, XQ_Q_CQ_HEAD), l->cq_head);
	return true;
}

static bool drain_all(struct soft *soft)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < soft->info.lanes; i++)
		any |= drain(soft, i);
	return any;
}

bool soft_service(struct soft *soft)
{
	bool any;

	xqdev_service(soft->dev);
	any = drain_all(soft);
	if (soft->retiring)
		retire_buffers(soft);
	return any;
}

/* ---- jobs that take too long ------------------------------------------------------------------- */

static bool reset_lane(struct soft *soft, unsigned int lane)
{
	int polls;

	write_reg(soft, XQ_QUEUE(lane, XQ_Q_CTRL), XQ_Q_CTRL_RESET);
	for (polls = 0; polls < RESET_POLLS; polls++) {
		if (!(xqdev_mmio_read(soft->dev, XQ_QUEUE(lane, XQ_Q_CTRL), 4) & XQ_Q_CTRL_RESET))
			return true;
		usleep(RESET_POLL_US);
		xqdev_service(soft->dev);
	}
	return false;
}

static void fail_device(struct soft *soft)
{
	struct xqaccel_completion lost = { .status = XQACCEL_STATUS_LOST };
	unsigned int i;

	soft->lost = true;
	for (i = 0; i < soft->info.lanes; i++) {
		while (soft->lane[i].first) {
			lost.failed_job = soft->lane[i].first->program ? XQACCEL_NO_JOB : 0;
			finish_first(soft, i, &lost);
		}
	}
}

/* Fills the ring of a queue that was reset again, but for what was canceled. */
static void put_again(struct soft *soft, unsigned int lane)
{
	const struct xqaccel_completion canceled = { .status = XQACCEL_STATUS_CANCELED };
	struct soft_lane *l = &soft->lane[lane];
	struct soft_job **link = &l->first;

	l->last = NULL;
	while (*link) {
		if ((*link)->canceled) {
			finish(soft, lane, link, &canceled);
			continue;
		}
		put_descriptor(l, *link);
		l->last = *link;
		link = &l->last->next;
	}
	first_begins(soft, l);
	if (l->first)
		soft_lane_doorbell(soft, lane);
}

/*
 * Whether the lane's first job, whose time is over, still runs; then no other has begun, and none
 * will. The engine starts the next job by itself, so it is forbidden to before the question is put.
 */
static bool stays_first(struct soft *soft, unsigned int lane)
{
	const uint64_t id = soft->lane[lane].first->id;

	write_reg(soft, XQ_QUEUE(lane, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_HALT);
	drain(soft, lane);
	return soft->lane[lane].first && soft->lane[lane].first->id == id;
}

/* Resets the queue, ends its first job, and puts the others, which have not begun, on it again. */
static void time_out(struct soft *soft, unsigned int lane)
{
	struct xqaccel_completion stopped = { 0 };

	if (!stays_first(soft, lane)) {
		write_reg(soft, XQ_QUEUE(lane, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE);
		return;
	}
	stopped.status = soft->lane[lane].first->canceled ? XQACCEL_STATUS_CANCELED :
							    XQACCEL_STATUS_TIMEOUT;
	stopped.failed_job = xqdev_mmio_read(soft->dev, XQ_QUEUE(lane, XQ_Q_STEP), 4);
	if (!reset_lane(soft, lane)) {
		fail_device(soft);
		return;
	}
	finish_first(soft, lane, &stopped);
	lane_enable(soft, lane);
	put_again(soft, lane);
}

int soft_lane_cancel(struct soft *soft, uint64_t id)
{
	struct soft_job *job;
	unsigned int i;

	for (i = 0; i < soft->info.lanes; i++) {
		for (job = soft->lane[i].first; job; job = job->next) {
			if (job->id != id)
				continue;
			job->canceled = true;
			if (job == soft->lane[i].first)
				first_begins(soft, &soft->lane[i]);
			return 0;
		}
	}
	return -ENOENT;
}

uint64_t soft_check_deadlines(struct soft *soft, uint64_t now, bool *any)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < soft->info.lanes; i++) {
		struct soft_lane *l = &soft->lane[i];

		if (!soft->lost && l->first && l->deadline <= now) {
			time_out(soft, i);
			*any = true;
		}
		if (l->first && l->deadline < next)
			next = l->deadline;
	}
	return next;
}
