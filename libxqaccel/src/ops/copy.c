// SPDX-License-Identifier: MIT
/* Copies: dimensions that can be gone over as one become one. */
#include <errno.h>
#include <math.h>

#include <xqaccel/copy.h>

#include "operator_run.h"

static const __u8 kinds[] = {
	[XQ_MOVE] = XQ_COPY_NONE,
	[XQ_REQUANTIZE] = XQ_COPY_REQUANT,
	[XQ_QUANTIZE] = XQ_COPY_QUANTIZE,
	[XQ_QUANTIZE_ROWS] = XQ_COPY_DYNAMIC,
	[XQ_DEQUANTIZE] = XQ_COPY_DEQUANTIZE,
};

/* Appends a dimension, or lengthens the last one where both tensors go on as it would. */
static void append(struct xq_copy_dims *d, uint32_t size, uint64_t x, uint64_t y, bool join)
{
	const uint32_t last = d->dims - 1U;

	if (size == 1 && join)
		return;
	if (join && d->dims && d->x_stride[last] == x * size && d->y_stride[last] == y * size &&
	    (uint64_t)d->dim[last] * size <= UINT32_MAX) {
		d->dim[last] *= size;
		d->x_stride[last] = x;
		d->y_stride[last] = y;
		return;
	}
	d->dim[d->dims] = size;
	d->x_stride[d->dims] = x;
	d->y_stride[d->dims++] = y;
}

static int set_numbers(const struct xq_copy *copy, struct xq_copy_dims *d)
{
	const struct xq_requant *rq = copy->requant;
	int err;

	d->y.act_min = INT32_MIN;
	d->y.act_max = INT32_MAX;
	d->zero_point = copy->x_zp;
	if (copy->conversion == XQ_QUANTIZE || copy->conversion == XQ_DEQUANTIZE) {
		if (!isfinite(copy->scale) || !(copy->scale > 0))
			return -EDOM;
		d->y.scale = xq_scale_bits(copy->scale);
		d->y.zero_point = copy->y_zp;
	}
	if (copy->conversion != XQ_REQUANTIZE)
		return 0;
	if (!rq || rq->params != 1 || rq->type != copy->y_type)
		return -EINVAL;
	err = xq_requant_check(rq, 1);
	if (err)
		return err;
	d->y.profile = rq->profile;
	d->y.zero_point = rq->zero_point;
	if (rq->profile == XQ_REQUANT_ONNX) {
		d->y.scale = xq_scale_bits(rq->scale[0]);
	} else {
		d->y.multiplier = rq->multiplier[0];
		d->y.shift = rq->shift[0];
		d->y.add = rq->profile == XQ_REQUANT_FLOOR_SHIFT && rq->add ? rq->add[0] : 0;
	}
	xq_operator_bounds(rq->clamp, rq->act_min, rq->act_max, &d->y.act_min, &d->y.act_max);
	return 0;
}

int xq_copy(struct xq_workspace *ws, const struct xq_copy *copy)
{
	struct xqk_operator job = { .kind = XQK_COPY };
	struct xq_copy_dims *d = &job.copy.dims;
	bool empty = false, packed;
	int err;

	if ((unsigned int)copy->conversion >= sizeof(kinds) || !copy->dims || copy->dims > XQ_COPY_DIMS)
		return -EINVAL;
	d->kind = kinds[copy->conversion];
	d->x_format = (__u8)copy->x_type;
	d->y_format = (__u8)copy->y_type;
	packed = xq_type_bits(copy->x_type) < 8 || xq_type_bits(copy->y_type) < 8;
	for (unsigned int i = 0; i < copy->dims; i++) {
		if (copy->dim[i] > UINT32_MAX)
			return -EOVERFLOW;
		empty |= !copy->dim[i];
		/* Rows that are packed, or have a scale of their own, stay rows. */
		append(d, (uint32_t)copy->dim[i], copy->x_stride[i], copy->y_stride[i],
		       i + 1 < copy->dims || !(packed || copy->conversion == XQ_QUANTIZE_ROWS));
	}
	if (!d->dims) {
		d->dims = 1;
		d->dim[0] = 1;
	}
	err = set_numbers(copy, d);
	if (err)
		return err;
	if (!xq_copy_valid(d))
		return -EINVAL;
	if (empty)
		return 0;
	if (!copy->x || !copy->y)
		return -EINVAL;
	job.copy.x.flat = (uint8_t *)copy->x;
	job.copy.y.flat = copy->y;
	job.copy.scale.flat = (uint8_t *)copy->row_scale;
	job.copy.zero_point.flat = (uint8_t *)copy->row_zp;
	return xq_operator_run(ws, &job);
}
