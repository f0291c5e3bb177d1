// SPDX-License-Identifier: MIT
/*
 * Broadcasting.
 */
#include <errno.h>
#include <string.h>

#include "broadcast.h"

int xqm_broadcast(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		  unsigned int operands, struct xqm_value *out)
{
	unsigned int dims = 0, i, d;

	for (i = 0; i < operands; i++) {
		if (in[i].type != XQ_NONE && in[i].dims > dims)
			dims = in[i].dims;
	}
	out->dims = dims;
	for (d = 0; d < dims; d++) {
		size_t size = 1;

		for (i = 0; i < operands; i++) {
			size_t own;

			if (in[i].type == XQ_NONE || d + in[i].dims < dims)
				continue;
			own = in[i].dim[d + in[i].dims - dims];
			if (own == 1 || own == size)
				continue;
			if (size != 1)
				return xqm_fail_at(graph, op, -EINVAL,
						   "sizes %zu and %zu of a dimension don't go together", size, own);
			size = own;
		}
		out->dim[d] = size;
	}
	return 0;
}

/* Whether dimension d of all operands can be joined with the one before it. */
static bool joins(const struct xqm_walk *walk, unsigned int d)
{
	for (unsigned int i = 0; i < walk->operands; i++) {
		if (walk->step[i][d - 1] != walk->step[i][d] * walk->dim[d])
			return false;
	}
	return true;
}

static void join(struct xqm_walk *walk, unsigned int d)
{
	walk->dim[d - 1] *= walk->dim[d];
	for (unsigned int i = 0; i < walk->operands; i++)
		walk->step[i][d - 1] = walk->step[i][d];
	for (unsigned int k = d; k + 1 < walk->dims; k++) {
		walk->dim[k] = walk->dim[k + 1];
		for (unsigned int i = 0; i < walk->operands; i++)
			walk->step[i][k] = walk->step[i][k + 1];
	}
	walk->dims--;
}

void xqm_walk_start(struct xqm_walk *walk, const struct xqm_value *in, unsigned int operands,
		    const struct xqm_value *out)
{
	memset(walk, 0, sizeof(*walk));
	walk->operands = operands;
	walk->dims = out->dims;
	memcpy(walk->dim, out->dim, sizeof(walk->dim));
	if (!walk->dims) {
		walk->dims = 1;
		walk->dim[0] = 1;
	}
	for (unsigned int i = 0; i < operands; i++) {
		size_t step = 1;

		if (in[i].type == XQ_NONE)
			continue;
		for (unsigned int d = in[i].dims; d-- > 0;) {
			walk->step[i][d + out->dims - in[i].dims] = in[i].dim[d] == 1 ? 0 : step;
			step *= in[i].dim[d];
		}
	}
	for (unsigned int d = walk->dims; d-- > 1;) {
		if (walk->dim[d] == 1 || walk->dim[d - 1] == 1 || joins(walk, d)) {
			/* A dimension of one element has no step of its own: it takes the other's. */
			if (walk->dim[d] == 1) {
				for (unsigned int i = 0; i < operands; i++)
					walk->step[i][d] = walk->step[i][d - 1];
			}
			join(walk, d);
		}
	}
	walk->row = walk->dim[walk->dims - 1];
	walk->rows = walk->row ? 1 : 0;
	for (unsigned int d = 0; d + 1 < walk->dims; d++)
		walk->rows *= walk->dim[d];
}

void xqm_walk_next(struct xqm_walk *walk)
{
	walk->out += walk->row;
	for (unsigned int d = walk->dims - 1; d-- > 0;) {
		for (unsigned int i = 0; i < walk->operands; i++)
			walk->at[i] += walk->step[i][d];
		if (++walk->index[d] < walk->dim[d])
			return;
		walk->index[d] = 0;
		for (unsigned int i = 0; i < walk->operands; i++)
			walk->at[i] -= walk->step[i][d] * walk->dim[d];
	}
}
