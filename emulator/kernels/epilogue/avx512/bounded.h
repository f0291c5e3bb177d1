/* SPDX-License-Identifier: MIT */
/*
 * Bounded requantization for AVX-512, see struct xqk_bounded in epilogue/micro_kernels.h. 64 columns of
 * all rows come before the next ones, so that their parameters stay in registers.
 */
#ifndef XQK_BOUNDED_AVX512_H
#define XQK_BOUNDED_AVX512_H

#include <immintrin.h>
#include <math.h>

#include "epilogue/avx512/single.h"
#include "epilogue/micro_kernels.h"

#define BLOCK		64
#define ZERO_POINT_MOST	1024

/* ---- parameters ----------------------------------------------------------------------------- */

/* Of an array's sixteen elements, or of its only one. */
INLINE __m512i some32(const int32_t *v, size_t i, __mmask16 some, const bool one)
{
	return one ? _mm512_maskz_set1_epi32(some, v[0]) : _mm512_maskz_loadu_epi32(some, v + i);
}

/*
 * Sixteen columns; those that do not fit. t is within the bound times M / 2^31, and with what is added
 * to it has to stay in 31 bits, by a margin that covers what f32 rounds.
 */
INLINE __mmask16 fill_tflite16(struct xqk_bounded *p, const struct xqk_requant *rq, size_t i, __mmask16 some,
			       float most, const bool one)
{
	const __m512i zero = _mm512_setzero_si512(), sign = _mm512_set1_epi32(INT32_MIN);
	const __m512i bias = rq->bias ? _mm512_maskz_loadu_epi32(some, rq->bias + i) : zero;
	const __m512i m = some32(rq->multiplier, i, some, one), n = some32(rq->shift, i, some, one);
	const __m512i r = _mm512_sub_epi32(zero, _mm512_max_epi32(n, _mm512_set1_epi32(-31)));
	const __m512i half = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_sub_epi32(r, _mm512_set1_epi32(1)));
	const __m512i zero_point = _mm512_sllv_epi32(_mm512_set1_epi32(rq->zero_point), r);
	const __m512 all = _mm512_add_ps(_mm512_set1_ps(most), _mm512_cvtepi32_ps(_mm512_abs_epi32(bias)));
	const __m512 limit = _mm512_set1_ps(2147480000.0f), down = _mm512_set1_ps(0x1p-31f);
	const __m512 added = _mm512_scalef_ps(_mm512_set1_ps(0.5f + fabsf((float)rq->zero_point)), _mm512_cvtepi32_ps(r));
	const __m512 reach = _mm512_add_ps(_mm512_mul_ps(_mm512_mul_ps(all, down), _mm512_cvtepi32_ps(m)), added);
	const __m512i upper = _mm512_sub_epi32(_mm512_add_epi32(half, zero_point), _mm512_add_epi32(m, _mm512_set1_epi32(1)));

	_mm512_storeu_si512(p->bias + i, _mm512_xor_si512(bias, sign));
	_mm512_storeu_si512(p->factor + i, _mm512_add_epi32(m, m));
	_mm512_storeu_si512(p->right + i, r);
	_mm512_storeu_si512(p->upper + i, upper);
	return some & (_mm512_cmp_ps_mask(all, limit, _CMP_GT_OQ) | _mm512_cmp_ps_mask(reach, limit, _CMP_GT_OQ) |
		       _mm512_cmplt_epi32_mask(m, zero) | _mm512_cmplt_epi32_mask(r, _mm512_set1_epi32(1)) |
		       _mm512_cmpeq_epi32_mask(bias, sign));
}

static bool fill_tflite(struct xqk_bounded *p, const struct xqk_requant *rq, size_t n, uint64_t most)
{
	__mmask16 beyond = 0;
	size_t i;

	if (rq->zero_point < -ZERO_POINT_MOST || rq->zero_point > ZERO_POINT_MOST)
		return false;
	for (i = 0; i < n; i += 16) {
		const __mmask16 some = n - i < 16 ? (__mmask16)((1U << (n - i)) - 1) : (__mmask16)0xffff;

		beyond |= rq->params == 1 ? fill_tflite16(p, rq, i, some, (float)most, true) :
					    fill_tflite16(p, rq, i, some, (float)most, false);
	}
	for (; i < n + XQK_BOUNDED_PAST - 15; i += 16) {
		_mm512_storeu_si512(p->bias + i, _mm512_setzero_si512());
		_mm512_storeu_si512(p->factor + i, _mm512_setzero_si512());
		_mm512_storeu_si512(p->right + i, _mm512_setzero_si512());
		_mm512_storeu_si512(p->upper + i, _mm512_setzero_si512());
	}
	p->low = rq->least;
	p->high = rq->greatest;
	return !beyond;
}

static bool fill_onnx(struct xqk_bounded *p, const struct xqk_requant *rq, size_t n, uint64_t most)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512i farthest = zero;
	__m512 largest = _mm512_setzero_ps();
	uint64_t greatest;
	double product;
	size_t i;

	if (rq->zero_point < -ZERO_POINT_MOST || rq->zero_point > ZERO_POINT_MOST)
		return false;
	for (i = 0; i < n + XQK_BOUNDED_PAST - 15; i += 16) {
		const __mmask16 some = n - i >= 16 && i < n ? (__mmask16)0xffff :
				       i < n ? (__mmask16)((1U << (n - i)) - 1) : 0;
		const __m512i bias = rq->bias ? _mm512_maskz_loadu_epi32(some, rq->bias + i) : zero;
		__m512 scale = rq->params == 1 ? _mm512_maskz_mov_ps(some, _mm512_set1_ps(rq->scale[0])) :
						 _mm512_maskz_loadu_ps(some, rq->scale + i);

		scale = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_abs_ps(scale), _mm512_set1_ps(3.402823466e38f),
							       _CMP_LE_OQ), scale);
		largest = _mm512_max_ps(largest, _mm512_abs_ps(scale));
		farthest = _mm512_max_epu32(farthest, _mm512_abs_epi32(bias));
		_mm512_storeu_si512(p->bias + i, bias);
		_mm512_storeu_ps(p->single_scale + i, scale);
		_mm512_storeu_pd(p->scale + i, _mm512_cvtps_pd(_mm512_castps512_ps256(scale)));
		_mm512_storeu_pd(p->scale + i + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(scale, 1)));
	}
	p->zero_point = rq->zero_point;
	p->low = rq->least;
	p->high = rq->greatest;
	greatest = most + _mm512_reduce_max_epu32(farthest);
	product = (double)greatest * (double)_mm512_reduce_max_ps(largest);
	p->single = greatest <= 1 << 24 && product < 1 << 21;
	return greatest <= 1 << 29 && product < 1 << 30;
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Accumulators that are not biased, with their bias. */
INLINE const int32_t *with_bias(int32_t *to, const int32_t *acc, const int32_t *bias, __mmask64 all)
{
	for (int v = 0; v < 4; v++) {
		const __m512i a = _mm512_maskz_loadu_epi32((__mmask16)(all >> 16 * v), acc + 16 * v);

		_mm512_store_si512(to + 16 * v, _mm512_add_epi32(a, _mm512_loadu_si512(bias + 16 * v)));
	}
	return to;
}

/*
 * Four vectors of 32 bits to bytes, saturated as signed or unsigned ones, between bounds unless those
 * are the ends of the format; those of a lane of 16 bytes of each vector come together in that lane.
 */
INLINE __m512i saturated(__m512i words0, __m512i words1, __m512i low, __m512i high, const bool is_signed,
			 const bool clamp)
{
	__m512i y = is_signed ? _mm512_packs_epi16(words0, words1) : _mm512_packus_epi16(words0, words1);

	if (clamp && is_signed)
		y = _mm512_min_epi8(_mm512_max_epi8(y, low), high);
	else if (clamp)
		y = _mm512_min_epu8(_mm512_max_epu8(y, low), high);
	return y;
}

/* What 64 bytes hold: `rows` rows of 64 / rows columns. */
INLINE void store_rows(uint8_t *const *out, size_t r, size_t rows, size_t i, __mmask64 all, __m512i y,
		       const unsigned int vectors)
{
	if (vectors > 2) {
		_mm512_mask_storeu_epi8(out[r] + i, all, y);
	} else if (vectors == 2) {
		_mm256_mask_storeu_epi8(out[r] + i, (__mmask32)all, _mm512_castsi512_si256(y));
		if (rows > 1)
			_mm256_mask_storeu_epi8(out[r + 1] + i, (__mmask32)all, _mm512_extracti64x4_epi64(y, 1));
	} else {
		_mm_mask_storeu_epi8(out[r] + i, (__mmask16)all, _mm512_castsi512_si128(y));
		if (rows > 1)
			_mm_mask_storeu_epi8(out[r + 1] + i, (__mmask16)all, _mm512_extracti32x4_epi32(y, 1));
		if (rows > 2)
			_mm_mask_storeu_epi8(out[r + 2] + i, (__mmask16)all, _mm512_extracti32x4_epi32(y, 2));
		if (rows > 3)
			_mm_mask_storeu_epi8(out[r + 3] + i, (__mmask16)all, _mm512_extracti32x4_epi32(y, 3));
	}
}

/* Where the accumulators of the next rows are that fill 64 bytes; of rows past the last, any. */
INLINE void find_rows(const int32_t **row, int32_t (*memory)[BLOCK + 16], const int32_t *acc, size_t acc_stride,
		      size_t rows, const struct xqk_bounded *p, size_t i, __mmask64 all, bool biased,
		      const unsigned int vectors)
{
	for (unsigned int j = 0; j < 4 / vectors; j++) {
		row[j] = j < rows ? acc + j * acc_stride + i : row[0];
		if (!biased && j < rows)
			row[j] = with_bias(memory[j], row[j], p->bias + i, all);
		else if (!biased)
			row[j] = memory[0];
	}
}

INLINE void tflite_block(const int32_t *acc, size_t acc_stride, size_t rows, const struct xqk_bounded *p, size_t i,
			 __mmask64 all, bool biased, uint8_t *const *out, const bool is_signed, const bool clamp,
			 const unsigned int vectors)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	const __m512i low = _mm512_set1_epi8((char)p->low), high = _mm512_set1_epi8((char)p->high);
	const __m512i half = _mm512_set1_epi32(INT32_MIN);
	__m512i even_m[4], odd_m[4], even[4], odd_c[4], right[4], t[4], upper;
	int32_t memory[4][BLOCK + 16] __attribute__((aligned(64)));
	const int32_t *row[4];
	size_t r;

	for (unsigned int v = 0; v < vectors; v++) {
		even_m[v] = _mm512_loadu_si512(p->factor + i + 16 * v);
		odd_m[v] = _mm512_loadu_si512(p->factor + i + 16 * v + 1);
		upper = _mm512_loadu_si512(p->upper + i + 16 * v);
		even[v] = _mm512_mask_mov_epi32(half, 0xaaaa, _mm512_slli_epi64(upper, 32));
		odd_c[v] = _mm512_mask_mov_epi32(half, 0xaaaa, upper);
		right[v] = _mm512_loadu_si512(p->right + i + 16 * v);
	}
	for (r = 0; r < rows; r += 4 / vectors) {
		__m512i y;

		find_rows(row, memory, acc + r * acc_stride, acc_stride, rows - r, p, i, all, biased, vectors);
#pragma GCC unroll 4
		for (unsigned int j = 0; j < 4; j++) {
			const unsigned int v = j % vectors;
			const int32_t *at = row[j / vectors] + 16 * v;
			const __m512i u = _mm512_loadu_si512(at);
			const __m512i e = _mm512_add_epi64(_mm512_mul_epu32(u, even_m[v]), even[v]);
			const __m512i o = _mm512_add_epi64(_mm512_mul_epu32(_mm512_loadu_si512(at + 1), odd_m[v]),
							   odd_c[v]);
			const __m512i h = _mm512_mask_shuffle_epi32(o, 0x5555, e, _MM_PERM_DDBB);

			t[j] = _mm512_srav_epi32(_mm512_add_epi32(h, _mm512_srli_epi32(u, 31)), right[v]);
		}
		y = saturated(_mm512_packs_epi32(t[0], t[1]), _mm512_packs_epi32(t[2], t[3]), low, high, is_signed, clamp);
		store_rows(out, r, rows - r, i, all, _mm512_permutexvar_epi32(order, y), vectors);
	}
}

INLINE void single_block(const int32_t *acc, size_t acc_stride, size_t rows, const struct xqk_bounded *p, size_t i,
			 __mmask64 all, bool biased, uint8_t *const *out, const bool is_signed, const bool clamp,
			 const unsigned int vectors)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	const __m512i base = xqk_single_base(p->zero_point);
	const __m512i low = _mm512_set1_epi8((char)p->low), high = _mm512_set1_epi8((char)p->high);
	int32_t memory[4][BLOCK + 16] __attribute__((aligned(64)));
	const int32_t *row[4];
	__m512 scale[4];
	__m512i sum[4], y;
	size_t r;

	for (unsigned int v = 0; v < vectors; v++)
		scale[v] = _mm512_loadu_ps(p->single_scale + i + 16 * v);
	for (r = 0; r < rows; r += 4 / vectors) {
		find_rows(row, memory, acc + r * acc_stride, acc_stride, rows - r, p, i, all, biased, vectors);
#pragma GCC unroll 4
		for (unsigned int j = 0; j < 4; j++) {
			const unsigned int v = j % vectors;

			sum[j] = _mm512_loadu_si512(row[j / vectors] + 16 * v);
		}
		y = saturated(xqk_single_words(sum[0], sum[1], scale[0], scale[1 % vectors], base),
			      xqk_single_words(sum[2], sum[3], scale[2 % vectors], scale[3 % vectors], base),
			      low, high, is_signed, clamp);
		store_rows(out, r, rows - r, i, all, _mm512_permutexvar_epi32(order, y), vectors);
	}
}

/* The lower halves of two vectors of 64 bits, by lanes of 16 bytes: 0 1 8 9, 2 3 10 11, ... */
INLINE __m512i lower_halves(__m512d a, __m512d b)
{
	return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castpd_ps(a), _mm512_castpd_ps(b), 0x88));
}

INLINE void onnx_block(const int32_t *acc, size_t acc_stride, size_t rows, const struct xqk_bounded *p, size_t i,
		       __mmask64 all, bool biased, uint8_t *const *out, const bool is_signed, const bool clamp,
		       const unsigned int vectors)
{
	static const uint16_t order_words[32] = {
		0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30,
		7, 15, 23, 31,
	};
	const __m512i order = _mm512_loadu_si512(order_words), zero_point = _mm512_set1_epi16((short)p->zero_point);
	const __m512i low = _mm512_set1_epi8((char)p->low), high = _mm512_set1_epi8((char)p->high);
	const __m512d whole = _mm512_set1_pd(0x1.8p52);
	int32_t memory[4][BLOCK + 16] __attribute__((aligned(64)));
	const int32_t *row[4];
	__m512d scale[8];
	__m512i t[4], y;
	size_t r;

	for (unsigned int v = 0; v < 2 * vectors; v++)
		scale[v] = _mm512_loadu_pd(p->scale + i + 8 * v);
	for (r = 0; r < rows; r += 4 / vectors) {
		find_rows(row, memory, acc + r * acc_stride, acc_stride, rows - r, p, i, all, biased, vectors);
#pragma GCC unroll 4
		for (unsigned int j = 0; j < 4; j++) {
			const unsigned int v = j % vectors;
			const __m256i *a = (const __m256i *)(const void *)(row[j / vectors] + 16 * v);

			t[j] = lower_halves(_mm512_fmadd_pd(_mm512_cvtepi32_pd(_mm256_loadu_si256(a)), scale[2 * v], whole),
					    _mm512_fmadd_pd(_mm512_cvtepi32_pd(_mm256_loadu_si256(a + 1)), scale[2 * v + 1],
							    whole));
		}
		y = saturated(_mm512_adds_epi16(_mm512_packs_epi32(t[0], t[1]), zero_point),
			      _mm512_adds_epi16(_mm512_packs_epi32(t[2], t[3]), zero_point), low, high, is_signed, clamp);
		store_rows(out, r, rows - r, i, all, _mm512_permutexvar_epi16(order, y), vectors);
	}
}

/* A block by its bounds; of 16 or 32 columns several rows come together. */
#define DEFINE_BOUNDED_VECTORS(name, vectors)							\
	static void run_##name##_##vectors(const int32_t *acc, size_t acc_stride, size_t rows,	\
					   const struct xqk_bounded *p, size_t i, __mmask64 all, bool biased, \
					   uint8_t *const *out)					\
	{											\
		const bool is_signed = p->low < 0;						\
		const bool clamp = is_signed ? p->low > -128 || p->high < 127 : p->low > 0 || p->high < 255; \
												\
		if (is_signed && clamp)								\
			name##_block(acc, acc_stride, rows, p, i, all, biased, out, true, true, vectors); \
		else if (is_signed)								\
			name##_block(acc, acc_stride, rows, p, i, all, biased, out, true, false, vectors); \
		else if (clamp)									\
			name##_block(acc, acc_stride, rows, p, i, all, biased, out, false, true, vectors); \
		else										\
			name##_block(acc, acc_stride, rows, p, i, all, biased, out, false, false, vectors); \
	}

#define DEFINE_BOUNDED(name)									\
	DEFINE_BOUNDED_VECTORS(name, 1)								\
	DEFINE_BOUNDED_VECTORS(name, 2)								\
	DEFINE_BOUNDED_VECTORS(name, 4)								\
	static void run_##name(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,		\
			       const struct xqk_bounded *p, bool biased, uint8_t *const *out)	\
	{											\
		for (size_t i = 0; i < n; i += BLOCK) {						\
			const __mmask64 all = n - i < BLOCK ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0; \
												\
			if (n - i <= 16)							\
				run_##name##_1(acc, acc_stride, rows, p, i, all, biased, out);	\
			else if (n - i <= 32)							\
				run_##name##_2(acc, acc_stride, rows, p, i, all, biased, out);	\
			else									\
				run_##name##_4(acc, acc_stride, rows, p, i, all, biased, out);	\
		}										\
	}
DEFINE_BOUNDED(tflite)
DEFINE_BOUNDED(onnx)
DEFINE_BOUNDED(single)

static void run_either(const int32_t *acc, size_t acc_stride, size_t rows, size_t n, const struct xqk_bounded *p,
		       bool biased, uint8_t *const *out)
{
	(p->single ? run_single : run_onnx)(acc, acc_stride, rows, n, p, biased, out);
}

#define XQK_BOUNDED_AVX512 {									\
	[XQ_PROFILE_ONNX] = { fill_onnx, run_either },						\
	[XQ_PROFILE_TFLITE] = { fill_tflite, run_tflite } }

#endif
