// SPDX-License-Identifier: MIT
/* Integer targets and the view of a tensor as [outer][axis][inner]. */
#include <errno.h>

#include <xqaccel/quantize.h>

#include "layout.h"

int xq_qtype_of(enum xq_type type, struct xq_qtype *out)
{
	switch (type) {
	case XQ_S8: case XQ_U8: case XQ_S4: case XQ_U4: case XQ_S2: case XQ_U2: case XQ_T2:
	case XQ_S16: case XQ_U16:
		break;
	default:
		return -EINVAL;
	}
	out->min = (int32_t)xq_type_min(type);
	out->max = (int32_t)xq_type_max(type);
	out->bits = xq_type_bits(type);
	out->is_signed = xq_type_signed(type);
	return 0;
}

int xq_qtype_bits(unsigned int bits, bool is_signed, struct xq_qtype *out)
{
	if ((bits < 2 || bits > 8) && bits != 16)
		return -EINVAL;
	out->min = is_signed ? -(1 << (bits - 1)) : 0;
	out->max = is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
	out->bits = bits;
	out->is_signed = is_signed;
	return 0;
}

struct xq_qtype xq_qtype_symmetric(const struct xq_qtype *type)
{
	struct xq_qtype result = *type;

	if (result.min < -result.max)
		result.min = -result.max;
	return result;
}

bool xq_qtype_valid(const struct xq_qtype *type)
{
	int32_t low, high;

	if (!type || ((type->bits < 2 || type->bits > 8) && type->bits != 16))
		return false;
	low = type->is_signed ? -(1 << (type->bits - 1)) : 0;
	high = type->is_signed ? (1 << (type->bits - 1)) - 1 : (1 << type->bits) - 1;
	return type->min >= low && type->max <= high && type->min < type->max && type->max > 0;
}

static int product(const size_t *dims, unsigned int from, unsigned int to, size_t *out)
{
	size_t n = 1;
	bool empty = false;

	/* A zero makes the product zero, whatever stands beside it. */
	for (unsigned int i = from; i < to; i++)
		empty |= dims[i] == 0;
	for (unsigned int i = from; i < to && !empty; i++)
		if (__builtin_mul_overflow(n, dims[i], &n))
			return -EOVERFLOW;
	*out = empty ? 0 : n;
	return 0;
}

/* Elements must be addressable as floats. */
static int check_total(const struct xq_layout *layout)
{
	size_t n;

	if (!layout->outer || !layout->axis || !layout->inner)
		return 0;
	if (__builtin_mul_overflow(layout->outer, layout->axis, &n) ||
	    __builtin_mul_overflow(n, layout->inner, &n) ||
	    __builtin_mul_overflow(n, sizeof(float), &n) || n > PTRDIFF_MAX)
		return -EOVERFLOW;
	return 0;
}

int xq_layout_tensor(const size_t *dims, unsigned int ndim, struct xq_layout *out)
{
	int err;

	if ((!dims && ndim) || !out)
		return -EINVAL;
	*out = (struct xq_layout){ .per = XQ_PER_TENSOR, .outer = 1, .axis = 1, .block = 1 };
	err = product(dims, 0, ndim, &out->inner);
	return err ? err : check_total(out);
}

static int split(const size_t *dims, unsigned int ndim, int axis, struct xq_layout *out)
{
	int err;

	if (!dims || !out || axis >= (int)ndim || axis < -(int)ndim)
		return -EINVAL;
	if (axis < 0)
		axis += (int)ndim;
	out->axis = dims[axis];
	err = product(dims, 0, (unsigned int)axis, &out->outer);
	if (!err)
		err = product(dims, (unsigned int)axis + 1, ndim, &out->inner);
	return err ? err : check_total(out);
}

int xq_layout_channel(const size_t *dims, unsigned int ndim, int axis, struct xq_layout *out)
{
	int err = split(dims, ndim, axis, out);

	if (err)
		return err;
	out->per = XQ_PER_CHANNEL;
	out->block = 1;
	return 0;
}

int xq_layout_block(const size_t *dims, unsigned int ndim, int axis, size_t block,
		    struct xq_layout *out)
{
	int err;

	if (!block)
		return -EINVAL;
	err = split(dims, ndim, axis, out);
	if (err)
		return err;
	out->per = XQ_PER_BLOCK;
	out->block = block;
	return 0;
}

size_t xq_layout_elements(const struct xq_layout *layout)
{
	return layout->outer * layout->axis * layout->inner;
}

size_t xq_layout_blocks(const struct xq_layout *layout)
{
	return layout->axis / layout->block + (layout->axis % layout->block != 0);
}

size_t xq_layout_params(const struct xq_layout *layout)
{
	switch (layout->per) {
	case XQ_PER_TENSOR:
		return 1;
	case XQ_PER_CHANNEL:
		return layout->axis;
	default:
		return layout->outer * xq_layout_blocks(layout) * layout->inner;
	}
}

bool xq_layout_valid(const struct xq_layout *layout)
{
	return layout && layout->block && layout->per <= XQ_PER_BLOCK && !check_total(layout);
}

struct xq_cell xq_layout_cell(const struct xq_layout *layout, size_t param)
{
	size_t blocks, column, row, b, count;

	switch (layout->per) {
	case XQ_PER_TENSOR:
		return (struct xq_cell){ .runs = 1, .run = xq_layout_elements(layout), .step = 1 };
	case XQ_PER_CHANNEL:
		return (struct xq_cell){ .start = param * layout->inner, .runs = layout->outer,
					 .stride = layout->axis * layout->inner,
					 .run = layout->inner, .step = 1 };
	default:
		blocks = xq_layout_blocks(layout);
		column = param % layout->inner;
		row = param / layout->inner;
		b = row % blocks;
		count = layout->axis - b * layout->block;
		return (struct xq_cell){
			.start = (row / blocks * layout->axis + b * layout->block) * layout->inner + column,
			.runs = 1, .run = count < layout->block ? count : layout->block,
			.step = layout->inner };
	}
}
