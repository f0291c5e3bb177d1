// SPDX-License-Identifier: GPL-2.0
/*
 * Invalidation: a context's memory may be freed when the device has forgotten its translations. A
 * device drops what no job uses at once, but it may wait for all running jobs of the context, and
 * those may take minutes. So nobody sleeps meanwhile, and no lock is held: the client's work asks
 * (xqaccel_invalidation_start()) and comes back to look (xqaccel_invalidation_poll()), and what
 * other clients ask is a matter of its own.
 */
#include <linux/jiffies.h>
#include <linux/lockdep.h>

#include "client.h"
#include "reset.h"
#include "timeout.h"

/* What a device may take that has no job of the context. */
#define PATIENCE_MS	1000
/* Looks in a row: mostly the first one tells. */
#define LOOKS		10
/* The longest pause between looks. */
#define PAUSE_MS	20

/*
 * Whether the hardware is there to be asked. One that is suspended or lost has forgotten
 * everything, or will have before it gets its DMA back; and it may not answer.
 */
static bool device_works(struct xqaccel_device *xq)
	__must_hold(&xq->lock)
{
	lockdep_assert_held(&xq->lock);

	return !xq->lost && xq->power != XQACCEL_SUSPENDED && READ_ONCE(xq->dma) == XQACCEL_DMA_ON;
}

/**
 * xqaccel_invalidation_start() - have the device forget a context's translations
 * @client: whose context; it has no other invalidation under way
 *
 * What is to be forgotten is no longer in the page table.
 */
void xqaccel_invalidation_start(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;

	client->invalidated = jiffies;
	client->excused = client->invalidated;
	spin_lock_irq(&xq->lock);
	if (device_works(xq))
		xqaccel_write(xq, XQ_REG_CTX_INVAL, client->context);
	spin_unlock_irq(&xq->lock);
}

/*
 * In a reset the device ignores what it is asked, and all bits read 0, but it may still write
 * memory: what it was asked before or meanwhile is over when it is started again, or given up.
 */
static bool pending(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;
	bool pending = false;

	spin_lock_irq(&xq->lock);
	if (device_works(xq))
		pending = xq->resetting ||
			  xqaccel_read(xq, XQ_REG_CTX_PENDING(client->context)) &
			  BIT(client->context % 32);
	spin_unlock_irq(&xq->lock);
	return pending;
}

/* Whether there is a reason for the device not to have acknowledged yet. */
static bool excused(struct xqaccel_client *client)
{
	struct xqaccel_device *xq = client->xq;
	bool excused;

	spin_lock_irq(&xq->lock);
	excused = client->occupancy.queues || xq->resetting;
	spin_unlock_irq(&xq->lock);
	return excused;
}

/*
 * The device has its patience from when it had no job of the context any more, and a client that
 * goes on submitting can't put it off: those jobs that a queue had when the device was asked end
 * one after the other, each within its own limit.
 */
static bool overdue(struct xqaccel_client *client)
{
	const unsigned long now = jiffies;

	if (excused(client))
		client->excused = now;
	return time_after(now, client->excused + msecs_to_jiffies(PATIENCE_MS)) ||
	       time_after(now, client->invalidated + msecs_to_jiffies(PATIENCE_MS) +
			  XQACCEL_QUEUE_DEPTH * msecs_to_jiffies(xqaccel_max_timeout_ms()));
}

/**
 * xqaccel_invalidation_poll() - look whether the device has forgotten
 * @client: whose context
 * @safe: once it is over, whether nothing that was taken out of the page table can be reached
 *
 * A device that does not acknowledge is reset, which makes it forget everything; if that fails it
 * is lost and its DMA is turned off. Only if that failed, too, the memory is not safe.
 *
 * Return: 0 if it is over, else jiffies after which to look again.
 */
unsigned long xqaccel_invalidation_poll(struct xqaccel_client *client, bool *safe)
{
	const unsigned long age = jiffies - client->invalidated;
	struct xqaccel_device *xq = client->xq;
	unsigned int looks = 0;

	while (pending(client)) {
		if (++looks < LOOKS)
			continue;
		if (!overdue(client))
			return clamp(age / 8, 1UL, msecs_to_jiffies(PAUSE_MS));
		/*
		 * This work may have been kept from running between pending() and overdue(), and
		 * the device may have acknowledged then.
		 */
		if (!pending(client))
			break;
		dev_warn_ratelimited(&xq->dev, "context %u: invalidation is not acknowledged\n",
				     client->context);
		xqaccel_reset_function(xq, "an invalidation was not acknowledged");
		break;
	}
	*safe = xqaccel_dma_safe(xq);
	return 0;
}
