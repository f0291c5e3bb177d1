// SPDX-License-Identifier: MIT
/*
 * One of two tensors, by a condition: what both branches of an If have computed.
 */
#include <errno.h>
#include <string.h>

#include "infer.h"
#include "kernels.h"

static bool same_shape(const struct xqm_value *a, const struct xqm_value *b)
{
	return a->dims == b->dims && !memcmp(a->dim, b->dim, a->dims * sizeof(*a->dim));
}

static int infer_choice(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in, struct xqm_value *out)
{
	int err = xqm_need_type(graph, op, &in[0], "the condition", XQ_MODEL_BOOL);

	if (!err && xqm_value_elements(&in[0]) != 1)
		err = xqm_fail_at(graph, op, -EINVAL, "its condition has %zu elements", xqm_value_elements(&in[0]));
	if (!err && (in[1].type != in[2].type || !same_shape(&in[1], &in[2])))
		err = xqm_fail_at(graph, op, -EOPNOTSUPP, "its branches make tensors of different types or shapes, and its condition is only"
				  " known when the network runs");
	xqm_same(out, &in[1]);
	return err;
}

static int compute_choice(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	const struct xqm_value *from = &in[*(const uint8_t *)in[0].data ? 1 : 2];

	(void)op;
	memcpy(out->data, from->data, xqm_value_elements(from) * xqm_value_bytes(from));
	return 0;
}

const struct xqm_kernel xqm_choice_kernel = {
	.name = "choice between branches",
	.infer = infer_choice,
	.compute = compute_choice,
};
