/* SPDX-License-Identifier: MIT */
/*
 * Private to the "soft" backend: the device model in this process, and what a kernel driver
 * does for a real one, in small.
 */
#ifndef XQ_SOFT_H
#define XQ_SOFT_H

#include <stdatomic.h>

#include "backend.h"
#include "driver/xq_program_flow.h"
#include "emulator/device/xq_device.h"

#define SOFT_RING_LOG2		10
#define SOFT_RING_ENTRIES	(1U << SOFT_RING_LOG2)
#define SOFT_LANE_JOBS		(SOFT_RING_ENTRIES - 1)	/* a ring is never full */
#define SOFT_CONTEXT		0

/* ---- memory: soft_memory.c ------------------------------------------------------------------- */

/*
 * Bus addresses are addresses of this process. The list of regions says which of them the
 * device may touch.
 */
struct soft_region {
	uintptr_t start;
	size_t bytes;
};

/* Whose the memory of a buffer is. */
enum soft_origin {
	SOFT_OWN,	/* private pages of the backend */
	SOFT_FILE,	/* a mapping that the backend made */
	SOFT_WRAPPED,	/* the caller's */
};

struct soft_buffer {
	struct soft_buffer *next, *before;	/* by device address */
	struct soft_buffer *next_dying;
	void *data;
	size_t bytes;
	uint64_t va;
	uint32_t handle;
	enum soft_origin origin;
	bool writable;
	int fd;				/* of the memory, or -1 */
	unsigned int references;	/* the handle, and each operand of each job */
};

/**
 * struct soft_memory - a context's address space; under the device lock
 * @regions: sorted by start
 * @root: top level of the page table
 * @table: the context table
 * @free_tables: pages for page tables, linked through their first word
 * @buffers: sorted by device address
 * @packed: no page is free before the end of this one; NULL if nobody has looked
 * @by_handle: handle - 1 is the index; NULL is free
 * @taken: none is free before this index
 * @wrapped: buffers of others' memory, whose regions may overlap
 * @client_bytes: of all buffers
 */
struct soft_memory {
	struct soft_region *regions;
	size_t region_count, region_room;
	uint64_t *root;
	struct xq_hw_context *table;
	void *free_tables;
	void **arenas;
	size_t arena_count;
	struct soft_buffer *buffers, *packed;
	struct soft_buffer **by_handle;
	uint32_t handles, taken;
	unsigned int wrapped;
	uint64_t client_bytes;
};

int soft_memory_init(struct soft_memory *memory);
void soft_memory_free(struct soft_memory *memory);

/* Zeroed pages that the device may touch; 2 MiB-aligned if they are as large. */
void *soft_pages_alloc(struct soft_memory *memory, size_t bytes);
void soft_pages_free(struct soft_memory *memory, void *data, size_t bytes);

/* Bytes at a bus address that belong to one region, 0 if it is none's. */
size_t soft_region_left(const struct soft_memory *memory, uint64_t address);

/* Allocates, maps for the device and gives a handle. */
int soft_buffer_create(struct soft_memory *memory, size_t bytes, struct soft_buffer **buffer);
/* The same with memory that is there: whole pages. It is the buffer's, with @fd, unless it is WRAPPED. */
int soft_buffer_add(struct soft_memory *memory, void *data, size_t bytes, enum soft_origin origin,
		    bool writable, int fd, struct soft_buffer **buffer);
struct soft_buffer *soft_buffer_find(const struct soft_memory *memory, uint32_t handle);
/* Takes the handle away; the reference that it had remains. */
void soft_buffer_forget(struct soft_memory *memory, struct soft_buffer *buffer);
/* The caller has unmapped and invalidated it. */
void soft_buffer_free(struct soft_memory *memory, struct soft_buffer *buffer);
/* The buffer at a device address, or NULL. */
struct soft_buffer *soft_buffer_at(const struct soft_memory *memory, uint64_t va);
/* Clears the entries of part of the address space. */
void soft_unmap_range(struct soft_memory *memory, uint64_t va, uint64_t bytes);

/* ---- lanes: soft_lane.c ------------------------------------------------------------------------ */

struct soft_job {
	struct soft_job *next;
	struct xq_hw_descriptor descriptor;
	struct soft_buffer *buffer[XQ_OPERANDS];
	struct soft_program *program;	/* that it runs, or NULL */
	uint64_t user_data;
	uint64_t id;
	uint64_t timeout_ns;
	bool canceled;
	bool silent;
};

/* ---- programs: soft_program.c ------------------------------------------------------------------- */

/* A buffer that the jobs of a program name, and what they do with it. */
struct soft_fixed {
	struct soft_buffer *buffer;
	struct xq_use use;
};

/**
 * struct soft_program - under the device lock
 * @next: in its bucket of soft->programs, while it has a handle
 * @references: the handle, and each run
 * @list: memory of the descriptors
 * @slot: what the jobs do with each
 * @fixed: buffers that the jobs name, each with a reference
 */
struct soft_program {
	struct soft_program *next;
	uint32_t handle;
	unsigned int references;
	unsigned int jobs;
	struct soft_buffer *list;
	struct xq_use slot[XQACCEL_PROGRAM_SLOTS];
	struct soft_fixed *fixed;
	size_t fixed_count;
};

struct soft;

int soft_program_create(struct soft *soft, const struct xqaccel_job_desc *jobs, unsigned int count,
			unsigned int slots, uint32_t *program);
void soft_program_destroy(struct soft *soft, uint32_t program);
/* Checks a run and describes it; 0 or the error that the driver has for it. */
int soft_program_run(struct soft *soft, const struct xqaccel_job_desc *job, struct soft_job *out);
void soft_program_put(struct soft *soft, struct soft_program *program);
/* At the end, when there is no device: gives up a reference, and those of all handles. */
void soft_program_drop(struct soft_program *program);
void soft_programs_free(struct soft *soft);

/* The descriptor of a job; operands at slots stay relative to them. */
void soft_describe(struct soft *soft, const struct xqaccel_job_desc *job, struct xq_hw_descriptor *d);
/* ---- buffers as the backend's operations: soft_buffer.c ------------------------------------------ */

int soft_create(struct xq_backend *backend, struct xq_memory *memory);
int soft_wrap(struct xq_backend *backend, struct xq_memory *memory);
int soft_import(struct xq_backend *backend, int fd, struct xq_memory *memory);
int soft_export(struct xq_backend *backend, const struct xq_memory *memory, uint32_t flags, int *fd);
void soft_destroy(struct xq_backend *backend, const struct xq_memory *memory);
int soft_find_memory(void *opaque, uint32_t handle, bool written, uint64_t *bytes);

/**
 * struct soft_lane - a hardware queue; under the device lock
 * @sq: @cq: the rings
 * @sq_tail: next slot to fill
 * @cq_head: next completion to take
 * @phase: of a completion that is new
 * @first: @last: jobs on the device, oldest first
 * @deadline: of @first
 * @outstanding: jobs submitted and not reaped
 * @done: ring of completions to be reaped, oldest at @done_head
 * @event: an eventfd that is told of them, or -1
 */
struct soft_lane {
	struct xq_hw_descriptor *sq;
	struct xq_hw_completion *cq;
	uint32_t sq_tail, cq_head;
	uint16_t phase;
	struct soft_job *first, *last;
	uint64_t deadline;
	unsigned int outstanding;
	struct xqaccel_completion done[SOFT_LANE_JOBS];
	unsigned int done_head, done_count;
	int event;
};

/**
 * struct soft - the backend
 * @lock: the device context: all calls of the device model, and all below but the calls
 * @serving: a thread in wait answers the device model's calls
 * @helps: a thread is one of the engine's: that which serves, whose it is, or will at once
 * @sleepers: other threads in wait, which sleep on @ended
 * @programs: those that have a handle, in buckets by its last bits; as many buckets, or more, a power of two
 * @dying: buffers without references, to be invalidated
 * @retiring: buffers that the device is asked to forget
 * @lost: a reset was not acknowledged
 */
struct soft {
	struct xq_backend backend;
	struct xqdev *dev;
	struct xqaccel_info info;

	pthread_mutex_t lock;
	struct soft_memory memory;
	struct soft_lane lane[XQ_MAX_QUEUES];
	struct xq_pairs pairs;
	bool serving;
	bool helps;
	unsigned int sleepers;
	pthread_cond_t ended;
	uint64_t next_id;
	struct soft_program **programs;
	uint32_t program_count, program_buckets, last_program;
	struct soft_buffer *dying, *retiring;
	bool lost;

	pthread_mutex_t call_lock;	/* Protects all below; innermost */
	pthread_cond_t service_wake;
	pthread_cond_t waiter_wake;
	atomic_bool called;		/* the device model wants xqdev_service() */
	atomic_bool news;		/* jobs ended that the serving thread has not seen */
	bool waiter;			/* serving, as the service thread has to know it */
	bool stop;
	uint64_t service_deadline;	/* when the service thread wakes by itself */
	pthread_t service_thread;
};

int soft_lanes_start(struct soft *soft);
void soft_lanes_free(struct soft *soft);

/* Puts a job on a lane's ring and rings the doorbell if asked to. */
void soft_lane_push(struct soft *soft, unsigned int lane, struct soft_job *job);
void soft_lane_doorbell(struct soft *soft, unsigned int lane);
/* Whether the device still has to forget what was taken from the context. */
bool soft_invalidating(const struct soft *soft);

/* Calls the device model and takes what has ended; true if there are new completions. */
bool soft_service(struct soft *soft);

/* Stops jobs past their time; returns the next deadline. Says whether jobs have ended. */
uint64_t soft_check_deadlines(struct soft *soft, uint64_t now, bool *any);

/* Has the job stopped when it is its lane's first; -ENOENT if no lane has it. */
int soft_lane_cancel(struct soft *soft, uint64_t id);

/* Has the service thread wake in time. */
void soft_watch_deadline(struct soft *soft, uint64_t deadline);

/* Drops a reference; after the last one the memory is freed as soon as the device allows. */
void soft_buffer_put(struct soft *soft, struct soft_buffer *buffer);

/* ---- for tests ----------------------------------------------------------------------------------- */

/* Sets the fault injection of a "soft" device. */
void xq_soft_inject(struct xq_device *dev, const struct xqdev_faults *faults);

/* Takes a page of a buffer out of the device's page table, so that jobs fault on it. */
void xq_soft_revoke(struct xq_buffer *buffer, uint64_t offset);

/* ---- eventfds: soft_event.c ---------------------------------------------------------------------- */

/* The lane owns the descriptor, or has none: -1. */
void soft_event_set(struct soft_lane *lane, int fd);
/* There is a completion more. */
void soft_event_tell(const struct soft_lane *lane);
int soft_eventfd(struct xq_backend *backend, uint32_t lane, int fd);

#endif
