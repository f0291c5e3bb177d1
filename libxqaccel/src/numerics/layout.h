/* SPDX-License-Identifier: MIT */
/* The elements that share one parameter, for code that visits them. Internal. */
#ifndef XQ_NUMERICS_LAYOUT_H
#define XQ_NUMERICS_LAYOUT_H

#include <xqaccel/quantize.h>

/* runs of run elements; element e of run r is at start + r * stride + e * step. */
struct xq_cell {
	size_t start, runs, stride, run, step;
};

bool xq_qtype_valid(const struct xq_qtype *type);
bool xq_layout_valid(const struct xq_layout *layout);
size_t xq_layout_blocks(const struct xq_layout *layout);
struct xq_cell xq_layout_cell(const struct xq_layout *layout, size_t param);

static inline int xq_fault_set(struct xq_fault *fault, enum xq_fault_kind kind, size_t index,
			       double value, int err)
{
	if (fault)
		*fault = (struct xq_fault){ .kind = kind, .index = index, .value = value };
	return err;
}

#endif
