/* SPDX-License-Identifier: MIT */
/*
 * Elements and requantization as Documentation/hardware.rst describes them, one at a time, in
 * wide integers and doubles. Written for tests and from the description alone: nothing here is
 * what the device or the kernels use.
 */
#ifndef REFERENCE_NUMBERS_H
#define REFERENCE_NUMBERS_H

#include <linux/xqaccel.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef __int128 ref_wide;

static inline unsigned int ref_bits(uint32_t format)
{
	static const unsigned char bits[] = { 0, 8, 8, 4, 4, 2, 2, 2, 1, 4, 8, 16, 16, 32, 32 };

	return format < sizeof(bits) ? bits[format] : 0;
}

static inline bool ref_signed(uint32_t format)
{
	return format != XQACCEL_FMT_U8 && format != XQACCEL_FMT_U4 && format != XQACCEL_FMT_U2 &&
	       format != XQACCEL_FMT_U16 && format != XQACCEL_FMT_C4 && format != XQACCEL_FMT_C8;
}

static inline int64_t ref_least(uint32_t format)
{
	if (format == XQACCEL_FMT_T2 || format == XQACCEL_FMT_B1)
		return -1;
	return ref_signed(format) ? -((int64_t)1 << (ref_bits(format) - 1)) : 0;
}

static inline int64_t ref_greatest(uint32_t format)
{
	if (format == XQACCEL_FMT_T2 || format == XQACCEL_FMT_B1)
		return 1;
	return ((int64_t)1 << (ref_bits(format) - ref_signed(format))) - 1;
}

/* The bits of element i of a row. */
static inline uint32_t ref_code(const uint8_t *row, uint32_t format, uint64_t i)
{
	const unsigned int bits = ref_bits(format);
	uint32_t code = 0;

	for (unsigned int b = 0; b < bits; b++) {
		const uint64_t at = i * bits + b;

		code |= (uint32_t)(row[at / 8] >> at % 8 & 1) << b;
	}
	return code;
}

static inline int64_t ref_value_of(uint32_t format, uint32_t code)
{
	const unsigned int bits = ref_bits(format);

	if (format == XQACCEL_FMT_B1)
		return code ? 1 : -1;
	if (ref_signed(format) && code >> (bits - 1))
		return (int64_t)code - ((int64_t)1 << bits);
	return code;
}

static inline int64_t ref_value(const uint8_t *row, uint32_t format, uint64_t i)
{
	return ref_value_of(format, ref_code(row, format, i));
}

/* Sets element i; with the first element of a byte the rest of it becomes 0. */
static inline void ref_set(uint8_t *row, uint32_t format, uint64_t i, uint32_t code)
{
	const unsigned int bits = ref_bits(format);

	for (unsigned int b = 0; b < bits; b++) {
		const uint64_t at = i * bits + b;

		if (at % 8 == 0)
			row[at / 8] = 0;
		row[at / 8] |= (uint8_t)((code >> b & 1) << at % 8);
	}
}

static inline uint32_t ref_code_of(uint32_t format, int64_t value)
{
	if (format == XQACCEL_FMT_B1)
		return value >= 0;
	return (uint32_t)value & (uint32_t)(((uint64_t)1 << ref_bits(format)) - 1);
}

static inline float ref_float(const uint8_t *at)
{
	float f;

	memcpy(&f, at, 4);
	return f;
}

static inline float ref_float_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static inline ref_wide ref_clamp(ref_wide v, ref_wide low, ref_wide high)
{
	return v < low ? low : v > high ? high : v;
}

static inline ref_wide ref_floor_div(ref_wide v, ref_wide d)
{
	return v / d - (v % d < 0);
}

/* To nearest, halves away from zero. */
static inline ref_wide ref_div_away(ref_wide v, ref_wide d)
{
	return v < 0 ? -((-2 * v + d) / (2 * d)) : (2 * v + d) / (2 * d);
}

static inline ref_wide ref_sat32(ref_wide v)
{
	return ref_clamp(v, INT32_MIN, INT32_MAX);
}

/* Halves to even; what is far outside of any format may stay there. */
static inline ref_wide ref_even(double v)
{
	return isnan(v) ? 0 : (ref_wide)nearbyint(fmax(fmin(v, 1e15), -1e15));
}

/* A profile before the zero point. */
static inline ref_wide ref_requant(uint32_t profile, int32_t acc, int32_t multiplier, int32_t shift,
				   int64_t add, float scale)
{
	ref_wide high;

	switch (profile) {
	case XQACCEL_PROFILE_ONNX:
		return ref_even((double)acc * (double)(isfinite(scale) ? scale : 0));
	case XQACCEL_PROFILE_FLOOR_SHIFT:
		high = (int64_t)((uint64_t)((int64_t)acc * multiplier) + (uint64_t)add);
		return ref_floor_div(high, (ref_wide)1 << ref_clamp(shift, 0, 63));
	case XQACCEL_PROFILE_TFLITE_SINGLE:
		shift = (int32_t)ref_clamp(shift, -31, 30);
		return ref_sat32(ref_floor_div((ref_wide)acc * multiplier + ((ref_wide)1 << (30 - shift)),
					       (ref_wide)1 << (31 - shift)));
	default:
		shift = (int32_t)ref_clamp(shift, -31, 30);
		high = (ref_wide)acc * ((ref_wide)1 << (shift > 0 ? shift : 0)) * multiplier + (1 << 30);
		high = ref_sat32(ref_floor_div(high, (ref_wide)1 << 31));
		return ref_div_away(high, (ref_wide)1 << (shift < 0 ? -shift : 0));
	}
}

/* Bounds of a result: the format's, and those that are asked for. */
static inline int64_t ref_bounded(uint32_t format, ref_wide v, int32_t act_min, int32_t act_max)
{
	const int64_t low = act_min > ref_least(format) ? act_min : ref_least(format);
	const int64_t high = act_max < ref_greatest(format) ? act_max : ref_greatest(format);

	return (int64_t)ref_clamp(v, low, high);
}

static inline int64_t ref_wide_of(const struct xqaccel_wide *w)
{
	return (int64_t)(w->low | (uint64_t)w->high << 32);
}

static inline int64_t ref_requant_one(const struct xqaccel_requant *r, uint32_t format, int32_t acc)
{
	return ref_bounded(format, ref_requant(r->profile, acc, r->multiplier, r->shift, ref_wide_of(&r->add),
					       ref_float_of(r->scale)) + r->zero_point, r->act_min, r->act_max);
}

#endif
