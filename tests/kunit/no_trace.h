/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In place of driver/trace.h, included before all else. The module of tests is loaded beside the
 * driver's, and there can't be two events of a name.
 */
#ifndef XQACCEL_TRACE_H
#define XQACCEL_TRACE_H

#define trace_xqaccel_job_submit(job)		((void)(job))
#define trace_xqaccel_job_dispatch(job, queue)	((void)(job), (void)(queue))
#define trace_xqaccel_job_requeue(job)		((void)(job))

#endif
