/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The words of operations that are neither products nor convolutions: as the operators' own
 * functions take them, their checks, and the extents of their operands. Part of xq_work.h.
 */
#ifndef XQ_WORK_OPERATORS_H
#define XQ_WORK_OPERATORS_H

#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include "xq_operators.h"

/**
 * struct xq_abilities - what a device can do
 * @pairs: for each format of A a bit for each format of B, XQ_FORMATS elements
 * @tiled: a bit for each format of B that may come in the tile order
 * @features: XQACCEL_FEATURE_*
 * @max_dim: largest dimension
 */
struct xq_abilities {
	const __u32 *pairs;
	__u32 tiled;
	__u64 features;
	__u32 max_dim;
};

/* ---- the numbers as the operators' own functions take them ---------------- */

static inline __u64 xq_wide(const struct xqaccel_wide *w)
{
	return w->low | (__u64)w->high << 32;
}

static inline struct xq_requant_one xq_work_requant(const struct xqaccel_requant *r)
{
	return (struct xq_requant_one){
		.profile = r->profile,
		.multiplier = r->multiplier,
		.shift = r->shift,
		.scale = r->scale,
		.add = (__s64)xq_wide(&r->add),
		.zero_point = r->zero_point,
		.act_min = r->act_min,
		.act_max = r->act_max,
	};
}

static inline struct xq_pool_dims xq_work_pool(const struct xqaccel_work *w)
{
	const struct xqaccel_pool *p = &w->pool;

	return (struct xq_pool_dims){
		.kind = (__u8)p->kind,
		.format = (__u8)p->format,
		.batch = p->batch,
		.in_h = p->in_h,
		.in_w = p->in_w,
		.channels = p->channels,
		.out_h = p->out_h,
		.out_w = p->out_w,
		.kernel_h = p->kernel_h,
		.kernel_w = p->kernel_w,
		.stride_h = p->stride_h,
		.stride_w = p->stride_w,
		.pad_top = p->pad_top,
		.pad_left = p->pad_left,
		.act_min = p->act_min,
		.act_max = p->act_max,
	};
}

/* Strides of dimensions 2 to 4 are those of the operand. */
static inline void xq_tensor_strides(__u64 *to, const struct xqaccel_wide *outer, __u64 inner)
{
	to[0] = xq_wide(&outer[0]);
	to[1] = xq_wide(&outer[1]);
	to[2] = 0;
	to[3] = 0;
	to[4] = 0;
	to[5] = inner;
}

static inline void xq_elementwise_input_from(struct xq_elementwise_input *to,
					     const struct xqaccel_elementwise_input *x)
{
	to->format = (__u8)x->format;
	to->zero_point = x->zero_point;
	to->multiplier = x->multiplier;
	to->shift = x->shift;
	to->scale = x->scale;
	to->add = (__s64)xq_wide(&x->add);
	xq_tensor_strides(to->stride, x->outer_stride, !x->repeat);
}

static inline void xq_work_elementwise(const struct xqaccel_work *w, struct xq_elementwise *to)
{
	const struct xqaccel_elementwise *e = &w->elementwise;
	unsigned int i;

	to->kind = (__u8)e->kind;
	to->format = (__u8)e->format;
	to->dims = XQ_TENSOR_DIMS;
	to->left_shift = e->left_shift;
	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		to->dim[i] = e->dim[i];
	xq_tensor_strides(to->stride, e->outer_stride, 1);
	xq_elementwise_input_from(&to->a, &e->a);
	xq_elementwise_input_from(&to->b, &e->b);
	to->y = xq_work_requant(&e->y);
}

static inline struct xq_softmax_dims xq_work_softmax(const struct xqaccel_work *w)
{
	return (struct xq_softmax_dims){
		.rows = w->softmax.rows,
		.columns = w->softmax.columns,
		.multiplier = w->softmax.multiplier,
		.shift = w->softmax.shift,
		.diff_min = w->softmax.diff_min,
	};
}

static inline struct xq_mean_dims xq_work_mean(const struct xqaccel_work *w)
{
	return (struct xq_mean_dims){
		.format = (__u8)w->mean.format,
		.y_format = (__u8)w->mean.y_format,
		.outer = w->mean.outer,
		.count = w->mean.count,
		.inner = w->mean.inner,
		.zero_point = w->mean.zero_point,
		.y = xq_work_requant(&w->mean.y),
	};
}

static inline void xq_work_copy(const struct xqaccel_work *w, struct xq_copy_dims *to)
{
	const struct xqaccel_copy *c = &w->copy;
	unsigned int i;

	to->kind = (__u8)c->kind;
	to->x_format = (__u8)c->x_format;
	to->y_format = (__u8)c->y_format;
	to->dims = XQ_TENSOR_DIMS;
	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		to->dim[i] = c->dim[i];
	xq_tensor_strides(to->x_stride, c->x_outer_stride, xq_wide(&c->x_inner_stride));
	xq_tensor_strides(to->y_stride, c->y_outer_stride, xq_wide(&c->y_inner_stride));
	to->zero_point = c->zero_point;
	to->y = xq_work_requant(&c->y);
}

/* ---- how much there is to do ------------------------------------------------ */

/* The product, or the largest number if that is larger. */
static inline __u64 xq_times(__u64 a, __u64 b)
{
	__u64 product;

	return __builtin_mul_overflow(a, b, &product) ? ~0ULL : product;
}

/* Likewise the sum. */
static inline __u64 xq_plus(__u64 a, __u64 b)
{
	__u64 sum;

	return __builtin_add_overflow(a, b, &sum) ? ~0ULL : sum;
}

static inline __u64 xq_pool_units(const struct xqaccel_pool *p)
{
	const __u64 window = (__u64)p->kernel_h * p->kernel_w;
	const __u64 pixels = xq_times((__u64)p->out_h * p->out_w, p->batch);

	return xq_times(xq_times(pixels, p->channels), window);
}

static inline __u64 xq_tensor_units(const __u32 *dim)
{
	__u64 units = 1;
	unsigned int i;

	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		units = xq_times(units, dim[i]);
	return units;
}

/* ---- checks ----------------------------------------------------------------- */

static inline bool xq_words_zero(const __u32 *words, unsigned int count)
{
	while (count--)
		if (words[count])
			return false;
	return true;
}

/* Whether the words that an operation of so many bytes does not have are 0. */
static inline bool xq_tail_zero(const struct xqaccel_work *w, unsigned int bytes)
{
	return xq_words_zero(w->words + bytes / 4, (sizeof(w->words) - bytes) / 4);
}

/* What a code may be at all: 0, -EOPNOTSUPP if it may mean something one day. */
static inline int xq_format_check(__u32 format)
{
	if (format >= XQ_FORMATS)
		return -EOPNOTSUPP;
	return xq_format_bits(format) ? 0 : -EINVAL;
}

static inline int xq_byte_check(__u32 format)
{
	const int ret = xq_format_check(format);

	return !ret && !xq_format_byte(format) ? -EOPNOTSUPP : ret;
}

static inline bool xq_wide_zero(const struct xqaccel_wide *w)
{
	return !(w->low | w->high);
}

/* Factors that the profile does not use may mean something one day. */
static inline int xq_factor_check(__u32 profile, __s32 multiplier, __s32 shift, __u32 scale,
				  const struct xqaccel_wide *add)
{
	if (profile >= XQ_PROFILES)
		return -EOPNOTSUPP;
	if (profile == XQ_PROFILE_ONNX ? multiplier || shift : !!scale)
		return -EINVAL;
	return profile == XQ_PROFILE_FLOOR_SHIFT || xq_wide_zero(add) ? 0 : -EINVAL;
}

static inline int xq_requant_words_check(const struct xqaccel_requant *r)
{
	return xq_factor_check(r->profile, r->multiplier, r->shift, r->scale, &r->add);
}

static inline int xq_pool_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_pool *p = &w->pool;
	const struct xq_pool_dims dims = xq_work_pool(w);
	const __u32 *size = &p->batch;
	__u64 pixels;
	int ret;

	if (!(has->features & XQACCEL_FEATURE_POOL) || w->flags || p->kind >= XQ_POOL_KINDS)
		return -EOPNOTSUPP;
	ret = xq_byte_check(p->format);
	if (ret)
		return ret;
	for (; size <= &p->pad_left; size++)
		if (*size > has->max_dim)
			return -EINVAL;
	if (!xq_pool_valid(&dims) || !xq_tail_zero(w, sizeof(*p)) ||
	    __builtin_mul_overflow((__u64)p->batch * p->in_h, (__u64)p->in_w, &pixels) ||
	    pixels > has->max_dim ||
	    __builtin_mul_overflow((__u64)p->batch * p->out_h, (__u64)p->out_w, &pixels) ||
	    pixels > has->max_dim)
		return -EINVAL;
	return 0;
}

static inline bool xq_tensor_dims_valid(const __u32 *dim, const struct xq_abilities *has)
{
	unsigned int i;

	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		if (dim[i] > has->max_dim)
			return false;
	return xq_dims_fit(dim, XQ_TENSOR_DIMS);
}

static inline int xq_elementwise_input_check(const struct xqaccel_elementwise *e,
					     const struct xqaccel_elementwise_input *x)
{
	const int ret = xq_byte_check(x->format);

	if (ret)
		return ret;
	if (x->repeat > 1)
		return -EINVAL;
	if (e->kind == XQ_ELEMENTWISE_ADD)
		return xq_factor_check(e->y.profile, x->multiplier, x->shift, x->scale, &x->add);
	return x->multiplier || x->shift || x->scale || !xq_wide_zero(&x->add) ? -EINVAL : 0;
}

static inline int xq_elementwise_y_check(const struct xqaccel_elementwise *e)
{
	const struct xqaccel_requant *y = &e->y;
	const bool sum = e->kind == XQ_ELEMENTWISE_ADD;

	/* A sum of what is requantized already is only bounded. */
	if (sum && y->profile == XQ_PROFILE_FLOOR_SHIFT)
		return y->multiplier || y->shift || y->scale || y->zero_point || e->left_shift ||
		       !xq_wide_zero(&y->add) ? -EINVAL : 0;
	if (e->left_shift && (!sum || y->profile == XQ_PROFILE_ONNX))
		return -EINVAL;
	return xq_requant_words_check(y);
}

static inline int xq_elementwise_check(const struct xqaccel_work *w,
				       const struct xq_abilities *has)
{
	const struct xqaccel_elementwise *e = &w->elementwise;
	struct xq_elementwise dims;
	int ret;

	if (!(has->features & XQACCEL_FEATURE_ELEMENTWISE) || w->flags ||
	    e->kind >= XQ_ELEMENTWISE_KINDS)
		return -EOPNOTSUPP;
	ret = xq_byte_check(e->format);
	if (!ret)
		ret = xq_elementwise_y_check(e);
	if (!ret)
		ret = xq_elementwise_input_check(e, &e->a);
	if (!ret)
		ret = xq_elementwise_input_check(e, &e->b);
	if (ret)
		return ret;
	xq_work_elementwise(w, &dims);
	if (!xq_tensor_dims_valid(e->dim, has) || !xq_elementwise_valid(&dims) ||
	    !xq_tail_zero(w, sizeof(*e)))
		return -EINVAL;
	return 0;
}

static inline int xq_softmax_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xq_softmax_dims dims = xq_work_softmax(w);

	if (!(has->features & XQACCEL_FEATURE_SOFTMAX) || w->flags)
		return -EOPNOTSUPP;
	if (!xq_softmax_valid(&dims) || dims.rows > has->max_dim || dims.columns > has->max_dim ||
	    !xq_tail_zero(w, sizeof(w->softmax)))
		return -EINVAL;
	return 0;
}

static inline int xq_mean_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_mean *m = &w->mean;
	const struct xq_mean_dims dims = xq_work_mean(w);
	int ret;

	if (!(has->features & XQACCEL_FEATURE_MEAN) || w->flags)
		return -EOPNOTSUPP;
	ret = xq_byte_check(m->format);
	if (!ret)
		ret = xq_byte_check(m->y_format);
	if (!ret)
		ret = xq_requant_words_check(&m->y);
	if (ret)
		return ret;
	if (!xq_mean_valid(&dims) || m->outer > has->max_dim || m->count > has->max_dim ||
	    m->inner > has->max_dim || !xq_tail_zero(w, sizeof(*m)))
		return -EINVAL;
	return 0;
}

/* Bytes that elements of a format are aligned to in memory. */
static inline __u32 xq_format_align(__u32 format)
{
	const __u32 bits = xq_format_bits(format);

	return bits <= 8 ? 1 : bits / 8;
}

static inline bool xq_copy_strides_valid(__u32 format, const struct xqaccel_wide *inner,
					 const struct xqaccel_wide *outer)
{
	if (xq_format_bits(format) < 8 && !xq_wide_zero(inner))
		return false;
	return !((inner->low | outer[0].low | outer[1].low) & (xq_format_align(format) - 1));
}

/* What a kind of conversion does not use may mean something one day. */
static inline int xq_copy_y_check(const struct xqaccel_copy *c)
{
	const struct xqaccel_requant *y = &c->y;
	const bool requant = c->kind == XQ_COPY_REQUANT;

	if (requant)
		return xq_requant_words_check(y);
	if (y->profile || y->multiplier || y->shift || !xq_wide_zero(&y->add))
		return -EINVAL;
	if (c->kind != XQ_COPY_QUANTIZE && y->zero_point)
		return -EINVAL;
	if (c->kind != XQ_COPY_QUANTIZE && c->kind != XQ_COPY_DEQUANTIZE && y->scale)
		return -EINVAL;
	if ((c->kind == XQ_COPY_NONE || c->kind == XQ_COPY_DEQUANTIZE) &&
	    (y->act_min || y->act_max))
		return -EINVAL;
	return c->zero_point && c->kind != XQ_COPY_DEQUANTIZE ? -EINVAL : 0;
}

static inline int xq_copy_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_copy *c = &w->copy;
	struct xq_copy_dims dims;
	int ret;

	if (!(has->features & XQACCEL_FEATURE_COPY) || w->flags || c->kind >= XQ_COPY_KINDS)
		return -EOPNOTSUPP;
	ret = xq_format_check(c->x_format);
	if (!ret)
		ret = xq_format_check(c->y_format);
	if (!ret)
		ret = xq_copy_y_check(c);
	if (ret)
		return ret;
	xq_work_copy(w, &dims);
	if (!xq_tensor_dims_valid(c->dim, has) || !xq_copy_valid(&dims) ||
	    !xq_copy_strides_valid(c->x_format, &c->x_inner_stride, c->x_outer_stride) ||
	    !xq_copy_strides_valid(c->y_format, &c->y_inner_stride, c->y_outer_stride) ||
	    !xq_tail_zero(w, sizeof(*c)))
		return -EINVAL;
	return 0;
}

/* ---- operands --------------------------------------------------------------- */

static inline void xq_pool_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	const struct xqaccel_pool *p = &w->pool;

	if (operand != XQACCEL_X && operand != XQACCEL_Y)
		return;
	e->used = true;
	e->required = true;
	e->matrix = true;
	e->planar = true;
	e->written = operand == XQACCEL_Y;
	e->row_bytes = p->channels;
	e->rows = e->written ? p->out_w : p->in_w;
	e->planes = e->written ? p->out_h : p->in_h;
	e->batch = p->batch;
}

/* An operand with six dimensions of which the last are elements of a row. */
static inline void xq_tensor_extent(const __u32 *dim, const struct xqaccel_wide *outer,
				    __u64 row_bytes, struct xq_extent *e)
{
	unsigned int i;

	e->used = true;
	e->required = true;
	e->matrix = true;
	e->planar = true;
	e->row_bytes = row_bytes;
	e->rows = dim[4];
	e->planes = dim[3];
	e->batch = dim[2];
	for (i = 0; i < 2; i++) {
		e->own[i].stride = xq_wide(&outer[i]);
		if (dim[i])
			e->own[i].more = dim[i] - 1;
		else
			e->row_bytes = 0;
	}
}

static inline void xq_elementwise_extent(const struct xqaccel_work *w, unsigned int operand,
					 struct xq_extent *e)
{
	const struct xqaccel_elementwise *t = &w->elementwise;
	const __u32 inner = t->dim[XQ_TENSOR_DIMS - 1];

	switch (operand) {
	case XQACCEL_A:
		xq_tensor_extent(t->dim, t->a.outer_stride, inner && t->a.repeat ? 1 : inner, e);
		break;
	case XQACCEL_B:
		xq_tensor_extent(t->dim, t->b.outer_stride, inner && t->b.repeat ? 1 : inner, e);
		break;
	case XQACCEL_Y:
		xq_tensor_extent(t->dim, t->outer_stride, inner, e);
		e->written = true;
		break;
	}
}

static inline void xq_softmax_extent(const struct xqaccel_work *w, unsigned int operand,
				     struct xq_extent *e)
{
	if (operand != XQACCEL_X && operand != XQACCEL_Y)
		return;
	e->used = true;
	e->required = true;
	e->matrix = true;
	e->written = operand == XQACCEL_Y;
	e->row_bytes = w->softmax.columns;
	e->rows = w->softmax.rows;
}

static inline void xq_mean_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	if (operand != XQACCEL_X && operand != XQACCEL_Y)
		return;
	e->used = true;
	e->required = true;
	e->matrix = true;
	e->written = operand == XQACCEL_Y;
	e->row_bytes = w->mean.inner;
	e->rows = e->written ? w->mean.outer : w->mean.count;
	e->batch = e->written ? 1 : w->mean.outer;
}

static inline void xq_copy_tensor_extent(const __u32 *dim, __u32 format,
					 const struct xqaccel_wide *inner,
					 const struct xqaccel_wide *outer, struct xq_extent *e)
{
	const __u32 bits = xq_format_bits(format), columns = dim[XQ_TENSOR_DIMS - 1];
	const __u64 stride = xq_wide(inner);

	e->align = xq_format_align(format);
	if (bits < 8 || !columns || stride == bits / 8) {
		xq_tensor_extent(dim, outer, xq_row_bytes(format, columns), e);
		return;
	}
	/* Elements are apart, or one stands for all. */
	xq_tensor_extent(dim, outer, bits / 8, e);
	e->own[2].stride = stride;
	e->own[2].more = columns - 1;
}

static inline void xq_copy_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	const struct xqaccel_copy *c = &w->copy;
	__u64 rows = c->dim[XQ_TENSOR_DIMS - 1] ? 1 : 0;
	unsigned int i;

	switch (operand) {
	case XQACCEL_X:
		xq_copy_tensor_extent(c->dim, c->x_format, &c->x_inner_stride, c->x_outer_stride,
				      e);
		break;
	case XQACCEL_Y:
		xq_copy_tensor_extent(c->dim, c->y_format, &c->y_inner_stride, c->y_outer_stride,
				      e);
		e->written = true;
		break;
	case XQACCEL_Y_SCALE:
	case XQACCEL_Y_ZP:
		/* The product was checked. */
		for (i = 0; i < XQ_TENSOR_DIMS - 1; i++)
			rows *= c->dim[i];
		e->used = c->kind == XQ_COPY_DYNAMIC;
		e->written = e->used;
		e->row_bytes = 4 * rows;
		e->align = 4;
		break;
	}
}

#endif
