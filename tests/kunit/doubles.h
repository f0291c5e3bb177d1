/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device without hardware: registers and rings are plain memory, and the driver's parts that
 * would do something with a job's end only note it. A test holds the device's lock but for
 * what takes it.
 */
#ifndef XQ_KUNIT_DOUBLES_H
#define XQ_KUNIT_DOUBLES_H

#include "client.h"
#include "device.h"
#include "job.h"
#include "queue.h"
#include "reset.h"
#include "scheduler.h"
#include "user.h"

#define DOUBLE_CLIENTS	4
#define DOUBLE_JOBS	512

extern struct xqaccel_device *double_xq;
/* Of normal priority, each of a user of its own; a test may change both while no job is there. */
extern struct xqaccel_client *double_client[DOUBLE_CLIENTS];
extern struct xqaccel_user *double_user[DOUBLE_CLIENTS];

/* The first jobs that ended, in that order, by the device or because it was lost. */
extern struct xqaccel_job *double_ended[DOUBLE_JOBS];
extern unsigned int double_results, double_failed;

/* References to the power that the driver has taken and not given back, and how often it did. */
extern int double_power, double_power_gets;

/* Fresh ones of everything, with so many queues that run. 0 or -errno. */
int double_device(struct kunit *test, unsigned int queues);
/* One more client, in zeroed memory: of normal priority and of a user that is there. */
void double_client_init(struct xqaccel_client *client, struct xqaccel_user *user);
/* As if the client's jobs had taken so many ns so far, for those that come to be next. */
void double_known(unsigned int client, u64 ns);
/* A job of a lane, not yet enqueued. */
struct xqaccel_job *double_job(struct kunit *test, unsigned int client, unsigned int lane);
/* The device ends the oldest job of a queue, which was dispatched, and took, so many ns ago. */
void double_complete(struct kunit *test, unsigned int queue, u64 ns);
/* Whether no job waits. */
bool double_idle(void);

#endif
