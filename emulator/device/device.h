/* SPDX-License-Identifier: MIT */
/*
 * Inside the device model: its structures, and who implements what.
 *
 * Everything here belongs to the device context (xq_device.h), except what is marked with
 * the lock. The engine's threads see a job's task, which points to mapped operands, and
 * report its end.
 */
#ifndef XQDEV_DEVICE_H
#define XQDEV_DEVICE_H

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "xq_device.h"
#include "xq_kernels.h"
#include "xq_program.h"
#include "xq_work.h"

#define XQDEV_RING_LOG2		12
#define XQDEV_SIZE_MASK		31	/* bits that the register of a ring's size keeps */
#define XQDEV_DEFAULT_CONTEXTS	256
#define XQDEV_CLOCK_HZ		1000000000ULL

/* Pages of all operands of a job: more than 4 GiB is refused, so that memory is bounded. */
#define XQDEV_MAX_JOB_PAGES	((1U << 20) + 64)

/* Scratch memory of the device context. */
#define XQDEV_SCRATCH		(256U << 10)

/* Seconds that a pause waits for accumulating jobs: a guest may not hold it up for ever. */
#define XQDEV_PAUSE_SECONDS	2

/* Page lists longer than this are given back after the job. */
#define XQDEV_KEPT_PAGES	(1U << 14)

/* A piece of bus memory that a job has mapped. */
struct xqdev_mapping {
	void *host;
	uint64_t len;
	bool write;
};

/* A walk through a context's page table, with private copies of the tables it last met. */
struct xqdev_walk {
	struct xqdev *dev;
	uint64_t root;
	uint64_t table_address[XQ_PT_LEVELS];
	__le64 table[XQ_PT_LEVELS][XQ_PT_ENTRIES];
	uint64_t digest;	/* of all leaves used, to see later whether they changed */
};

/* What an operand is, from a descriptor that was checked. */
struct xqdev_operand {
	struct xq_extent extent;
	uint64_t address;
	uint64_t stride, batch_stride, plane_stride;
	uint64_t span;		/* 0: absent or empty */
	bool by_lines;		/* the kernels take its rows one by one, wherever they are */
};

struct xqdev_queue;
struct xqdev_program;

/* Jobs of a queue that are fetched, checked and mapped at once: the running one and those ahead. */
#define XQDEV_AHEAD		8

enum xqdev_job_state {
	XQDEV_JOB_NONE,
	XQDEV_JOB_READY,	/* prepared, waits for its turn */
	XQDEV_JOB_ENGINE,	/* the engine has it, until done */
	XQDEV_JOB_HUNG,		/* fault injection: mapped, never computed */
};

/*
 * A job from the time when its descriptor is fetched until its completion is written.
 *
 * @state, @start, @done and @done_at are under xqdev.lock, because the engine starts a job
 * that is ready by itself when the one before it ends. Everything else is set before the
 * job is ready, or belongs to the device context.
 */
struct xqdev_job {
	struct xqdev_queue *queue;
	struct xqdev_job *whole;	/* the program that it is a part of, or NULL */
	struct xqdev_program *program;	/* its parts; see xqdev_is_program() */
	enum xqdev_job_state state;
	int status;		/* XQACCEL_STATUS_* that it came to before it could start */
	bool empty;		/* nothing to compute */
	bool hangs;		/* fault injection: it starts and never ends */
	bool canceled;
	bool inval_waits;	/* it uses a translation that CTX_INVAL wants gone */
	uint64_t id;
	uint32_t context;
	struct xqaccel_work work;
	struct xqdev_operand operand[XQ_OPERANDS];
	struct xqk_view view[XQ_OPERANDS];
	uint32_t sq_next;	/* index after its descriptor */
	uint64_t start, end;
	uint64_t slow_ns;	/* fault injection: it takes at least so long */
	uint64_t macs, bytes;
	uint64_t units;		/* see xq_work_units() */
	uint64_t fault_address;
	uint64_t digest;
	uint16_t comp_flags;
	uint32_t step;		/* of a program, as it ended: parts that ended well */

	/* Lists that grow and are used again by the next job. */
	uint8_t **page;
	size_t pages, page_room;
	struct xqdev_mapping *mapping;
	size_t mappings, mapping_room;

	struct xqk_task task;
	bool done;
	uint64_t done_at;
};

/**
 * struct xqdev_program - the jobs of a program, its parts
 * @part: those that are fetched, a ring like that of a queue: ended ones, at most one that runs,
 *	and those that are ready
 * @first: @count: of them; under xqdev.lock
 * @jobs: parts in all
 * @fetched: parts that were fetched, and not given back; under xqdev.lock
 * @stop: nothing runs after those that are fetched: one of them fails, or the program was
 *	canceled; under xqdev.lock
 * @ended: parts that ended well, and so the index of the next; the device context's
 * @end: when the last of them ended, which fault injection may have put off; the device context's
 */
struct xqdev_program {
	struct xqdev_job part[XQDEV_AHEAD];
	unsigned int first, count;
	uint32_t jobs;
	uint32_t fetched;
	bool stop;
	uint32_t ended;
	uint64_t end;
};

static inline struct xqdev_job *xqdev_part_at(struct xqdev_program *p, unsigned int i)
{
	return &p->part[(p->first + i) % XQDEV_AHEAD];
}

/* A place for jobs keeps what the last program in it needed. */
static inline bool xqdev_is_program(const struct xqdev_job *job)
{
	return job->program && job->program->jobs;
}

/*
 * A queue and its jobs in the order of the ring: ended ones whose completion is not written,
 * at most one that runs, and those that are ready. r.sq_head is past all of them.
 */
struct xqdev_queue {
	struct xqdev *dev;
	unsigned int index;
	struct xqdev_queue_state r;
	struct xqdev_job job[XQDEV_AHEAD];
	unsigned int first;	/* the oldest; under xqdev.lock, as is count */
	unsigned int count;
	unsigned int untold;	/* completions that no interrupt has told of yet */
	uint64_t tell_at;	/* when one has to, by the host's clock */
};

/* The i-th oldest job. */
static inline struct xqdev_job *xqdev_job_at(struct xqdev_queue *q, unsigned int i)
{
	return &q->job[(q->first + i) % XQDEV_AHEAD];
}

struct xqdev {
	const struct xqdev_host *host;
	void *opaque;
	unsigned int queues, contexts;
	const struct xqk_isa *isa;
	struct xqk_pool *pool;
	void *scratch;		/* of the device context, for jobs too small for the pool */
	__u32 pairs[XQ_FORMATS];
	struct xq_abilities abilities;

	uint32_t ctrl, error;
	uint64_t ctx_table;
	uint64_t jobs, macs, bytes, bytes_copied, faults;
	uint32_t time_high;
	bool bus_master, paused;
	struct xqdev_faults inject;
	struct xqdev_queue queue[XQ_MAX_QUEUES];
	struct xqdev_walk walk;

	pthread_mutex_t lock;	/* Protects starts and ends of jobs, and the timer. */
	pthread_cond_t ended;
	pthread_cond_t timer_changed;
	pthread_t timer;
	bool timer_runs, timer_stop;
	uint64_t timer_at;	/* host's clock, 0: not set */
};

/* mmu.c: contexts and page tables */
int xqdev_walk_start(struct xqdev *dev, struct xqdev_walk *walk, uint32_t context);
int xqdev_walk_leaf(struct xqdev_walk *walk, uint64_t va, uint64_t rights, uint64_t *bus,
		    uint64_t *len);

/* prepare.c: from a descriptor to a checked job; XQACCEL_STATUS_* */
int xqdev_job_prepare(struct xqdev *dev, struct xqdev_job *job,
		      const struct xq_hw_descriptor *desc);
void xqdev_job_extent(const struct xqdev_job *job, unsigned int operand, struct xq_extent *e);

/* map.c: from operands to views; XQACCEL_STATUS_* */
int xqdev_job_map(struct xqdev *dev, struct xqdev_job *job);
void xqdev_job_unmap(struct xqdev *dev, struct xqdev_job *job, bool dirty);
bool xqdev_job_remapped(struct xqdev *dev, struct xqdev_job *job);
bool xqdev_job_mapped(const struct xqdev_job *job);
void xqdev_job_free(struct xqdev_job *job);

/* program.c: jobs that come from a program's list instead of a ring */
int xqdev_program_open(struct xqdev_job *job);
void xqdev_program_close(struct xqdev_job *job);
bool xqdev_program_advance(struct xqdev_job *job, int *budget);
void xqdev_program_retire(struct xqdev_job *job);
void xqdev_program_unprepare(struct xqdev_job *job);
void xqdev_program_cancel(struct xqdev_job *job);
bool xqdev_program_finish(struct xqdev_job *job, const struct timespec *deadline);
struct xqdev_job *xqdev_program_first(struct xqdev_job *job);
struct xqdev_job *xqdev_program_running(struct xqdev_program *p);
uint32_t xqdev_program_step(struct xqdev_job *job);

/* plan.c: from a mapped job to chunks for the threads */
void xqdev_job_plan(struct xqdev *dev, struct xqdev_job *job);

/* engine.c: jobs on the threads */
void xqdev_engine_run(struct xqdev_queue *q);
void xqdev_engine_cancel(struct xqdev_job *job);
bool xqdev_engine_ended(struct xqdev_job *job);
void xqdev_engine_wait(struct xqdev_job *job);
bool xqdev_engine_wait_until(struct xqdev_job *job, const struct timespec *deadline);

/* timer.c: a call of schedule() at a time */
int xqdev_timer_start(struct xqdev *dev);
void xqdev_timer_stop(struct xqdev *dev);
void xqdev_timer_arm(struct xqdev *dev, uint64_t when);

/* completion.c: the completion ring and interrupts */
uint32_t xqdev_completion_room(const struct xqdev_queue *q);
void xqdev_complete(struct xqdev_queue *q, const struct xqdev_job *job, int status);
void xqdev_interrupt(struct xqdev *dev, unsigned int vector);
void xqdev_tell(struct xqdev_queue *q);

/* pipeline.c: the life of jobs */
unsigned int xqdev_most_ahead(const struct xqdev *dev);
bool xqdev_held(const struct xqdev_job *job);
void xqdev_job_ready(struct xqdev_job *job, const struct xq_hw_descriptor *desc);
struct xqdev_job *xqdev_running(struct xqdev_queue *q);
unsigned int xqdev_ready(struct xqdev_queue *q);
bool xqdev_started(struct xqdev_queue *q);
bool xqdev_retire(struct xqdev_queue *q);
void xqdev_unprepare(struct xqdev_queue *q);
void xqdev_queue_stop(struct xqdev_queue *q);
void xqdev_queue_quiesce(struct xqdev_queue *q);
void xqdev_queue_service(struct xqdev_queue *q);

/* queue.c: control and doorbells */
void xqdev_queue_ctrl(struct xqdev_queue *q, uint32_t value);
void xqdev_queue_sq_tail(struct xqdev_queue *q, uint32_t value);
void xqdev_queue_cq_head(struct xqdev_queue *q, uint32_t value);
void xqdev_queue_clear(struct xqdev_queue *q);
void xqdev_queue_error(struct xqdev_queue *q);
bool xqdev_queue_configurable(const struct xqdev_queue *q);
uint32_t xqdev_queue_status(struct xqdev_queue *q);
uint32_t xqdev_queue_sq_head(struct xqdev_queue *q);
uint32_t xqdev_queue_step(struct xqdev_queue *q);

/* device.c: the function as a whole */
void xqdev_raise_error(struct xqdev *dev, uint32_t bits);
void xqdev_start_reset(struct xqdev *dev);
void xqdev_invalidate(struct xqdev *dev, uint32_t context);
uint32_t xqdev_invalidating(const struct xqdev *dev, uint32_t first);
void xqdev_unprepare_all(struct xqdev *dev);
bool xqdev_may_run(const struct xqdev *dev);

static inline uint32_t xqdev_entries(const struct xqdev_queue *q)
{
	return 1U << q->r.size;
}

#endif
