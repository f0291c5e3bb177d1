// SPDX-License-Identifier: MIT
/*
 * Checks of products, convolutions and what follows them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- what follows ------------------------------------------------------------------------------- */

static int refuse(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *y, bool given,
		  const char *what)
{
	return given ? xqn_fail_at(net, op, -EINVAL, "an output of type %s has no use for %s",
				   xq_type_name(y->config.type), what) : 0;
}

static int check_float(struct xq_network *net, const struct xqn_operator *op, const struct xq_network_finish *f,
		       size_t rows, bool batched, size_t channels)
{
	const struct xqn_tensor *t = xqn_tensor(net, f->row_scale);
	int err = xqn_want_elements(net, op, f->column_scale, XQ_F32, channels, "the column scale");

	if (!err)
		err = xqn_want_elements(net, op, f->float_bias, XQ_F32, channels, "the bias");
	if (!err && t)
		err = xqn_want_type(net, op, f->row_scale, XQN_BIT(XQ_F32), "the row scale");
	if (!err && t && (xqn_elements(&t->shape) != rows || t->shape.batched != batched))
		err = xqn_fail_at(net, op, -EINVAL, "the row scale %s has %zu elements, not %zu%s",
				  t->config.name, xqn_elements(&t->shape), rows,
				  batched ? " for each element of the batch" : "");
	return err;
}

static int check_thresholds(struct xq_network *net, const struct xqn_operator *op,
			    const struct xq_network_finish *f, size_t channels)
{
	const struct xqn_tensor *t = xqn_tensor(net, f->thresholds);
	const size_t count = xqn_elements(&t->shape) / channels;
	int err;

	if (f->requant || f->table)
		return xqn_fail_at(net, op, -EINVAL, "thresholds leave nothing to %s",
				   f->requant ? "requantize" : "look up");
	if (!count || count > 255)
		return xqn_fail_at(net, op, -EINVAL, "thresholds %s are %zu for each channel, not 1 to 255",
				   t->config.name, count);
	err = xqn_want_elements(net, op, f->thresholds, XQ_S32, channels * count, "the tensor of thresholds");
	return err ? err : xqn_want_elements(net, op, f->decreases, XQ_U8, channels, "the tensor of directions");
}

static int check_integer(struct xq_network *net, const struct xqn_operator *op,
			 const struct xq_network_finish *f, const struct xqn_tensor *x,
			 const struct xqn_tensor *w, const struct xqn_tensor *y, size_t channels)
{
	struct xqn_requant r;
	int err = refuse(net, op, y, f->row_scale || f->column_scale || f->float_bias,
			 "scales of rows or columns, or a float bias");

	if (err)
		return err;
	if (f->thresholds)
		return check_thresholds(net, op, f, channels);
	if (f->table) {
		if (f->index_type != XQ_S8 && f->index_type != XQ_U8)
			return xqn_fail_at(net, op, -EINVAL, "the index of its table is of type %s, not s8 or u8",
					   xq_type_name(f->index_type));
		err = xqn_want_type(net, op, y->number, XQN_NARROW, "with a table, the output");
	} else {
		err = xqn_want_type(net, op, y->number, XQN_REQUANTIZED, "the output");
	}
	if (!err)
		err = xqn_finish_requant(net, op, f, x, w, y, channels, &r);
	if (!err)
		free(r.memory);
	return err;
}

static int check_finish(struct xq_network *net, const struct xqn_operator *op,
			const struct xq_network_finish *f, const struct xqn_tensor *x,
			const struct xqn_tensor *w, const struct xqn_tensor *y, size_t rows, size_t channels)
{
	int err = xqn_want_elements(net, op, f->bias, XQ_S32, channels, "the bias");

	if (err)
		return err;
	switch (y->config.type) {
	case XQ_S32:
		err = refuse(net, op, y, f->requant || f->table || f->thresholds || f->clamp,
			     "a requantization, bounds, a table or thresholds");
		return err ? err : refuse(net, op, y, f->row_scale || f->column_scale || f->float_bias,
					  "scales of rows or columns, or a float bias");
	case XQ_F32:
		err = refuse(net, op, y, f->requant || f->table || f->thresholds || f->clamp,
			     "a requantization, bounds, a table or thresholds");
		return err ? err : check_float(net, op, f, rows, x->shape.batched, channels);
	default:
		return check_integer(net, op, f, x, w, y, channels);
	}
}

/* ---- products -------------------------------------------------------------------------------------- */

static int check_weights(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *w,
			 size_t channels)
{
	if (w->config.channels > 1 && w->config.channels != channels)
		return xqn_fail_at(net, op, -EINVAL, "its weights %s have %zu scales or zero points, not 1 or %zu",
				   w->config.name, w->config.channels, channels);
	return 0;
}

/* w of each index of the leading dimensions of x. */
static int check_pairwise(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x,
			  const struct xqn_tensor *w)
{
	char a[XQN_SHAPE_TEXT], b[XQN_SHAPE_TEXT];

	if (op->product.w_kn)
		return xqn_fail_at(net, op, -EINVAL, "its second operand %s is no constant and cannot be given as [k][n]",
				   w->config.name);
	if (x->shape.dims < 2 || w->shape.dims != x->shape.dims || w->shape.batched != x->shape.batched ||
	    (x->shape.batched && x->shape.dims < 3) ||
	    memcmp(x->shape.dim, w->shape.dim, (x->shape.dims - 2) * sizeof(size_t)))
		return xqn_fail_at(net, op, -EINVAL, "operands of shapes %s and %s are no series of products",
				   xqn_shape_text(&x->shape, a), xqn_shape_text(&w->shape, b));
	return 0;
}

int xqn_check_product(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xq_network_product *p = &op->product;
	const struct xqn_tensor *x = xqn_tensor(net, p->x), *w = xqn_tensor(net, p->w);
	const struct xqn_tensor *y = xqn_tensor(net, p->y), *zps = xqn_tensor(net, p->x_zps);
	struct xqn_shape shape = x->shape;
	char a[XQN_SHAPE_TEXT], b[XQN_SHAPE_TEXT];
	size_t n, k, rows;
	int err = xqn_want_type(net, op, p->x, XQN_NARROW, "the input");

	if (!err)
		err = xqn_want_type(net, op, p->w, XQN_NARROW | (xqn_constant(w) ? XQN_CODEBOOK : 0),
				    "the second operand");
	if (err)
		return err;
	if (xqn_constant(x))
		return xqn_fail_at(net, op, -EINVAL, "its input %s is a constant", x->config.name);
	if (w->shape.dims < 2 || !x->shape.dims || (xqn_constant(w) && w->shape.dims != 2))
		return xqn_fail_at(net, op, -EINVAL, "its weights %s have the shape %s, not [n, k]",
				   w->config.name, xqn_shape_text(&w->shape, a));
	if (x->shape.dims == 1 && x->shape.batched)
		return xqn_fail_at(net, op, -EINVAL, "its input %s grows with the batch along what is summed up",
				   x->config.name);
	n = w->shape.dim[w->shape.dims - (p->w_kn ? 1 : 2)];
	k = w->shape.dim[w->shape.dims - (p->w_kn ? 2 : 1)];
	if (x->shape.dim[x->shape.dims - 1] != k)
		return xqn_fail_at(net, op, -EINVAL, "its input of shape %s does not fit weights of shape %s",
				   xqn_shape_text(&x->shape, a), xqn_shape_text(&w->shape, b));
	err = xqn_constant(w) ? check_weights(net, op, w, n) : check_pairwise(net, op, x, w);
	if (err)
		return err;
	shape.dim[shape.dims - 1] = n;
	rows = xqn_elements(&x->shape) / k;
	if (zps && (zps->config.type != XQ_S32 || xqn_elements(&zps->shape) != rows ||
		    zps->shape.batched != x->shape.batched))
		return xqn_fail_at(net, op, -EINVAL, "zero points %s are not s32, one for each of %zu rows",
				   zps->config.name, rows);
	err = xqn_settle(net, op, p->y, &shape);
	return err ? err : check_finish(net, op, &p->finish, x, w, y, rows, n);
}

/* ---- convolutions ---------------------------------------------------------------------------------- */

/* Where each dimension of the weights is; -1 for the one of height 1. */
struct weights {
	int out, kernel_h, kernel_w, in;
};

static bool weight_dims(const struct xqn_tensor *w, enum xq_weight_order order, bool flat, struct weights *at)
{
	const int h = flat ? -1 : 0;

	switch (order) {
	case XQ_WEIGHTS_OHWI:
		*at = (struct weights){ 0, flat ? -1 : 1, flat ? 1 : 2, flat ? 2 : 3 };
		return w->shape.dims == (flat ? 3 : 4);
	case XQ_WEIGHTS_OIHW:
		*at = (struct weights){ 0, flat ? -1 : 2, flat ? 2 : 3, 1 };
		return w->shape.dims == (flat ? 3 : 4);
	default: {
		/* A leading 1 more. */
		const int skip = (int)w->shape.dims - (flat ? 2 : 3);

		*at = (struct weights){ (flat ? 1 : 2) + skip, h < 0 ? -1 : skip, (flat ? 0 : 1) + skip, -1 };
		return skip == 0 || (skip == 1 && w->shape.dim[0] == 1);
	}
	}
}

static size_t size_at(const struct xqn_tensor *w, int dim)
{
	return dim < 0 ? 1 : w->shape.dim[dim];
}

int xqn_conv_geometry(struct xq_network *net, const struct xqn_operator *op, struct xq_conv *conv)
{
	const struct xq_network_convolution *c = &op->conv;
	const struct xqn_tensor *x = xqn_tensor(net, c->x), *w = xqn_tensor(net, c->w);
	const bool flat = x->shape.dims == 3;
	char text[XQN_SHAPE_TEXT];
	struct weights at;

	if (x->shape.dims != 3 && x->shape.dims != 4)
		return xqn_fail_at(net, op, -EINVAL, "its input of shape %s has not 3 or 4 dimensions",
				   xqn_shape_text(&x->shape, text));
	if ((unsigned int)c->order > XQ_WEIGHTS_HWO || !weight_dims(w, c->order, flat, &at))
		return xqn_fail_at(net, op, -EINVAL, "its weights of shape %s are not in the order that it names",
				   xqn_shape_text(&w->shape, text));
	*conv = (struct xq_conv){
		.layout = XQ_NHWC, .batch = x->shape.dim[0], .in_h = flat ? 1 : x->shape.dim[1],
		.in_w = x->shape.dim[flat ? 1 : 2], .in_c = x->shape.dim[flat ? 2 : 3],
		.out_c = w->shape.dim[at.out], .kernel_h = size_at(w, at.kernel_h),
		.kernel_w = size_at(w, at.kernel_w), .groups = c->groups ? c->groups : 1,
		.stride_h = flat || !c->stride_h ? 1 : c->stride_h, .stride_w = c->stride_w ? c->stride_w : 1,
		.dilation_h = flat || !c->dilation_h ? 1 : c->dilation_h,
		.dilation_w = c->dilation_w ? c->dilation_w : 1, .pad_top = flat ? 0 : c->pad_top,
		.pad_left = c->pad_left, .pad_bottom = flat ? 0 : c->pad_bottom, .pad_right = c->pad_right,
		.transposed = c->transposed, .output_pad_h = flat ? 0 : c->output_pad_h,
		.output_pad_w = c->output_pad_w, .x_type = x->config.type, .w_type = w->config.type,
	};
	if (conv->in_c % conv->groups || conv->out_c % conv->groups)
		return xqn_fail_at(net, op, -EINVAL, "%zu groups do not divide %zu input and %zu output channels",
				   conv->groups, conv->in_c, conv->out_c);
	if (size_at(w, at.in) != conv->in_c / conv->groups)
		return xqn_fail_at(net, op, -EINVAL, "its weights of shape %s do not fit %zu input channels in %zu groups",
				   xqn_shape_text(&w->shape, text), conv->in_c, conv->groups);
	return 0;
}

static size_t largest_pad(const struct xq_network_convolution *c)
{
	const size_t rest = c->pad_bottom > c->pad_right ? c->pad_bottom : c->pad_right;
	const size_t first = c->pad_top > c->pad_left ? c->pad_top : c->pad_left;

	return first > rest ? first : rest;
}

/* Padding counts as the zero point, so that has to be a value; see xq_conv_valid(). */
static bool padding_has_value(const struct xqn_tensor *x)
{
	const int32_t least = x->config.type == XQ_U8 ? 0 : -128, zp = xqn_zero_point(x, 0);

	return zp >= least && zp <= least + 255;
}

int xqn_check_convolution(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xq_network_convolution *c = &op->conv;
	const struct xqn_tensor *x = xqn_tensor(net, c->x), *w = xqn_tensor(net, c->w);
	struct xqn_shape shape = x->shape;
	struct xq_conv conv;
	size_t h, wide, rows;
	int err = xqn_want_type(net, op, c->x, XQN_NARROW, "the input");

	if (!err)
		err = xqn_want_type(net, op, c->w, XQN_NARROW | XQN_CODEBOOK, "the tensor of weights");
	if (err)
		return err;
	if (xqn_constant(x) || !xqn_constant(w))
		return xqn_fail_at(net, op, -EINVAL, "%s", xqn_constant(x) ? "its input is a constant" :
				   "its weights are no constant");
	err = xqn_conv_geometry(net, op, &conv);
	if (err)
		return err;
	err = xq_conv_output(&conv, &h, &wide);
	if (err)
		return xqn_fail_at(net, op, err, err == -EOVERFLOW ? "its sizes are too large" :
				   "its kernel, pads and strides leave no output");
	if (!padding_has_value(x) && (c->transposed || largest_pad(c)))
		return xqn_fail_at(net, op, -EINVAL, "its input %s is padded, and its zero point %d is no value of 8 bits",
				   x->config.name, xqn_zero_point(x, 0));
	shape.dim[shape.dims - 1] = conv.out_c;
	shape.dim[shape.dims - 2] = wide;
	if (shape.dims == 4)
		shape.dim[1] = h;
	if (__builtin_mul_overflow(h, wide, &rows) || __builtin_mul_overflow(rows, conv.batch, &rows))
		return xqn_fail_at(net, op, -EOVERFLOW, "its sizes are too large");
	err = check_weights(net, op, w, conv.out_c);
	if (!err)
		err = xqn_settle(net, op, c->y, &shape);
	return err ? err : check_finish(net, op, &c->finish, x, w, xqn_tensor(net, c->y), rows, conv.out_c);
}
