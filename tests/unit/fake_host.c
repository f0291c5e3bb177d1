// SPDX-License-Identifier: MIT
/* A host of the device model for tests; see fake_host.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "fake_host.h"

#define PAGE		((uint64_t)XQ_PAGE_BYTES)
/* The runner's limit, which knows how busy the machine is, comes first. */
#define PATIENCE_MS	600000

/* ---- bus ---- */

static bool allowed(const struct fake_host *h, uint64_t bus, uint8_t refusal)
{
	const uint64_t page = (bus - FAKE_BUS_BASE) / PAGE;

	return bus >= FAKE_BUS_BASE && page < FAKE_PAGES &&
	       !(h->refused[page] & (refusal | FAKE_HOLE));
}

static bool range_allowed(const struct fake_host *h, uint64_t bus, size_t len, uint8_t refusal)
{
	const uint64_t last = bus + len - 1;
	uint64_t at;

	for (at = bus & ~(PAGE - 1); at <= last; at += PAGE)
		if (!allowed(h, at, refusal))
			return false;
	return true;
}

uint8_t *fake_memory(struct fake_host *h, uint64_t bus)
{
	return h->memory + (bus - FAKE_BUS_BASE);
}

static int dma_read(void *opaque, uint64_t bus, void *buffer, size_t len)
{
	struct fake_host *h = opaque;

	if (!range_allowed(h, bus, len, FAKE_NO_READ))
		return -1;
	memcpy(buffer, fake_memory(h, bus), len);
	return 0;
}

static int dma_write(void *opaque, uint64_t bus, const void *buffer, size_t len)
{
	struct fake_host *h = opaque;

	if (!range_allowed(h, bus, len, FAKE_NO_WRITE))
		return -1;
	memcpy(fake_memory(h, bus), buffer, len);
	return 0;
}

static void *dma_map(void *opaque, uint64_t bus, uint64_t *len, bool write)
{
	struct fake_host *h = opaque;
	const uint8_t refusal = write ? FAKE_NO_WRITE : FAKE_NO_READ;
	const uint64_t wanted = h->map_limit && *len > h->map_limit ? h->map_limit : *len;
	uint64_t got;

	h->maps++;
	if (!allowed(h, bus, refusal))
		return NULL;
	for (got = PAGE - bus % PAGE; got < wanted && allowed(h, bus + got, refusal); got += PAGE)
		;
	*len = got < wanted ? got : wanted;
	h->mappings++;
	return fake_memory(h, bus);
}

static void dma_unmap(void *opaque, void *host, uint64_t len, bool write, bool dirty)
{
	struct fake_host *h = opaque;

	(void)len;
	if (dirty && !write)
		abort();
	if ((uint8_t *)host < h->memory || (uint8_t *)host >= h->memory + FAKE_PAGES * PAGE)
		abort();
	h->mappings--;
}

static void interrupt(void *opaque, unsigned int vector)
{
	struct fake_host *h = opaque;

	if (vector >= FAKE_VECTORS)
		abort();
	h->interrupts[vector]++;
}

static uint64_t clock_ns(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void schedule(void *opaque)
{
	struct fake_host *h = opaque;

	pthread_mutex_lock(&h->lock);
	h->wanted = true;
	h->calls++;
	pthread_cond_signal(&h->cond);
	pthread_mutex_unlock(&h->lock);
}

const struct xqdev_host fake_host_callbacks = {
	.dma_read = dma_read,
	.dma_write = dma_write,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.interrupt = interrupt,
	.clock_ns = clock_ns,
	.schedule = schedule,
};

/* ---- life ---- */

static void start(struct fake_host *h, const struct xqdev_config *config)
{
	static const struct xqdev_config two_threads = { .threads = 2 };
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, &attr);
	pthread_condattr_destroy(&attr);
	if (xqdev_create(config ? config : &two_threads, &fake_host_callbacks, h, &h->dev))
		abort();
}

void fake_start(struct fake_host *h, const struct xqdev_config *config)
{
	memset(h, 0, sizeof(*h));
	h->memory = mmap(NULL, FAKE_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->memory == MAP_FAILED)
		abort();
	h->ctx_table = fake_pages(h, 1, PAGE);
	start(h, config);
}

void fake_attach(struct fake_host *h, const struct fake_host *other)
{
	/* All but what the other's threads may be using. */
	memcpy(h, other, offsetof(struct fake_host, lock));
	h->wanted = false;
	h->borrowed = true;
	h->mappings = 0;
	start(h, NULL);
}

long fake_stop(struct fake_host *h)
{
	xqdev_destroy(h->dev);
	pthread_cond_destroy(&h->cond);
	pthread_mutex_destroy(&h->lock);
	if (!h->borrowed)
		munmap(h->memory, FAKE_PAGES * PAGE);
	return h->mappings;
}

/* ---- memory ---- */

uint64_t fake_pages(struct fake_host *h, unsigned int count, uint64_t align)
{
	uint64_t bus = FAKE_BUS_BASE + h->next_page * PAGE;

	bus = (bus + align - 1) & ~(align - 1);
	h->next_page = (bus - FAKE_BUS_BASE) / PAGE + count;
	if (h->next_page > FAKE_PAGES / 2)
		abort();
	return bus;
}

/* Scattered pages come from the upper half, far from each other. */
uint64_t fake_page(struct fake_host *h)
{
	const uint32_t n = h->next_page;

	if (!h->scattered)
		return fake_pages(h, 1, PAGE);
	fake_pages(h, 1, PAGE);
	return FAKE_BUS_BASE + (FAKE_PAGES / 2 + (n * 1181U) % (FAKE_PAGES / 2)) * PAGE;
}

static uint64_t table_of(struct fake_host *h, __le64 *entry)
{
	if (!(le64toh(*entry) & XQ_PTE_VALID))
		*entry = htole64(fake_pages(h, 1, PAGE) | XQ_PTE_VALID);
	return le64toh(*entry) & XQ_PTE_ADDR;
}

static __le64 *entry_of(struct fake_host *h, uint64_t table, uint64_t va, unsigned int shift)
{
	return (__le64 *)fake_memory(h, table) + (va >> shift & (XQ_PT_ENTRIES - 1));
}

void fake_leaf(struct fake_host *h, uint32_t context, uint64_t va, uint64_t bus, uint64_t bits)
{
	__le64 *entry = (__le64 *)fake_memory(h, h->ctx_table) + 2 * context;

	entry = entry_of(h, table_of(h, entry), va, 30);
	entry = entry_of(h, table_of(h, entry), va, 21);
	if (!(bits & XQ_PTE_LARGE))
		entry = entry_of(h, table_of(h, entry), va, 12);
	*entry = htole64(bus | bits);
}

void fake_map(struct fake_host *h, uint32_t context, uint64_t va, uint64_t bytes, uint64_t bits)
{
	uint64_t at;

	for (at = va & ~(PAGE - 1); at < va + bytes; at += PAGE)
		fake_leaf(h, context, at, fake_page(h), bits | XQ_PTE_VALID);
}

uint8_t *fake_at(struct fake_host *h, uint32_t context, uint64_t va)
{
	uint64_t entry = le64toh(((__le64 *)fake_memory(h, h->ctx_table))[2 * context]);
	unsigned int shift;

	for (shift = 30; shift >= 12; shift -= 9) {
		if (!(entry & XQ_PTE_VALID))
			return NULL;
		entry = le64toh(*entry_of(h, entry & XQ_PTE_ADDR, va, shift));
		if (entry & XQ_PTE_LARGE)
			break;
	}
	if (!(entry & XQ_PTE_VALID))
		return NULL;
	shift = entry & XQ_PTE_LARGE ? XQ_LARGE_SHIFT : XQ_PAGE_SHIFT;
	return fake_memory(h, (entry & XQ_PTE_ADDR) + (va & ((1ULL << shift) - 1)));
}

void fake_store(struct fake_host *h, uint32_t context, uint64_t va, const void *from, size_t len)
{
	const uint8_t *bytes = from;
	size_t i;

	for (i = 0; i < len; i++)
		*fake_at(h, context, va + i) = bytes[i];
}

void fake_load(struct fake_host *h, uint32_t context, uint64_t va, void *to, size_t len)
{
	uint8_t *bytes = to;
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = *fake_at(h, context, va + i);
}

/* ---- registers and rings ---- */

uint32_t fake_read(struct fake_host *h, uint32_t reg)
{
	return xqdev_mmio_read(h->dev, reg, 4);
}

uint64_t fake_read64(struct fake_host *h, uint32_t reg)
{
	const uint64_t low = fake_read(h, reg);

	return low | (uint64_t)fake_read(h, reg + 4) << 32;
}

void fake_write(struct fake_host *h, uint32_t reg, uint32_t value)
{
	xqdev_mmio_write(h->dev, reg, value, 4);
}

void fake_write64(struct fake_host *h, uint32_t reg, uint64_t value)
{
	fake_write(h, reg, value);
	fake_write(h, reg + 4, value >> 32);
}

void fake_enable(struct fake_host *h)
{
	fake_write64(h, XQ_REG_CTX_TABLE, h->ctx_table);
	fake_write(h, XQ_REG_CTRL, XQ_CTRL_ENABLE);
}

void fake_queue(struct fake_host *h, unsigned int q, uint32_t log2)
{
	const unsigned int entries = 1U << log2;

	if (!h->sq[q]) {
		h->sq[q] = fake_pages(h, (entries * sizeof(struct xq_hw_descriptor) + PAGE - 1) / PAGE, PAGE);
		h->cq[q] = fake_pages(h, (entries * 64 + PAGE - 1) / PAGE, PAGE);
	}
	h->log2[q] = log2;
	h->sq_tail[q] = h->cq_head[q] = 0;
	h->phase[q] = 1;
	memset(fake_memory(h, h->cq[q]), 0, entries * 64);
	fake_write64(h, XQ_QUEUE(q, XQ_Q_SQ_BASE), h->sq[q]);
	fake_write64(h, XQ_QUEUE(q, XQ_Q_CQ_BASE), h->cq[q]);
	fake_write(h, XQ_QUEUE(q, XQ_Q_SIZE), log2);
	fake_write(h, XQ_QUEUE(q, XQ_Q_CTRL), XQ_Q_CTRL_ENABLE | XQ_Q_CTRL_IRQ);
}

void fake_put(struct fake_host *h, unsigned int q, const struct xq_hw_descriptor *desc)
{
	memcpy(fake_memory(h, h->sq[q] + sizeof(*desc) * h->sq_tail[q]), desc, sizeof(*desc));
	h->sq_tail[q] = (h->sq_tail[q] + 1) & ((1U << h->log2[q]) - 1);
}

void fake_doorbell(struct fake_host *h, unsigned int q)
{
	fake_write(h, XQ_QUEUE(q, XQ_Q_SQ_TAIL), h->sq_tail[q]);
}

void fake_submit(struct fake_host *h, unsigned int q, const struct xq_hw_descriptor *desc)
{
	fake_put(h, q, desc);
	fake_doorbell(h, q);
}

bool fake_reap(struct fake_host *h, unsigned int q, struct xq_hw_completion *c)
{
	memcpy(c, fake_memory(h, h->cq[q] + 64 * h->cq_head[q]), sizeof(*c));
	if ((le16toh(c->phase) & 1) != h->phase[q])
		return false;
	h->cq_head[q] = (h->cq_head[q] + 1) & ((1U << h->log2[q]) - 1);
	if (!h->cq_head[q])
		h->phase[q] ^= 1;
	fake_write(h, XQ_QUEUE(q, XQ_Q_CQ_HEAD), h->cq_head[q]);
	return true;
}

void fake_serve(struct fake_host *h, unsigned int ms)
{
	const uint64_t until = clock_ns(h) + ms * 1000000ULL;
	const struct timespec t = { until / 1000000000, until % 1000000000 };
	bool wanted;

	pthread_mutex_lock(&h->lock);
	while (!h->wanted)
		if (pthread_cond_timedwait(&h->cond, &h->lock, &t))
			break;
	wanted = h->wanted;
	h->wanted = false;
	pthread_mutex_unlock(&h->lock);
	if (wanted)
		xqdev_service(h->dev);
}

bool fake_wait(struct fake_host *h, unsigned int q, struct xq_hw_completion *c)
{
	const uint64_t until = clock_ns(h) + PATIENCE_MS * 1000000ULL;

	while (!fake_reap(h, q, c)) {
		if (clock_ns(h) > until)
			return false;
		fake_serve(h, 100);
	}
	return true;
}

bool fake_wait_clear(struct fake_host *h, uint32_t reg, uint32_t bits)
{
	const uint64_t until = clock_ns(h) + PATIENCE_MS * 1000000ULL;

	while (fake_read(h, reg) & bits) {
		if (clock_ns(h) > until)
			return false;
		fake_serve(h, 100);
	}
	return true;
}
