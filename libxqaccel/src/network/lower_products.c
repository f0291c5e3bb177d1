// SPDX-License-Identifier: MIT
/*
 * Products and convolutions with what follows them become one job each.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

/* ---- what both have ---------------------------------------------------------------------- */

struct xqn_step xqn_empty_step(const struct xqn_compiler *c)
{
	struct xqn_step step = { .kind = XQN_JOB, .operator = c->op->number };
	unsigned int i;

	for (i = 0; i < XQ_OPERANDS; i++)
		xqn_put(&step, i, -1);
	return step;
}

/* Whether all channels have the same zero point, as those of symmetric weights have. */
static bool one_zero_point(const struct xqn_tensor *w)
{
	size_t i;

	for (i = 1; i < w->config.channels && w->config.zero_point; i++)
		if (w->config.zero_point[i] != w->config.zero_point[0])
			return false;
	return true;
}

/*
 * Zero points of weights, each plus the offset of their widening. Returns the one for all: kernels
 * that know of one only are much faster, so a list is for those who need it.
 */
static int32_t put_zero_points(struct xqn_compiler *c, struct xqn_step *step,
			       const struct xqn_tensor *w, int32_t offset)
{
	int32_t *zp;
	size_t i;

	if (one_zero_point(w))
		return (int32_t)((uint32_t)xqn_zero_point(w, 0) + (uint32_t)offset);
	zp = malloc(w->config.channels * sizeof(*zp));
	if (!zp) {
		c->error = -ENOMEM;
		return 0;
	}
	for (i = 0; i < w->config.channels; i++)
		zp[i] = (int32_t)((uint32_t)w->config.zero_point[i] + (uint32_t)offset);
	xqn_put_bytes(c, step, XQACCEL_B_ZP, zp, w->config.channels * sizeof(*zp));
	free(zp);
	return 0;
}

static void as_it_is(enum xq_type type, struct xq_widening *wide)
{
	wide->type = type;
	wide->offset = 0;
	xq_codes_init(&wide->codes, type);
}

int xqn_widen(struct xqn_compiler *c, const struct xqn_tensor *x, const struct xqn_tensor *w,
	      struct xq_widening *wide_x, struct xq_widening *wide_w)
{
	int err;

	if (xq_device_has_pair(c->dev, x->config.type, w->config.type)) {
		as_it_is(x->config.type, wide_x);
		as_it_is(w->config.type, wide_w);
		return 0;
	}
	err = xq_widen_pair(c->dev, x->config.type, w->config.type, w->config.codebook, wide_x,
			    wide_w);
	return err ? xqn_fail_at(c->net, c->op, err,
				 "the device multiplies no types that hold %s and %s",
				 xq_type_name(x->config.type), xq_type_name(w->config.type))
		   : 0;
}

void xqn_put_codebook(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_tensor *w,
		      enum xq_type packed)
{
	if (packed == XQ_C4 || packed == XQ_C8)
		xqn_put_bytes(c, step, XQACCEL_CODEBOOK, w->config.codebook,
			      packed == XQ_C4 ? 16 : 256);
}

bool xqn_worth_tiles(const struct xqn_compiler *c, enum xq_type type, size_t n, size_t k)
{
	return xq_device_has_tiled(c->dev, type) &&
	       xq_tiled_size(type, n, k) / 2 < n * xq_row_size(type, k);
}

/* ---- products ---------------------------------------------------------------------------- */

static void put_weights(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_tensor *w,
			const struct xq_widening *wide)
{
	const bool kn = c->op->product.w_kn;
	const size_t n = w->shape.dim[kn ? 1 : 0], k = w->shape.dim[kn ? 0 : 1];
	const struct xqn_matrix m = {
		.tensor = w, .groups = 1, .rows = n, .k = { 1, 1, k }, .row_stride = kn ? 1 : k,
		.stride = { 0, 0, kn ? n : 1 }, .codes = wide->codes, .type = wide->type,
		.tiled = xqn_worth_tiles(c, wide->type, n, k),
	};

	step->place[XQACCEL_B] = (struct xqn_place){ .storage = xqn_constant_weights(c, &m),
						     .stride = m.tiled ? 0 : xqn_matrix_row(&m) };
	if (m.tiled)
		step->work.flags |= XQACCEL_JOB_B_TILED;
	xqn_put_codebook(c, step, w, wide->type);
}

static struct xqn_place place_of(const struct xqn_view *v, size_t stride, size_t batch_stride)
{
	return (struct xqn_place){ .storage = v->storage, .offset = v->offset, .stride = stride,
				   .batch_stride = batch_stride };
}

/*
 * Rows of x and of y, in at most two levels that both have. False if they have more, then they have
 * to be without gaps. Products in pairs have a level of their own for the rows of each.
 */
static bool put_rows(const struct xqn_compiler *c, struct xqn_step *step, const struct xqn_view *x,
		     const struct xqn_view *y, const struct xqn_view *w)
{
	const struct xqn_view *const views[3] = { x, y, w };
	size_t dim[XQ_NETWORK_DIMS] = { 0 }, stride[3 * XQ_NETWORK_DIMS] = { 0 };
	const size_t *ys = stride + XQ_NETWORK_DIMS, *ws = ys + XQ_NETWORK_DIMS;
	const unsigned int lead = x->dims - (w ? 2 : 1);
	const unsigned int levels = xqn_join(views, w ? 3 : 2, lead, c->dev->info.max_dim, dim,
					     stride);
	struct xqaccel_gemm *g = &step->work.gemm;

	if (levels > (w ? 1 : 2))
		return false;
	g->batch = levels == (w ? 1 : 2) ? (uint32_t)dim[0] : 1;
	if (w) {
		g->m = (uint32_t)x->dim[lead];
		step->place[XQACCEL_A] = place_of(x, x->stride[lead], stride[0]);
		step->place[XQACCEL_C] = place_of(y, y->stride[lead], ys[0]);
		step->place[XQACCEL_B] = place_of(w, w->stride[lead], ws[0]);
		return true;
	}
	g->m = levels ? (uint32_t)dim[levels - 1] : 1;
	step->place[XQACCEL_A] = place_of(x, levels ? stride[levels - 1] : xqn_row_bytes(x),
					  levels == 2 ? stride[0] : 0);
	step->place[XQACCEL_C] = place_of(y, levels ? ys[levels - 1] : xqn_row_bytes(y),
					  levels == 2 ? ys[0] : 0);
	return true;
}

static int product_steps(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_view *x,
			 const struct xqn_view *y, const struct xqn_view *b,
			 const struct xq_widening *wide_w)
{
	const struct xq_network_product *p = &c->op->product;
	const struct xqn_tensor *tx = xqn_tensor(c->net, p->x), *w = xqn_tensor(c->net, p->w);
	struct xqn_view to = *y, from = *x, second = b ? *b : (struct xqn_view){ 0 };
	int err;

	if (!put_rows(c, step, &from, &to, b ? &second : NULL)) {
		from = xqn_without_gaps(c, x);
		if (b)
			second = xqn_without_gaps(c, b);
		if (!xqn_is_dense(&to))
			xqn_new_view(c, &to);
		if (!put_rows(c, step, &from, &to, b ? &second : NULL))
			return xqn_too_large(c);
	}
	if (!b)
		put_weights(c, step, w, wide_w);
	if (p->x_zps)
		xqn_put_rows(c, step, XQACCEL_A_ZP, p->x_zps,
			     step->work.gemm.batch > 1 ? 4ULL * step->work.gemm.m : 0);
	err = xqn_put_finish(c, step, &p->finish, tx, w, xqn_tensor(c->net, p->y),
			     step->work.gemm.n);
	if (err)
		return err;
	xqn_add_steps(c, step, 0, (size_t)step->work.gemm.batch * step->work.gemm.m,
		      step->work.gemm.n);
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}

int xqn_lower_product(struct xqn_compiler *c)
{
	const struct xq_network_product *p = &c->op->product;
	const struct xqn_tensor *x = xqn_tensor(c->net, p->x), *w = xqn_tensor(c->net, p->w);
	const struct xqn_view *y = xqn_view(c, p->y);
	struct xqn_step step = xqn_empty_step(c);
	struct xq_widening wide_x, wide_w;
	struct xqn_view from, second;
	int err = xqn_widen(c, x, w, &wide_x, &wide_w);

	if (err)
		return err;
	from = xqn_widened(c, xqn_view(c, p->x), wide_x.type, wide_x.offset);
	if (!xqn_constant(w))
		second = xqn_widened(c, xqn_view(c, p->w), wide_w.type, wide_w.offset);
	step.work.op = XQACCEL_OP_GEMM;
	step.work.gemm = (struct xqaccel_gemm){
		.n = (uint32_t)y->dim[y->dims - 1], .k = (uint32_t)from.dim[from.dims - 1],
		.a_format = wide_x.type, .b_format = wide_w.type,
		.a_zp = (int32_t)((uint32_t)xqn_zero_point(x, 0) + (uint32_t)wide_x.offset),
	};
	step.work.gemm.b_zp = put_zero_points(c, &step, w, wide_w.offset);
	if (p->x_zps && wide_x.offset)
		return xqn_fail_at(c->net, c->op, -EOPNOTSUPP,
				   "the device cannot multiply %s by rows with zero points",
				   xq_type_name(x->config.type));
	return product_steps(c, &step, &from, y, xqn_constant(w) ? NULL : &second, &wide_w);
}

/* ---- convolutions ------------------------------------------------------------------------ */

/* The weights of one group after the other; strides are those of the constant's order. */
static struct xqn_matrix conv_matrix(const struct xqn_tensor *w, enum xq_weight_order order,
				     const struct xq_conv *g, const struct xq_widening *wide)
{
	const size_t in = g->in_c / g->groups, taps = g->kernel_h * g->kernel_w;
	struct xqn_matrix m = {
		.tensor = w, .groups = g->groups, .rows = g->out_c / g->groups,
		.k = { g->kernel_h, g->kernel_w, in }, .codes = wide->codes, .type = wide->type,
	};

	switch (order) {
	case XQ_WEIGHTS_OHWI:
		m.row_stride = taps * in;
		m.stride[0] = g->kernel_w * in;
		m.stride[1] = in;
		m.stride[2] = 1;
		break;
	case XQ_WEIGHTS_OIHW:
		m.row_stride = taps * in;
		m.stride[0] = g->kernel_w;
		m.stride[1] = 1;
		m.stride[2] = taps;
		break;
	default:
		m.row_stride = 1;
		m.stride[0] = g->kernel_w * g->out_c;
		m.stride[1] = g->out_c;
		break;
	}
	return m;
}

static void put_conv_weights(struct xqn_compiler *c, struct xqn_step *step,
			     const struct xqn_tensor *w, const struct xq_conv *g,
			     const struct xq_widening *wide)
{
	struct xqn_matrix m = conv_matrix(w, c->op->conv.order, g, wide);

	m.tiled = xqn_worth_tiles(c, wide->type, m.rows, m.k[0] * m.k[1] * m.k[2]);
	step->place[XQACCEL_W] = (struct xqn_place){
		.storage = xqn_constant_weights(c, &m), .stride = m.tiled ? 0 : xqn_matrix_row(&m),
		.batch_stride = m.tiled ? xqn_matrix_group(&m) : 0,
	};
	if (m.tiled)
		step->work.flags |= XQACCEL_JOB_B_TILED;
	xqn_put_codebook(c, step, w, wide->type);
}

static void set_conv(struct xqaccel_conv *to, const struct xq_conv *g, const struct xqn_view *x,
		     const struct xqn_view *y)
{
	*to = (struct xqaccel_conv){
		.batch = (uint32_t)x->dim[0], .in_h = (uint32_t)g->in_h, .in_w = (uint32_t)g->in_w,
		.in_c = (uint32_t)g->in_c, .out_h = y->dims == 4 ? (uint32_t)y->dim[1] : 1,
		.out_w = (uint32_t)y->dim[y->dims - 2], .out_c = (uint32_t)g->out_c,
		.kernel_h = (uint32_t)g->kernel_h, .kernel_w = (uint32_t)g->kernel_w,
		.groups = (uint32_t)g->groups, .stride_h = (uint32_t)g->stride_h,
		.stride_w = (uint32_t)g->stride_w, .dilation_h = (uint32_t)g->dilation_h,
		.dilation_w = (uint32_t)g->dilation_w, .pad_top = (uint32_t)g->pad_top,
		.pad_left = (uint32_t)g->pad_left, .transposed = g->transposed,
	};
}

int xqn_lower_convolution(struct xqn_compiler *c)
{
	const struct xq_network_convolution *p = &c->op->conv;
	const struct xqn_tensor *x = xqn_tensor(c->net, p->x), *w = xqn_tensor(c->net, p->w);
	const struct xqn_view *y = xqn_view(c, p->y);
	struct xqn_step step = xqn_empty_step(c);
	struct xq_widening wide_x, wide_w;
	struct xqn_view from;
	struct xq_conv g;
	int err = xqn_conv_geometry(c->net, c->op, &g);

	if (!err)
		err = xqn_widen(c, x, w, &wide_x, &wide_w);
	if (err)
		return err;
	from = xqn_widened(c, xqn_view(c, p->x), wide_x.type, wide_x.offset);
	step.work.op = XQACCEL_OP_CONV;
	set_conv(&step.work.conv, &g, &from, y);
	step.work.conv.x_format = wide_x.type;
	step.work.conv.w_format = wide_w.type;
	step.work.conv.x_zp = (int32_t)((uint32_t)xqn_zero_point(x, 0) + (uint32_t)wide_x.offset);
	step.work.conv.w_zp = put_zero_points(c, &step, w, wide_w.offset);
	step.place[XQACCEL_X] = xqn_image_place(&from);
	step.place[XQACCEL_Y] = xqn_image_place(y);
	put_conv_weights(c, &step, w, &g, &wide_w);
	err = xqn_put_finish(c, &step, &p->finish, x, w, xqn_tensor(c->net, p->y), g.out_c);
	if (err)
		return err;
	xqn_add_steps(c, &step, XQACCEL_FEATURE_CONV,
		      (size_t)step.work.conv.batch * step.work.conv.out_h * step.work.conv.out_w,
		      g.out_c);
	return 0;
}

/* ---- lookups ----------------------------------------------------------------------------- */

/* A depthwise convolution by 1 leaves each element as it is, and its epilogue has the table. */
int xqn_lower_lookup(struct xqn_compiler *c)
{
	const struct xqn_tensor *ty = xqn_tensor(c->net, c->op->output[0]);
	const struct xqn_view *y = xqn_view(c, c->op->output[0]);
	struct xqn_view x = *xqn_view(c, c->op->input[0]), to = *y;
	const struct xqn_view *const views[2] = { &x, &to };
	size_t dim[XQ_NETWORK_DIMS] = { 0 }, stride[2 * XQ_NETWORK_DIMS] = { 0 };
	struct xqn_step step = xqn_empty_step(c);
	const size_t channels = x.dim[x.dims - 1];
	const float one = 1;
	bool device;
	unsigned int levels = xqn_join(views, 2, x.dims - 1, c->dev->info.max_dim, dim, stride), i;
	int8_t *ones;

	if (levels > 3) {
		x = xqn_without_gaps(c, &x);
		if (!xqn_is_dense(&to))
			xqn_new_view(c, &to);
		levels = xqn_join(views, 2, x.dims - 1, c->dev->info.max_dim, dim, stride);
		if (levels > 3)
			return xqn_too_large(c);
	}
	/* Levels from the innermost out are pixels, lines, images. */
	for (i = levels; i < 3; i++)
		dim[i] = 1;
	ones = malloc(channels);
	if (!ones)
		return -ENOMEM;
	memset(ones, 1, channels);
	step.work.op = XQACCEL_OP_CONV;
	step.work.conv = (struct xqaccel_conv){
		.batch = (uint32_t)(levels == 3 ? dim[0] : 1),
		.in_h = (uint32_t)(levels >= 2 ? dim[levels - 2] : 1),
		.in_w = (uint32_t)(levels ? dim[levels - 1] : 1),
		.in_c = (uint32_t)channels,
		.out_c = (uint32_t)channels,
		.kernel_h = 1,
		.kernel_w = 1,
		.groups = (uint32_t)channels,
		.stride_h = 1,
		.stride_w = 1,
		.dilation_h = 1,
		.dilation_w = 1,
		.x_format = x.type,
		.w_format = XQ_S8,
	};
	step.work.conv.out_h = step.work.conv.in_h;
	step.work.conv.out_w = step.work.conv.in_w;
	step.work.epilogue = (struct xqaccel_epilogue){
		.kind = XQACCEL_EPILOGUE_REQUANT,
		.profile = XQACCEL_PROFILE_ONNX,
		.format = ty->config.type,
		.index_format = x.type,
		.act_min = INT32_MIN,
		.act_max = INT32_MAX,
	};
	for (i = 0; i < 2; i++) {
		const size_t *s = stride + i * XQ_NETWORK_DIMS;

		step.place[i ? XQACCEL_Y : XQACCEL_X] = (struct xqn_place){
			views[i]->storage,
			views[i]->offset,
			levels ? s[levels - 1] : xqn_row_bytes(views[i]),
			levels == 3 ? s[0] : 0,
			levels >= 2 ? s[levels - 2] : 0,
		};
	}
	step.place[XQACCEL_W].stride = 1;
	xqn_put_bytes(c, &step, XQACCEL_W, ones, channels);
	step.place[XQACCEL_W].stride = 1;
	xqn_put_bytes(c, &step, XQACCEL_EPILOGUE_SCALE, &one, sizeof(one));
	xqn_put_bytes(c, &step, XQACCEL_EPILOGUE_TABLE, c->op->table, 256);
	free(ones);
	/* It is worth a job only if the device does all of it. */
	device = xqn_has(c, XQACCEL_FEATURE_CONV) && xqn_has(c, XQACCEL_FEATURE_EPILOGUE) &&
		 xq_device_has_pair(c->dev, x.type, XQ_S8);
	step.cpu = !device;
	*xqn_new_step(c, XQN_JOB) = step;
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}
