/* SPDX-License-Identifier: MIT */
/*
 * A host of the device model for tests: bus memory with holes and access rights, a bump
 * allocator of pages, a driver's view of contexts and rings. Everything goes through
 * registers and bus memory, as with a real driver.
 */
#ifndef XQ_TESTS_FAKE_HOST_H
#define XQ_TESTS_FAKE_HOST_H

#include <endian.h>
#include <pthread.h>

#include "emulator/device/xq_device.h"

#define FAKE_BUS_BASE		0x100000000ULL
#define FAKE_PAGES		32768
#define FAKE_VECTORS		(1 + XQ_MAX_QUEUES)

/* Why the bus refuses a page. */
#define FAKE_HOLE		1
#define FAKE_NO_READ		2
#define FAKE_NO_WRITE		4

struct fake_host {
	struct xqdev *dev;
	uint8_t *memory;
	bool borrowed;			/* the memory is another's */
	uint8_t refused[FAKE_PAGES];
	uint32_t next_page;
	bool scattered;			/* pages come in no order */
	uint64_t map_limit;		/* no mapping is longer */
	long mappings;			/* live ones */
	long maps;			/* calls of dma_map */
	unsigned int interrupts[FAKE_VECTORS];
	uint64_t ctx_table;
	uint32_t cq_head[XQ_MAX_QUEUES], sq_tail[XQ_MAX_QUEUES], log2[XQ_MAX_QUEUES];
	uint64_t sq[XQ_MAX_QUEUES], cq[XQ_MAX_QUEUES];
	uint16_t phase[XQ_MAX_QUEUES];

	pthread_mutex_t lock;		/* Protects wanted and calls. */
	pthread_cond_t cond;
	bool wanted;			/* schedule() was called */
	unsigned int calls;		/* of schedule() */
};

extern const struct xqdev_host fake_host_callbacks;

/* A device with all its memory zero; NULL config for the defaults with two threads. */
void fake_start(struct fake_host *h, const struct xqdev_config *config);
/* A second device on the memory of another, as after a migration. */
void fake_attach(struct fake_host *h, const struct fake_host *other);
/* Destroy the device; the count of mappings that it left behind. */
long fake_stop(struct fake_host *h);

uint8_t *fake_memory(struct fake_host *h, uint64_t bus);
uint64_t fake_page(struct fake_host *h);	/* bus address of a fresh page */
uint64_t fake_pages(struct fake_host *h, unsigned int count, uint64_t align);	/* contiguous */

/* Write or clear a leaf of a context's page table, making tables as needed. */
void fake_leaf(struct fake_host *h, uint32_t context, uint64_t va, uint64_t bus, uint64_t bits);
/* Memory at va .. va + bytes, page by page. */
void fake_map(struct fake_host *h, uint32_t context, uint64_t va, uint64_t bytes, uint64_t bits);
/* Where va lies in host memory, NULL if it is not mapped. */
uint8_t *fake_at(struct fake_host *h, uint32_t context, uint64_t va);
void fake_store(struct fake_host *h, uint32_t context, uint64_t va, const void *from, size_t len);
void fake_load(struct fake_host *h, uint32_t context, uint64_t va, void *to, size_t len);

uint32_t fake_read(struct fake_host *h, uint32_t reg);
uint64_t fake_read64(struct fake_host *h, uint32_t reg);
void fake_write(struct fake_host *h, uint32_t reg, uint32_t value);
void fake_write64(struct fake_host *h, uint32_t reg, uint64_t value);

/* Enable the function with its context table, and a queue. */
void fake_enable(struct fake_host *h);
void fake_queue(struct fake_host *h, unsigned int q, uint32_t log2);
void fake_put(struct fake_host *h, unsigned int q, const struct xq_hw_descriptor *desc);
void fake_doorbell(struct fake_host *h, unsigned int q);
void fake_submit(struct fake_host *h, unsigned int q, const struct xq_hw_descriptor *desc);
/* Take the next completion; false if there is none. */
bool fake_reap(struct fake_host *h, unsigned int q, struct xq_hw_completion *c);
/* The same, but wait for it; false after ten seconds. */
bool fake_wait(struct fake_host *h, unsigned int q, struct xq_hw_completion *c);
/* Serve the device until bits of a register are clear; false after ten seconds. */
bool fake_wait_clear(struct fake_host *h, uint32_t reg, uint32_t bits);
/* Serve the device once if it asked for it, waiting so long. */
void fake_serve(struct fake_host *h, unsigned int ms);

#endif
