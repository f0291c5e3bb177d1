/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device without hardware: registers and rings are plain memory, and the driver's parts that
 * would do something with a job's end only note it. A test holds the device's lock.
 */
#ifndef XQ_KUNIT_DOUBLES_H
#define XQ_KUNIT_DOUBLES_H

#include "client.h"
#include "device.h"
#include "job.h"
#include "queue.h"
#include "reset.h"
#include "scheduler.h"

#define DOUBLE_CLIENTS	3
#define DOUBLE_JOBS	512

extern struct xqaccel_device *double_xq;
extern struct xqaccel_client *double_client[DOUBLE_CLIENTS];

/* Jobs that ended, in that order, by the device or because it was lost. */
extern struct xqaccel_job_request *double_ended[DOUBLE_JOBS];
extern unsigned int double_results, double_failed, double_released;

/* Fresh ones of everything, with so many queues that run. 0 or -errno. */
int double_device(struct kunit *test, unsigned int queues);
/* A job of a lane, not yet enqueued. */
struct xqaccel_job_request *double_job(struct kunit *test, unsigned int client, unsigned int lane);
/* The device ends the oldest job of a queue. */
void double_complete(struct kunit *test, unsigned int queue);

#endif
