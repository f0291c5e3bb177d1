// SPDX-License-Identifier: MIT
/*
 * Copies of strided views.
 */
#include <string.h>

#include "strided.h"

void xqm_view_whole(struct xqm_view *view, const struct xqm_value *value)
{
	ptrdiff_t step = 1;

	view->dims = value->dims;
	view->first = 0;
	for (unsigned int d = value->dims; d-- > 0;) {
		view->dim[d] = value->dim[d];
		view->step[d] = step;
		step *= (ptrdiff_t)value->dim[d];
	}
}

#define COPY(ctype) \
	do { \
		const ctype *in = (const ctype *)from; \
		ctype *out = to; \
\
		for (size_t i = 0; i < n; i++) \
			out[i] = in[(ptrdiff_t)i * step]; \
	} while (0)

static void copy_row(const void *from, ptrdiff_t step, void *to, size_t n, size_t bytes)
{
	if (step == 1) {
		memcpy(to, from, n * bytes);
		return;
	}
	switch (bytes) {
	case 1:
		COPY(uint8_t);
		break;
	case 2:
		COPY(uint16_t);
		break;
	case 4:
		COPY(uint32_t);
		break;
	default:
		COPY(uint64_t);
	}
}

/* Joins dimensions that lie one in the other, and leaves out those of one element. */
static void simplify(struct xqm_view *view)
{
	unsigned int kept = 0;

	for (unsigned int d = 0; d < view->dims; d++) {
		if (view->dim[d] == 1)
			continue;
		if (kept && view->step[kept - 1] == view->step[d] * (ptrdiff_t)view->dim[d]) {
			view->dim[kept - 1] *= view->dim[d];
			view->step[kept - 1] = view->step[d];
			continue;
		}
		view->dim[kept] = view->dim[d];
		view->step[kept++] = view->step[d];
	}
	if (!kept) {
		view->dim[0] = 1;
		view->step[0] = 1;
		kept = 1;
	}
	view->dims = kept;
}

void xqm_view_copy(const struct xqm_view *wanted, const void *from, void *to, size_t bytes)
{
	size_t index[XQM_VIEW_DIMS] = { 0 }, n = 1, row;
	struct xqm_view view = *wanted;
	ptrdiff_t at = (ptrdiff_t)view.first;
	char *out = to;

	for (unsigned int d = 0; d < view.dims; d++)
		n *= view.dim[d];
	if (!n)
		return;
	simplify(&view);
	row = view.dim[view.dims - 1];
	for (size_t done = 0; done < n; done += row) {
		copy_row((const char *)from + at * (ptrdiff_t)bytes, view.step[view.dims - 1], out, row, bytes);
		out += row * bytes;
		for (unsigned int d = view.dims - 1; d-- > 0;) {
			at += view.step[d];
			if (++index[d] < view.dim[d])
				break;
			index[d] = 0;
			at -= view.step[d] * (ptrdiff_t)view.dim[d];
		}
	}
}
