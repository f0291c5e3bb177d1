// SPDX-License-Identifier: MIT
/*
 * Conversions, and what only moves elements. Where a tensor can lie in the memory of another there is nothing to be done.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

/* ---- one copy --------------------------------------------------------------------------------------------- */

/* Goes over two views of the same shape; of rows that are packed, or have a scale, each stays one. */
static void set_boxes(const struct xqn_compiler *c, struct xqn_step *step, const struct xqn_view *x,
		      const struct xqn_view *y, bool rows)
{
	const struct xqn_view *const views[2] = { x, y };
	const bool whole = rows || xqn_packed(x) || xqn_packed(y);
	const unsigned int last = x->dims - 1;
	size_t dim[XQ_NETWORK_DIMS] = { 0 }, stride[2 * XQ_NETWORK_DIMS] = { 0 };
	unsigned int levels = xqn_join(views, 2, whole ? last : x->dims, c->dev->info.max_dim, dim, stride), i;
	struct xq_copy_dims *d = &step->copy;

	if (whole) {
		dim[levels] = x->dim[last];
		stride[levels] = x->stride[last];
		stride[XQ_NETWORK_DIMS + levels++] = y->stride[last];
	}
	if (!levels) {
		dim[0] = 1;
		levels = 1;
	}
	d->dims = (__u8)levels;
	for (i = 0; i < levels; i++) {
		d->dim[i] = (__u32)dim[i];
		d->x_stride[i] = stride[i];
		d->y_stride[i] = stride[XQ_NETWORK_DIMS + i];
	}
	d->x_format = (__u8)x->type;
	d->y_format = (__u8)y->type;
	step->place[XQACCEL_X] = (struct xqn_place){ .storage = x->storage, .offset = x->offset };
	step->place[XQACCEL_Y] = (struct xqn_place){ .storage = y->storage, .offset = y->offset };
}

static struct xqn_step *new_copy(struct xqn_compiler *c, unsigned int kind, const struct xqn_view *x,
				 const struct xqn_view *y, bool rows)
{
	struct xqn_step *step = xqn_new_step(c, XQN_JOB);

	step->cpu = !xqn_has(c, XQACCEL_FEATURE_COPY);
	step->work.op = XQACCEL_OP_COPY;
	set_boxes(c, step, x, y, rows);
	step->copy.kind = (__u8)kind;
	step->copy.y.act_min = INT32_MIN;
	step->copy.y.act_max = INT32_MAX;
	return step;
}

void xqn_copy(struct xqn_compiler *c, const struct xqn_view *from, const struct xqn_view *to)
{
	struct xqn_view between = *from;

	/* A job's output may not lie between rows of its input. */
	if (from->storage == to->storage) {
		xqn_new_view(c, &between);
		new_copy(c, XQ_COPY_NONE, from, &between, false);
	}
	new_copy(c, XQ_COPY_NONE, &between, to, false);
}

struct xqn_view xqn_without_gaps(struct xqn_compiler *c, const struct xqn_view *view)
{
	struct xqn_view dense = *view;

	if (xqn_is_dense(view))
		return *view;
	xqn_new_view(c, &dense);
	xqn_copy(c, view, &dense);
	return dense;
}

/* To integers that hold all values, plus an offset. */
static void shift_values(struct xqn_compiler *c, const struct xqn_view *from, const struct xqn_view *to,
			 int32_t offset)
{
	struct xqn_step *step = new_copy(c, XQ_COPY_REQUANT, from, to, false);

	step->copy.y.profile = XQ_PROFILE_ONNX;
	step->copy.y.scale = xqn_float_bits(1);
	step->copy.y.zero_point = offset;
}

struct xqn_view xqn_widened(struct xqn_compiler *c, const struct xqn_view *view, enum xq_type type, int32_t offset)
{
	struct xqn_view wide = *view;

	if (view->type == type)
		return *view;
	wide.type = type;
	xqn_new_view(c, &wide);
	shift_values(c, view, &wide, offset);
	return wide;
}

/* ---- conversions ------------------------------------------------------------------------------------------ */

static int requantize(struct xqn_compiler *c, const struct xqn_view *x, const struct xqn_view *y)
{
	const struct xq_network_convert *p = &c->op->convert;
	const struct xqn_tensor *tx = xqn_tensor(c->net, p->x);
	struct xqn_step *step;
	struct xqn_requant r;
	int err = xqn_single_requant(c->net, c->op, p->requant, p->profile, tx, xqn_tensor(c->net, p->y), 1, &r);

	if (err)
		return err;
	step = new_copy(c, XQ_COPY_REQUANT, x, y, false);
	step->copy.zero_point = xqn_zero_point(tx, 0);
	xqn_set_requant_one(&step->copy.y, &r.rq);
	free(r.memory);
	return 0;
}

static void quantize_rows(struct xqn_compiler *c, const struct xqn_view *x, const struct xqn_view *y)
{
	const struct xq_network_convert *p = &c->op->convert;
	struct xqn_view scale = *xqn_view(c, p->row_scale), zp = p->row_zp ? *xqn_view(c, p->row_zp) : scale;
	struct xqn_step *step;

	if (!xqn_is_dense(&scale))
		xqn_new_view(c, &scale);
	if (!xqn_is_dense(&zp))
		xqn_new_view(c, &zp);
	step = new_copy(c, XQ_COPY_DYNAMIC, x, y, true);
	step->place[XQN_ROW_SCALE] = (struct xqn_place){ .storage = scale.storage, .offset = scale.offset };
	if (p->row_zp)
		step->place[XQN_ROW_ZP] = (struct xqn_place){ .storage = zp.storage, .offset = zp.offset };
	if (scale.storage != xqn_view(c, p->row_scale)->storage)
		xqn_copy(c, &scale, xqn_view(c, p->row_scale));
	if (p->row_zp && zp.storage != xqn_view(c, p->row_zp)->storage)
		xqn_copy(c, &zp, xqn_view(c, p->row_zp));
}

int xqn_lower_convert(struct xqn_compiler *c)
{
	const struct xq_network_convert *p = &c->op->convert;
	const struct xqn_tensor *x = xqn_tensor(c->net, p->x), *y = xqn_tensor(c->net, p->y);
	const bool from = x->config.type == XQ_F32, to = y->config.type == XQ_F32;
	struct xqn_step *step;

	if (p->row_scale) {
		quantize_rows(c, xqn_view(c, p->x), xqn_view(c, p->y));
		return 0;
	}
	if (!from && !to)
		return requantize(c, xqn_view(c, p->x), xqn_view(c, p->y));
	if (from && to) {
		xqn_copy(c, xqn_view(c, p->x), xqn_view(c, p->y));
		return 0;
	}
	step = new_copy(c, from ? XQ_COPY_QUANTIZE : XQ_COPY_DEQUANTIZE, xqn_view(c, p->x), xqn_view(c, p->y), false);
	step->copy.zero_point = from ? 0 : xqn_zero_point(x, 0);
	step->copy.y.zero_point = from ? xqn_zero_point(y, 0) : 0;
	step->copy.y.scale = xqn_float_bits(from ? y->config.scale[0] : x->config.scale[0]);
	return 0;
}

/* ---- moves: each gives a view of x and one of y that have the same shape, or false ------------------------ */

static const size_t ones[XQ_NETWORK_DIMS] = { 1, 1, 1, 1, 1, 1 };

static bool transpose(struct xqn_compiler *c, const struct xqn_view *x, const struct xqn_view *y)
{
	struct xqn_view turned = *x;
	unsigned int i;

	if (xqn_packed(x) && c->op->move.order[x->dims - 1] != x->dims - 1)
		return false;
	for (i = 0; i < x->dims; i++) {
		turned.dim[i] = x->dim[c->op->move.order[i]];
		turned.stride[i] = x->stride[c->op->move.order[i]];
	}
	xqn_copy(c, &turned, y);
	return true;
}

/*
 * Part of x is y: in its memory, unless y has a place of its own. Operators count on elements of a row that follow each
 * other, so that is one if some are left out.
 */
static bool slice(struct xqn_compiler *c, const struct xqn_view *x, struct xqn_view *y)
{
	const unsigned int last = x->dims - 1;
	struct xqn_view box;

	if (!xqn_box(x, c->op->move.begin, y->dim, c->op->move.step, &box))
		return false;
	if (y->storage < 0 && c->op->move.step[last] != 1 && y->dim[last] > 1)
		xqn_new_view(c, y);
	if (y->storage < 0)
		*y = box;
	else
		xqn_copy(c, &box, y);
	return true;
}

/* Those that lie in y already are not copied. */
static bool concat(struct xqn_compiler *c, const struct xqn_view *y)
{
	const unsigned int axis = c->op->move.axis;
	size_t begin[XQ_NETWORK_DIMS] = { 0 };
	struct xqn_view box;
	unsigned int i;

	for (i = 0; i < c->op->inputs; i++) {
		const struct xqn_view *x = xqn_view(c, c->op->input[i]);

		if (!xqn_box(y, begin, x->dim, ones, &box))
			return false;
		begin[axis] += x->dim[axis];
	}
	begin[axis] = 0;
	for (i = 0; i < c->op->inputs; i++) {
		const struct xqn_view *x = xqn_view(c, c->op->input[i]);

		xqn_box(y, begin, x->dim, ones, &box);
		if (x->storage != box.storage || x->offset != box.offset)
			xqn_copy(c, x, &box);
		begin[axis] += x->dim[axis];
	}
	return true;
}

/* A row of the value that fills, repeated. */
static struct xqn_view filler(struct xqn_compiler *c, const struct xqn_view *shape)
{
	const unsigned int bits = xq_type_bits(shape->type);
	const size_t last = shape->dim[shape->dims - 1];
	struct xqn_view v = *shape;
	int32_t value = c->op->move.value;
	uint8_t *row;
	size_t i;

	if (!xqn_packed(shape)) {
		memset(v.stride, 0, sizeof(v.stride));
		v.storage = xqn_constant_bytes(c, &value, bits / 8);
		v.offset = 0;
		return v;
	}
	row = malloc(last + xq_row_size(shape->type, last));
	if (!row) {
		c->error = -ENOMEM;
		return v;
	}
	for (i = 0; i < last; i++)
		row[i] = (uint8_t)value;
	xq_pack(shape->type, row, 1, last, last, row + last, xq_row_size(shape->type, last), NULL);
	memset(v.stride, 0, sizeof(v.stride));
	v.storage = xqn_constant_bytes(c, row + last, xq_row_size(shape->type, last));
	v.offset = 0;
	free(row);
	return v;
}

/* The middle, and on each side of each dimension what the dimensions before have left. */
static bool pad(struct xqn_compiler *c, const struct xqn_view *x, const struct xqn_view *y)
{
	const size_t *before = c->op->move.before, *after = c->op->move.after;
	size_t begin[XQ_NETWORK_DIMS] = { 0 }, dim[XQ_NETWORK_DIMS];
	struct xqn_view box, fill;
	unsigned int i, side;

	if (xqn_packed(x) && (before[x->dims - 1] || after[x->dims - 1]))
		return false;
	xqn_box(y, before, x->dim, ones, &box);
	xqn_copy(c, x, &box);
	memcpy(dim, y->dim, sizeof(dim));
	for (i = 0; i < y->dims; i++) {
		for (side = 0; side < 2; side++) {
			dim[i] = side ? after[i] : before[i];
			begin[i] = side ? y->dim[i] - after[i] : 0;
			if (!dim[i])
				continue;
			xqn_box(y, begin, dim, ones, &box);
			fill = filler(c, &box);
			xqn_copy(c, &fill, &box);
		}
		begin[i] = before[i];
		dim[i] = x->dim[i];
	}
	return true;
}

/* [batch][h][factor_h][w][factor_w][channels], of which x repeats the factors. */
static bool enlarge(struct xqn_compiler *c, const struct xqn_view *x, const struct xqn_view *y)
{
	const size_t fh = c->op->move.factor_h, fw = c->op->move.factor_w;
	struct xqn_view from = *x, to = *y;
	const size_t dim[6] = { x->dim[0], x->dim[1], fh, x->dim[2], fw, x->dim[3] };
	const size_t xs[6] = { x->stride[0], x->stride[1], 0, x->stride[2], 0, x->stride[3] };
	const size_t ys[6] = { y->stride[0], y->stride[1] * fh, y->stride[1], y->stride[2] * fw, y->stride[2],
			       y->stride[3] };

	from.dims = to.dims = 6;
	memcpy(from.dim, dim, sizeof(dim));
	memcpy(to.dim, dim, sizeof(dim));
	memcpy(from.stride, xs, sizeof(xs));
	memcpy(to.stride, ys, sizeof(ys));
	xqn_copy(c, &from, &to);
	return true;
}

static bool reshape(struct xqn_compiler *c, const struct xqn_view *x, struct xqn_view *y)
{
	struct xqn_view from = *y, dense = *x;

	xqn_dense(&dense);
	if (!xqn_reshapes(&dense, y))
		return false;
	/* It was made in the place of the output. */
	if (y->storage >= 0 && y->storage == x->storage && y->offset == x->offset)
		return true;
	dense = xqn_without_gaps(c, x);
	from.storage = dense.storage;
	from.offset = dense.offset;
	xqn_dense(&from);
	if (y->storage < 0)
		*y = from;
	else
		xqn_copy(c, &from, y);
	return true;
}

static bool move(struct xqn_compiler *c, const struct xqn_view *x, struct xqn_view *y)
{
	switch (xqn_moves_as(c, c->op)) {
	case XQN_TRANSPOSE:
		return transpose(c, x, y);
	case XQN_SLICE:
		return slice(c, x, y);
	case XQN_CONCAT:
		return concat(c, y);
	case XQN_PAD:
		return pad(c, x, y);
	case XQN_ENLARGE:
		return enlarge(c, x, y);
	default:
		return reshape(c, x, y);
	}
}

/* Elements of less than a byte that can't be moved as rows: they are moved as bytes. */
static int move_as_bytes(struct xqn_compiler *c, struct xqn_view *y)
{
	const enum xq_type byte = xq_type_signed(y->type) ? XQ_S8 : XQ_U8;
	struct xqn_view kept[XQ_NETWORK_OPERANDS], to = *y;
	unsigned int i;

	if (y->type == XQ_B1)
		return xqn_fail_at(c->net, c->op, -EOPNOTSUPP, "its rows of single bits do not begin at bytes");
	for (i = 0; i < c->op->inputs; i++) {
		kept[i] = *xqn_view(c, c->op->input[i]);
		*xqn_view(c, c->op->input[i]) = xqn_widened(c, &kept[i], byte, 0);
	}
	to.type = byte;
	to.storage = -1;
	if (c->op->kind != XQN_RESHAPE && c->op->kind != XQN_SLICE)
		xqn_new_view(c, &to);
	else
		xqn_dense(&to);
	move(c, xqn_view(c, c->op->input[0]), &to);
	/* The other way round, since a tensor may be joined with itself. */
	for (i = c->op->inputs; i-- > 0;)
		*xqn_view(c, c->op->input[i]) = kept[i];
	if (y->storage < 0)
		xqn_new_view(c, y);
	shift_values(c, &to, y, 0);
	return 0;
}

int xqn_lower_move(struct xqn_compiler *c)
{
	struct xqn_view *y = xqn_view(c, c->op->output[0]);

	return move(c, xqn_view(c, c->op->input[0]), y) ? 0 : move_as_bytes(c, y);
}
