// SPDX-License-Identifier: GPL-2.0
/* What the device says of itself: read once, believed only within what the driver can do. */
#include <linux/ctype.h>
#include <linux/dev_printk.h>

#include "device.h"

#define MIN_RING_LOG2	4	/* a queue that is worth the name */
#define MIN_VA_BITS	30

static int refuse(struct xqaccel_device *xq, const char *what, u32 value)
{
	dev_err(xq->parent, "unusable device: %s is %#x\n", what, value);
	return -ENODEV;
}

/*
 * -ENODEV, with a message, if no device is there, or another one. The only register to be read
 * before a reset.
 */
int xqaccel_caps_identify(struct xqaccel_device *xq)
{
	const u32 id = xqaccel_read(xq, XQ_REG_ID);

	if (id == XQ_ID)
		return 0;
	if (id == ~0U)
		dev_err(xq->parent, "no device: its registers read as all ones\n");
	else
		dev_err(xq->parent, "no device: its identity reads as %#x, not %#x\n", id, XQ_ID);
	return -ENODEV;
}

static int check_version(struct xqaccel_device *xq)
{
	const u32 version = xqaccel_read(xq, XQ_REG_VERSION);

	if (version >> 16 != XQ_HW_VERSION_MAJOR) {
		dev_err(xq->parent,
			"register interface %u.%u, this driver knows %u.x; use a newer driver\n",
			version >> 16, version & 0xffff, XQ_HW_VERSION_MAJOR);
		return -ENODEV;
	}
	xq->caps.hw_version = version;
	return 0;
}

static int read_limits(struct xqaccel_device *xq)
{
	struct xqaccel_caps *caps = &xq->caps;

	caps->queues = xqaccel_read(xq, XQ_REG_QUEUES);
	if (!caps->queues || caps->queues > XQ_MAX_QUEUES)
		return refuse(xq, "the number of queues", caps->queues);
	caps->contexts = xqaccel_read(xq, XQ_REG_CONTEXTS);
	if (!caps->contexts || caps->contexts > XQ_MAX_CONTEXTS)
		return refuse(xq, "the number of contexts", caps->contexts);
	caps->ring_log2 = xqaccel_read(xq, XQ_REG_RING_LOG2);
	if (caps->ring_log2 < MIN_RING_LOG2 || caps->ring_log2 > 31)
		return refuse(xq, "the ring size", caps->ring_log2);
	caps->va_bits = xqaccel_read(xq, XQ_REG_VA_BITS);
	if (caps->va_bits < MIN_VA_BITS || caps->va_bits > 64)
		return refuse(xq, "the address width", caps->va_bits);
	caps->va_bits = min_t(u32, caps->va_bits, XQ_VA_BITS);
	caps->max_dim = xqaccel_read(xq, XQ_REG_MAX_DIM);
	if (!caps->max_dim)
		return refuse(xq, "the largest dimension", caps->max_dim);
	caps->max_dim = min_t(u32, caps->max_dim, XQ_MAX_DIM);
	caps->clock_hz = xqaccel_read64(xq, XQ_REG_CLOCK_HZ);
	if (!caps->clock_hz)
		return refuse(xq, "the clock", 0);
	caps->threads = xqaccel_read(xq, XQ_REG_THREADS);
	return 0;
}

static void read_formats(struct xqaccel_device *xq)
{
	const u32 known = BIT(XQ_FORMATS) - 1;
	struct xqaccel_caps *caps = &xq->caps;
	unsigned int i;

	for (i = 0; i < XQ_PAIR_FORMATS; i++)
		caps->pairs[i] = xqaccel_read(xq, XQ_REG_PAIRS(i)) & known;
	caps->tiled = xqaccel_read(xq, XQ_REG_TILED) & known;
	caps->features = xqaccel_read64(xq, XQ_REG_FEATURES) &
			 (XQACCEL_FEATURE_GROUP_ACC | XQACCEL_FEATURE_GROUP_SCALE |
			  XQACCEL_FEATURE_A_ZP_ROWS | XQACCEL_FEATURE_CONV |
			  XQACCEL_FEATURE_EPILOGUE | XQACCEL_FEATURE_GROUP_REAL |
			  XQACCEL_FEATURE_POOL | XQACCEL_FEATURE_ELEMENTWISE |
			  XQACCEL_FEATURE_SOFTMAX | XQACCEL_FEATURE_MEAN |
			  XQACCEL_FEATURE_COPY | XQACCEL_FEATURE_PROGRAM |
			  XQACCEL_FEATURE_COALESCE | XQACCEL_FEATURE_SUPERGROUP_SUM);
}

/* Goes to user space and logs, so only what is printable. */
static void read_isa(struct xqaccel_device *xq)
{
	unsigned int i;

	for (i = 0; i < XQ_ISA_BYTES - 1; i++) {
		const u32 word = xqaccel_read(xq, XQ_REG_ISA + (i & ~3U));
		const char c = word >> 8 * (i & 3);

		if (!isascii(c) || !isprint(c))
			break;
		xq->caps.isa[i] = c;
	}
}

/* -ENODEV, with a message, if the driver can't work with this device. */
int xqaccel_caps_read(struct xqaccel_device *xq)
{
	int ret;

	ret = check_version(xq);
	if (!ret)
		ret = read_limits(xq);
	if (ret)
		return ret;
	read_formats(xq);
	read_isa(xq);
	return 0;
}

/* A queue without an interrupt of its own is not used. */
void xqaccel_caps_limit_queues(struct xqaccel_device *xq, unsigned int vectors)
{
	const u32 queues = vectors - XQ_VECTOR_QUEUE(0);

	if (queues >= xq->caps.queues)
		return;
	dev_info(xq->parent, "%u of %u queues are used: there are %u interrupts\n", queues,
		 xq->caps.queues, vectors);
	xq->caps.queues = queues;
}
