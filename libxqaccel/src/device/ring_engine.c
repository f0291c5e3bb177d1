// SPDX-License-Identifier: MIT
/*
 * A queue's own io_uring. Each job is a command with a completion of its own, so that who waits for
 * one does not wait for those that were submitted with it; all of a call go to the kernel at once.
 * But those of a call with fences are one command, as a fence is of all of them.
 *
 * A queue's submission tells at once what is wrong with a job, but a command's completion may come later.
 * So jobs are checked here as the driver checks them. What the driver still refuses comes as a
 * completion, unless the job was alone and its refusal is there already: runs of programs, which are
 * not checked here, always go alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/ring.h>

#include "job.h"
#include "ring_engine.h"

#ifdef XQ_WITH_LIBURING
#include <liburing.h>

#define SQE_BYTES	128	/* with room for the place of completions */
#define SQ_ENTRIES	64
#define BLOCK_SLOTS	16

struct batch;

/*
 * A job's place from its submission until its completion is taken; the kernel reads and writes it.
 * @completion has an id once the kernel has written it. Of a job of a batch it does not know the
 * place, but that of its first job has the fence.
 */
struct slot {
	struct slot *next;	/* in ring_engine.free or ended */
	struct xqaccel_job_desc desc;
	struct xqaccel_completion completion;
	uint64_t id;
	int res;
	bool silent;
	bool under_way;
	struct batch *batch;
	int32_t fence;
};

/* Entries that were taken back have its address. */
static struct slot nothing;

struct block {
	struct block *next;
	struct slot slot[BLOCK_SLOTS];
};

/* Jobs that are one command: what the kernel reads and writes of each of them, until its end. */
struct batch {
	unsigned int count;
	struct xqaccel_job_desc *desc;
	struct xqaccel_completion *completion;
	struct slot **slot;
};

struct ring_engine {
	struct xq_backend backend;
	struct xq_device *dev;
	struct io_uring ring;
	struct block *blocks;
	struct slot *free;
	struct slot *ended, **ended_end;	/* the oldest first, not taken */
	unsigned int under_way;
	unsigned int batches;	/* that have not ended */
	uint64_t next_id;
	int canceled;		/* what the command said that cancels; 1 while there is none */
};

static struct ring_engine *of(struct xq_backend *backend)
{
	return (struct ring_engine *)backend;
}

/* ---- slots ------------------------------------------------------------------------------------ */

static struct slot *slot_get(struct ring_engine *e)
{
	struct slot *slot = e->free;
	struct block *block;
	unsigned int i;

	if (!slot) {
		block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		block->next = e->blocks;
		e->blocks = block;
		for (i = 0; i < BLOCK_SLOTS; i++) {
			block->slot[i].next = e->free;
			e->free = &block->slot[i];
		}
		slot = e->free;
	}
	e->free = slot->next;
	return slot;
}

static void slot_put(struct ring_engine *e, struct slot *slot)
{
	slot->next = e->free;
	e->free = slot;
}

/* ---- what comes back -------------------------------------------------------------------------- */

static bool refused(const struct slot *slot)
{
	return slot->res < 0 && !slot->completion.id;
}

/*
 * A command has ended. Nobody wants to hear of a silent job that ended well. Some kernels (6.1) hand over in
 * reverse what they have at once: of what came together, from @from on, older jobs come first.
 */
static void slot_ended(struct ring_engine *e, struct slot **from, struct slot *slot, int res)
{
	slot->res = res;
	slot->under_way = false;
	e->under_way--;
	if (slot->silent && !res) {
		slot_put(e, slot);
		return;
	}
	while (*from && (*from)->id < slot->id)
		from = &(*from)->next;
	slot->next = *from;
	*from = slot;
	if (!slot->next)
		e->ended_end = &slot->next;
}

/* So has one of many jobs, which the driver has refused all or none. */
static void batch_ended(struct ring_engine *e, struct slot **from, struct batch *batch, int res)
{
	unsigned int i;

	for (i = 0; i < batch->count; i++) {
		struct slot *slot = batch->slot[i];
		const struct xqaccel_completion *c = &batch->completion[i];

		slot->completion = *c;
		slot->batch = NULL;
		slot_ended(e, from, slot, c->id && c->status == XQACCEL_STATUS_OK ? 0 : res);
	}
	e->batches--;
	free(batch);
}

/* Takes from the ring what is there; whether there was something. */
static bool collect(struct ring_engine *e)
{
	struct slot **from = e->ended_end;
	struct io_uring_cqe *cqe;
	bool any = false;

	while (!io_uring_peek_cqe(&e->ring, &cqe)) {
		struct slot *slot = io_uring_cqe_get_data(cqe);

		if (!slot)
			e->canceled = cqe->res;
		else if (slot->batch)
			batch_ended(e, from, slot->batch, cqe->res);
		else if (slot != &nothing)
			slot_ended(e, from, slot, cqe->res);
		io_uring_cqe_seen(&e->ring, cqe);
		any = true;
	}
	return any;
}

static struct slot *next_ended(struct ring_engine *e)
{
	struct slot *slot = e->ended;

	if (!slot)
		return NULL;
	e->ended = slot->next;
	if (!e->ended)
		e->ended_end = &e->ended;
	return slot;
}

static unsigned int take_ended(struct ring_engine *e, struct xqaccel_completion *completions,
			       unsigned int count)
{
	struct slot *slot;
	unsigned int n;

	for (n = 0; n < count && (slot = next_ended(e)); n++) {
		completions[n] = slot->completion;
		completions[n].user_data = slot->desc.user_data;
		if (refused(slot))
			completions[n].status = XQ_STATUS_REFUSED |
						(uint32_t)-xq_ring_status(slot->res);
		completions[n].id = slot->id;
		slot_put(e, slot);
	}
	return n;
}

/*
 * Sleeps until so many jobs more may have ended; 0 or a negative errno. The ring has as many
 * completions then, unless those of a batch are among them, which has one for all.
 */
static int sleep_until(struct ring_engine *e, unsigned int more, int64_t deadline_ns)
{
	const unsigned int most = e->batches ? 1 : e->under_way;
	const int64_t left = deadline_ns - (int64_t)xq_clock_ns();
	struct __kernel_timespec t = { left / 1000000000, left % 1000000000 };
	struct io_uring_cqe *cqe;
	int ret;

	if (left <= 0)
		return -ETIMEDOUT;
	ret = io_uring_wait_cqes(&e->ring, &cqe, more < most ? more : most,
				 deadline_ns == XQACCEL_NO_DEADLINE ? NULL : &t, NULL);
	return ret == -ETIME ? -ETIMEDOUT : ret;
}

static int ring_wait(struct xq_backend *backend, uint32_t lane,
		     struct xqaccel_completion *completions, unsigned int count,
		     unsigned int min, int64_t deadline_ns)
{
	struct ring_engine *e = of(backend);
	unsigned int n = 0;
	int err;

	(void)lane;
	for (;;) {
		collect(e);
		n += take_ended(e, completions + n, count - n);
		if (n >= min)
			return (int)n;
		if (!e->under_way)
			return n ? (int)n : -ENOENT;
		err = sleep_until(e, min - n, deadline_ns);
		if (err)
			break;
	}
	collect(e);
	n += take_ended(e, completions + n, count - n);
	return n ? (int)n : err;
}

/* ---- what goes there -------------------------------------------------------------------------- */

/* It was the last to begin, and the kernel has not been told of it. */
static void slot_withdraw(struct ring_engine *e, struct slot *slot)
{
	slot->under_way = false;
	e->under_way--;
	e->next_id--;
	slot_put(e, slot);
}

static void batch_withdraw(struct ring_engine *e, struct batch *batch)
{
	while (batch->count)
		slot_withdraw(e, batch->slot[--batch->count]);
	e->batches--;
	free(batch);
}

/*
 * Takes back the entries that the kernel did not take, the newest first: who filled them in is told
 * of a failure, so that they must not go with what comes next. In the ring they stay, as nothing.
 */
static void take_back(struct ring_engine *e)
{
	struct io_uring_sq *sq = &e->ring.sq;
	const unsigned int first = sq->sqe_tail - io_uring_sq_ready(&e->ring);

	for (unsigned int at = sq->sqe_tail; at-- != first;) {
		struct io_uring_sqe *sqe = &sq->sqes[(at & sq->ring_mask) << 1];
		struct slot *slot = (struct slot *)(uintptr_t)sqe->user_data;

		if (slot == &nothing)
			continue;
		/* Newer liburings prepare entries that are clear, and kernels refuse what is left. */
		memset(sqe, 0, SQE_BYTES);
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
		io_uring_sqe_set_data(sqe, &nothing);
		if (slot && slot->batch)
			batch_withdraw(e, slot->batch);
		else if (slot)
			slot_withdraw(e, slot);
	}
}

/*
 * Tells the kernel of all entries that are filled in. After an error none is left that it was not
 * told of.
 */
static int flush(struct ring_engine *e)
{
	int ret = 0;

	while (ret >= 0 && io_uring_sq_ready(&e->ring)) {
		ret = io_uring_submit(&e->ring);
		/* Its own completions may have to be taken first. */
		if (ret == -EINTR || (ret == -EBUSY && collect(e)))
			ret = 0;
	}
	if (ret >= 0)
		return 0;
	take_back(e);
	return ret;
}

static struct io_uring_sqe *entry(struct ring_engine *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&e->ring);

	if (sqe || flush(e))
		return sqe;
	return io_uring_get_sqe(&e->ring);
}

static int find_memory(void *opaque, uint32_t handle, bool written, uint64_t *bytes)
{
	return xq_handles_find(opaque, handle, written, bytes);
}

static bool is_program(const struct xqaccel_job_desc *job)
{
	return job->work.op == XQACCEL_OP_PROGRAM;
}

static int check(struct ring_engine *e, const struct xqaccel_job_desc *job)
{
	struct xqaccel_job_desc plain;

	if (is_program(job))
		return 0;
	if (!(job->work.flags & XQACCEL_JOB_SILENT))
		return xq_job_check(job, &e->dev->info, &e->dev->pairs, find_memory,
				    &e->dev->handles);
	plain = *job;
	plain.work.flags &= ~XQACCEL_JOB_SILENT;
	return xq_job_check(&plain, &e->dev->info, &e->dev->pairs, find_memory, &e->dev->handles);
}

/* A slot that is under way with a job, or is so once its entry was flushed; NULL without memory. */
static struct slot *slot_begin(struct ring_engine *e, const struct xqaccel_job_desc *job)
{
	struct slot *slot = slot_get(e);

	if (!slot)
		return NULL;
	slot->desc.user_data = job->user_data;
	slot->silent = job->work.flags & XQACCEL_JOB_SILENT;
	slot->completion = (struct xqaccel_completion){ 0 };
	slot->id = e->next_id++;
	slot->batch = NULL;
	slot->under_way = true;
	e->under_way++;
	return slot;
}

/* What the kernel is told of a job: to be silent is for this side. */
static void describe(struct xqaccel_job_desc *desc, const struct xqaccel_job_desc *job)
{
	*desc = *job;
	desc->work.flags &= ~XQACCEL_JOB_SILENT;
}

/* Fills in the entry of a job; it is under way once that was flushed. */
static int begin(struct ring_engine *e, const struct xqaccel_job_desc *job, uint32_t lane,
		 uint32_t timeout_ms)
{
	struct xq_ring_jobs jobs = { .count = 1, .lane = lane, .timeout_ms = timeout_ms };
	struct io_uring_sqe *sqe;
	struct slot *slot;
	int err = check(e, job);

	if (err)
		return err;
	if (e->under_way >= e->dev->info.max_jobs)
		return -EAGAIN;
	slot = slot_begin(e, job);
	if (!slot)
		return -ENOMEM;
	sqe = entry(e);
	if (!sqe) {
		slot_withdraw(e, slot);
		return -EAGAIN;
	}
	describe(&slot->desc, job);
	jobs.jobs = &slot->desc;
	jobs.completions = &slot->completion;
	/* It can't fail: the ring was made for this. */
	xq_ring_prepare(e->dev, sqe, SQE_BYTES, &jobs);
	io_uring_sqe_set_data(sqe, slot);
	return 0;
}

/* Takes back a command's jobs, from @id on, if the driver has refused it; its error, or 0. */
static int refusal(struct ring_engine *e, uint64_t id, int count)
{
	int err = 0;

	for (; count; count--, id++) {
		struct slot **at = &e->ended, *slot;

		while (*at && (*at)->id != id)
			at = &(*at)->next;
		slot = *at;
		if (!slot || !refused(slot))
			return 0;
		*at = slot->next;
		if (!slot->next)
			e->ended_end = at;
		err = xq_ring_status(slot->res);
		slot_put(e, slot);
	}
	return err;
}

static int ring_submit(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
		       unsigned int count, uint32_t lane, uint32_t timeout_ms, uint64_t *first_id)
{
	struct ring_engine *e = of(backend);
	unsigned int n = 0;
	int err = 0, flushed;

	collect(e);
	*first_id = e->next_id;
	while (n < count && !err && !(n && is_program(&jobs[n]))) {
		err = begin(e, &jobs[n], lane, timeout_ms);
		n += !err;
		if (!err && is_program(&jobs[n - 1]))
			break;
	}
	flushed = flush(e);
	collect(e);
	/* Those that the kernel has taken. */
	n = (unsigned int)(e->next_id - *first_id);
	if (!n)
		return flushed ? flushed : err;
	err = n == 1 ? refusal(e, *first_id, 1) : 0;
	return err ? err : (int)n;
}

/* How many of a call's jobs can be one command, at least one; or why the first can't. */
static int batch_size(struct ring_engine *e, const struct xqaccel_job_desc *jobs,
		      unsigned int count)
{
	unsigned int most = e->dev->info.max_jobs, n;
	int err = 0;

	most = most > e->under_way ? most - e->under_way : 0;
	if (most > XQACCEL_URING_MAX_BATCH)
		most = XQACCEL_URING_MAX_BATCH;
	if (!most)
		return -EAGAIN;
	for (n = 0; n < count && n < most && !(n && is_program(&jobs[n])); n++) {
		err = check(e, &jobs[n]);
		if (err)
			break;
		if (is_program(&jobs[n]))
			return 1;
	}
	return n ? (int)n : err;
}

static struct batch *batch_begin(struct ring_engine *e, const struct xqaccel_job_desc *jobs,
				 unsigned int count)
{
	struct batch *batch = calloc(1, sizeof(*batch) + count * (sizeof(*batch->desc) +
								  sizeof(*batch->completion) +
								  sizeof(*batch->slot)));

	if (!batch)
		return NULL;
	e->batches++;
	batch->desc = (void *)(batch + 1);
	batch->completion = (void *)(batch->desc + count);
	batch->slot = (void *)(batch->completion + count);
	for (; batch->count < count; batch->count++) {
		struct slot *slot = slot_begin(e, &jobs[batch->count]);

		if (!slot) {
			batch_withdraw(e, batch);
			return NULL;
		}
		slot->batch = batch;
		batch->slot[batch->count] = slot;
		describe(&batch->desc[batch->count], &jobs[batch->count]);
	}
	return batch;
}

/* The driver has written the fence when the entry was flushed, as it leaves nothing for later. */
static int ring_submit_fenced(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			      unsigned int count, uint32_t lane, uint32_t timeout_ms,
			      struct xq_fences *fences, uint64_t *first_id)
{
	struct ring_engine *e = of(backend);
	struct xq_ring_jobs command = {
		.lane = lane, .timeout_ms = timeout_ms, .flags = fences->flags,
		.in_fence = fences->in,
	};
	struct io_uring_sqe *sqe;
	struct batch *batch;
	struct slot *first;
	int n, err;

	fences->out = -1;
	if (fences->flags && !xq_device_has_fences(e->dev))
		return -EOPNOTSUPP;
	collect(e);
	*first_id = e->next_id;
	n = batch_size(e, jobs, count);
	if (n < 0)
		return n;
	batch = batch_begin(e, jobs, (unsigned int)n);
	if (!batch)
		return -ENOMEM;
	sqe = entry(e);
	if (!sqe) {
		batch_withdraw(e, batch);
		return -EAGAIN;
	}
	first = batch->slot[0];
	first->fence = -1;
	command.jobs = batch->desc;
	command.count = batch->count;
	command.completions = batch->completion;
	command.out_fence = &first->fence;
	xq_ring_prepare(e->dev, sqe, SQE_BYTES, &command);
	io_uring_sqe_set_data(sqe, first);
	err = flush(e);
	collect(e);
	if (!err)
		err = refusal(e, *first_id, n);
	if (err)
		return err;
	if (fences->flags & XQACCEL_SUBMIT_OUT_FENCE)
		fences->out = first->fence;
	return n;
}

static struct slot *find_slot(struct ring_engine *e, uint64_t id)
{
	struct block *block;
	unsigned int i;

	for (block = e->blocks; block; block = block->next)
		for (i = 0; i < BLOCK_SLOTS; i++)
			if (block->slot[i].under_way && block->slot[i].id == id)
				return &block->slot[i];
	return NULL;
}

static int ring_cancel(struct xq_backend *backend, uint64_t id)
{
	struct ring_engine *e = of(backend);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct slot *slot;
	int err;

	collect(e);
	slot = find_slot(e, id);
	if (!slot)
		return -EALREADY;
	if (slot->batch)
		slot = slot->batch->slot[0];
	sqe = entry(e);
	if (!sqe)
		return -EAGAIN;
	xq_ring_prepare_cancel(e->dev, sqe, SQE_BYTES, (uintptr_t)slot);
	io_uring_sqe_set_data(sqe, NULL);
	e->canceled = 1;
	err = flush(e);
	for (collect(e); !err && e->canceled > 0; collect(e)) {
		err = io_uring_wait_cqe(&e->ring, &cqe);
		if (err == -EINTR)
			err = 0;
	}
	if (err)
		return err;
	return e->canceled == -ENOENT ? -EALREADY : e->canceled;
}

/* The kernel has one of a ring, and does not exchange it. */
static int ring_eventfd(struct xq_backend *backend, uint32_t lane, int fd)
{
	struct ring_engine *e = of(backend);
	const int err = io_uring_unregister_eventfd(&e->ring);

	(void)lane;
	if (err && err != -ENXIO)
		return err;
	return fd < 0 ? (fd == XQACCEL_NO_EVENTFD ? 0 : -EBADF) :
			io_uring_register_eventfd(&e->ring, fd);
}

/* ---- making and ending ------------------------------------------------------------------------ */

/* The kernel may still write the places of jobs that are under way, so they stay then. */
static void ring_close(struct xq_backend *backend)
{
	struct ring_engine *e = of(backend);
	struct block *block, *next;

	io_uring_queue_exit(&e->ring);
	for (block = e->under_way ? NULL : e->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(e);
}

static const struct xq_backend_ops ring_ops = {
	.close = ring_close, .submit = ring_submit, .submit_fenced = ring_submit_fenced,
	.wait = ring_wait, .cancel = ring_cancel, .eventfd = ring_eventfd,
};

int xq_ring_engine_create(struct xq_device *dev, struct xq_backend **way)
{
	/* Completions wait for a call that takes them, and interrupt nothing. */
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		.cq_entries = 2 * dev->info.max_jobs,
	};
	struct ring_engine *e;
	int err;

	if (!xq_device_has_ring(dev))
		return -EOPNOTSUPP;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	err = io_uring_queue_init_params(SQ_ENTRIES, &e->ring, &params);
	if (err) {
		free(e);
		return err;
	}
	e->backend.ops = &ring_ops;
	e->dev = dev;
	e->ended_end = &e->ended;
	e->next_id = 1;
	*way = &e->backend;
	return 0;
}
#else
int xq_ring_engine_create(struct xq_device *dev, struct xq_backend **way)
{
	(void)dev, (void)way;
	return -EOPNOTSUPP;
}
#endif
