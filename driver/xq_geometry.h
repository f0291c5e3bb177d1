/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Geometry of a job: which bytes each operand covers. The driver checks jobs with
 * it, the software backend does the same in its place, and the device checks the
 * descriptors that it is given; all three by the functions below, so that they
 * cannot disagree. Plain integer arithmetic, for kernel and user space.
 */
#ifndef XQ_GEOMETRY_H
#define XQ_GEOMETRY_H

#include <linux/xqaccel.h>
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/* Every dimension of a job is at most this, so that products of two fit in 64 bits. */
#define XQ_MAX_DIM		(1U << 24)

/* Of the codes, operands and flags in linux/xqaccel.h; they grow, so they are no promise. */
#define XQ_FORMATS		(XQACCEL_FMT_E8M0 + 1)
#define XQ_OPERANDS		23
#define XQ_GEMM_OPERANDS	(XQACCEL_B_MIN2 + 1)
#define XQ_JOB_FLAGS		(XQACCEL_JOB_ACCUMULATE | XQACCEL_JOB_B_TILED | \
				 XQACCEL_JOB_GROUP_ACC | XQACCEL_JOB_GROUP_REAL | \
				 XQACCEL_JOB_SUPERGROUP_SUM)

/* What decides the shape of a product. */
struct xq_dims {
	__u32 flags;		/* XQACCEL_JOB_* */
	__u32 m, n, k, batch, group;
	__u32 a_supergroup, b_supergroup;
	__u8 a_format, b_format;
	__u8 a_scale_format, b_scale_format;
	__u8 a_scale2_format, b_scale2_format;
	__u8 b_min_format, b_min2_format;
};

/* A dimension whose stride is a word of the operation: so many more besides the first. */
struct xq_extent_dim {
	__u64 stride;
	__u32 more;
};

#define XQ_EXTENT_DIMS		3

/*
 * An operand's bytes: batch x planes x rows of row_bytes each, by the strides of the operand, and
 * that again along dimensions of the operation's own. Planes are the groups of a C with an
 * accumulator per group, or the lines of an image, else there is one.
 */
struct xq_extent {
	__u64 row_bytes;
	__u32 rows, planes, batch;
	struct xq_extent_dim own[XQ_EXTENT_DIMS];
	__u32 align;		/* of offset and strides, a power of two */
	bool matrix;		/* has a row stride */
	bool planar;		/* has a plane stride */
	bool used;		/* the operand may be present at all */
	bool required;
	bool written;		/* by the job; else only read */
};

/* Bits of one stored element, 0 for no format. */
static inline __u32 xq_format_bits(__u32 format)
{
	switch (format) {
	case XQACCEL_FMT_B1:
		return 1;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_U2:
	case XQACCEL_FMT_T2:
		return 2;
	case XQACCEL_FMT_S4:
	case XQACCEL_FMT_U4:
	case XQACCEL_FMT_C4:
		return 4;
	case XQACCEL_FMT_S8:
	case XQACCEL_FMT_U8:
	case XQACCEL_FMT_C8:
	case XQACCEL_FMT_E8M0:
		return 8;
	case XQACCEL_FMT_S16:
	case XQACCEL_FMT_U16:
	case XQACCEL_FMT_F16:
	case XQACCEL_FMT_BF16:
		return 16;
	case XQACCEL_FMT_S32:
	case XQACCEL_FMT_F32:
		return 32;
	default:
		return 0;
	}
}

/* Largest magnitude of an element before its zero point; a codebook's entries are s8. */
static inline __u32 xq_format_magnitude(__u32 format)
{
	switch (format) {
	case XQACCEL_FMT_B1:
		return 1;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return 2;
	case XQACCEL_FMT_U2:
		return 3;
	case XQACCEL_FMT_S4:
		return 8;
	case XQACCEL_FMT_U4:
		return 15;
	case XQACCEL_FMT_U8:
		return 255;
	case XQACCEL_FMT_S8:
	case XQACCEL_FMT_C4:
	case XQACCEL_FMT_C8:
		return 128;
	default:
		return 0;
	}
}

static inline bool xq_format_codebook(__u32 format)
{
	return format == XQACCEL_FMT_C4 || format == XQACCEL_FMT_C8;
}

/* Bytes of a packed row of k elements. */
static inline __u64 xq_row_bytes(__u32 format, __u64 k)
{
	return (k * xq_format_bits(format) + 7) / 8;
}

/* Tiles along K of a tiled operand. */
static inline __u64 xq_tiles_k(__u32 format, __u64 k)
{
	const __u64 tile_row = XQACCEL_TILE_WORDS * 4;

	return (xq_row_bytes(format, k) + tile_row - 1) / tile_row;
}

/* Tiles along the rows of a tiled operand. */
static inline __u64 xq_tiles_n(__u64 n)
{
	return (n + XQACCEL_TILE_ROWS - 1) / XQACCEL_TILE_ROWS;
}

/* Bytes of an n x k operand in the tile order. */
static inline __u64 xq_tiled_bytes(__u32 format, __u64 n, __u64 k)
{
	return xq_tiles_n(n) * xq_tiles_k(format, k) * XQACCEL_TILE_BYTES;
}

/* Whether n products of this magnitude, each times a scale, could leave int32 in their sum. */
static inline bool xq_scaled_leaves(__u64 product, __u32 scale_format, __u32 n)
{
	const __u32 most = xq_format_magnitude(scale_format) * n;

	return most && product > 0x7fffffffU / most;
}

/*
 * The same of the sums of a supergroup, those of scales or those of minima. Group sums are smaller:
 * a scale's format has a value of at least 1.
 */
static inline bool xq_supergroup_may_overflow(const struct xq_dims *d, __u64 a, __u64 b)
{
	return xq_scaled_leaves(a * b, d->b_scale_format, d->b_supergroup) ||
	       xq_scaled_leaves(a, d->b_min_format, d->b_supergroup);
}

/*
 * The least |a - za| * |b - zb| * K that could leave int32 decides the overflow flag.
 * With zero points in memory or group scales the bound is that of any value.
 */
static inline bool xq_may_overflow(const struct xq_dims *d, __s64 a_zp, __s64 b_zp, bool unbounded)
{
	const __u64 a = xq_format_magnitude(d->a_format) + (__u64)(a_zp < 0 ? -a_zp : a_zp);
	const __u64 b = xq_format_magnitude(d->b_format) + (__u64)(b_zp < 0 ? -b_zp : b_zp);

	if (unbounded)
		return true;
	if ((d->flags & XQACCEL_JOB_ACCUMULATE) && !(d->flags & XQACCEL_JOB_GROUP_REAL))
		return true;
	if (d->flags & XQACCEL_JOB_SUPERGROUP_SUM)
		return xq_supergroup_may_overflow(d, a, b);
	if (d->flags & (XQACCEL_JOB_GROUP_ACC | XQACCEL_JOB_GROUP_REAL))
		return a * b > 0x7fffffffU / (d->group ? d->group : 1);
	return d->k && a * b > 0x7fffffffU / d->k;
}

/*
 * Scales, or minima, of so many rows with so many elements each. Those of B lie as B does, in the
 * tile order 16 rows beside each other: [n / 16][elements][16].
 */
static inline void xq_scale_extent(const struct xq_dims *d, bool of_b, __u32 format, __u32 elements,
				   struct xq_extent *e)
{
	const __u32 bits = xq_format_bits(format);
	const bool tiled = of_b && (d->flags & XQACCEL_JOB_GROUP_REAL) &&
			   (d->flags & XQACCEL_JOB_B_TILED);

	e->rows = of_b ? d->n : d->m;
	e->row_bytes = xq_row_bytes(format, elements);
	if (tiled) {
		e->rows = (__u32)xq_tiles_n(d->n);
		e->row_bytes = xq_row_bytes(format, (__u64)elements * XQACCEL_TILE_ROWS);
	}
	e->align = bits > 8 ? bits / 8 : 1;
	e->used = format != XQACCEL_FMT_NONE;
	e->required = e->used && (d->flags & XQACCEL_JOB_SUPERGROUP_SUM);
}

/* Elements of a row of second-level scales. */
static inline __u32 xq_supergroups(__u32 k, __u32 supergroup)
{
	return supergroup ? k / supergroup : 0;
}

/* Fills in the extent of operand XQACCEL_A .. XQACCEL_B_MIN2 of a job. */
static inline void xq_extent(const struct xq_dims *d, unsigned int operand, struct xq_extent *e)
{
	const __u32 groups = d->group ? d->k / d->group : 0;

	*e = (struct xq_extent){ .rows = 1, .planes = 1, .batch = d->batch, .align = 1,
				 .matrix = true, .used = true };
	switch (operand) {
	case XQACCEL_A:
		e->rows = d->m;
		e->row_bytes = xq_row_bytes(d->a_format, d->k);
		e->required = true;
		break;
	case XQACCEL_B:
		e->required = true;
		if (d->flags & XQACCEL_JOB_B_TILED) {
			e->row_bytes = xq_tiled_bytes(d->b_format, d->n, d->k);
			e->align = XQACCEL_TILE_BYTES;
			e->matrix = false;
		} else {
			e->rows = d->n;
			e->row_bytes = xq_row_bytes(d->b_format, d->k);
		}
		break;
	case XQACCEL_C:
		e->rows = d->m;
		e->row_bytes = 4ULL * d->n;
		e->align = 4;
		e->required = true;
		e->written = true;
		if (d->flags & XQACCEL_JOB_GROUP_ACC) {
			e->planes = groups;
			e->planar = true;
		}
		break;
	case XQACCEL_A_ZP:
	case XQACCEL_B_ZP:
		e->row_bytes = 4ULL * (operand == XQACCEL_A_ZP ? d->m : d->n);
		e->align = 4;
		e->matrix = false;
		break;
	case XQACCEL_A_SCALE:
		xq_scale_extent(d, false, d->a_scale_format, groups, e);
		break;
	case XQACCEL_B_SCALE:
		xq_scale_extent(d, true, d->b_scale_format, groups, e);
		break;
	case XQACCEL_B_MIN:
		xq_scale_extent(d, true, d->b_min_format, groups, e);
		break;
	case XQACCEL_A_SCALE2:
		xq_scale_extent(d, false, d->a_scale2_format,
				xq_supergroups(d->k, d->a_supergroup), e);
		break;
	case XQACCEL_B_SCALE2:
		xq_scale_extent(d, true, d->b_scale2_format,
				xq_supergroups(d->k, d->b_supergroup), e);
		break;
	case XQACCEL_B_MIN2:
		xq_scale_extent(d, true, d->b_min2_format,
				xq_supergroups(d->k, d->b_supergroup), e);
		break;
	case XQACCEL_CODEBOOK:
		e->row_bytes = d->b_format == XQACCEL_FMT_C8 ? 256 : 16;
		e->matrix = false;
		e->used = xq_format_codebook(d->b_format);
		e->required = e->used;
		break;
	default:
		*e = (struct xq_extent){ .align = 1 };
		break;
	}
}

/*
 * Bytes from an operand's first to past its last, 0 if it is empty.
 * Returns false if that overflows 64 bits.
 */
static inline bool xq_span(const struct xq_extent *e, __u64 stride, __u64 batch_stride,
			   __u64 plane_stride, __u64 *span)
{
	__u64 bytes = e->row_bytes, reach;
	int i;

	*span = 0;
	if (!e->batch || !e->planes || !e->rows || !e->row_bytes)
		return true;
	if (__builtin_mul_overflow((__u64)(e->rows - 1), stride, &reach) ||
	    __builtin_add_overflow(bytes, reach, &bytes) ||
	    __builtin_mul_overflow((__u64)(e->planes - 1), plane_stride, &reach) ||
	    __builtin_add_overflow(bytes, reach, &bytes) ||
	    __builtin_mul_overflow((__u64)(e->batch - 1), batch_stride, &reach) ||
	    __builtin_add_overflow(bytes, reach, &bytes))
		return false;
	for (i = 0; i < XQ_EXTENT_DIMS; i++)
		if (__builtin_mul_overflow((__u64)e->own[i].more, e->own[i].stride, &reach) ||
		    __builtin_add_overflow(bytes, reach, &bytes))
			return false;
	*span = bytes;
	return true;
}

/* Adds a dimension to a list of so many, unless there is no more than one along it. */
static inline int xq_dim_add(struct xq_extent_dim *dim, int count, __u64 stride, __u32 more)
{
	if (!more)
		return count;
	dim[count] = (struct xq_extent_dim){ .stride = stride, .more = more };
	return count + 1;
}

/*
 * Whether no two rows of an output overlap: taken in ascending order, each stride is at
 * least what the smaller ones reach over. Spans must have been checked for overflow, and the
 * output not to be empty.
 */
static inline bool xq_rows_disjoint(const struct xq_extent *e, __u64 stride, __u64 batch_stride,
				    __u64 plane_stride)
{
	struct xq_extent_dim dim[3 + XQ_EXTENT_DIMS];
	__u64 reach = e->row_bytes;
	int i, j, count = 0;

	/* Most outputs have one or two of these. */
	count = xq_dim_add(dim, count, stride, e->rows - 1);
	count = xq_dim_add(dim, count, plane_stride, e->planes - 1);
	count = xq_dim_add(dim, count, batch_stride, e->batch - 1);
	for (i = 0; i < XQ_EXTENT_DIMS; i++)
		count = xq_dim_add(dim, count, e->own[i].stride, e->own[i].more);

	for (i = 0; i < count; i++) {
		for (j = i + 1; j < count; j++) {
			if (dim[j].stride < dim[i].stride) {
				const struct xq_extent_dim least = dim[j];

				dim[j] = dim[i];
				dim[i] = least;
			}
		}
		if (dim[i].stride < reach)
			return false;
		reach += dim[i].stride * dim[i].more;
	}
	return true;
}

/* ---- scales of groups ------------------------------------------------------ */

static inline bool xq_scale_real(__u32 format)
{
	return format == XQACCEL_FMT_F16 || format == XQACCEL_FMT_BF16 ||
	       format == XQACCEL_FMT_F32 || format == XQACCEL_FMT_E8M0;
}

/* Of a group; of a group with real scales; of a supergroup. NONE: there are no such. */
static inline bool xq_scale_integer_valid(__u32 format)
{
	return format == XQACCEL_FMT_NONE || format == XQACCEL_FMT_U8 || format == XQACCEL_FMT_S32;
}

static inline bool xq_scale_valid(__u32 format)
{
	return format == XQACCEL_FMT_NONE || format == XQACCEL_FMT_U8 ||
	       format == XQACCEL_FMT_S8 || xq_scale_real(format);
}

static inline bool xq_scale2_valid(__u32 format)
{
	return format == XQACCEL_FMT_NONE || xq_scale_real(format);
}

/* A supergroup is whole groups, K is whole supergroups, and it is there if somebody uses it. */
static inline bool xq_supergroup_valid(const struct xq_dims *d, __u32 supergroup, bool used)
{
	if (!used)
		return !supergroup;
	return supergroup && supergroup % d->group == 0 && d->k % supergroup == 0;
}

/* Of the first level, where sums of supergroups are integers. */
static inline bool xq_scale_byte(__u32 format)
{
	return format == XQACCEL_FMT_U8 || format == XQACCEL_FMT_S8;
}

/* What sums of supergroups need beyond what groups with real scales have to be. */
static inline bool xq_supergroup_sum_valid(const struct xq_dims *d)
{
	if (d->a_scale_format || !d->a_scale2_format || d->a_supergroup != d->b_supergroup)
		return false;
	if (!xq_scale_byte(d->b_scale_format) || !d->b_scale2_format)
		return false;
	if (d->b_min_format || d->b_min2_format)
		if (!xq_scale_byte(d->b_min_format) || !d->b_min2_format)
			return false;
	return d->b_supergroup <= XQACCEL_MAX_GROUP_REAL &&
	       d->b_supergroup / d->group <= XQACCEL_MAX_GROUPS_SUMMED;
}

static inline bool xq_groups_valid(const struct xq_dims *d)
{
	const bool summed = d->flags & XQACCEL_JOB_SUPERGROUP_SUM;
	const bool acc = d->flags & XQACCEL_JOB_GROUP_ACC;

	if (d->group && d->k % d->group)
		return false;
	if (d->flags & XQACCEL_JOB_GROUP_REAL) {
		if (acc || !d->group || d->group > XQACCEL_MAX_GROUP_REAL)
			return false;
		return xq_scale_valid(d->a_scale_format) && xq_scale_valid(d->b_scale_format) &&
		       xq_scale_valid(d->b_min_format) && xq_scale2_valid(d->a_scale2_format) &&
		       xq_scale2_valid(d->b_scale2_format) && xq_scale2_valid(d->b_min2_format) &&
		       xq_supergroup_valid(d, d->a_supergroup, d->a_scale2_format) &&
		       xq_supergroup_valid(d, d->b_supergroup,
					   d->b_scale2_format || d->b_min2_format) &&
		       (!summed || xq_supergroup_sum_valid(d));
	}
	if (summed || d->a_scale2_format || d->b_scale2_format || d->b_min_format ||
	    d->b_min2_format || d->a_supergroup || d->b_supergroup)
		return false;
	if (!xq_scale_integer_valid(d->a_scale_format) ||
	    !xq_scale_integer_valid(d->b_scale_format))
		return false;
	if (d->a_scale_format || d->b_scale_format)
		return d->group && !acc;
	return d->group || !acc;
}

/* Whether the numbers alone are a job: formats, group, limits. The pair is a capability. */
static inline bool xq_dims_valid(const struct xq_dims *d)
{
	if (d->flags & ~XQ_JOB_FLAGS)
		return false;
	if (d->m > XQ_MAX_DIM || d->n > XQ_MAX_DIM || d->k > XQ_MAX_DIM ||
	    d->batch > XQ_MAX_DIM || !d->batch)
		return false;
	if (!xq_format_bits(d->a_format) || !xq_format_bits(d->b_format))
		return false;
	return xq_groups_valid(d);
}

#endif
