/* SPDX-License-Identifier: MIT */
/*
 * Loops of pools that a compiler turns into the vector code of the instruction set whose file
 * includes them. Up to three operands at a time, so that sums stay in registers.
 */
#ifndef XQK_POOLING_TEMPLATE_H
#define XQK_POOLING_TEMPLATE_H

#include "pooling/micro_kernels.h"

#define INLINE static inline __attribute__((always_inline))

INLINE uint8_t larger(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

#define DEFINE_ROWS(name, type, combine)							\
	static void name(type *restrict dst, const uint8_t *const *rows, size_t count, size_t n,	\
			 uint8_t flip, bool more)						\
	{											\
		const uint8_t *restrict a = rows[0], *restrict b, *restrict c;			\
		size_t i, at = 0;								\
												\
		if (!more && count >= 3) {							\
			for (b = rows[1], c = rows[2], i = 0; i < n; i++)			\
				dst[i] = (type)combine((type)combine((type)(a[i] ^ flip),	\
						       (type)(b[i] ^ flip)), (type)(c[i] ^ flip)); \
			at = 3;									\
		} else if (!more && count == 2) {						\
			for (b = rows[1], i = 0; i < n; i++)					\
				dst[i] = (type)combine((type)(a[i] ^ flip), (type)(b[i] ^ flip)); \
			at = 2;									\
		} else if (!more) {								\
			for (i = 0; i < n; i++)							\
				dst[i] = (type)(a[i] ^ flip);					\
			at = 1;									\
		}										\
		for (; at + 2 <= count; at += 2)						\
			for (a = rows[at], b = rows[at + 1], i = 0; i < n; i++)			\
				dst[i] = (type)combine(dst[i], (type)combine((type)(a[i] ^ flip), \
									     (type)(b[i] ^ flip))); \
		for (; at < count; at++)							\
			for (a = rows[at], i = 0; i < n; i++)					\
				dst[i] = (type)combine(dst[i], (type)(a[i] ^ flip));		\
	}
#define PLUS(a, b)	((a) + (b))
#define LARGER(a, b)	((a) > (b) ? (a) : (b))
DEFINE_ROWS(max_rows, uint8_t, LARGER)
DEFINE_ROWS(sum_rows16, uint16_t, PLUS)
DEFINE_ROWS(sum_rows32, uint32_t, PLUS)

/* Pixels that follow each other on both sides are one with many channels. */
static struct xqk_pixels joined(const struct xqk_pixels *p, size_t channels)
{
	struct xqk_pixels q = *p;

	if (q.step == channels && q.y_pitch == channels) {
		q.channels = q.pixels * channels;
		q.pixels = 1;
	}
	return q;
}

/* The greatest of up to three columns; low and high are bounds among unsigned bytes. */
INLINE void max_columns(uint8_t *restrict y, const uint8_t *restrict src, size_t pitch, size_t taps, size_t n,
			uint8_t flip, uint8_t low, uint8_t high)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t v = src[i];

		if (taps > 1)
			v = larger(v, src[pitch + i]);
		if (taps > 2)
			v = larger(v, src[2 * pitch + i]);
		v = v < low ? low : v;
		v = v > high ? high : v;
		y[i] = v ^ flip;
	}
}

static void max_many_columns(uint8_t *y, const uint8_t *src, size_t pitch, size_t taps, size_t n, uint8_t flip,
			     uint8_t low, uint8_t high)
{
	uint8_t most[256];
	size_t done, part, i, t;

	for (done = 0; done < n; done += part) {
		part = n - done < sizeof(most) ? n - done : sizeof(most);
		for (i = 0; i < part; i++)
			most[i] = low;
		for (t = 0; t < taps; t++)
			for (i = 0; i < part; i++)
				most[i] = larger(most[i], src[t * pitch + done + i]);
		for (i = 0; i < part; i++)
			y[done + i] = (most[i] > high ? high : most[i]) ^ flip;
	}
}

static void max_pixels(const struct xqk_pixels *pixels, const uint8_t *src)
{
	const struct xqk_pixels p = joined(pixels, pixels->channels);
	const size_t pitch = pixels->channels;
	const uint8_t low = (uint8_t)p.least ^ p.flip, high = (uint8_t)p.greatest ^ p.flip;
	uint8_t *y = p.y;
	size_t i;

	for (i = 0; i < p.pixels; i++, y += p.y_pitch, src += p.step) {
		if (p.taps == 1)
			max_columns(y, src, pitch, 1, p.channels, p.flip, low, high);
		else if (p.taps == 2)
			max_columns(y, src, pitch, 2, p.channels, p.flip, low, high);
		else if (p.taps == 3)
			max_columns(y, src, pitch, 3, p.channels, p.flip, low, high);
		else
			max_many_columns(y, src, pitch, p.taps, p.channels, p.flip, low, high);
	}
}

/*
 * The sum's magnitude twice, plus the count, by twice the count, cut off: to nearest, halves away
 * from zero. A quotient that is not whole is further from the next whole number than the division
 * rounds: by 1 / (2 count) in less than 2^9, in f32 for counts to 256, in f64 for all.
 */
#define DEFINE_MEAN(name, type, real)								\
	INLINE void name##_finish(uint8_t *restrict y, const uint32_t *restrict sum, size_t n,	\
				  const struct xqk_pixels *p)					\
	{											\
		const int32_t zero = (int32_t)((uint32_t)p->flip * p->count);			\
		const real whole = (real)(2 * (real)p->count);					\
		size_t i;									\
												\
		for (i = 0; i < n; i++) {							\
			const int32_t s = (int32_t)sum[i] - zero, sign = s >> 31;		\
			const uint32_t magnitude = (uint32_t)((s ^ sign) - sign);		\
			int32_t v = (int32_t)((real)(int64_t)(2 * (uint64_t)magnitude + p->count) / whole); \
												\
			v = (v ^ sign) - sign;							\
			v = v < p->least ? p->least : v;					\
			y[i] = (uint8_t)(v > p->greatest ? p->greatest : v);			\
		}										\
	}											\
	static void name(const struct xqk_pixels *pixels, const type *src)			\
	{											\
		const struct xqk_pixels p = joined(pixels, pixels->channels);			\
		const size_t pitch = pixels->channels;						\
		uint32_t sum[256];								\
		size_t pixel, done, part, i, t;							\
												\
		for (pixel = 0; pixel < p.pixels; pixel++)					\
			for (done = 0; done < p.channels; done += part) {			\
				const type *at = src + pixel * p.step + done;			\
												\
				part = p.channels - done < 256 ? p.channels - done : 256;	\
				for (i = 0; i < part; i++)					\
					sum[i] = at[i];						\
				for (t = 1; t < p.taps; t++)					\
					for (i = 0; i < part; i++)				\
						sum[i] += at[t * pitch + i];			\
				name##_finish(p.y + pixel * p.y_pitch + done, sum, part, &p);	\
			}									\
	}
DEFINE_MEAN(mean_pixels32, uint32_t, double)

/*
 * The same with everything in 16 bits: n / count with n = magnitude + count / 2, which is as much because the
 * magnitude is whole. The division is by R / 2^(16 + shift), where R is 2^(16 + shift) / count rounded up, by
 * e / count with e < count. That adds n e / 2^(16 + shift) / count to the quotient, which must be less than the
 * 1 / count that it may: n e < 2^(16 + shift). With count < 2^(shift + 1) and n at most 128.5 count (of signed
 * elements) or 255.5 count, it is up to counts of 256 or 128. Powers of two have e = 0, and R = 2^16 would be one bit too
 * many, so theirs and the shift are one bit less.
 */
struct divisor {
	uint16_t factor, half, zero;
	uint32_t shift;
};

INLINE struct divisor divisor_of(const struct xqk_pixels *p)
{
	const uint32_t count = p->count, log = 31 - (uint32_t)__builtin_clz(count);
	const uint32_t shift = count & (count - 1) ? log : log - 1;

	return (struct divisor){ (uint16_t)(((1U << (16 + shift)) + count - 1) / count), (uint16_t)(count / 2),
				 (uint16_t)(p->flip * count), shift };
}

#ifndef SMALL_FINISH
INLINE void small_finish(uint8_t *restrict y, const uint16_t *restrict sum, size_t n, const struct xqk_pixels *p)
{
	const struct divisor d = divisor_of(p);
	const int16_t least = (int16_t)p->least, greatest = (int16_t)p->greatest, flip = p->flip ? -1 : 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const int16_t s = (int16_t)(uint16_t)(sum[i] - d.zero), sign = (int16_t)((s >> 15) & flip);
		const uint16_t magnitude = (uint16_t)((uint16_t)(s ^ sign) - (uint16_t)sign);
		const uint16_t high = (uint16_t)((uint32_t)(uint16_t)(magnitude + d.half) * d.factor >> 16);
		int16_t v = (int16_t)(high >> d.shift);

		v = (int16_t)((v ^ sign) - sign);
		v = v < least ? least : v;
		y[i] = (uint8_t)(v > greatest ? greatest : v);
	}
}
#endif

/* Nothing to divide by. */
INLINE void small_copy(uint8_t *restrict y, const uint16_t *restrict sum, size_t n, const struct xqk_pixels *p)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int32_t v = p->flip ? (int32_t)sum[i] - 128 : sum[i];

		v = v < p->least ? p->least : v;
		y[i] = (uint8_t)(v > p->greatest ? p->greatest : v);
	}
}

static void mean_pixels16(const struct xqk_pixels *pixels, const uint16_t *src)
{
	const struct xqk_pixels p = joined(pixels, pixels->channels);
	const size_t pitch = pixels->channels;
	uint16_t sum[512];
	size_t pixel, done, part, i, t;

	for (pixel = 0; pixel < p.pixels; pixel++)
		for (done = 0; done < p.channels; done += part) {
			const uint16_t *at = src + pixel * p.step + done;

			part = p.channels - done < 512 ? p.channels - done : 512;
			if (p.taps >= 2)
				for (i = 0; i < part; i++)
					sum[i] = (uint16_t)(at[i] + at[pitch + i]);
			else
				for (i = 0; i < part; i++)
					sum[i] = at[i];
			for (t = 2; t < p.taps; t++)
				for (i = 0; i < part; i++)
					sum[i] = (uint16_t)(sum[i] + at[t * pitch + i]);
			if (p.count == 1)
				small_copy(p.y + pixel * p.y_pitch + done, sum, part, &p);
			else
				small_finish(p.y + pixel * p.y_pitch + done, sum, part, &p);
		}
}

#endif
