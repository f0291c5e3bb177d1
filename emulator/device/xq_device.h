/* SPDX-License-Identifier: MIT */
/*
 * The device model: registers, contexts, queues, engine. Plain C; the host is a table of
 * callbacks. QEMU, the library's "soft" device, the tests and the fuzzers are hosts.
 *
 * "Device context": the host calls every function below one at a time (QEMU: under the
 * big lock; the library: under a mutex of its own), except where it says otherwise.
 * Callbacks marked "device context" are only called from within such a call. The engine's
 * threads touch nothing but mapped operand memory and call only schedule().
 */
#ifndef XQ_DEVICE_H
#define XQ_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../driver/xq_regs.h"	/* relative: QEMU builds with no path of ours */

/**
 * struct xqdev_host - what a host provides
 * @dma_read: copy from bus memory; device context; 0 or -errno
 * @dma_write: copy to bus memory; device context; 0 or -errno
 * @dma_map: map bus memory; device context. May shorten *len (a hole, the end of a
 *	region). NULL if the address is not memory or the access is denied.
 * @dma_unmap: end a mapping, in device context; dirty if it may have been written
 * @interrupt: raise MSI-X vector; device context
 * @clock_ns: monotonic time; any thread
 * @schedule: ask for a call of xqdev_service() soon; any thread; calls may be merged
 */
struct xqdev_host {
	int (*dma_read)(void *opaque, uint64_t address, void *buffer, size_t len);
	int (*dma_write)(void *opaque, uint64_t address, const void *buffer, size_t len);
	void *(*dma_map)(void *opaque, uint64_t address, uint64_t *len, bool write);
	void (*dma_unmap)(void *opaque, void *host, uint64_t len, bool write, bool dirty);
	void (*interrupt)(void *opaque, unsigned int vector);
	uint64_t (*clock_ns)(void *opaque);
	void (*schedule)(void *opaque);
};

/**
 * struct xqdev_config - what the device is made with
 * @queues: 1..XQ_MAX_QUEUES, 0 for the default (8)
 * @contexts: 1..4096, 0 for the default (256)
 * @threads: of the engine, 0 for as many as the host has processors
 * @isa: name for xqk_isa_select(), NULL for its choice
 * @pin: whether the threads stay on processors of their own, see xqk_pool_create(). Not
 *	where system calls are filtered: a sandbox may kill who sets his affinity.
 */
struct xqdev_config {
	unsigned int queues;
	unsigned int contexts;
	unsigned int threads;
	const char *isa;
	bool pin;
};

/**
 * struct xqdev_faults - fault injection, all off when zeroed
 * Each count applies to the next so many jobs (or interrupts) and then falls to 0.
 * @hang_jobs: they start and never end
 * @slow_ns: every job takes at least this long, until it is set back to 0
 * @drop_interrupts: they are not raised
 * @duplicate_interrupts: they are raised twice
 * @wrong_id: completions carry an id that was never submitted
 * @wrong_phase: completions are written with the phase of the last pass
 * @dma_errors: mapping an operand fails as if the bus refused it
 * @translation_faults: an operand has an address that its context does not translate
 * @refused_jobs: descriptors count as ones that make no sense
 * @stuck_reset: queue and function resets are never acknowledged, until set back to 0
 * @coarse_inval: an invalidation waits for all running jobs of its context, until set back to 0
 */
struct xqdev_faults {
	uint32_t hang_jobs;
	uint64_t slow_ns;
	uint32_t drop_interrupts;
	uint32_t duplicate_interrupts;
	uint32_t wrong_id;
	uint32_t wrong_phase;
	uint32_t dma_errors;
	uint32_t translation_faults;
	uint32_t refused_jobs;
	uint32_t stuck_reset;
	uint32_t coarse_inval;
};

struct xqdev;

/** xqdev_create() - make a device; 0 or -EINVAL, -ENOMEM, -ENOTSUP (no such isa here) */
int xqdev_create(const struct xqdev_config *config, const struct xqdev_host *host, void *opaque,
		 struct xqdev **dev);

/** xqdev_destroy() - stop the engine, unmap all, free; the host sees no callback afterwards */
void xqdev_destroy(struct xqdev *dev);

/** xqdev_mmio_read() - read a register; size other than 4 or a bad offset reads as all ones */
uint32_t xqdev_mmio_read(struct xqdev *dev, uint32_t offset, unsigned int size);

/** xqdev_mmio_write() - write a register; size other than 4 or a bad offset is ignored */
void xqdev_mmio_write(struct xqdev *dev, uint32_t offset, uint32_t value, unsigned int size);

/** xqdev_service() - finish ended jobs and start next ones; the answer to schedule() */
void xqdev_service(struct xqdev *dev);

/** xqdev_set_bus_master() - while off, no DMA: running jobs are stopped, none is started */
void xqdev_set_bus_master(struct xqdev *dev, bool on);

/** xqdev_reset() - to the state after creation; running jobs are stopped first */
void xqdev_reset(struct xqdev *dev);

/**
 * xqdev_pause() - stop the engine, for migration or a stopped machine
 *
 * Running jobs are canceled and will run again from their start after xqdev_resume(); one
 * that accumulates is run to its end instead, as it can't be repeated; if that takes
 * longer than two seconds it completes as CANCELED. Afterwards nothing is mapped and
 * memory does not change.
 */
void xqdev_pause(struct xqdev *dev);
void xqdev_resume(struct xqdev *dev);

/** xqdev_inject() - replace the fault injection settings */
void xqdev_inject(struct xqdev *dev, const struct xqdev_faults *faults);

/** xqdev_injected() - what is left of them */
void xqdev_injected(const struct xqdev *dev, struct xqdev_faults *faults);

/* ---- saved state, for migration ---------------------------------------------- */

struct xqdev_queue_state {
	uint64_t sq_base, cq_base;
	uint32_t size, ctrl, status;
	uint32_t sq_head, sq_tail, cq_head, cq_tail;
	uint32_t phase;
	uint32_t coalesce;
};

struct xqdev_state {
	uint32_t ctrl, error;
	uint64_t ctx_table;
	uint64_t jobs, macs, bytes, bytes_copied, faults;
	struct xqdev_queue_state queue[XQ_MAX_QUEUES];
};

/** xqdev_save() - copy the state of a paused device */
void xqdev_save(const struct xqdev *dev, struct xqdev_state *state);

/** xqdev_load() - set the state of a paused device; -EINVAL if it is not one that can be */
int xqdev_load(struct xqdev *dev, const struct xqdev_state *state);

/*
 * A thread of the host that waits may compute in place of one of the engine's, which saves switches between them:
 * xqk_pool_help() and its kin. Outside the device context; schedule() may be called from within.
 */
bool xqdev_help_begin(struct xqdev *dev);
bool xqdev_help(struct xqdev *dev, unsigned int *seen);
void xqdev_help_end(struct xqdev *dev);

#endif
