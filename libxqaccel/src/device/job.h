/* SPDX-License-Identifier: MIT */
#ifndef XQ_JOB_H
#define XQ_JOB_H

#include "backend.h"

/* From the library's form to the driver's; -ENOENT for a buffer of another device. */
int xq_job_from_gemm(const struct xq_device *dev, const struct xq_gemm *gemm,
		     struct xqaccel_job_desc *job);

/* In a completion that the library made: the job was refused, with the errno in the other bits. */
#define XQ_STATUS_REFUSED	(1U << 31)

/* A completion's status as 0 or a negative errno. */
int xq_status_error(uint32_t status);

/* Time stamps of a device whose clock ticks so often a second. */
uint64_t xq_ticks_to_ns(uint64_t ticks, uint64_t hz);

/* From the driver's completion to the library's. */
void xq_completion_from(const struct xq_device *dev, const struct xqaccel_completion *from,
			struct xq_completion *to);

/* Finds a buffer by its handle; 0, -ENOENT if there is none, -EACCES if it can't be written but shall. */
typedef int xq_find_memory(void *opaque, uint32_t handle, bool written, uint64_t *bytes);

/* What the driver checks before it accepts a job, with its errnos. */
int xq_job_check(const struct xqaccel_job_desc *job, const struct xqaccel_info *info,
		 const struct xq_pairs *pairs, xq_find_memory *find, void *opaque);

#endif
