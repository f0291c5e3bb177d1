/* SPDX-License-Identifier: MIT */
/* Requantization's inner loops for AVX-512 (F, BW, DQ, VL). */
#ifndef XQK_REQUANTIZE_AVX512_H
#define XQK_REQUANTIZE_AVX512_H

#include <immintrin.h>

#include "epilogue/micro_kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* Sixteen parameters of one kind; without `each` they are all the same. */
INLINE __m512i lanes32(const int32_t *v, size_t i, __mmask16 some, int each)
{
	return each ? _mm512_maskz_loadu_epi32(some, v + i) : _mm512_set1_epi32(v[0]);
}

/* Odd elements in the place of even ones, for instructions that look at even ones only. */
INLINE __m512i odd(__m512i v)
{
	return _mm512_srli_epi64(v, 32);
}

INLINE __m512i merge(__m512i even_lanes, __m512i odd_lanes)
{
	return _mm512_mask_mov_epi32(even_lanes, 0xaaaa, _mm512_slli_epi64(odd_lanes, 32));
}

INLINE __m256i onnx8(__m256i acc, __m256 scale, const struct xqk_lanes *p)
{
	__m512d y = _mm512_mul_pd(_mm512_cvtepi32_pd(acc), _mm512_cvtps_pd(scale));

	y = _mm512_roundscale_pd(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	y = _mm512_add_pd(y, _mm512_set1_pd((double)p->zero_point));
	y = _mm512_max_pd(y, _mm512_set1_pd(p->low_y));
	return _mm512_cvtpd_epi32(_mm512_min_pd(y, _mm512_set1_pd(p->high_y)));
}

INLINE __m512i onnx(__m512i acc, __m512 scale, const struct xqk_lanes *p)
{
	__m256i low = onnx8(_mm512_castsi512_si256(acc), _mm512_castps512_ps256(scale), p);
	__m256i high = onnx8(_mm512_extracti64x4_epi64(acc, 1), _mm512_extractf32x8_ps(scale, 1), p);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* saturate32((acc * multiplier + 2^(shift - 1)) >> shift) of the even elements */
INLINE __m512i high_product(__m512i acc, __m512i multiplier, __m512i shift)
{
	const __m512i one = _mm512_set1_epi64(1);
	__m512i n = _mm512_and_si512(shift, _mm512_set1_epi64(0xffffffff));
	__m512i t = _mm512_add_epi64(_mm512_mul_epi32(acc, multiplier),
				     _mm512_sllv_epi64(one, _mm512_sub_epi64(n, one)));

	t = _mm512_min_epi64(_mm512_srav_epi64(t, n), _mm512_set1_epi64(INT32_MAX));
	return _mm512_max_epi64(t, _mm512_set1_epi64(INT32_MIN));
}

/* t / 2^n to nearest, halves away from zero */
INLINE __m512i divide_by_power(__m512i t, __m512i n)
{
	const __m512i one = _mm512_set1_epi32(1);
	__m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, n), one);
	__m512i limit = _mm512_sub_epi32(_mm512_srli_epi32(mask, 1), _mm512_srai_epi32(t, 31));
	__mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(t, mask), limit);
	__m512i q = _mm512_srav_epi32(t, n);

	return _mm512_mask_add_epi32(q, up, q, one);
}

INLINE __m512i fixed_point(__m512i acc, size_t i, __mmask16 some, const struct xqk_lanes *p,
			   int each, int twice)
{
	__m512i m = lanes32(p->multiplier, i, some, each), n = lanes32(p->shift, i, some, each);
	__m512i t = merge(high_product(acc, m, n), high_product(odd(acc), odd(m), odd(n)));

	if (twice)
		t = divide_by_power(t, lanes32(p->right, i, some, each));
	t = _mm512_min_epi32(_mm512_max_epi32(t, _mm512_set1_epi32(p->low)), _mm512_set1_epi32(p->high));
	return _mm512_add_epi32(t, _mm512_set1_epi32(p->zero_point));
}

INLINE __m256i floor_shift8(__m256i acc, size_t i, __mmask8 some, const struct xqk_lanes *p,
			    int each)
{
	__m512i m = _mm512_set1_epi64(p->multiplier[0]), n = _mm512_set1_epi64(p->shift[0]);
	__m512i add = _mm512_set1_epi64(p->add[0]), t;

	if (each) {
		m = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(some, p->multiplier + i));
		n = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(some, p->shift + i));
		add = _mm512_maskz_loadu_epi64(some, p->add + i);
	}
	t = _mm512_add_epi64(_mm512_mul_epi32(_mm512_cvtepi32_epi64(acc), m), add);
	t = _mm512_max_epi64(_mm512_srav_epi64(t, n), _mm512_set1_epi64(p->low64));
	t = _mm512_min_epi64(t, _mm512_set1_epi64(p->high64));
	return _mm512_cvtepi64_epi32(_mm512_add_epi64(t, _mm512_set1_epi64(p->zero_point)));
}

INLINE __m512i floor_shift(__m512i acc, size_t i, __mmask16 some, const struct xqk_lanes *p,
			   int each)
{
	__m256i low = floor_shift8(_mm512_castsi512_si256(acc), i, (__mmask8)some, p, each);
	__m256i high = floor_shift8(_mm512_extracti64x4_epi64(acc, 1), i + 8, (__mmask8)(some >> 8), p,
				    each);

	return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* One requantized vector of sixteen columns; some says which there are. */
INLINE __m512i requantize(__m512i a, size_t i, __mmask16 some, const struct xqk_lanes *p, int kind,
			  int each)
{
	if (kind == XQ_PROFILE_ONNX)
		return onnx(a, each ? _mm512_maskz_loadu_ps(some, p->scale + i) :
				      _mm512_set1_ps(p->scale[0]), p);
	if (kind == XQ_PROFILE_FLOOR_SHIFT)
		return floor_shift(a, i, some, p, each);
	return fixed_point(a, i, some, p, each, kind != XQ_PROFILE_TFLITE_SINGLE);
}

INLINE __mmask16 mask_of(size_t left)
{
	return left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
}

/*
 * TFLITE_PLAIN, sixteen columns: the product's rounded high half, whose last bit is bit 31. The
 * even ones are shifted down to it, the odd ones up past it. Neither it nor any sum after it can
 * leave 32 bits. Halves go away from zero because negative numbers have 1 taken off first.
 */
INLINE __m512i plain(__m512i a, __m512i m, __m512i odd_m, __m512i right)
{
	const __m512i half = _mm512_set1_epi64(1 << 30), one = _mm512_set1_epi32(1);
	__m512i even_t = _mm512_add_epi64(_mm512_mul_epi32(a, m), half);
	__m512i odd_t = _mm512_add_epi64(_mm512_mul_epi32(odd(a), odd_m), half);
	__m512i t = _mm512_mask_mov_epi32(_mm512_srli_epi64(even_t, 31), 0xaaaa, _mm512_slli_epi64(odd_t, 1));

	t = _mm512_add_epi32(t, _mm512_srai_epi32(t, 31));
	t = _mm512_add_epi32(_mm512_srav_epi32(t, right), one);
	return _mm512_srai_epi32(t, 1);
}

/*
 * Four vectors of what fits 16 bits or saturates, plus the zero point, between bounds, as bytes: those
 * of a lane of 16 bytes of each vector come together in that lane.
 */
INLINE __m512i packed_bytes(const __m512i *t, __m512i zero_point, __m512i low, __m512i high)
{
	const __m512i byte = _mm512_set1_epi16(0xff);
	__m512i a = _mm512_adds_epi16(_mm512_packs_epi32(t[0], t[1]), zero_point);
	__m512i b = _mm512_adds_epi16(_mm512_packs_epi32(t[2], t[3]), zero_point);

	a = _mm512_and_si512(_mm512_min_epi16(_mm512_max_epi16(a, low), high), byte);
	b = _mm512_and_si512(_mm512_min_epi16(_mm512_max_epi16(b, low), high), byte);
	return _mm512_packus_epi16(a, b);
}

/* The same in the order of the vectors. */
INLINE __m512i bytes_of(const __m512i *t, __m512i zero_point, __m512i low, __m512i high)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

	return _mm512_permutexvar_epi32(order, packed_bytes(t, zero_point, low, high));
}

/* TFLITE_PLAIN to bytes, 64 columns of all rows before the next ones. */
INLINE void rows_plain(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
		       const struct xqk_lanes *p, uint8_t *const *out, int each)
{
	const __m512i zero_point = _mm512_set1_epi16((short)p->zero_point);
	const __m512i low = _mm512_set1_epi16((short)p->low_y), high = _mm512_set1_epi16((short)p->high_y);

	for (size_t i = 0; i < n; i += 64) {
		__m512i bias[4], m[4], odd_m[4], right[4], t[4];
		__mmask64 all = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
		__mmask16 some[4];

		for (int v = 0; v < 4; v++) {
			some[v] = (__mmask16)(all >> 16 * v);
			bias[v] = lanes32(p->bias, i + 16 * v, some[v], each);
			m[v] = lanes32(p->multiplier, i + 16 * v, some[v], each);
			odd_m[v] = odd(m[v]);
			right[v] = _mm512_sub_epi32(lanes32(p->right, i + 16 * v, some[v], each),
						    _mm512_set1_epi32(1));
		}
		for (size_t r = 0; r < rows; r++) {
			const int32_t *row = acc + r * acc_stride + i;

			for (int v = 0; v < 4; v++) {
				t[v] = _mm512_maskz_loadu_epi32(some[v], row + 16 * v);
				t[v] = plain(_mm512_add_epi32(t[v], bias[v]), m[v], odd_m[v], right[v]);
			}
			_mm512_mask_storeu_epi8(out[r] + i, all, bytes_of(t, zero_point, low, high));
		}
	}
}

INLINE void rows_body(const int32_t *acc, size_t acc_stride, size_t rows, size_t n,
		      const struct xqk_lanes *p, uint8_t *const *out, int kind, int each, int wide)
{
	if (kind == XQK_TFLITE_PLAIN && !wide) {
		rows_plain(acc, acc_stride, rows, n, p, out, each);
		return;
	}
	for (size_t r = 0; r < rows; r++, acc += acc_stride) {
		for (size_t i = 0; i < n; i += 16) {
			__mmask16 some = mask_of(n - i);
			__m512i a = _mm512_maskz_loadu_epi32(some, acc + i);
			__m512i y = _mm512_add_epi32(a, lanes32(p->bias, i, some, each));

			y = requantize(y, i, some, p, kind, each);
			if (wide)
				_mm512_mask_cvtepi32_storeu_epi16((uint16_t *)(void *)out[r] + i, some, y);
			else if (n - i >= 16)
				_mm_storeu_si128((__m128i *)(out[r] + i), _mm512_cvtepi32_epi8(y));
			else
				_mm512_mask_cvtepi32_storeu_epi8(out[r] + i, some, y);
		}
	}
}

#endif
