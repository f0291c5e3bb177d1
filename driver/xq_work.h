/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a job's description means, whatever the operation: whether its numbers make sense, and
 * which bytes each operand covers. The driver checks jobs with it, the software backend does
 * the same in its place, and the device checks the descriptors that it is given; all three by
 * the functions below, so that they cannot disagree. Plain integer arithmetic, for kernel and
 * user space.
 */
#ifndef XQ_WORK_H
#define XQ_WORK_H

#include "xq_convolution.h"
#include "xq_geometry.h"
#include "xq_work_operators.h"

/* Words of struct xqaccel_work; a hardware descriptor has them in little-endian order. */
#define XQ_WORK_WORDS		(sizeof(struct xqaccel_work) / sizeof(__u32))

/* ---- the numbers as the operators' own functions take them ---------------- */

static inline struct xq_dims xq_work_dims(const struct xqaccel_work *w)
{
	return (struct xq_dims){
		.flags = w->flags,
		.m = w->gemm.m,
		.n = w->gemm.n,
		.k = w->gemm.k,
		.batch = w->gemm.batch,
		.group = w->gemm.group,
		.a_format = (__u8)w->gemm.a_format,
		.b_format = (__u8)w->gemm.b_format,
		.a_supergroup = w->gemm.a_supergroup,
		.b_supergroup = w->gemm.b_supergroup,
		.a_scale_format = (__u8)w->gemm.a_scale_format,
		.b_scale_format = (__u8)w->gemm.b_scale_format,
		.a_scale2_format = (__u8)w->gemm.a_scale2_format,
		.b_scale2_format = (__u8)w->gemm.b_scale2_format,
		.b_min_format = (__u8)w->gemm.b_min_format,
		.b_min2_format = (__u8)w->gemm.b_min2_format,
	};
}

static inline struct xq_conv_dims xq_work_conv(const struct xqaccel_work *w)
{
	const struct xqaccel_conv *c = &w->conv;

	return (struct xq_conv_dims){
		.flags = w->flags,
		.batch = c->batch,
		.in_h = c->in_h,
		.in_w = c->in_w,
		.in_c = c->in_c,
		.out_h = c->out_h,
		.out_w = c->out_w,
		.out_c = c->out_c,
		.kernel_h = c->kernel_h,
		.kernel_w = c->kernel_w,
		.groups = c->groups,
		.stride_h = c->stride_h,
		.stride_w = c->stride_w,
		.dilation_h = c->dilation_h,
		.dilation_w = c->dilation_w,
		.pad_top = c->pad_top,
		.pad_left = c->pad_left,
		.transposed = c->transposed,
		.x_format = (__u8)c->x_format,
		.w_format = (__u8)c->w_format,
	};
}

static inline struct xq_epilogue xq_work_epilogue(const struct xqaccel_work *w)
{
	const struct xqaccel_epilogue *e = &w->epilogue;

	return (struct xq_epilogue){
		.kind = (__u8)e->kind,
		.profile = (__u8)e->profile,
		.format = (__u8)e->format,
		.index_format = (__u8)e->index_format,
		.channels = e->channels,
		.thresholds = e->thresholds,
		.zero_point = e->zero_point,
		.act_min = e->act_min,
		.act_max = e->act_max,
	};
}

/* Rows and columns of the accumulators that the epilogue of a product or convolution gets. */
static inline __u64 xq_work_rows(const struct xqaccel_work *w)
{
	if (w->op == XQACCEL_OP_CONV)
		return (__u64)w->conv.batch * w->conv.out_h * w->conv.out_w;
	return (__u64)w->gemm.batch * w->gemm.m;
}

static inline __u32 xq_work_columns(const struct xqaccel_work *w)
{
	return w->op == XQACCEL_OP_CONV ? w->conv.out_c : w->gemm.n;
}

/* Multiplications of work that was checked; the largest number if there are more. */
static inline __u64 xq_work_macs(const struct xqaccel_work *w)
{
	const __u64 results = xq_times(xq_work_rows(w), xq_work_columns(w));
	struct xq_conv_dims conv;

	switch (w->op) {
	case XQACCEL_OP_GEMM:
		return xq_times(results, w->gemm.k);
	case XQACCEL_OP_CONV:
		conv = xq_work_conv(w);
		return xq_times(results, xq_conv_k(&conv));
	default:
		return 0;
	}
}

/*
 * The same of whatever operation: how often it takes an element in hand. Strides do not count,
 * since to read one byte over and over takes as long as to read many. A program has none itself.
 */
static inline __u64 xq_work_units(const struct xqaccel_work *w)
{
	switch (w->op) {
	case XQACCEL_OP_POOL:
		return xq_pool_units(&w->pool);
	case XQACCEL_OP_ELEMENTWISE:
		return xq_tensor_units(w->elementwise.dim);
	case XQACCEL_OP_SOFTMAX:
		return xq_times(w->softmax.rows, w->softmax.columns);
	case XQACCEL_OP_MEAN:
		return xq_times(xq_times(w->mean.outer, w->mean.count), w->mean.inner);
	case XQACCEL_OP_COPY:
		return xq_tensor_units(w->copy.dim);
	default:
		return xq_work_macs(w);
	}
}

/* As xq_may_overflow(); unbounded with what lies in memory: zero points, scales, a bias. */
static inline bool xq_work_may_overflow(const struct xqaccel_work *w, bool unbounded)
{
	struct xq_conv_dims conv;
	struct xq_dims dims;

	if (w->op == XQACCEL_OP_GEMM) {
		dims = xq_work_dims(w);
		return xq_may_overflow(&dims, w->gemm.a_zp, w->gemm.b_zp, unbounded);
	}
	if (w->op != XQACCEL_OP_CONV)
		return false;
	conv = xq_work_conv(w);
	dims = (struct xq_dims){
		.k = (__u32)xq_conv_k(&conv),
		.a_format = conv.x_format,
		.b_format = conv.w_format,
	};
	return xq_may_overflow(&dims, w->conv.x_zp, w->conv.w_zp, unbounded);
}

/* ---- checks ----------------------------------------------------------------- */

static inline int xq_pair_check(const struct xq_abilities *has, __u32 a, __u32 b, bool tiled)
{
	int ret = xq_format_check(a);

	if (!ret)
		ret = xq_format_check(b);
	if (ret)
		return ret;
	if (!(has->pairs[a] >> b & 1) || (tiled && !(has->tiled >> b & 1)))
		return -EOPNOTSUPP;
	return 0;
}

static inline int xq_gemm_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_gemm *g = &w->gemm;
	const struct xq_dims dims = xq_work_dims(w);
	int ret;

	if (w->flags & ~XQ_JOB_FLAGS || g->a_scale_format >= XQ_FORMATS ||
	    g->b_scale_format >= XQ_FORMATS || g->a_scale2_format >= XQ_FORMATS ||
	    g->b_scale2_format >= XQ_FORMATS || g->b_min_format >= XQ_FORMATS ||
	    g->b_min2_format >= XQ_FORMATS)
		return -EOPNOTSUPP;
	ret = xq_pair_check(has, g->a_format, g->b_format, w->flags & XQACCEL_JOB_B_TILED);
	if (ret)
		return ret;
	if ((w->flags & XQACCEL_JOB_GROUP_ACC) && !(has->features & XQACCEL_FEATURE_GROUP_ACC))
		return -EOPNOTSUPP;
	if ((w->flags & XQACCEL_JOB_GROUP_REAL) && !(has->features & XQACCEL_FEATURE_GROUP_REAL))
		return -EOPNOTSUPP;
	if ((w->flags & XQACCEL_JOB_SUPERGROUP_SUM) &&
	    !(has->features & XQACCEL_FEATURE_SUPERGROUP_SUM))
		return -EOPNOTSUPP;
	if (!(w->flags & XQACCEL_JOB_GROUP_REAL) && (g->a_scale_format || g->b_scale_format) &&
	    !(has->features & XQACCEL_FEATURE_GROUP_SCALE))
		return -EOPNOTSUPP;
	if (!xq_dims_valid(&dims) || g->m > has->max_dim || g->n > has->max_dim ||
	    g->k > has->max_dim || g->batch > has->max_dim)
		return -EINVAL;
	if (!xq_tail_zero(w, sizeof(*g)))
		return -EINVAL;
	return 0;
}

static inline int xq_conv_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_conv *c = &w->conv;
	const struct xq_conv_dims dims = xq_work_conv(w);
	__u64 pixels;
	int ret;

	if (!(has->features & XQACCEL_FEATURE_CONV) || w->flags & ~XQACCEL_JOB_B_TILED)
		return -EOPNOTSUPP;
	ret = xq_pair_check(has, c->x_format, c->w_format, w->flags & XQACCEL_JOB_B_TILED);
	if (ret)
		return ret;
	if (!xq_conv_valid(&dims, c->x_zp) || c->transposed > 1 || c->reserved ||
	    xq_conv_k(&dims) > has->max_dim || c->out_c > has->max_dim ||
	    xq_work_rows(w) > has->max_dim ||
	    __builtin_mul_overflow((__u64)c->batch * c->in_h, (__u64)c->in_w, &pixels) ||
	    pixels > has->max_dim)
		return -EINVAL;
	if (!xq_tail_zero(w, sizeof(*c)))
		return -EINVAL;
	return 0;
}

static inline int xq_epilogue_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	const struct xqaccel_epilogue *e = &w->epilogue;
	const struct xq_epilogue narrow = xq_work_epilogue(w);

	if (!e->kind)
		return xq_words_zero((const __u32 *)e, sizeof(*e) / 4) ? 0 : -EINVAL;
	if (w->op != XQACCEL_OP_GEMM && w->op != XQACCEL_OP_CONV)
		return -EINVAL;
	if (!(has->features & XQACCEL_FEATURE_EPILOGUE) || e->kind >= XQ_EPILOGUE_KINDS ||
	    e->profile >= XQ_PROFILES || e->format >= XQ_FORMATS || e->index_format >= XQ_FORMATS)
		return -EOPNOTSUPP;
	if (e->reserved || !xq_epilogue_valid(&narrow))
		return -EINVAL;
	/* There is nothing to add to, and one result for all groups. */
	if (w->flags & (XQACCEL_JOB_ACCUMULATE | XQACCEL_JOB_GROUP_ACC))
		return -EINVAL;
	/* Sums in float32 have one epilogue, and no int32 to add a bias to. */
	if ((w->flags & XQACCEL_JOB_GROUP_REAL) && e->kind != XQACCEL_EPILOGUE_FLOAT)
		return -EINVAL;
	/* What a kind does not use may mean something one day. */
	if (e->kind != XQACCEL_EPILOGUE_REQUANT && (e->profile || e->channels))
		return -EINVAL;
	if (e->kind != XQACCEL_EPILOGUE_THRESHOLDS && e->thresholds)
		return -EINVAL;
	if (e->kind == XQACCEL_EPILOGUE_FLOAT && (e->zero_point || e->act_min || e->act_max))
		return -EINVAL;
	return 0;
}

/*
 * Whether a device that can do so much takes the work: 0, -EOPNOTSUPP for what it does not have,
 * -EINVAL for what makes no sense. The operands are checked by themselves.
 */
static inline int xq_work_check(const struct xqaccel_work *w, const struct xq_abilities *has)
{
	int ret;

	switch (w->op) {
	case XQACCEL_OP_GEMM:
		ret = xq_gemm_check(w, has);
		break;
	case XQACCEL_OP_CONV:
		ret = xq_conv_check(w, has);
		break;
	case XQACCEL_OP_POOL:
		ret = xq_pool_check(w, has);
		break;
	case XQACCEL_OP_ELEMENTWISE:
		ret = xq_elementwise_check(w, has);
		break;
	case XQACCEL_OP_SOFTMAX:
		ret = xq_softmax_check(w, has);
		break;
	case XQACCEL_OP_MEAN:
		ret = xq_mean_check(w, has);
		break;
	case XQACCEL_OP_COPY:
		ret = xq_copy_check(w, has);
		break;
	default:
		return -EOPNOTSUPP;
	}
	return ret ? ret : xq_epilogue_check(w, has);
}

/* ---- operands --------------------------------------------------------------- */

static inline void xq_conv_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	const struct xq_conv_dims d = xq_work_conv(w);

	switch (operand) {
	case XQACCEL_X:
		e->used = true;
		e->required = true;
		e->matrix = true;
		e->planar = true;
		e->row_bytes = xq_row_bytes(d.x_format, d.in_c);
		e->rows = d.in_w;
		e->planes = d.in_h;
		e->batch = d.batch;
		break;
	case XQACCEL_W:
		e->used = true;
		e->required = true;
		if (d.flags & XQACCEL_JOB_B_TILED) {
			e->row_bytes = xq_tiled_bytes(d.w_format, d.out_c / d.groups,
						      xq_conv_k(&d));
			e->batch = d.groups;
			e->align = XQACCEL_TILE_BYTES;
		} else {
			e->row_bytes = xq_row_bytes(d.w_format, xq_conv_k(&d));
			e->rows = d.out_c;
			e->matrix = true;
		}
		break;
	case XQACCEL_Y:
		e->used = true;
		e->required = true;
		e->matrix = true;
		e->planar = true;
		e->written = true;
		e->row_bytes = 4ULL * d.out_c;
		e->rows = d.out_w;
		e->planes = d.out_h;
		e->batch = d.batch;
		e->align = 4;
		break;
	case XQACCEL_W_ZP:
		e->used = true;
		e->row_bytes = 4ULL * d.out_c;
		e->align = 4;
		break;
	case XQACCEL_CODEBOOK:
		e->used = xq_format_codebook(d.w_format);
		e->required = e->used;
		e->row_bytes = d.w_format == XQACCEL_FMT_C8 ? 256 : 16;
		break;
	}
}

static inline void xq_gemm_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	const struct xq_dims dims = xq_work_dims(w);

	xq_extent(&dims, operand, e);
}

/* The extent of an operand besides those of the epilogue. */
static inline void xq_operation_extent(const struct xqaccel_work *w, unsigned int operand,
				       struct xq_extent *e)
{
	if (w->op == XQACCEL_OP_GEMM) {
		xq_gemm_extent(w, operand, e);
		return;
	}
	*e = (struct xq_extent){ .rows = 1, .planes = 1, .batch = 1, .align = 1 };
	switch (w->op) {
	case XQACCEL_OP_CONV:
		xq_conv_extent(w, operand, e);
		break;
	case XQACCEL_OP_POOL:
		xq_pool_extent(w, operand, e);
		break;
	case XQACCEL_OP_ELEMENTWISE:
		xq_elementwise_extent(w, operand, e);
		break;
	case XQACCEL_OP_SOFTMAX:
		xq_softmax_extent(w, operand, e);
		break;
	case XQACCEL_OP_MEAN:
		xq_mean_extent(w, operand, e);
		break;
	case XQACCEL_OP_COPY:
		xq_copy_extent(w, operand, e);
		break;
	default:
		xq_gemm_extent(w, operand, e);
		break;
	}
}

/* Operands from 0 to the last one. */
#define XQ_OPERANDS_TO(last)	(((1U << (last)) << 1) - 1)

/*
 * Operands that work of this kind can have, as a mask. What others are described by is zero, and
 * their extents say that they are not used.
 */
static inline __u32 xq_work_operands(const struct xqaccel_work *w)
{
	__u32 mask;

	switch (w->op) {
	case XQACCEL_OP_GEMM:
		mask = XQ_OPERANDS_TO(w->flags & XQACCEL_JOB_GROUP_REAL ? XQACCEL_B_MIN2 :
				      XQACCEL_CODEBOOK);
		break;
	case XQACCEL_OP_CONV:
		mask = XQ_OPERANDS_TO(XQACCEL_CODEBOOK);
		break;
	default:
		return XQ_OPERANDS_TO(XQACCEL_Y_SCALE);
	}
	if (w->epilogue.kind)
		mask |= XQ_OPERANDS_TO(XQACCEL_EPILOGUE_FLOAT_BIAS) &
			~XQ_OPERANDS_TO(XQACCEL_B_MIN2);
	return mask;
}

/*
 * Those of them that may be required, without regard to their extents: work that lacks any other
 * operand is complete without looking at that one's.
 */
static inline __u32 xq_work_may_need(const struct xqaccel_work *w)
{
	const __u32 mask = XQ_OPERANDS_TO(XQACCEL_C);

	if (w->epilogue.kind || (w->flags & XQACCEL_JOB_SUPERGROUP_SUM))
		return xq_work_operands(w);
	if (w->op == XQACCEL_OP_GEMM)
		return mask | (__u32)xq_format_codebook(w->gemm.b_format) << XQACCEL_CODEBOOK;
	if (w->op == XQACCEL_OP_CONV)
		return mask | (__u32)xq_format_codebook(w->conv.w_format) << XQACCEL_CODEBOOK;
	return xq_work_operands(w);
}

/* The extent of an operand of work that was checked. */
static inline void xq_work_extent(const struct xqaccel_work *w, unsigned int operand,
				  struct xq_extent *e)
{
	struct xq_epilogue epilogue;

	if (!w->epilogue.kind && operand < XQACCEL_EPILOGUE_BIAS) {
		xq_operation_extent(w, operand, e);
		return;
	}
	epilogue = xq_work_epilogue(w);
	if (operand >= XQACCEL_EPILOGUE_BIAS) {
		if (epilogue.kind)
			xq_epilogue_extent(&epilogue, operand - XQACCEL_EPILOGUE_BIAS,
					   xq_work_rows(w), xq_work_columns(w), e);
		else
			*e = (struct xq_extent){ .align = 1 };
		if (operand == XQACCEL_EPILOGUE_BIAS && (w->flags & XQACCEL_JOB_GROUP_REAL))
			*e = (struct xq_extent){ .align = 1 };
		return;
	}
	xq_operation_extent(w, operand, e);
	if (operand == XQACCEL_C && epilogue.kind) {
		e->row_bytes = xq_row_bytes(epilogue.format, xq_work_columns(w));
		e->align = xq_format_align(epilogue.format);
	}
}

/* Whether strides, and an offset or address, are such as the extent has. */
static inline bool xq_place_valid(const struct xq_extent *e, __u64 at, __u64 stride,
				  __u64 batch_stride, __u64 plane_stride)
{
	if ((!e->matrix && stride) || (!e->planar && plane_stride))
		return false;
	return !((at | stride | batch_stride | plane_stride) & (e->align - 1));
}

#endif
