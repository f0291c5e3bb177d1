// SPDX-License-Identifier: MIT
/*
 * "soft": the device model in this process behind the same interface as the driver. Jobs go
 * through the same registers, rings and page tables as on a card.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "soft.h"

#define DEFAULT_TIMEOUT_MS	60000
#define MAX_TIMEOUT_MS		3600000
#define MAX_BATCH		256
#define CLIENT_BYTES		(1ULL << 38)
#define HELP_NS			50000	/* about what it takes to wake a thread */
#define SERVE_NS		100000	/* how long a call may wait for short chunks */

static struct soft *of(struct xq_backend *backend)
{
	return (struct soft *)backend;
}

/* ---- the host of the device model ------------------------------------------------------------- */

static int host_read(void *opaque, uint64_t address, void *buffer, size_t len)
{
	struct soft *soft = opaque;

	if (soft_region_left(&soft->memory, address) < len)
		return -EFAULT;
	memcpy(buffer, (const void *)(uintptr_t)address, len);
	return 0;
}

static int host_write(void *opaque, uint64_t address, const void *buffer, size_t len)
{
	struct soft *soft = opaque;

	if (soft_region_left(&soft->memory, address) < len)
		return -EFAULT;
	memcpy((void *)(uintptr_t)address, buffer, len);
	return 0;
}

static void *host_map(void *opaque, uint64_t address, uint64_t *len, bool write)
{
	struct soft *soft = opaque;
	const size_t left = soft_region_left(&soft->memory, address);

	(void)write;
	if (!left)
		return NULL;
	if (*len > left)
		*len = left;
	return (void *)(uintptr_t)address;
}

static void host_unmap(void *opaque, void *host, uint64_t len, bool write, bool dirty)
{
	(void)opaque;
	(void)host;
	(void)len;
	(void)write;
	(void)dirty;
}

/* Completions are looked for after every service, so no interrupt is needed. */
static void host_interrupt(void *opaque, unsigned int vector)
{
	(void)opaque;
	(void)vector;
}

static uint64_t host_clock(void *opaque)
{
	(void)opaque;
	return xq_clock_ns();
}

static void host_schedule(void *opaque)
{
	struct soft *soft = opaque;

	pthread_mutex_lock(&soft->call_lock);
	soft->called = true;
	pthread_cond_signal(soft->waiter ? &soft->waiter_wake : &soft->service_wake);
	pthread_mutex_unlock(&soft->call_lock);
}

static const struct xqdev_host host = {
	.dma_read = host_read, .dma_write = host_write, .dma_map = host_map,
	.dma_unmap = host_unmap, .interrupt = host_interrupt, .clock_ns = host_clock,
	.schedule = host_schedule,
};

/* ---- the service thread ------------------------------------------------------------------------ */

static int wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline)
{
	const struct timespec at = { (time_t)(deadline / 1000000000), (long)(deadline % 1000000000) };

	if (deadline == UINT64_MAX)
		return pthread_cond_wait(cond, lock);
	return pthread_cond_timedwait(cond, lock, &at);
}

static void wake_waiter(struct soft *soft)
{
	pthread_mutex_lock(&soft->call_lock);
	soft->news = true;
	pthread_cond_signal(&soft->waiter_wake);
	pthread_mutex_unlock(&soft->call_lock);
}

/* Answers calls when no thread waits for jobs, and stops jobs that take too long. */
static void *service_thread(void *opaque)
{
	struct soft *soft = opaque;
	uint64_t next = UINT64_MAX;
	bool stop = false, any;

	while (!stop) {
		pthread_mutex_lock(&soft->call_lock);
		if (next < soft->service_deadline)
			soft->service_deadline = next;
		while (!soft->stop && !(soft->called && !soft->waiter) &&
		       xq_clock_ns() < soft->service_deadline)
			wait_until(&soft->service_wake, &soft->call_lock, soft->service_deadline);
		stop = soft->stop;
		if (!soft->waiter)
			soft->called = false;
		soft->service_deadline = UINT64_MAX;
		pthread_mutex_unlock(&soft->call_lock);

		pthread_mutex_lock(&soft->lock);
		any = soft_service(soft);
		next = soft_check_deadlines(soft, xq_clock_ns(), &any);
		pthread_mutex_unlock(&soft->lock);
		if (any)
			wake_waiter(soft);
	}
	return NULL;
}

/* Has the service thread wake in time for a new job. */
void soft_watch_deadline(struct soft *soft, uint64_t deadline)
{
	pthread_mutex_lock(&soft->call_lock);
	if (deadline < soft->service_deadline) {
		soft->service_deadline = deadline;
		pthread_cond_signal(&soft->service_wake);
	}
	pthread_mutex_unlock(&soft->call_lock);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

void soft_describe(struct soft *soft, const struct xqaccel_job_desc *job, struct xq_hw_descriptor *d)
{
	const uint32_t *words = (const uint32_t *)&job->work;
	unsigned int i;

	*d = (struct xq_hw_descriptor){ .context = htole32(SOFT_CONTEXT) };
	for (i = 0; i < XQ_WORK_WORDS; i++)
		d->work[i] = htole32(words[i]);
	for (i = 0; i < XQ_OPERANDS; i++) {
		const struct xqaccel_operand *op = &job->operand[i];
		uint64_t address;

		if (!op->handle)
			continue;
		if (op->handle & XQACCEL_SLOT(0))
			address = XQ_SLOT_ADDRESS(op->handle & ~XQACCEL_SLOT(0), op->offset);
		else
			address = soft_buffer_find(&soft->memory, op->handle)->va + op->offset;
		d->operand[i] = (struct xq_hw_operand){
			htole64(address), htole64(op->stride), htole64(op->batch_stride),
			htole64(op->plane_stride),
		};
	}
}

/* A job that is no program. */
static int describe(struct soft *soft, const struct xqaccel_job_desc *job, struct soft_job *out)
{
	unsigned int i;
	int err = xq_job_check(job, &soft->info, &soft->pairs, soft_find_memory, &soft->memory);

	if (err)
		return err;
	soft_describe(soft, job, &out->descriptor);
	for (i = 0; i < XQ_OPERANDS; i++) {
		out->buffer[i] = soft_buffer_find(&soft->memory, job->operand[i].handle);
		if (out->buffer[i])
			out->buffer[i]->references++;
	}
	return 0;
}

static int accept_job(struct soft *soft, const struct xqaccel_job_desc *job, uint32_t lane,
		      uint32_t timeout_ms)
{
	struct soft_lane *l = &soft->lane[lane];
	struct xqaccel_job_desc plain = *job;
	struct soft_job *accepted;
	int err;

	if (soft->lost)
		return -ENODEV;
	if (l->outstanding == SOFT_LANE_JOBS)
		return -EAGAIN;
	accepted = calloc(1, sizeof(*accepted));
	if (!accepted)
		return -ENOMEM;
	plain.work.flags &= ~XQACCEL_JOB_SILENT;
	if (job->work.op == XQACCEL_OP_PROGRAM)
		err = soft_program_run(soft, &plain, accepted);
	else
		err = describe(soft, &plain, accepted);
	if (err) {
		free(accepted);
		return err;
	}
	accepted->user_data = job->user_data;
	accepted->silent = job->work.flags & XQACCEL_JOB_SILENT;
	accepted->timeout_ns = 1000000ULL * (timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS);
	accepted->id = soft->next_id++;
	accepted->descriptor.id = htole64(accepted->id);
	soft_lane_push(soft, lane, accepted);
	l->outstanding++;
	return 0;
}

static int soft_submit(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
		       unsigned int count, uint32_t lane, uint32_t timeout_ms, uint64_t *first_id)
{
	struct soft *soft = of(backend);
	unsigned int accepted = 0;
	uint64_t deadline;
	int err = 0;

	if (!count || count > MAX_BATCH || lane >= soft->info.lanes || timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	pthread_mutex_lock(&soft->lock);
	*first_id = soft->next_id;
	while (accepted < count && !err) {
		err = accept_job(soft, &jobs[accepted], lane, timeout_ms);
		accepted += !err;
	}
	if (accepted)
		soft_lane_doorbell(soft, lane);
	/* The doorbell does short jobs at once, and calls nobody for them. */
	if (soft->lane[lane].event >= 0)
		soft_service(soft);
	deadline = soft->lane[lane].deadline;
	pthread_mutex_unlock(&soft->lock);
	soft_watch_deadline(soft, deadline);
	return accepted ? (int)accepted : err;
}

/* Under soft->lock: moves completions to the caller. */
static unsigned int take_done(struct soft_lane *l, struct xqaccel_completion *completions,
			      unsigned int count)
{
	unsigned int n;

	for (n = 0; n < count && l->done_count; n++) {
		completions[n] = l->done[l->done_head];
		l->done_head = (l->done_head + 1) % SOFT_LANE_JOBS;
		l->done_count--;
		l->outstanding--;
	}
	return n;
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* The waiter is one of the engine's threads no more, if it was. */
static void stop_helping(struct soft *soft)
{
	if (soft->helps)
		xqdev_help_end(soft->dev);
	soft->helps = false;
}

/*
 * Until there is something to do, the waiter computes, as one of the engine's threads would have to be
 * woken for it, and wake the waiter in turn. Jobs that are ready and short come before a call, so that
 * several are answered at once. A short while without a chunk, and it sleeps. Nobody can tell how long
 * a chunk takes, so this is not for who waits until a time.
 */
static void help(struct soft *soft)
{
	uint64_t now = xq_clock_ns();
	const uint64_t late = now + SERVE_NS;
	uint64_t end = now + HELP_NS;
	unsigned int seen = 0, i = 0;

	if (!soft->helps)
		soft->helps = xqdev_help_begin(soft->dev);
	while (soft->helps) {
		const bool called = atomic_load(&soft->called) || atomic_load(&soft->news);

		if (called && now >= late)
			break;
		if (xqdev_help(soft->dev, &seen)) {
			now = xq_clock_ns();
			end = now + HELP_NS;
		} else if (called) {
			break;
		} else if (++i % 32 == 0 && xq_clock_ns() >= end) {
			stop_helping(soft);
		} else {
			relax();
		}
	}
}

/* Sleeps until there is something to do; false if the time is over. */
static bool wait_for_call(struct soft *soft, uint64_t deadline)
{
	bool timeout = false;

	pthread_mutex_lock(&soft->call_lock);
	while (!soft->called && !soft->news && !timeout)
		timeout = wait_until(&soft->waiter_wake, &soft->call_lock, deadline) == ETIMEDOUT;
	soft->called = false;
	soft->news = false;
	pthread_mutex_unlock(&soft->call_lock);
	return !timeout;
}

/* The waiter answers the device model's calls itself, which saves a switch of threads. */
static void set_waiter(struct soft *soft, bool waiter)
{
	pthread_mutex_lock(&soft->call_lock);
	soft->waiter = waiter;
	if (!waiter && soft->called)
		pthread_cond_signal(&soft->service_wake);
	pthread_mutex_unlock(&soft->call_lock);
}

/* Answers the device model's next call; called and returns with soft->lock held. */
static bool serve(struct soft *soft, uint64_t deadline)
{
	const bool alone = !soft->sleepers;
	bool in_time;

	pthread_mutex_unlock(&soft->lock);
	if (deadline == UINT64_MAX && alone)
		help(soft);
	else
		stop_helping(soft);
	in_time = wait_for_call(soft, deadline);
	pthread_mutex_lock(&soft->lock);
	soft_service(soft);
	return in_time;
}

/* Sleeps until a job ended or nobody serves any more; false if the time is over. */
static bool wait_for_end(struct soft *soft, uint64_t deadline)
{
	int err;

	soft->sleepers++;
	err = wait_until(&soft->ended, &soft->lock, deadline);
	soft->sleepers--;
	return err != ETIMEDOUT;
}

/* Called with soft->lock held, which is given up while there is nothing to take. */
static int wait_for_jobs(struct soft *soft, struct soft_lane *l,
			 struct xqaccel_completion *completions, unsigned int count,
			 unsigned int min, uint64_t deadline)
{
	bool in_time = true, serving = false;
	unsigned int taken = 0;

	for (;;) {
		if (!serving && !soft->serving) {
			serving = soft->serving = true;
			set_waiter(soft, true);
			soft_service(soft);
		}
		taken += take_done(l, completions + taken, count - taken);
		if (taken >= min || !l->outstanding || !in_time)
			break;
		in_time = serving ? serve(soft, deadline) : wait_for_end(soft, deadline);
	}
	if (serving) {
		stop_helping(soft);
		soft->serving = false;
		set_waiter(soft, false);
		/* One of the others takes over. */
		if (soft->sleepers)
			pthread_cond_broadcast(&soft->ended);
	}
	if (taken || !min)
		return (int)taken;
	return in_time ? -ENOENT : -ETIMEDOUT;
}

/*
 * One of the threads that wait answers the device model's calls itself, which saves a switch of
 * threads; the others sleep until it or the service thread has ended a job.
 */
static int soft_wait(struct xq_backend *backend, uint32_t lane,
		     struct xqaccel_completion *completions, unsigned int count,
		     unsigned int min, int64_t deadline_ns)
{
	const uint64_t deadline = deadline_ns == XQACCEL_NO_DEADLINE ? UINT64_MAX :
				  deadline_ns < 0 ? 0 : (uint64_t)deadline_ns;
	struct soft *soft = of(backend);
	int ret;

	if (!count || min > count || lane >= soft->info.lanes)
		return -EINVAL;
	pthread_mutex_lock(&soft->lock);
	ret = wait_for_jobs(soft, &soft->lane[lane], completions, count, min, deadline);
	pthread_mutex_unlock(&soft->lock);
	return ret;
}

/* Who serves helps, or else who is about to. */
static void soft_attend(struct xq_backend *backend, bool waits)
{
	struct soft *soft = of(backend);

	pthread_mutex_lock(&soft->lock);
	if (!soft->serving && !waits)
		stop_helping(soft);
	else if (!soft->serving && !soft->helps)
		soft->helps = xqdev_help_begin(soft->dev);
	pthread_mutex_unlock(&soft->lock);
}

static bool is_done(const struct soft_lane *l, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < l->done_count; i++)
		if (l->done[(l->done_head + i) % SOFT_LANE_JOBS].id == id)
			return true;
	return false;
}

static int soft_cancel(struct xq_backend *backend, uint64_t id)
{
	struct soft *soft = of(backend);
	unsigned int i;
	int err;

	pthread_mutex_lock(&soft->lock);
	err = soft_lane_cancel(soft, id);
	for (i = 0; err == -ENOENT && i < soft->info.lanes; i++)
		if (is_done(&soft->lane[i], id))
			err = -EALREADY;
	pthread_mutex_unlock(&soft->lock);
	return err;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static uint32_t read_reg(struct soft *soft, uint32_t offset)
{
	return xqdev_mmio_read(soft->dev, offset, 4);
}

static uint64_t read_reg64(struct soft *soft, uint32_t offset)
{
	const uint64_t low = read_reg(soft, offset);

	return low | (uint64_t)read_reg(soft, offset + 4) << 32;
}

/* The device's pairs, in memory that belongs to the caller of xq_soft_open(). */
static int fill_pairs(struct soft *soft, struct xqaccel_array *to)
{
	const uint32_t tiled = read_reg(soft, XQ_REG_TILED);
	struct xqaccel_pair *pairs = calloc(XQ_TYPE_COUNT * XQ_TYPE_COUNT, sizeof(*pairs));
	uint32_t a, b, count = 0;

	if (!pairs)
		return -ENOMEM;
	for (a = 0; a < XQ_PAIR_FORMATS; a++) {
		for (b = 0; b < XQ_TYPE_COUNT; b++) {
			if (!(read_reg(soft, XQ_REG_PAIRS(a)) >> b & 1))
				continue;
			pairs[count++] = (struct xqaccel_pair){
				.op = XQACCEL_OP_GEMM, .a_format = (uint8_t)a, .b_format = (uint8_t)b,
				.flags = tiled >> b & 1 ? XQACCEL_PAIR_B_TILED : 0,
			};
		}
	}
	*to = (struct xqaccel_array){ sizeof(*pairs), count, (uintptr_t)pairs };
	return 0;
}

static int fill_info(struct soft *soft)
{
	struct xqaccel_info *info = &soft->info;
	uint32_t word;
	int i;

	*info = (struct xqaccel_info){
		.size = sizeof(*info), .abi = XQACCEL_ABI_BASE,
		.hw_version = read_reg(soft, XQ_REG_VERSION),
		.queues = read_reg(soft, XQ_REG_QUEUES), .contexts = 1, .max_jobs = SOFT_LANE_JOBS,
		.max_batch = MAX_BATCH, .max_dim = read_reg(soft, XQ_REG_MAX_DIM),
		.features = read_reg64(soft, XQ_REG_FEATURES),
		.clock_hz = read_reg64(soft, XQ_REG_CLOCK_HZ), .max_buffer_bytes = CLIENT_BYTES,
		.client_bytes = CLIENT_BYTES, .default_timeout_ms = DEFAULT_TIMEOUT_MS,
		.max_timeout_ms = MAX_TIMEOUT_MS, .threads = read_reg(soft, XQ_REG_THREADS),
	};
	info->lanes = info->queues;
	for (i = 0; i < XQ_ISA_BYTES; i += 4) {
		word = htole32(read_reg(soft, XQ_REG_ISA + (uint32_t)i));
		memcpy(info->isa + i, &word, 4);
	}
	info->isa[sizeof(info->isa) - 1] = 0;
	snprintf(info->driver, sizeof(info->driver), "in-process device model");
	return fill_pairs(soft, &info->pairs);
}

static void free_soft(struct soft *soft)
{
	if (soft->dev)
		xqdev_destroy(soft->dev);
	soft_lanes_free(soft);
	soft_programs_free(soft);
	soft_memory_free(&soft->memory);
	pthread_cond_destroy(&soft->ended);
	pthread_cond_destroy(&soft->waiter_wake);
	pthread_cond_destroy(&soft->service_wake);
	pthread_mutex_destroy(&soft->call_lock);
	pthread_mutex_destroy(&soft->lock);
	free(soft);
}

static void soft_close(struct xq_backend *backend)
{
	struct soft *soft = of(backend);

	pthread_mutex_lock(&soft->call_lock);
	soft->stop = true;
	pthread_cond_signal(&soft->service_wake);
	pthread_mutex_unlock(&soft->call_lock);
	pthread_join(soft->service_thread, NULL);
	free_soft(soft);
}

static int program_create(struct xq_backend *backend, const struct xqaccel_job_desc *jobs,
			  unsigned int count, unsigned int slots, uint32_t *program)
{
	struct soft *soft = of(backend);
	int err;

	pthread_mutex_lock(&soft->lock);
	err = soft_program_create(soft, jobs, count, slots, program);
	pthread_mutex_unlock(&soft->lock);
	return err;
}

static void program_destroy(struct xq_backend *backend, uint32_t program)
{
	struct soft *soft = of(backend);

	pthread_mutex_lock(&soft->lock);
	soft_program_destroy(soft, program);
	pthread_mutex_unlock(&soft->lock);
}

static const struct xq_backend_ops soft_ops = {
	.close = soft_close, .create = soft_create, .wrap = soft_wrap, .import = soft_import,
	.export = soft_export, .destroy = soft_destroy,
	.submit = soft_submit, .wait = soft_wait, .attend = soft_attend, .cancel = soft_cancel, .eventfd = soft_eventfd,
	.program_create = program_create, .program_destroy = program_destroy,
};

int xq_soft_threads(unsigned int *threads)
{
	const char *text = getenv("XQ_THREADS");
	unsigned long value;
	char *end;

	*threads = 0;
	if (!text || !*text)
		return 0;
	value = strtoul(text, &end, 10);
	if (*end || !value || value > XQ_SOFT_THREADS)
		return -EINVAL;
	*threads = (unsigned int)value;
	return 0;
}

static void init_locks(struct soft *soft)
{
	pthread_condattr_t clock;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&soft->lock, NULL);
	pthread_mutex_init(&soft->call_lock, NULL);
	pthread_cond_init(&soft->service_wake, &clock);
	pthread_cond_init(&soft->waiter_wake, &clock);
	pthread_cond_init(&soft->ended, &clock);
	pthread_condattr_destroy(&clock);
}

/* What a driver's probe does. */
static int start_device(struct soft *soft, const struct xqdev_config *config)
{
	int err = xqdev_create(config, &host, soft, &soft->dev);

	if (err)
		return err == -ENOTSUP ? -EINVAL : err;
	xqdev_set_bus_master(soft->dev, true);
	err = fill_info(soft);
	if (err)
		return err;
	xq_pairs_from(&soft->info, &soft->pairs);
	err = soft_memory_init(&soft->memory);
	if (err)
		return err;
	xqdev_mmio_write(soft->dev, XQ_REG_CTX_TABLE, (uint32_t)(uintptr_t)soft->memory.table, 4);
	xqdev_mmio_write(soft->dev, XQ_REG_CTX_TABLE + 4,
			 (uint32_t)((uint64_t)(uintptr_t)soft->memory.table >> 32), 4);
	xqdev_mmio_write(soft->dev, XQ_REG_CTRL, XQ_CTRL_ENABLE, 4);
	return soft_lanes_start(soft) ? -ENOMEM : 0;
}

int xq_soft_open(struct xq_backend **backend, struct xqaccel_info *info)
{
	struct xqdev_config config = { .contexts = 1, .pin = true };
	struct soft *soft;
	unsigned int i;
	int err = xq_soft_threads(&config.threads);

	if (err)
		return err;
	soft = calloc(1, sizeof(*soft));
	if (!soft)
		return -ENOMEM;
	for (i = 0; i < XQ_MAX_QUEUES; i++)
		soft->lane[i].event = -1;
	soft->backend.ops = &soft_ops;
	soft->service_deadline = UINT64_MAX;
	soft->next_id = 1;
	init_locks(soft);
	err = start_device(soft, &config);
	if (!err)
		err = -pthread_create(&soft->service_thread, NULL, service_thread, soft);
	if (err) {
		free((void *)(uintptr_t)soft->info.pairs.array);
		free_soft(soft);
		return err == -EAGAIN ? -ENOMEM : err;
	}
	*backend = &soft->backend;
	*info = soft->info;
	return 0;
}

/* ---- for tests --------------------------------------------------------------------------------- */

void xq_soft_inject(struct xq_device *dev, const struct xqdev_faults *faults)
{
	struct soft *soft = of(dev->backend);

	pthread_mutex_lock(&soft->lock);
	xqdev_inject(soft->dev, faults);
	pthread_mutex_unlock(&soft->lock);
}

void xq_soft_revoke(struct xq_buffer *buffer, uint64_t offset)
{
	struct soft *soft = of(buffer->dev->backend);
	const struct soft_buffer *b;

	pthread_mutex_lock(&soft->lock);
	b = soft_buffer_find(&soft->memory, buffer->memory.handle);
	soft_unmap_range(&soft->memory, b->va + (offset & ~(XQ_PAGE_BYTES - 1ULL)), 1);
	xqdev_mmio_write(soft->dev, XQ_REG_CTX_INVAL, SOFT_CONTEXT, 4);
	while (soft_invalidating(soft))
		xqdev_service(soft->dev);
	pthread_mutex_unlock(&soft->lock);
}
