// SPDX-License-Identifier: MIT
/* Loops on halves: by the processor's instructions where it has them. */
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <xqaccel/float_formats.h>

#include "host.h"

static float dot_plain(const float *x, const uint16_t *halves, size_t n)
{
	float sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += x[i] * xq_float_decode_one(halves[i], XQ_FLOAT_FP16);
	return sum;
}

static void add_plain(float *y, float factor, const uint16_t *halves, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] += factor * xq_float_decode_one(halves[i], XQ_FLOAT_FP16);
}

static void convert_plain(uint16_t *halves, const float *x, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		halves[i] = xq_float_encode_one(x[i], XQ_FLOAT_FP16, XQ_OVERFLOW_SPECIAL);
}

static void expand_plain(float *x, const uint16_t *halves, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		x[i] = xq_float_decode_one(halves[i], XQ_FLOAT_FP16);
}

#if defined(__x86_64__)
#define WITH_F16C	__attribute__((target("avx2,f16c,fma")))

/* Whatever has AVX2 has F16C, for which not every compiler has a name. */
static bool has_f16c(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

WITH_F16C static __m256 load_halves(const uint16_t *halves)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

WITH_F16C static float dot_f16c(const float *x, const uint16_t *halves, size_t n)
{
	__m256 sum[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	float parts[8], all = 0;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		sum[0] = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), load_halves(halves + i), sum[0]);
		sum[1] = _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8), load_halves(halves + i + 8),
					 sum[1]);
	}
	_mm256_storeu_ps(parts, _mm256_add_ps(sum[0], sum[1]));
	all = dot_plain(x + i, halves + i, n - i);
	for (i = 0; i < 8; i++)
		all += parts[i];
	return all;
}

WITH_F16C static void add_f16c(float *y, float factor, const uint16_t *halves, size_t n)
{
	const __m256 by = _mm256_set1_ps(factor);
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, _mm256_fmadd_ps(by, load_halves(halves + i),
							_mm256_loadu_ps(y + i)));
	add_plain(y + i, factor, halves + i, n - i);
}

WITH_F16C static void convert_f16c(uint16_t *halves, const float *x, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm_storeu_si128((__m128i *)(halves + i),
				 _mm256_cvtps_ph(_mm256_loadu_ps(x + i),
						 _MM_FROUND_TO_NEAREST_INT));
	convert_plain(halves + i, x + i, n - i);
}

WITH_F16C static void expand_f16c(float *x, const uint16_t *halves, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(x + i, load_halves(halves + i));
	expand_plain(x + i, halves + i, n - i);
}
#else
#define has_f16c()	false
#define dot_f16c	dot_plain
#define add_f16c	add_plain
#define convert_f16c	convert_plain
#define expand_f16c	expand_plain
#endif

float xqg_dot_halves(const float *x, const uint16_t *halves, size_t n)
{
	return has_f16c() ? dot_f16c(x, halves, n) : dot_plain(x, halves, n);
}

void xqg_add_halves(float *y, float factor, const uint16_t *halves, size_t n)
{
	if (has_f16c())
		add_f16c(y, factor, halves, n);
	else
		add_plain(y, factor, halves, n);
}

void xqg_to_halves(uint16_t *halves, const float *x, size_t n)
{
	if (has_f16c())
		convert_f16c(halves, x, n);
	else
		convert_plain(halves, x, n);
}

void xqg_from_halves(float *x, const uint16_t *halves, size_t n)
{
	if (has_f16c())
		expand_f16c(x, halves, n);
	else
		expand_plain(x, halves, n);
}
