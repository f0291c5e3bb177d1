// SPDX-License-Identifier: MIT
/*
 * Elements that a condition picks, and where those are that are not 0. How many there are is known
 * before a run, or there is no shape. Determinants of matrices.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"
#include "pick.h"

/* ---- slices for which the condition holds ------------------------------------------------ */

/* Elements before the axis, along it, and behind it. */
static int find_axis(struct xqm_graph *graph, const struct xqm_operator *op,
		     const struct xqm_value *in, size_t *outer, size_t *n, size_t *inner)
{
	const struct xqm_compress *p = op->params.other.data;
	int axis;

	*outer = *inner = 1;
	*n = xqm_value_elements(in);
	if (p->flat)
		return 0;
	axis = xqm_axis_of(graph, op, p->axis, in->dims);
	if (axis < 0)
		return axis;
	*outer = xqm_outer(in, (unsigned int)axis);
	*n = in->dim[axis];
	*inner = xqm_inner(in, (unsigned int)axis);
	return axis;
}

static int infer_compress(struct xqm_graph *graph, const struct xqm_operator *op,
			  const struct xqm_value *in, struct xqm_value *out)
{
	const struct xqm_compress *p = op->params.other.data;
	size_t outer, n, inner, count = 0;
	int err = xqm_need_type(graph, op, &in[1], "the condition", XQ_MODEL_BOOL), axis;

	if (!err)
		err = xqm_need_dims(graph, op, &in[1], "the condition", 1);
	if (err)
		return err;
	axis = find_axis(graph, op, in, &outer, &n, &inner);
	if (axis < 0)
		return axis;
	if (in[1].dim[0] > n)
		return xqm_fail_at(graph, op, -EINVAL, "a condition of %zu elements for %zu",
				   in[1].dim[0], n);
	if (!in[1].data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP,
				   "how many are picked depends on what the model computes");
	for (size_t i = 0; i < in[1].dim[0]; i++)
		count += ((const uint8_t *)in[1].data)[i] != 0;
	out->type = in->type;
	if (p->flat) {
		out->dims = 1;
		out->dim[0] = count;
	} else {
		xqm_same(out, in);
		out->dim[axis] = count;
	}
	return 0;
}

static int compute_compress(const struct xqm_operator *op, const struct xqm_value *in,
			    const struct xqm_value *out)
{
	const uint8_t *picked = in[1].data;
	size_t outer, n, inner, bytes;
	const uint8_t *from = in->data;
	uint8_t *to = out->data;
	int axis = find_axis(NULL, op, in, &outer, &n, &inner);

	if (axis < 0)
		return axis;
	bytes = inner * xqm_value_bytes(in);
	for (size_t i = 0; i < outer; i++) {
		for (size_t k = 0; k < n; k++, from += bytes) {
			if (k >= in[1].dim[0] || !picked[k])
				continue;
			memcpy(to, from, bytes);
			to += bytes;
		}
	}
	return 0;
}

const struct xqm_kernel xqm_compress_kernel = {
	.name = "compress",
	.infer = infer_compress,
	.compute = compute_compress,
};

/* ---- where elements are not 0 ------------------------------------------------------------ */

static bool is_zero(const struct xqm_value *in, size_t i)
{
	return xqm_class_of(in->type) == XQM_REAL ? xqm_real_at(in, i) == 0 :
						    xqm_integer_at(in, i) == 0;
}

static size_t count_others(const struct xqm_value *in)
{
	size_t count = 0;

	for (size_t i = 0; i < xqm_value_elements(in); i++)
		count += !is_zero(in, i);
	return count;
}

static int infer_non_zero(struct xqm_graph *graph, const struct xqm_operator *op,
			  const struct xqm_value *in, struct xqm_value *out)
{
	if (xqm_class_of(in->type) == XQM_NO_CLASS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "its input is %s",
				   xq_model_type_name(in->type));
	if (!in->data)
		return xqm_fail_at(graph, op, -EOPNOTSUPP,
				   "how many are not 0 depends on what the model computes");
	out->type = XQ_MODEL_S64;
	out->dims = 2;
	out->dim[0] = in->dims;
	out->dim[1] = count_others(in);
	return 0;
}

/* A row for each dimension, elements in C order. */
static int compute_non_zero(const struct xqm_operator *op, const struct xqm_value *in,
			    const struct xqm_value *out)
{
	int64_t *to = out->data;
	size_t found = 0;

	(void)op;
	for (size_t i = 0; i < xqm_value_elements(in); i++) {
		size_t rest = i;

		if (is_zero(in, i))
			continue;
		for (unsigned int d = in->dims; d-- > 0; rest /= in->dim[d])
			to[d * out->dim[1] + found] = (int64_t)(rest % in->dim[d]);
		found++;
	}
	return 0;
}

const struct xqm_kernel xqm_non_zero_kernel = {
	.name = "non zero",
	.infer = infer_non_zero,
	.compute = compute_non_zero,
};

/* ---- determinants ------------------------------------------------------------------------ */

static int infer_det(struct xqm_graph *graph, const struct xqm_operator *op,
		     const struct xqm_value *in, struct xqm_value *out)
{
	int err = xqm_reals(graph, op, in, 1);

	if (!err && (in->dims < 2 || in->dim[in->dims - 1] != in->dim[in->dims - 2]))
		err = xqm_fail_at(graph, op, -EINVAL, "its input has no square matrices");
	if (err)
		return err;
	xqm_same(out, in);
	out->dims = in->dims - 2;
	return 0;
}

/* By elimination, the largest of a column first. */
static double determinant(double *m, size_t n)
{
	double product = 1;

	for (size_t c = 0; c < n; c++) {
		size_t best = c;

		for (size_t r = c + 1; r < n; r++)
			if (fabs(m[r * n + c]) > fabs(m[best * n + c]))
				best = r;
		if (m[best * n + c] == 0)
			return 0;
		for (size_t k = 0; best != c && k < n; k++) {
			const double kept = m[c * n + k];

			m[c * n + k] = m[best * n + k];
			m[best * n + k] = kept;
		}
		product *= best != c ? -m[c * n + c] : m[c * n + c];
		for (size_t r = c + 1; r < n; r++) {
			const double factor = m[r * n + c] / m[c * n + c];

			for (size_t k = c; k < n; k++)
				m[r * n + k] -= factor * m[c * n + k];
		}
	}
	return product;
}

static int compute_det(const struct xqm_operator *op, const struct xqm_value *in,
		       const struct xqm_value *out)
{
	const size_t n = in->dim[in->dims - 1];
	double *matrix = malloc((n * n + 1) * sizeof(*matrix));

	(void)op;
	if (!matrix)
		return -ENOMEM;
	for (size_t i = 0; i < xqm_value_elements(out); i++) {
		double value;

		xqm_load_real(in, i * n * n, 1, n * n, matrix);
		value = determinant(matrix, n);
		xqm_store_real(out, i, 1, &value);
	}
	free(matrix);
	return 0;
}

const struct xqm_kernel xqm_det_kernel = {
	.name = "determinant",
	.infer = infer_det,
	.compute = compute_det,
};
