/* SPDX-License-Identifier: MIT */
/*
 * Private to the library: a queue's own io_uring. It stands in for the device's backend where a queue
 * submits, with and without fences, waits and cancels, with the same meaning.
 */
#ifndef XQ_RING_ENGINE_H
#define XQ_RING_ENGINE_H

#include "backend.h"

/*
 * Makes a ring. @way has the operations submit, submit_fenced, wait, cancel, eventfd and close, and
 * belongs to the owner of the queue. -EOPNOTSUPP: the driver or this library has no rings; -ENOMEM;
 * or what io_uring_setup() says.
 */
int xq_ring_engine_create(struct xq_device *dev, struct xq_backend **way);

#endif
