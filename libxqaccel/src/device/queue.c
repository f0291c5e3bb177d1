// SPDX-License-Identifier: MIT
/*
 * Queues are lanes of one client. Each lane is a stream of completions of its own, so the
 * owner of a queue takes them where they come from and no other thread has to know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "queue.h"
#include "ring_engine.h"

#define REAP_AT_ONCE	64
#define SUBMIT_AT_ONCE	16

/* A job under way: what the driver calls it, and what its owner does. */
struct job_name {
	uint64_t id;
	uint64_t user_data;
};

/**
 * struct xq_queue - a lane; all but @dev is the owner's
 * @way: that jobs take to the device and completions from it: the device's backend, or the queue's
 *	own ring
 * @engine: its name
 * @pending: submitted and not taken, but for silent jobs
 * @silent: silent jobs may be under way
 * @event: the lane has an eventfd
 * @newest: the job that was submitted last
 * @names: of these jobs, a ring of @room with the oldest at @head
 */
struct xq_queue {
	struct xq_device *dev;
	struct xq_backend *way;
	const char *engine;
	uint32_t lane;
	uint32_t timeout_ms;
	unsigned int pending;
	bool silent, event;
	uint64_t newest;

	struct job_name *names;
	unsigned int room, head;
};

static int take(struct xq_queue *q, struct xq_completion *completions, unsigned int count,
		unsigned int min, int64_t deadline_ns);

/* ---- the way to the device ---------------------------------------------------------------------- */

/* What the options want, else the environment, as flags; 0 leaves the choice; -EINVAL. */
static int wanted_engine(const struct xq_queue_options *options)
{
	const uint32_t flags = options ? options->flags : 0;
	const uint32_t engine = flags & ~XQ_QUEUE_FENCES;
	const char *name = getenv("XQ_QUEUE_ENGINE");

	if (engine & ~(XQ_QUEUE_IOCTL | XQ_QUEUE_URING) ||
	    engine == (XQ_QUEUE_IOCTL | XQ_QUEUE_URING))
		return -EINVAL;
	if (flags == XQ_QUEUE_FENCES)
		return (int)XQ_QUEUE_IOCTL;
	if (flags || !name || !*name)
		return (int)engine;
	if (!strcmp(name, "ioctl"))
		return (int)XQ_QUEUE_IOCTL;
	return strcmp(name, "uring") ? -EINVAL : (int)XQ_QUEUE_URING;
}

/* The environment is for all devices of a program, so "soft", which has no ring, does without. */
static int choose_engine(struct xq_queue *q, const struct xq_queue_options *options)
{
	const int wanted = wanted_engine(options);
	const bool soft = !q->dev->backend->ops->file;
	int err = -EOPNOTSUPP;

	if (wanted < 0)
		return wanted;
	if (options && options->flags & XQ_QUEUE_FENCES && !xq_device_has_fences(q->dev))
		return -EOPNOTSUPP;
	q->way = q->dev->backend;
	q->engine = soft ? "soft" : "ioctl";
	if (wanted != (int)XQ_QUEUE_IOCTL)
		err = xq_ring_engine_create(q->dev, &q->way);
	if (!err)
		q->engine = "uring";
	if (wanted != (int)XQ_QUEUE_URING || (soft && !(options && options->flags)))
		return 0;
	return err;
}

bool xq_device_has_fences(const struct xq_device *dev)
{
	return dev->backend->ops->submit_fenced && (dev->info.abi & XQACCEL_ABI_SYNC_FILE);
}

const char *xq_queue_engine(const struct xq_queue *queue)
{
	return queue->engine;
}

/* ---- making and ending --------------------------------------------------------------------------- */

static void lane_give_back(struct xq_queue *q)
{
	pthread_mutex_lock(&q->dev->lock);
	q->dev->lane[q->lane] = NULL;
	pthread_mutex_unlock(&q->dev->lock);
}

int xq_queue_create(struct xq_device *dev, const struct xq_queue_options *options,
		    struct xq_queue **queue)
{
	uint32_t lanes = dev->info.lanes < XQ_MAX_LANES ? dev->info.lanes : XQ_MAX_LANES;
	struct xq_queue *q;
	uint32_t lane;
	int err;

	if (options && options->timeout_ms > dev->info.max_timeout_ms)
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->dev = dev;
	q->timeout_ms = options ? options->timeout_ms : 0;
	pthread_mutex_lock(&dev->lock);
	for (lane = 0; lane < lanes && dev->lane[lane]; lane++)
		;
	if (lane < lanes)
		dev->lane[lane] = q;
	pthread_mutex_unlock(&dev->lock);
	if (lane == lanes) {
		free(q);
		return -ENOSPC;
	}
	q->lane = lane;
	err = choose_engine(q, options);
	if (err) {
		lane_give_back(q);
		free(q);
		return err;
	}
	*queue = q;
	return 0;
}

void xq_queue_destroy(struct xq_queue *queue)
{
	struct xq_completion dropped[REAP_AT_ONCE];

	if (!queue)
		return;
	while (queue->pending || queue->silent) {
		const int n = take(queue, dropped, REAP_AT_ONCE, 1, XQACCEL_NO_DEADLINE);

		/* With ENOENT there is no job of any kind. */
		if (n < 0 && n != -EINTR)
			break;
	}
	/* The lane's next owner has nothing to do with it. */
	if (queue->event)
		xq_queue_eventfd(queue, XQACCEL_NO_EVENTFD);
	if (queue->way != queue->dev->backend)
		queue->way->ops->close(queue->way);
	lane_give_back(queue);
	free(queue->names);
	free(queue);
}

struct xq_device *xq_queue_device(const struct xq_queue *queue)
{
	return queue->dev;
}

/* ---- jobs under way --------------------------------------------------------------------------- */

static struct job_name *name_at(const struct xq_queue *q, unsigned int i)
{
	return &q->names[(q->head + i) % q->room];
}

/* Room for the names of so many jobs more. */
static int make_room(struct xq_queue *q, unsigned int more)
{
	unsigned int room = q->room ? q->room : 16, i;
	struct job_name *names;

	while (room < q->pending + more)
		room *= 2;
	if (room == q->room)
		return 0;
	names = malloc(room * sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (i = 0; i < q->pending; i++)
		names[i] = *name_at(q, i);
	free(q->names);
	q->names = names;
	q->room = room;
	q->head = 0;
	return 0;
}

/*
 * The job is nearly always the oldest: only one that was canceled ends before others. A silent one has
 * no name.
 */
static void forget(struct xq_queue *q, uint64_t id)
{
	unsigned int i = 0;

	while (i < q->pending && name_at(q, i)->id != id)
		i++;
	if (i == q->pending)
		return;
	for (; i; i--)
		*name_at(q, i) = *name_at(q, i - 1);
	q->head = (q->head + 1) % q->room;
	q->pending--;
}

int xq_queue_cancel(struct xq_queue *queue, uint64_t user_data)
{
	struct xq_backend *backend = queue->way;
	unsigned int i;
	int count = 0;

	for (i = 0; i < queue->pending; i++) {
		int err;

		if (name_at(queue, i)->user_data != user_data)
			continue;
		err = backend->ops->cancel(backend, name_at(queue, i)->id);
		if (err && err != -EALREADY)
			return err;
		count += !err;
	}
	return count;
}

int xq_queue_eventfd(struct xq_queue *queue, int fd)
{
	const int err = queue->way->ops->eventfd(queue->way, queue->lane, fd);

	if (!err)
		queue->event = fd >= 0;
	return err;
}

/* ---- reaping ---------------------------------------------------------------------------------- */

static int64_t deadline_of(int64_t timeout_ns)
{
	int64_t deadline;

	if (timeout_ns < 0 ||
	    __builtin_add_overflow((int64_t)xq_clock_ns(), timeout_ns, &deadline))
		return XQACCEL_NO_DEADLINE;
	return deadline;
}

/* Takes what fits in one call; as the backend's wait. */
static int take(struct xq_queue *q, struct xq_completion *completions, unsigned int count,
		unsigned int min, int64_t deadline_ns)
{
	struct xqaccel_completion raw[REAP_AT_ONCE];
	struct xq_backend *backend = q->way;
	int n, i;

	if (count > REAP_AT_ONCE)
		count = REAP_AT_ONCE;
	if (min > count)
		min = count;
	n = backend->ops->wait(backend, q->lane, raw, count, min, deadline_ns);
	for (i = 0; i < n; i++) {
		xq_completion_from(q->dev, &raw[i], &completions[i]);
		forget(q, raw[i].id);
	}
	return n;
}

int xq_queue_wait(struct xq_queue *queue, struct xq_completion *completions, unsigned int count,
		  unsigned int min, int64_t timeout_ns)
{
	const int64_t deadline = min ? deadline_of(timeout_ns) : 0;
	unsigned int taken = 0;
	int n;

	if (min > count || (count && !completions))
		return -EINVAL;
	if (min > queue->pending)
		return -ENOENT;
	while (taken < count && (queue->pending || queue->silent)) {
		n = take(queue, completions + taken, count - taken, min > taken ? min - taken : 0,
			 deadline);
		if (n < 0)
			return taken ? (int)taken : n;
		taken += (unsigned int)n;
		if (n < REAP_AT_ONCE)
			break;
	}
	return (int)taken;
}

unsigned int xq_queue_pending(const struct xq_queue *queue)
{
	return queue->pending;
}

/* ---- submitting ------------------------------------------------------------------------------- */

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* There is room for them. */
static unsigned int add_names(struct xq_queue *q, const struct xqaccel_job_desc *jobs,
			      unsigned int count, uint64_t first_id)
{
	unsigned int i;

	q->newest = first_id + count - 1;
	for (i = 0; i < count; i++) {
		if (jobs[i].work.flags & XQACCEL_JOB_SILENT)
			q->silent = true;
		else
			*name_at(q, q->pending++) = (struct job_name){ first_id + i,
								       jobs[i].user_data };
	}
	return count;
}

int xq_queue_submit_as(struct xq_queue *queue, const void *jobs, unsigned int count,
		       xq_make_job *make)
{
	const struct xqaccel_info *info = &queue->dev->info;
	struct xq_backend *backend = queue->way;
	struct xqaccel_job_desc converted[SUBMIT_AT_ONCE];
	unsigned int accepted = 0, at_once = smaller(SUBMIT_AT_ONCE, info->max_batch);
	int err = count && jobs ? 0 : -EINVAL;
	uint64_t first_id;

	while (!err && accepted < count) {
		const unsigned int room = info->max_jobs - smaller(queue->pending, info->max_jobs);
		unsigned int want = smaller(smaller(count - accepted, at_once), room), n = 0;
		int done;

		if (!want)
			err = -EAGAIN;
		while (n < want && !err) {
			err = make(queue->dev, jobs, accepted + n, &converted[n]);
			n += !err;
		}
		if (n && make_room(queue, n))
			err = -ENOMEM;
		if (!n || err == -ENOMEM)
			break;
		done = backend->ops->submit(backend, converted, n, queue->lane, queue->timeout_ms,
					    &first_id);
		if (done < 0)
			err = done;
		else
			accepted += add_names(queue, converted, (unsigned int)done, first_id);
	}
	return accepted ? (int)accepted : err;
}

/* Jobs up to the first that can't be made; their number, or its error. */
static int make_jobs(const struct xq_device *dev, const void *jobs, unsigned int count,
		     xq_make_job *make, struct xqaccel_job_desc *made)
{
	unsigned int n;
	int err = 0;

	for (n = 0; n < count; n++) {
		err = make(dev, jobs, n, &made[n]);
		if (err)
			break;
	}
	return n ? (int)n : err;
}

/* All in one call, since a fence is of all jobs of it. */
static int submit_fenced_as(struct xq_queue *queue, const void *jobs, unsigned int count,
			    xq_make_job *make, struct xq_fences *fences)
{
	struct xq_backend *backend = queue->way;
	struct xqaccel_job_desc *made;
	uint64_t first_id;
	int n;

	if (!backend->ops->submit_fenced)
		return -EOPNOTSUPP;
	if (!count || !jobs || count > queue->dev->info.max_batch)
		return -EINVAL;
	made = calloc(count, sizeof(*made));
	if (!made || make_room(queue, count)) {
		free(made);
		return -ENOMEM;
	}
	n = make_jobs(queue->dev, jobs, count, make, made);
	if (n > 0)
		n = backend->ops->submit_fenced(backend, made, (unsigned int)n, queue->lane,
						queue->timeout_ms, fences, &first_id);
	if (n > 0)
		add_names(queue, made, (unsigned int)n, first_id);
	free(made);
	return n;
}

void xq_queue_attend(struct xq_queue *queue, bool waits)
{
	if (queue->way->ops->attend)
		queue->way->ops->attend(queue->way, waits);
}

int xq_queue_run_as(struct xq_queue *queue, const void *job, xq_make_job *make,
		    struct xq_completion *completion)
{
	struct xq_completion own = { .status = 0 };
	struct xq_backend *backend = queue->way;
	struct xqaccel_completion raw = { 0 };
	int n, before = 0;

	if (queue->pending)
		return -EBUSY;
	xq_queue_attend(queue, true);
	n = xq_queue_submit_as(queue, job, 1, make);
	if (n < 0) {
		xq_queue_attend(queue, false);
		return n;
	}
	/* Completions before its own are those of silent jobs that failed. */
	for (;;) {
		n = backend->ops->wait(backend, queue->lane, &raw, 1, 1, XQACCEL_NO_DEADLINE);
		if (n == -EINTR)
			continue;
		/* One that is silent and ends well has no completion. */
		if (n == -ENOENT && !queue->pending)
			break;
		if (n < 0)
			return n;
		xq_completion_from(queue->dev, &raw, &own);
		forget(queue, raw.id);
		if (raw.id == queue->newest)
			break;
		before = before ? before : own.status;
		own = (struct xq_completion){ .status = 0 };
	}
	if (completion)
		*completion = own;
	return before ? before : own.status;
}

static int job_from_gemm(const struct xq_device *dev, const void *jobs, unsigned int index,
			 struct xqaccel_job_desc *job)
{
	return xq_job_from_gemm(dev, (const struct xq_gemm *)jobs + index, job);
}

int xq_queue_submit(struct xq_queue *queue, const struct xq_gemm *jobs, unsigned int count)
{
	return xq_queue_submit_as(queue, jobs, count, job_from_gemm);
}

int xq_queue_submit_fenced(struct xq_queue *queue, const struct xq_gemm *jobs, unsigned int count,
			   struct xq_fences *fences)
{
	return submit_fenced_as(queue, jobs, count, job_from_gemm, fences);
}

int xq_gemm_run(struct xq_queue *queue, const struct xq_gemm *job,
		struct xq_completion *completion)
{
	return xq_queue_run_as(queue, job, job_from_gemm, completion);
}

static int job_as_it_is(const struct xq_device *dev, const void *jobs, unsigned int index,
			struct xqaccel_job_desc *job)
{
	(void)dev;
	*job = ((const struct xqaccel_job_desc *)jobs)[index];
	return 0;
}

int xq_job_submit(struct xq_queue *queue, const struct xqaccel_job_desc *jobs, unsigned int count)
{
	return xq_queue_submit_as(queue, jobs, count, job_as_it_is);
}

int xq_job_submit_fenced(struct xq_queue *queue, const struct xqaccel_job_desc *jobs,
			 unsigned int count, struct xq_fences *fences)
{
	return submit_fenced_as(queue, jobs, count, job_as_it_is, fences);
}

int xq_job_run(struct xq_queue *queue, const struct xqaccel_job_desc *job,
	       struct xq_completion *completion)
{
	return xq_queue_run_as(queue, job, job_as_it_is, completion);
}
