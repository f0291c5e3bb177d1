/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: every stage of a job, from its acceptance to its reaping. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xqaccel

#if !defined(XQACCEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XQACCEL_TRACE_H

#include <linux/tracepoint.h>

#include "client.h"
#include "job.h"

TRACE_DEFINE_ENUM(XQACCEL_STATUS_OK);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_FAULT);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_DMA);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_INVALID);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_TIMEOUT);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_CANCELED);
TRACE_DEFINE_ENUM(XQACCEL_STATUS_LOST);

#define xqaccel_show_status(status)				\
	__print_symbolic(status,				\
			 { XQACCEL_STATUS_OK, "ok" },		\
			 { XQACCEL_STATUS_FAULT, "fault" },	\
			 { XQACCEL_STATUS_DMA, "dma" },		\
			 { XQACCEL_STATUS_INVALID, "invalid" },	\
			 { XQACCEL_STATUS_TIMEOUT, "timeout" },	\
			 { XQACCEL_STATUS_CANCELED, "canceled" }, \
			 { XQACCEL_STATUS_LOST, "lost" })

/* Where a job is, with nothing else to say: device, client, lane and id name it in all events. */
DECLARE_EVENT_CLASS(xqaccel_job,
	TP_PROTO(const struct xqaccel_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__field(int, device)
		__field(u64, client)
		__field(u64, id)
		__field(u32, lane)
	),
	TP_fast_assign(
		__entry->device = job->client->xq->minor;
		__entry->client = job->client->id;
		__entry->id = job->completion.id;
		__entry->lane = job->lane->index;
	),
	TP_printk("xqaccel%d client=%llu lane=%u job=%llu", __entry->device, __entry->client,
		  __entry->lane, __entry->id)
);

/* Accepted, and waiting in its lane. */
TRACE_EVENT(xqaccel_job_submit,
	TP_PROTO(const struct xqaccel_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__field(int, device)
		__field(u64, client)
		__field(u64, id)
		__field(u64, user_data)
		__field(u32, lane)
		__field(u32, op)
		__field(u32, flags)
		__field(u64, macs)
	),
	TP_fast_assign(
		__entry->device = job->client->xq->minor;
		__entry->client = job->client->id;
		__entry->id = job->completion.id;
		__entry->user_data = job->completion.user_data;
		__entry->lane = job->lane->index;
		__entry->op = le32_to_cpu(job->desc.work[0]);
		__entry->flags = le32_to_cpu(job->desc.work[1]);
		__entry->macs = job->macs;
	),
	TP_printk("xqaccel%d client=%llu lane=%u job=%llu op=%u flags=%#x macs=%llu user_data=%#llx",
		  __entry->device, __entry->client, __entry->lane, __entry->id, __entry->op,
		  __entry->flags, __entry->macs, __entry->user_data)
);

/* Given to the device, on a hardware queue. */
TRACE_EVENT(xqaccel_job_dispatch,
	TP_PROTO(const struct xqaccel_job *job, unsigned int queue),
	TP_ARGS(job, queue),
	TP_STRUCT__entry(
		__field(int, device)
		__field(u64, client)
		__field(u64, id)
		__field(u64, hw_id)
		__field(u32, lane)
		__field(u32, queue)
	),
	TP_fast_assign(
		__entry->device = job->client->xq->minor;
		__entry->client = job->client->id;
		__entry->id = job->completion.id;
		__entry->hw_id = le64_to_cpu(job->desc.id);
		__entry->lane = job->lane->index;
		__entry->queue = queue;
	),
	TP_printk("xqaccel%d client=%llu lane=%u job=%llu queue=%u hw_id=%llu", __entry->device,
		  __entry->client, __entry->lane, __entry->id, __entry->queue, __entry->hw_id)
);

/* Taken off its hardware queue by a reset or a suspend, to run again. */
DEFINE_EVENT(xqaccel_job, xqaccel_job_requeue,
	TP_PROTO(const struct xqaccel_job *job), TP_ARGS(job));

/* Canceled by its owner. */
DEFINE_EVENT(xqaccel_job, xqaccel_job_cancel,
	TP_PROTO(const struct xqaccel_job *job), TP_ARGS(job));

/* Ended, however that came; start and end are the device's, in its ticks. */
TRACE_EVENT(xqaccel_job_complete,
	TP_PROTO(const struct xqaccel_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__field(int, device)
		__field(u64, client)
		__field(u64, id)
		__field(u64, start)
		__field(u64, end)
		__field(u32, lane)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->device = job->client->xq->minor;
		__entry->client = job->client->id;
		__entry->id = job->completion.id;
		__entry->start = job->completion.start;
		__entry->end = job->completion.end;
		__entry->lane = job->lane->index;
		__entry->status = job->completion.status;
	),
	TP_printk("xqaccel%d client=%llu lane=%u job=%llu status=%s start=%llu end=%llu",
		  __entry->device, __entry->client, __entry->lane, __entry->id,
		  xqaccel_show_status(__entry->status), __entry->start, __entry->end)
);

/* Its completion was written to user memory. */
DEFINE_EVENT(xqaccel_job, xqaccel_job_reap,
	TP_PROTO(const struct xqaccel_job *job), TP_ARGS(job));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
