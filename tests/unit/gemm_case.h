/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A random GEMM job with operands in memory of every shape, and what it should give by
 * the naive three loops: written from the description in linux/xqaccel.h alone.
 *
 * The byte at distance d of an operand's first byte is a function of d, so overlapping
 * rows, huge strides and pages need no model of memory of their own.
 */
#ifndef XQ_TESTS_GEMM_CASE_H
#define XQ_TESTS_GEMM_CASE_H

#include <math.h>
#include <stdlib.h>

#include "ktap.h"
#include "xq_kernels.h"

enum layout { FLAT, PAGED, LINES };

/* How the bytes of inputs are made. */
enum content { RANDOM, LOWEST, ALL_ONES, OPPOSITE };

struct case_operand {
	enum layout layout;
	uint64_t seed;
	struct xq_extent extent;
	__u64 span;
	uint8_t *flat;
	uint8_t **page;
	uint64_t *page_at;	/* distance of the page's first byte, may wrap below 0 */
	size_t pages;
};

struct gemm_case {
	struct xqk_gemm gemm;
	enum content content;
	bool plain;	/* all operands flat, and none that could be absent */
	bool scaled;	/* but real scales, each that the formats speak of */
	bool real;	/* a random job is to have real scales */
	bool summed;	/* and integer sums of supergroups */
	unsigned int small;	/* by how many bits scales of a byte are less than they could be */
	bool wild;	/* real scales may be infinite, denormal or NaN */
	struct case_operand operand[XQ_GEMM_OPERANDS];
};

/* The largest elements of a format, a byte full. */
static inline uint8_t highest_byte(uint32_t format)
{
	switch (format) {
	case XQACCEL_FMT_S8:
		return 0x7f;
	case XQACCEL_FMT_S4:
		return 0x77;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return 0x55;
	default:
		return 0xff;
	}
}

static inline uint32_t case_scale_format(const struct xq_dims *d, unsigned int operand)
{
	switch (operand) {
	case XQACCEL_A_SCALE:
		return d->a_scale_format;
	case XQACCEL_B_SCALE:
		return d->b_scale_format;
	case XQACCEL_A_SCALE2:
		return d->a_scale2_format;
	case XQACCEL_B_SCALE2:
		return d->b_scale2_format;
	case XQACCEL_B_MIN:
		return d->b_min_format;
	case XQACCEL_B_MIN2:
		return d->b_min2_format;
	default:
		return XQACCEL_FMT_NONE;
	}
}

/* A byte of a real number such that sums of products of them stay finite and are rounded. */
static inline uint8_t case_tame(uint32_t format, uint64_t at, uint8_t byte)
{
	switch (format) {
	case XQACCEL_FMT_F16:
		return at % 2 ? (byte & 0x8f) | 0x30 : byte;
	case XQACCEL_FMT_BF16:
		return at % 2 ? (byte & 0x81) | 0x3e : byte;
	case XQACCEL_FMT_F32:
		return at % 4 == 3 ? (byte & 0x81) | 0x3e : byte;
	case XQACCEL_FMT_E8M0:
		return (uint8_t)(124 + byte % 8);
	default:
		return byte;
	}
}

static inline uint8_t case_byte(const struct gemm_case *c, unsigned int operand, uint64_t at)
{
	uint64_t z = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ c->operand[operand].seed;

	if (operand <= XQACCEL_B && c->content == LOWEST)
		return 0x80;
	if (operand <= XQACCEL_B && c->content == ALL_ONES)
		return 0xff;
	if (operand <= XQACCEL_B && c->content == OPPOSITE)
		return operand == XQACCEL_A ? 0x80 : highest_byte(c->gemm.dims.b_format);
	z = (z ^ (z >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
	if (case_scale_format(&c->gemm.dims, operand) == XQACCEL_FMT_U8)
		return (uint8_t)(z >> 40) >> c->small;
	if (case_scale_format(&c->gemm.dims, operand) == XQACCEL_FMT_S8)
		return (uint8_t)((int8_t)(z >> 40) >> c->small);
	if (operand == XQACCEL_C && (c->gemm.dims.flags & XQACCEL_JOB_GROUP_REAL) && !c->wild)
		return case_tame(XQACCEL_FMT_F32, at, (uint8_t)(z >> 40));
	return c->wild ? (uint8_t)(z >> 40) :
	       case_tame(case_scale_format(&c->gemm.dims, operand), at, (uint8_t)(z >> 40));
}

/* ---- memory --------------------------------------------------------------------------------- */

static inline uint64_t case_line_distance(const struct gemm_case *c, unsigned int operand,
					  uint64_t line)
{
	const struct xq_extent *e = &c->operand[operand].extent;
	const struct xqk_view *v = &c->gemm.view[operand];
	const uint64_t row = line % e->rows, plane = line / e->rows % e->planes;

	return line / e->rows / e->planes * v->batch_stride + plane * v->group_stride +
	       row * v->stride;
}

static inline uint8_t *case_page(const struct gemm_case *c, unsigned int operand, uint64_t at)
{
	uint8_t *page = aligned_alloc(XQK_PAGE_BYTES, XQK_PAGE_BYTES);

	for (unsigned int i = 0; i < XQK_PAGE_BYTES; i++)
		page[i] = case_byte(c, operand, at + i);
	return page;
}

static inline void case_map(struct gemm_case *c, unsigned int operand)
{
	struct case_operand *o = &c->operand[operand];
	struct xqk_view *v = &c->gemm.view[operand];
	const uint64_t lines = (uint64_t)o->extent.rows * o->extent.planes * o->extent.batch;

	if (o->layout == FLAT) {
		o->flat = malloc(o->span ? o->span : 1);
		for (uint64_t i = 0; i < o->span; i++)
			o->flat[i] = case_byte(c, operand, i);
		v->flat = o->flat;
		return;
	}
	v->head = (uint32_t)ktap_range(0, XQK_PAGE_BYTES / o->extent.align) * o->extent.align %
		  XQK_PAGE_BYTES;
	if (o->layout == PAGED) {
		o->pages = (v->head + o->span + XQK_PAGE_BYTES - 1) / XQK_PAGE_BYTES;
	} else {
		v->line_pages = (uint32_t)((o->extent.row_bytes + 2 * XQK_PAGE_BYTES - 2) /
					   XQK_PAGE_BYTES);
		o->pages = v->line_pages * lines;
	}
	o->page = calloc(o->pages + 1, sizeof(*o->page));
	o->page_at = calloc(o->pages + 1, sizeof(*o->page_at));
	for (size_t i = 0; i < o->pages; i++) {
		uint64_t at = i * XQK_PAGE_BYTES;

		if (o->layout == LINES)
			at = ((v->head + case_line_distance(c, operand, i / v->line_pages)) &
			      ~(uint64_t)(XQK_PAGE_BYTES - 1)) +
			     i % v->line_pages * XQK_PAGE_BYTES;
		o->page_at[i] = at - v->head;
		o->page[i] = case_page(c, operand, o->page_at[i]);
	}
	v->page = o->page;
}

static inline void gemm_free(struct gemm_case *c)
{
	for (unsigned int i = 0; i < XQ_GEMM_OPERANDS; i++) {
		struct case_operand *o = &c->operand[i];

		for (size_t p = 0; p < o->pages; p++)
			free(o->page[p]);
		free(o->page);
		free(o->page_at);
		free(o->flat);
	}
}

/* ---- reference ------------------------------------------------------------------------------ */

/* An element from the bit string that starts at distance `at`. */
static inline int64_t gemm_element(const struct gemm_case *c, unsigned int operand,
				   uint32_t format, uint64_t at, uint64_t bit)
{
	const unsigned int bits = xq_format_bits(format);
	uint64_t code = 0;

	for (unsigned int byte = 0; byte < (bits + 7) / 8; byte++)
		code |= (uint64_t)case_byte(c, operand, at + bit / 8 + byte) << (8 * byte);
	if (bits < 8)
		code = code >> bit % 8 & ((1U << bits) - 1);
	switch (format) {
	case XQACCEL_FMT_S8:
		return (int8_t)code;
	case XQACCEL_FMT_S32:
		return (int32_t)code;
	case XQACCEL_FMT_S4:
		return code >= 8 ? (int64_t)code - 16 : (int64_t)code;
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return code >= 2 ? (int64_t)code - 4 : (int64_t)code;
	case XQACCEL_FMT_B1:
		return code ? 1 : -1;
	default:
		return (int64_t)code;
	}
}

static inline int64_t case_vector(const struct gemm_case *c, unsigned int operand,
				  uint32_t format, uint32_t batch, uint32_t row, uint32_t column)
{
	const struct xqk_view *v = &c->gemm.view[operand];

	return gemm_element(c, operand, format, batch * v->batch_stride + row * v->stride,
			    (uint64_t)column * xq_format_bits(format));
}

static inline int64_t case_b(const struct gemm_case *c, uint32_t batch, uint32_t n, uint32_t k)
{
	const struct xq_dims *d = &c->gemm.dims;
	const unsigned int bits = xq_format_bits(d->b_format);
	const uint64_t per_word = 32 / bits, word = k / per_word;
	const uint64_t words = (d->k + per_word - 1) / per_word, tiles = (words + 63) / 64;
	int64_t value;

	if (d->flags & XQACCEL_JOB_B_TILED)
		value = gemm_element(c, XQACCEL_B, d->b_format,
				     batch * c->gemm.view[XQACCEL_B].batch_stride +
				     (n / 16 * tiles + word / 64) * 4096 + 4 * (16 * (word % 64) + n % 16),
				     k % per_word * bits);
	else
		value = case_vector(c, XQACCEL_B, d->b_format, batch, n, k);
	if (d->b_format == XQACCEL_FMT_C4 || d->b_format == XQACCEL_FMT_C8)
		value = case_vector(c, XQACCEL_CODEBOOK, XQACCEL_FMT_S8, batch, 0, (uint32_t)value);
	return value;
}

static inline int64_t case_zero_point(const struct gemm_case *c, unsigned int operand,
				      uint32_t batch, uint32_t i)
{
	if (xqk_present(&c->gemm.view[operand]))
		return case_vector(c, operand, XQACCEL_FMT_S32, batch, 0, i);
	return operand == XQACCEL_A_ZP ? c->gemm.a_zp : c->gemm.b_zp;
}

static inline int64_t case_scale(const struct gemm_case *c, unsigned int operand, uint32_t batch,
				 uint32_t row, uint32_t group)
{
	if (!xqk_present(&c->gemm.view[operand]))
		return 1;
	return case_vector(c, operand, operand == XQACCEL_A_SCALE ? c->gemm.dims.a_scale_format :
			   c->gemm.dims.b_scale_format, batch, row, group);
}

/* Operands of one batch element with their zero points taken off, modulo 2^32. */
static inline uint32_t *case_operand_a(const struct gemm_case *c, uint32_t batch)
{
	const struct xq_dims *d = &c->gemm.dims;
	uint32_t *a = malloc(4 * (size_t)d->m * d->k + 1);

	for (uint32_t m = 0; m < d->m; m++)
		for (uint32_t k = 0; k < d->k; k++)
			a[(size_t)m * d->k + k] = (uint32_t)
				(case_vector(c, XQACCEL_A, d->a_format, batch, m, k) -
				 case_zero_point(c, XQACCEL_A_ZP, batch, m));
	return a;
}

static inline uint32_t *case_operand_b(const struct gemm_case *c, uint32_t batch)
{
	const struct xq_dims *d = &c->gemm.dims;
	uint32_t *b = malloc(4 * (size_t)d->n * d->k + 1);

	for (uint32_t n = 0; n < d->n; n++)
		for (uint32_t k = 0; k < d->k; k++)
			b[(size_t)n * d->k + k] = (uint32_t)
				(case_b(c, batch, n, k) - case_zero_point(c, XQACCEL_B_ZP, batch, n));
	return b;
}

/* A real number from its bits, by the definition of its format. */
static inline float case_real_of(uint32_t format, uint32_t bits)
{
	const unsigned int e16 = bits >> 10 & 31, fraction = bits & 1023;
	double magnitude;
	float value;

	switch (format) {
	case XQACCEL_FMT_F16:
		if (e16 == 31)
			magnitude = fraction ? NAN : INFINITY;
		else
			magnitude = e16 ? ldexp(1024 + fraction, (int)e16 - 25) : ldexp(fraction, -24);
		return (float)(bits >> 15 & 1 ? -magnitude : magnitude);
	case XQACCEL_FMT_E8M0:
		return bits == 255 ? NAN : (float)ldexp(1, (int)bits - 127);
	case XQACCEL_FMT_U8:
		return (float)bits;
	case XQACCEL_FMT_S8:
		return (float)(int8_t)bits;
	case XQACCEL_FMT_BF16:
		bits <<= 16;
		break;
	}
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Of one level of scales or minima; B's lie as B does. */
static inline float case_level(const struct gemm_case *c, unsigned int operand, uint32_t batch,
			       uint32_t row, uint32_t column)
{
	const bool tiled = operand != XQACCEL_A_SCALE && operand != XQACCEL_A_SCALE2 &&
			   (c->gemm.dims.flags & XQACCEL_JOB_B_TILED);
	const uint32_t format = case_scale_format(&c->gemm.dims, operand);
	const struct xqk_view *v = &c->gemm.view[operand];
	const unsigned int bytes = xq_format_bits(format) / 8;
	uint64_t at = batch * v->batch_stride;
	uint32_t bits = 0;

	if (!xqk_present(v))
		return 1;
	at += tiled ? row / 16 * v->stride + (16 * column + row % 16) * bytes :
		      row * v->stride + column * bytes;
	for (unsigned int i = 0; i < bytes; i++)
		bits |= (uint32_t)case_byte(c, operand, at + i) << 8 * i;
	return case_real_of(format, bits);
}

/* An element of C with real scales, added to start, as bits. */
static inline uint32_t case_real_sum(const struct gemm_case *c, const uint32_t *a, const uint32_t *b,
				     uint32_t batch, uint32_t m, uint32_t n, float start)
{
	const struct xq_dims *d = &c->gemm.dims;
	const bool minima = xqk_present(&c->gemm.view[XQACCEL_B_MIN]) ||
			    xqk_present(&c->gemm.view[XQACCEL_B_MIN2]);
	volatile float sum = start;
	uint32_t bits;
	float result;

	for (uint32_t g = 0; g < d->k / d->group; g++) {
		const uint32_t ga = d->a_supergroup ? g * d->group / d->a_supergroup : 0;
		const uint32_t gb = d->b_supergroup ? g * d->group / d->b_supergroup : 0;
		uint32_t s = 0, t = 0;

		for (uint32_t k = g * d->group; k < (g + 1) * d->group; k++) {
			s += a[(size_t)m * d->k + k] * b[(size_t)n * d->k + k];
			t += a[(size_t)m * d->k + k];
		}
		volatile float a_scale = case_level(c, XQACCEL_A_SCALE, batch, m, g) *
					 case_level(c, XQACCEL_A_SCALE2, batch, m, ga);
		volatile float b_scale = case_level(c, XQACCEL_B_SCALE, batch, n, g) *
					 case_level(c, XQACCEL_B_SCALE2, batch, n, gb);
		volatile float scale = a_scale * b_scale;

		sum = fmaf((float)(int32_t)s, scale, sum);
		if (minima) {
			volatile float row = (float)(int32_t)t * a_scale;
			volatile float min = case_level(c, XQACCEL_B_MIN, batch, n, g) *
					     case_level(c, XQACCEL_B_MIN2, batch, n, gb);

			sum = fmaf(-row, min, sum);
		}
	}
	result = isnan(sum) ? NAN : sum;
	memcpy(&bits, &result, sizeof(bits));
	return isnan(sum) ? 0x7fc00000 : bits;
}

/* The same where supergroups have integer sums. */
static inline uint32_t case_summed(const struct gemm_case *c, const uint32_t *a, const uint32_t *b,
				   uint32_t batch, uint32_t m, uint32_t n, float start)
{
	const struct xq_dims *d = &c->gemm.dims;
	volatile float sum = start;
	uint32_t bits;
	float result;

	for (uint32_t s = 0; s < d->k / d->b_supergroup; s++) {
		volatile float a_scale = case_level(c, XQACCEL_A_SCALE2, batch, m, s);
		volatile float scale = a_scale * case_level(c, XQACCEL_B_SCALE2, batch, n, s);
		uint32_t all = 0, minima = 0;

		for (uint32_t k = s * d->b_supergroup; k < (s + 1) * d->b_supergroup; k++) {
			const uint32_t x = a[(size_t)m * d->k + k], group = k / d->group;

			all += x * b[(size_t)n * d->k + k] *
			       (uint32_t)(int32_t)case_level(c, XQACCEL_B_SCALE, batch, n, group);
			if (d->b_min_format)
				minima += x * (uint32_t)(int32_t)case_level(c, XQACCEL_B_MIN, batch, n, group);
		}
		sum = fmaf((float)(int32_t)all, scale, sum);
		if (d->b_min_format) {
			volatile float row = (float)(int32_t)minima * a_scale;

			sum = fmaf(-row, case_level(c, XQACCEL_B_MIN2, batch, n, s), sum);
		}
	}
	result = sum;
	memcpy(&bits, &result, sizeof(bits));
	return isnan(sum) ? 0x7fc00000 : bits;
}

/* C as it must be with real scales. */
static inline uint32_t *case_real_reference(const struct gemm_case *c)
{
	const struct xq_dims *d = &c->gemm.dims;
	const bool summed = d->flags & XQACCEL_JOB_SUPERGROUP_SUM;
	uint32_t *result = malloc(4 * (size_t)d->batch * d->m * d->n + 1), *to = result;

	for (uint32_t batch = 0; batch < d->batch; batch++) {
		uint32_t *a = case_operand_a(c, batch), *b = case_operand_b(c, batch);

		for (uint32_t m = 0; m < d->m; m++) {
			for (uint32_t n = 0; n < d->n; n++, to++) {
				const uint64_t at = case_line_distance(c, XQACCEL_C, batch * d->m + m) + 4 * n;
				uint32_t old = 0;
				float start;

				for (unsigned int i = 0; d->flags & XQACCEL_JOB_ACCUMULATE && i < 4; i++)
					old |= (uint32_t)case_byte(c, XQACCEL_C, at + i) << 8 * i;
				start = case_real_of(XQACCEL_FMT_F32, old);
				*to = !d->k ? old : summed ? case_summed(c, a, b, batch, m, n, start) :
				      case_real_sum(c, a, b, batch, m, n, start);
			}
		}
		free(a);
		free(b);
	}
	return result;
}

/* Sum over the elements [k0, k1), by groups with their scales if there are any. */
static inline uint32_t case_sum(const struct gemm_case *c, const uint32_t *a, const uint32_t *b,
				uint32_t batch, uint32_t m, uint32_t n, uint32_t k0, uint32_t k1)
{
	const struct xq_dims *d = &c->gemm.dims;
	uint64_t all = 0;

	while (k0 < k1) {
		const uint32_t end = d->a_scale_format || d->b_scale_format ? k0 + d->group : k1;
		uint64_t sum = 0;

		for (uint32_t k = k0; k < end; k++)
			sum += (uint64_t)a[(size_t)m * d->k + k] * b[(size_t)n * d->k + k];
		if (d->a_scale_format || d->b_scale_format)
			sum *= (uint64_t)case_scale(c, XQACCEL_A_SCALE, batch, m, k0 / d->group) *
			       (uint64_t)case_scale(c, XQACCEL_B_SCALE, batch, n, k0 / d->group);
		all += sum;
		k0 = end;
	}
	return (uint32_t)all;
}

/* C as it must be, [batch][plane][m][n]; NULL if it is empty. */
static inline uint32_t *case_reference(const struct gemm_case *c)
{
	const struct xq_dims *d = &c->gemm.dims;
	const struct xq_extent *e = &c->operand[XQACCEL_C].extent;
	const uint32_t group = d->flags & XQACCEL_JOB_GROUP_ACC ? d->group : d->k;
	uint32_t *result, *to;

	if (d->flags & XQACCEL_JOB_GROUP_REAL)
		return case_real_reference(c);
	result = to = malloc(4 * (size_t)d->batch * e->planes * d->m * d->n + 1);
	for (uint32_t batch = 0; batch < d->batch; batch++) {
		uint32_t *a = case_operand_a(c, batch), *b = case_operand_b(c, batch);

		for (uint32_t plane = 0; plane < e->planes; plane++)
			for (uint32_t m = 0; m < d->m; m++)
				for (uint32_t n = 0; n < d->n; n++)
					*to++ = case_sum(c, a, b, batch, m, n, plane * group,
							 (plane + 1) * group);
		free(a);
		free(b);
	}
	if (d->flags & XQACCEL_JOB_ACCUMULATE) {
		const uint64_t lines = (uint64_t)d->batch * e->planes * d->m;

		for (uint64_t line = 0; line < lines; line++)
			for (uint32_t n = 0; n < d->n; n++)
				result[line * d->n + n] += (uint32_t)
					gemm_element(c, XQACCEL_C, XQACCEL_FMT_S32,
						     case_line_distance(c, XQACCEL_C, line),
						     32 * (uint64_t)n);
	}
	return result;
}

/* ---- comparison ----------------------------------------------------------------------------- */

/*
 * Bytes of C's memory that are wrong, given the rows of bytes that it should have: bytes of it, or
 * one that is not C's and was written. Those of C are checked and put back first, then all must be
 * as it was made.
 */
static inline size_t case_byte_differences(const struct gemm_case *c, const uint8_t *rows)
{
	const struct case_operand *o = &c->operand[XQACCEL_C];
	const struct xq_extent *e = &o->extent;
	const uint64_t lines = (uint64_t)e->batch * e->planes * e->rows;
	size_t wrong = 0, run;

	for (uint64_t line = 0; line < lines; line++) {
		const uint64_t at = case_line_distance(c, XQACCEL_C, line);

		for (uint64_t byte = 0; byte < e->row_bytes; byte++) {
			uint8_t *p = xqk_at(&c->gemm.view[XQACCEL_C], line, at, byte, &run);

			wrong += *p != rows[line * e->row_bytes + byte];
			*p = case_byte(c, XQACCEL_C, at + byte);
		}
	}
	for (uint64_t i = 0; o->flat && i < o->span; i++)
		wrong += o->flat[i] != case_byte(c, XQACCEL_C, i);
	for (size_t page = 0; page < o->pages; page++)
		for (unsigned int i = 0; i < XQK_PAGE_BYTES; i++)
			wrong += o->page[page][i] != case_byte(c, XQACCEL_C, o->page_at[page] + i);
	return wrong;
}

/* The same of int32. */
static inline size_t case_differences(const struct gemm_case *c, const uint32_t *reference)
{
	return case_byte_differences(c, (const uint8_t *)reference);
}

/* ---- random jobs ---------------------------------------------------------------------------- */

static inline bool one_in(unsigned int n)
{
	return ktap_random() % n == 0;
}

/* A dimension up to max, small ones and the neighbours of powers of two more often. */
static inline uint32_t case_dim(uint32_t max)
{
	uint32_t dim;

	switch (ktap_random() % 4) {
	case 0:
		return (uint32_t)ktap_range(0, 3);
	case 1:
		dim = (1U << ktap_range(0, 9)) + (uint32_t)ktap_range(0, 2) - 1;
		return dim < max ? dim : max;
	default:
		return (uint32_t)ktap_range(1, max);
	}
}

static inline void case_operand_strides(struct gemm_case *c, unsigned int operand)
{
	struct case_operand *o = &c->operand[operand];
	struct xqk_view *v = &c->gemm.view[operand];
	const uint64_t align = o->extent.align;
	const uint64_t row = (o->extent.row_bytes + align - 1) / align * align;
	uint64_t slack = (uint64_t)ktap_range(0, 2) * align;

	o->seed = ktap_random();
	o->layout = (enum layout)ktap_range(FLAT, PAGED);
	if (c->plain)
		o->layout = FLAT;
	else if (one_in(4) && (o->extent.rows > 1 || o->extent.batch > 1)) {
		o->layout = LINES;
		slack = align * (uint64_t)ktap_range(8192, INT64_C(1) << 34);
	}
	if (o->extent.matrix)
		v->stride = row + slack;
	v->group_stride = (o->extent.matrix ? v->stride * o->extent.rows : row) + slack;
	v->batch_stride = v->group_stride * o->extent.planes + slack;
	if (operand != XQACCEL_C && o->layout != LINES && one_in(6)) {
		/* Overlapping or repeated rows. */
		if (o->extent.matrix)
			v->stride = align * (uint64_t)ktap_range(0, 2);
		if (one_in(2))
			v->batch_stride = align * (uint64_t)ktap_range(0, 2);
	}
	if (operand != XQACCEL_C)
		v->group_stride = 0;
}

static inline void case_integer_scales(struct xq_dims *d)
{
	static const uint8_t formats[] = { XQACCEL_FMT_NONE, XQACCEL_FMT_U8, XQACCEL_FMT_S32 };

	d->a_scale_format = formats[ktap_random() % 3];
	d->b_scale_format = formats[ktap_random() % 3];
}

static inline void case_group(struct xq_dims *d)
{
	static const uint32_t sizes[] = { 1, 3, 8, 16, 31, 32, 33, 64, 128, 700, 1500, 2500 };
	const uint32_t size = sizes[ktap_random() % (one_in(8) ? 12 : 8)];

	d->group = size;
	d->k = d->k / size * size;
	if (!d->k && !one_in(8))
		d->k = size;
	if (one_in(3))
		d->flags |= XQACCEL_JOB_GROUP_ACC;
	else if (!one_in(8))
		case_integer_scales(d);
}

static inline uint8_t case_real_format(bool first)
{
	static const uint8_t formats[] = { XQACCEL_FMT_F16, XQACCEL_FMT_BF16, XQACCEL_FMT_F32,
					   XQACCEL_FMT_E8M0, XQACCEL_FMT_NONE, XQACCEL_FMT_U8,
					   XQACCEL_FMT_S8 };

	return formats[ktap_random() % (first ? 7 : 5)];
}

/* Groups with real scales of every kind; k becomes whole groups, and whole supergroups. */
static inline void case_real_group(struct gemm_case *c)
{
	static const uint32_t sizes[] = { 16, 32, 64, 128, 256, 8, 1, 3, 31, 33, 1000, 4096 };
	struct xq_dims *d = &c->gemm.dims;
	uint32_t step;

	d->flags |= XQACCEL_JOB_GROUP_REAL;
	d->group = sizes[ktap_random() % (one_in(3) ? one_in(8) ? 12 : 10 : 5)];
	c->wild = one_in(5);
	d->a_scale_format = case_real_format(true);
	d->b_scale_format = case_real_format(true);
	d->a_scale2_format = one_in(3) ? case_real_format(false) : XQACCEL_FMT_NONE;
	d->b_scale2_format = one_in(2) ? case_real_format(false) : XQACCEL_FMT_NONE;
	d->b_min_format = one_in(2) ? case_real_format(true) : XQACCEL_FMT_NONE;
	d->b_min2_format = one_in(3) ? case_real_format(false) : XQACCEL_FMT_NONE;
	step = d->group * (uint32_t)ktap_range(1, 8);
	if (d->a_scale2_format)
		d->a_supergroup = d->group * (step / d->group % 2 ? 1 : step / d->group);
	if (d->b_scale2_format || d->b_min2_format)
		d->b_supergroup = one_in(4) ? d->group : step;
	d->k = (d->k + step - 1) / step * step;
}

/* The same whose supergroups have integer sums. */
static inline void case_summed_group(struct gemm_case *c)
{
	static const uint32_t sizes[] = { 16, 32, 16, 32, 8, 64, 1, 3, 33, 256, 4096 };
	struct xq_dims *d = &c->gemm.dims;
	uint32_t most, groups;

	d->flags |= XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM;
	d->group = sizes[ktap_random() % (one_in(3) ? one_in(8) ? 11 : 10 : 4)];
	most = XQACCEL_MAX_GROUP_REAL / d->group;
	most = most < XQACCEL_MAX_GROUPS_SUMMED ? most : XQACCEL_MAX_GROUPS_SUMMED;
	groups = 256 % d->group == 0 && !one_in(3) ? 256 / d->group :
		 (uint32_t)ktap_range(1, one_in(16) ? XQACCEL_MAX_GROUPS_SUMMED : 12);
	d->a_supergroup = d->b_supergroup = d->group * (groups < most ? groups : most);
	c->wild = one_in(5);
	do {
		d->a_scale2_format = case_real_format(false);
		d->b_scale2_format = case_real_format(false);
	} while (!d->a_scale2_format || !d->b_scale2_format);
	d->b_scale_format = one_in(2) ? XQACCEL_FMT_U8 : XQACCEL_FMT_S8;
	if (one_in(2)) {
		d->b_min_format = one_in(2) ? XQACCEL_FMT_U8 : XQACCEL_FMT_S8;
		d->b_min2_format = d->b_scale2_format;
	}
	d->k = (d->k + d->b_supergroup - 1) / d->b_supergroup * d->b_supergroup;
}

/* Fill in a case for a pair of formats; dims may be preset, then m is not 0. */
static inline void case_make(struct gemm_case *c, uint32_t a_format, uint32_t b_format)
{
	struct xq_dims *d = &c->gemm.dims;

	if (!d->m) {
		d->m = case_dim(one_in(30) ? 300 : 20);
		d->n = case_dim(one_in(20) ? 300 : 80);
		d->k = case_dim(one_in(20) ? 5000 : one_in(2) ? 300 : 40);
		d->batch = one_in(4) ? (uint32_t)ktap_range(2, 3) : 1;
		if (one_in(8))
			c->content = (enum content)ktap_range(LOWEST, OPPOSITE);
		if (c->summed)
			case_summed_group(c);
		else if (c->real)
			case_real_group(c);
		else if (one_in(3))
			case_group(d);
		if ((uint64_t)d->m * d->n * d->k > 2000000)
			d->m = 1 + d->m % 8;
		if (one_in(4))
			d->flags |= XQACCEL_JOB_ACCUMULATE;
		if (one_in(2))
			d->flags |= XQACCEL_JOB_B_TILED;
		if (one_in(2))
			c->gemm.a_zp = one_in(2) ? (int32_t)ktap_range(-130, 130) :
						   (int32_t)ktap_random();
		if (one_in(2))
			c->gemm.b_zp = one_in(2) ? (int32_t)ktap_range(-130, 130) :
						   (int32_t)ktap_random();
	}
	d->a_format = (uint8_t)a_format;
	d->b_format = (uint8_t)b_format;
	for (unsigned int i = 0; i < XQ_GEMM_OPERANDS; i++) {
		struct case_operand *o = &c->operand[i];

		xq_extent(d, i, &o->extent);
		if (i == XQACCEL_C && c->gemm.epilogue.dims.kind) {
			o->extent.row_bytes = xq_row_bytes(c->gemm.epilogue.dims.format, d->n);
			o->extent.align = (xq_format_bits(c->gemm.epilogue.dims.format) + 7) / 8;
		}
		const bool wanted = o->extent.required || (c->scaled && case_scale_format(d, i));

		if (!o->extent.used || (!wanted && (c->plain || one_in(2))))
			continue;
		case_operand_strides(c, i);
		xq_span(&o->extent, c->gemm.view[i].stride, c->gemm.view[i].batch_stride,
			c->gemm.view[i].group_stride, &o->span);
		case_map(c, i);
	}
}

static inline void case_print(const struct gemm_case *c, const char *isa)
{
	const struct xq_dims *d = &c->gemm.dims;

	printf("# %s: formats %u x %u, %u x %u x %u, batch %u, group %u, flags %#x, scales %u %u, zp %d %d,"
	       " content %d, layouts", isa, d->a_format, d->b_format, d->m, d->n, d->k, d->batch,
	       d->group, d->flags, d->a_scale_format, d->b_scale_format, c->gemm.a_zp, c->gemm.b_zp, c->content);
	for (unsigned int i = 0; i < XQ_GEMM_OPERANDS; i++)
		printf(" %s", xqk_present(&c->gemm.view[i]) ?
		       (const char *[]){ "flat", "paged", "lines" }[c->operand[i].layout] : "-");
	printf("\n");
}

#endif
