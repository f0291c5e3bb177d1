// SPDX-License-Identifier: MIT
/*
 * The inner loops of float layers. Every sum has one order, whatever the width of the vectors;
 * only whether products are rounded before they are added depends on the processor (FMA or not).
 */
#include "product.h"

#define DENSE_LANES 16

typedef float lanes4 __attribute__((vector_size(16), aligned(4)));
typedef float lanes8 __attribute__((vector_size(32), aligned(4)));
typedef float lanes16 __attribute__((vector_size(64), aligned(4)));

#define LOAD(lanes, at) (*(const lanes *)(const void *)(at))

/* Four rows of weights by two vectors of positions: eight sums stay in registers. */
#define DEFINE_PRODUCT(name, lanes, attributes)						\
attributes static void name(const float *w, size_t rows, size_t k,			\
			    const float *const *source, size_t length, float *sums)	\
{											\
	const size_t width = sizeof(lanes) / sizeof(float);				\
											\
	for (size_t r = 0; r < rows; r += 4) {						\
		size_t last = rows - 1 - r, r1 = last < 1 ? last : 1, r2 = last < 2 ? last : 2;	\
		size_t r3 = last < 3 ? last : 3;					\
		const float *w0 = w + r * k, *w1 = w0 + r1 * k, *w2 = w0 + r2 * k, *w3 = w0 + r3 * k;	\
											\
		for (size_t p = 0; p < length; p += 2 * width) {			\
			float *to = sums + r * length + p;				\
			lanes a0 = { 0 }, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;	\
											\
			for (size_t i = 0; i < k; i++) {				\
				lanes a = LOAD(lanes, source[i] + p);			\
				lanes b = LOAD(lanes, source[i] + p + width);		\
											\
				a0 += w0[i] * a;					\
				b0 += w0[i] * b;					\
				a1 += w1[i] * a;					\
				b1 += w1[i] * b;					\
				a2 += w2[i] * a;					\
				b2 += w2[i] * b;					\
				a3 += w3[i] * a;					\
				b3 += w3[i] * b;					\
			}								\
			/* Missing rows repeat the last one. */				\
			*(lanes *)(void *)(to + r3 * length) = a3;			\
			*(lanes *)(void *)(to + r3 * length + width) = b3;		\
			*(lanes *)(void *)(to + r2 * length) = a2;			\
			*(lanes *)(void *)(to + r2 * length + width) = b2;		\
			*(lanes *)(void *)(to + r1 * length) = a1;			\
			*(lanes *)(void *)(to + r1 * length + width) = b1;		\
			*(lanes *)(void *)to = a0;					\
			*(lanes *)(void *)(to + width) = b0;				\
		}									\
	}										\
}

DEFINE_PRODUCT(product_any, lanes4, )

#ifdef __x86_64__
DEFINE_PRODUCT(product_avx2, lanes8, __attribute__((target("avx2,fma"))))
DEFINE_PRODUCT(product_avx512, lanes16, __attribute__((target("avx512f,fma"))))
#endif
/* clang 14 names what it makes of an exported function otherwise than what others look for. */
#if defined(__x86_64__) && !defined(__clang__)
#define DENSE_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define DENSE_CLONES
#endif

void lab_product(const float *w, size_t rows, size_t k, const float *const *source, size_t length, float *sums)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		product_avx512(w, rows, k, source, length, sums);
	else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		product_avx2(w, rows, k, source, length, sums);
	else
#endif
		product_any(w, rows, k, source, length, sums);
}

DENSE_CLONES void lab_dense(const float *w, size_t rows, size_t k, const float *column, float *sums)
{
	for (size_t r = 0; r < rows; r++, w += k) {
		lanes16 lanes = { 0 };
		float sum = 0;
		size_t i = 0;

		for (; i + DENSE_LANES <= k; i += DENSE_LANES)
			lanes += LOAD(lanes16, w + i) * LOAD(lanes16, column + i);
		for (; i < k; i++)
			sum += w[i] * column[i];
		for (size_t l = 0; l < DENSE_LANES; l++)
			sum += lanes[l];
		sums[r] = sum;
	}
}
