/* SPDX-License-Identifier: MIT */
#ifndef XQ_WORKSPACE_H
#define XQ_WORKSPACE_H

#include <xqaccel/matmul.h>

#include "driver/xq_geometry.h"

/**
 * struct xq_workspace - a queue and a buffer for each operand
 * @stage: grown on demand, NULL until needed; what an epilogue reads is all in that of its first operand
 * @scratch: host memory, for transposing
 */
struct xq_workspace {
	struct xq_device *dev;
	struct xq_queue *queue;
	struct xq_buffer *stage[XQACCEL_EPILOGUE_BIAS + 1];
	void *scratch;
	size_t scratch_bytes;
};

/* Makes the buffer of an operand at least so large; what it held is lost if it grows. */
int xq_workspace_stage(struct xq_workspace *ws, unsigned int operand, size_t bytes, void **data);

/* So many bytes of buffers, or fewer where the client may not have several such buffers. */
size_t xq_workspace_budget(const struct xq_workspace *ws, size_t bytes);

/* Host memory, valid until the next call. */
void *xq_workspace_scratch(struct xq_workspace *ws, size_t bytes);

/* Counts a job that has ended; stats may be NULL. */
void xq_matmul_add_stats(struct xq_matmul_stats *stats, const struct xq_completion *done);

#endif
