// SPDX-License-Identifier: MIT
/* The register file: where offsets mean something. */
#include <string.h>

#include "device.h"

#define QUEUE_FIRST	XQ_QUEUE(0, 0)
#define QUEUE_BYTES	(XQ_QUEUE(1, 0) - XQ_QUEUE(0, 0))

static uint32_t low(uint64_t value)
{
	return value;
}

static uint32_t high(uint64_t value)
{
	return value >> 32;
}

static void set_low(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & ~0xffffffffULL) | (value & ~(XQ_PAGE_BYTES - 1U));
}

static void set_high(uint64_t *reg, uint32_t value)
{
	*reg = (*reg & 0xffffffffULL) | (uint64_t)value << 32;
}

/* ---- reads ---- */

static uint32_t read_isa(const struct xqdev *dev, uint32_t at)
{
	char name[XQ_ISA_BYTES] = "";
	uint32_t word;

	strncpy(name, xqk_isa_name(dev->isa), sizeof(name) - 1);
	memcpy(&word, name + at, sizeof(word));
	return le32toh(word);
}

static uint32_t read_time(struct xqdev *dev)
{
	const uint64_t now = dev->host->clock_ns(dev->opaque);

	dev->time_high = high(now);
	return low(now);
}

static uint32_t read_status(const struct xqdev *dev)
{
	uint32_t status = dev->error ? XQ_STATUS_ERROR : 0;

	if ((dev->ctrl & XQ_CTRL_ENABLE) && !(dev->ctrl & XQ_CTRL_RESET))
		status |= XQ_STATUS_READY;
	return status;
}

static uint32_t read_capability(const struct xqdev *dev, uint32_t offset)
{
	if (offset >= XQ_REG_ISA && offset < XQ_REG_ISA + XQ_ISA_BYTES)
		return read_isa(dev, offset - XQ_REG_ISA);
	if (offset >= XQ_REG_PAIRS(0) && offset < XQ_REG_PAIRS(XQ_PAIR_FORMATS)) {
		const uint32_t a = (offset - XQ_REG_PAIRS(0)) / 4;

		return dev->pairs[a];
	}
	switch (offset) {
	case XQ_REG_ID:
		return XQ_ID;
	case XQ_REG_VERSION:
		return XQ_HW_VERSION_MAJOR << 16 | XQ_HW_VERSION_MINOR;
	case XQ_REG_QUEUES:
		return dev->queues;
	case XQ_REG_CONTEXTS:
		return dev->contexts;
	case XQ_REG_RING_LOG2:
		return XQDEV_RING_LOG2;
	case XQ_REG_VA_BITS:
		return XQ_VA_BITS;
	case XQ_REG_MAX_DIM:
		return dev->abilities.max_dim;
	case XQ_REG_THREADS:
		return xqk_pool_threads(dev->pool);
	case XQ_REG_FEATURES:
		return low(dev->abilities.features);
	case XQ_REG_FEATURES + 4:
		return high(dev->abilities.features);
	case XQ_REG_CLOCK_HZ:
		return low(XQDEV_CLOCK_HZ);
	case XQ_REG_CLOCK_HZ + 4:
		return high(XQDEV_CLOCK_HZ);
	case XQ_REG_TILED:
		return dev->abilities.tiled;
	default:
		return ~0U;
	}
}

static uint32_t read_counter(const struct xqdev *dev, uint32_t offset)
{
	const uint64_t counter[] = { dev->jobs, dev->macs, dev->bytes, dev->bytes_copied,
				     dev->faults };
	const uint64_t value = counter[(offset - XQ_REG_JOBS) / 8];

	return offset & 4 ? high(value) : low(value);
}

static uint32_t read_function(struct xqdev *dev, uint32_t offset)
{
	if (offset < XQ_REG_CTRL)
		return read_capability(dev, offset);
	if (offset >= XQ_REG_JOBS && offset < XQ_REG_FAULTS + 8)
		return read_counter(dev, offset);
	if (offset >= XQ_REG_CTX_PENDING(0) && offset < XQ_REG_CTX_PENDING(XQ_MAX_CONTEXTS))
		return xqdev_invalidating(dev, 32 * ((offset - XQ_REG_CTX_PENDING(0)) / 4));
	switch (offset) {
	case XQ_REG_CTRL:
		return dev->ctrl;
	case XQ_REG_STATUS:
		return read_status(dev);
	case XQ_REG_ERROR:
		return dev->error;
	case XQ_REG_CTX_TABLE:
		return low(dev->ctx_table);
	case XQ_REG_CTX_TABLE + 4:
		return high(dev->ctx_table);
	case XQ_REG_CTX_INVAL:
		return 0;
	case XQ_REG_TIME:
		return read_time(dev);
	case XQ_REG_TIME + 4:
		return dev->time_high;
	default:
		return ~0U;
	}
}

static uint32_t read_queue(struct xqdev_queue *q, uint32_t reg)
{
	switch (reg) {
	case XQ_Q_SQ_BASE:
		return low(q->r.sq_base);
	case XQ_Q_SQ_BASE + 4:
		return high(q->r.sq_base);
	case XQ_Q_CQ_BASE:
		return low(q->r.cq_base);
	case XQ_Q_CQ_BASE + 4:
		return high(q->r.cq_base);
	case XQ_Q_SIZE:
		return q->r.size;
	case XQ_Q_CTRL:
		return q->r.ctrl;
	case XQ_Q_STATUS:
		return xqdev_queue_status(q);
	case XQ_Q_SQ_HEAD:
		return xqdev_queue_sq_head(q);
	case XQ_Q_CQ_TAIL:
		return q->r.cq_tail;
	case XQ_Q_STEP:
		return xqdev_queue_step(q);
	case XQ_Q_COALESCE:
		return q->r.coalesce;
	case XQ_Q_SQ_TAIL:
		return q->r.sq_tail;
	case XQ_Q_CQ_HEAD:
		return q->r.cq_head;
	default:
		return ~0U;
	}
}

uint32_t xqdev_mmio_read(struct xqdev *dev, uint32_t offset, unsigned int size)
{
	if (size != 4 || offset % 4 || offset >= XQ_BAR_BYTES)
		return ~0U;
	if (offset < QUEUE_FIRST)
		return read_function(dev, offset);
	offset -= QUEUE_FIRST;
	if (offset / QUEUE_BYTES >= dev->queues)
		return ~0U;
	return read_queue(&dev->queue[offset / QUEUE_BYTES], offset % QUEUE_BYTES);
}

/* ---- writes ---- */

static void write_ctrl(struct xqdev *dev, uint32_t value)
{
	if (value & XQ_CTRL_RESET) {
		xqdev_start_reset(dev);
		return;
	}
	dev->ctrl = value & XQ_CTRL_ENABLE;
	if (!dev->ctrl)
		xqdev_unprepare_all(dev);
	xqdev_service(dev);
}

static void write_function(struct xqdev *dev, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case XQ_REG_CTRL:
		write_ctrl(dev, value);
		break;
	case XQ_REG_ERROR:
		dev->error &= ~value;
		break;
	case XQ_REG_CTX_TABLE:
		set_low(&dev->ctx_table, value);
		break;
	case XQ_REG_CTX_TABLE + 4:
		set_high(&dev->ctx_table, value);
		break;
	case XQ_REG_CTX_INVAL:
		xqdev_invalidate(dev, value);
		break;
	}
}

static void write_ring(struct xqdev_queue *q, uint32_t reg, uint32_t value)
{
	if (!xqdev_queue_configurable(q))
		return;
	switch (reg) {
	case XQ_Q_SQ_BASE:
		set_low(&q->r.sq_base, value);
		break;
	case XQ_Q_SQ_BASE + 4:
		set_high(&q->r.sq_base, value);
		break;
	case XQ_Q_CQ_BASE:
		set_low(&q->r.cq_base, value);
		break;
	case XQ_Q_CQ_BASE + 4:
		set_high(&q->r.cq_base, value);
		break;
	case XQ_Q_SIZE:
		q->r.size = value & XQDEV_SIZE_MASK;
		break;
	}
}

static void write_queue(struct xqdev_queue *q, uint32_t reg, uint32_t value)
{
	switch (reg) {
	case XQ_Q_CTRL:
		xqdev_queue_ctrl(q, value);
		break;
	case XQ_Q_SQ_TAIL:
		xqdev_queue_sq_tail(q, value);
		break;
	case XQ_Q_CQ_HEAD:
		xqdev_queue_cq_head(q, value);
		break;
	case XQ_Q_COALESCE:
		q->r.coalesce = value;
		xqdev_tell(q);
		break;
	default:
		write_ring(q, reg, value);
		break;
	}
}

void xqdev_mmio_write(struct xqdev *dev, uint32_t offset, uint32_t value, unsigned int size)
{
	/* A function in reset takes nothing until it is done. */
	if (size != 4 || offset % 4 || offset >= XQ_BAR_BYTES || (dev->ctrl & XQ_CTRL_RESET))
		return;
	if (offset < QUEUE_FIRST) {
		write_function(dev, offset, value);
		return;
	}
	offset -= QUEUE_FIRST;
	if (offset / QUEUE_BYTES < dev->queues)
		write_queue(&dev->queue[offset / QUEUE_BYTES], offset % QUEUE_BYTES, value);
}
