// SPDX-License-Identifier: MIT
/*
 * Elements of any type as doubles or 64-bit integers.
 */
#include <math.h>
#include <string.h>

#include <xqaccel/float_formats.h>

#include "elements.h"

enum xqm_class xqm_class_of(int type)
{
	switch (type) {
	case XQ_F32:
	case XQ_F16:
	case XQ_BF16:
	case XQ_MODEL_F64:
	case XQ_MODEL_E4M3:
	case XQ_MODEL_E5M2:
	case XQ_MODEL_E2M1:
		return XQM_REAL;
	case XQ_MODEL_U64:
		return XQM_UNSIGNED;
	case XQ_S8:
	case XQ_U8:
	case XQ_S4:
	case XQ_U4:
	case XQ_S2:
	case XQ_U2:
	case XQ_T2:
	case XQ_B1:
	case XQ_S16:
	case XQ_U16:
	case XQ_S32:
	case XQ_MODEL_BOOL:
	case XQ_MODEL_U32:
	case XQ_MODEL_S64:
		return XQM_INTEGER;
	default:
		return XQM_NO_CLASS;
	}
}

static enum xq_float_format small_format(int type)
{
	return type == XQ_MODEL_E4M3 ? XQ_FLOAT_E4M3 : type == XQ_MODEL_E5M2 ? XQ_FLOAT_E5M2 : XQ_FLOAT_E2M1;
}

/* A case of each type of elements that lie in memory as a C type. */
#define PLAIN_TYPES(CASE) \
	CASE(XQ_S8, int8_t) CASE(XQ_S4, int8_t) CASE(XQ_S2, int8_t) CASE(XQ_T2, int8_t) CASE(XQ_B1, int8_t) \
	CASE(XQ_U8, uint8_t) CASE(XQ_U4, uint8_t) CASE(XQ_U2, uint8_t) CASE(XQ_MODEL_BOOL, uint8_t) \
	CASE(XQ_S16, int16_t) CASE(XQ_U16, uint16_t) CASE(XQ_S32, int32_t) CASE(XQ_MODEL_U32, uint32_t) \
	CASE(XQ_MODEL_S64, int64_t) CASE(XQ_MODEL_U64, uint64_t)

#define LOAD(code, ctype) \
	case code: { \
		const ctype *from = (const ctype *)value->data + first; \
		for (i = 0; i < n; i++) \
			to[i] = (__typeof__(*to))from[i * step]; \
		break; \
	}

void xqm_load_real(const struct xqm_value *value, size_t first, size_t step, size_t n, double *to)
{
	const uint16_t *half = (const uint16_t *)value->data + first;
	size_t i;

	switch (value->type) {
	LOAD(XQ_F32, float)
	LOAD(XQ_MODEL_F64, double)
	PLAIN_TYPES(LOAD)
	case XQ_F16:
	case XQ_BF16:
		for (i = 0; i < n; i++)
			to[i] = (double)xq_float_decode_one(half[i * step], value->type == XQ_F16 ? XQ_FLOAT_FP16 :
							    XQ_FLOAT_BF16);
		break;
	case XQ_MODEL_E4M3:
	case XQ_MODEL_E5M2:
	case XQ_MODEL_E2M1:
		for (i = 0; i < n; i++)
			to[i] = (double)xq_float_decode_one(((const uint8_t *)value->data)[first + i * step],
							    small_format(value->type));
		break;
	default:
		memset(to, 0, n * sizeof(*to));
	}
}

void xqm_load_integer(const struct xqm_value *value, size_t first, size_t step, size_t n, int64_t *to)
{
	size_t i;

	switch (value->type) {
	PLAIN_TYPES(LOAD)
	default:
		memset(to, 0, n * sizeof(*to));
	}
}

/*
 * Rounds to a format of so many bits of mantissa in two steps that are one: first to float in the manner that
 * keeps a bit for what is cut off (round to odd), then to the format.
 */
static float to_odd(double x)
{
	float f = (float)x;
	uint32_t bits;

	if (isnan(x) || isinf(f) || (double)f == x)
		return f;
	memcpy(&bits, &f, sizeof(bits));
	if ((bits & 1) == 0)
		f = fabs((double)f) > fabs(x) ? nextafterf(f, 0) : nextafterf(f, copysignf(INFINITY, f));
	return f;
}

uint16_t xqm_round_f16(double x)
{
	return xq_float_encode_one(to_odd(x), XQ_FLOAT_FP16, XQ_OVERFLOW_SPECIAL);
}

uint16_t xqm_round_bf16(double x)
{
	return xq_float_encode_one(to_odd(x), XQ_FLOAT_BF16, XQ_OVERFLOW_SPECIAL);
}

void xqm_store_small(const struct xqm_value *value, size_t index, double x, bool saturate)
{
	/* ONNX makes -0 of what has no number. */
	if (isnan(x) && value->type == XQ_MODEL_E2M1) {
		((uint8_t *)value->data)[index] = 8;
		return;
	}
	((uint8_t *)value->data)[index] = (uint8_t)xq_float_encode_one(to_odd(x), small_format(value->type),
		saturate ? XQ_OVERFLOW_SATURATE : XQ_OVERFLOW_SPECIAL);
}

/* 2^63 and 2^64 are doubles, their predecessors in the types are not. */
static int64_t saturate(double x, double low, double high)
{
	if (isnan(x))
		return 0;
	if (x <= low)
		return (int64_t)low;
	if (x >= high)
		return high >= 0x1p63 ? INT64_MAX : (int64_t)high;
	return (int64_t)x;
}

#define STORE_REAL(code, ctype) \
	case code: { \
		ctype *to = (ctype *)value->data + first; \
		for (i = 0; i < n; i++) \
			to[i] = (ctype)from[i]; \
		break; \
	}

#define STORE_LIMITED(code, ctype, low, high) \
	case code: { \
		ctype *to = (ctype *)value->data + first; \
		for (i = 0; i < n; i++) \
			to[i] = (ctype)saturate(from[i], low, high); \
		break; \
	}

void xqm_store_real(const struct xqm_value *value, size_t first, size_t n, const double *from)
{
	size_t i;

	switch (value->type) {
	STORE_REAL(XQ_F32, float)
	STORE_REAL(XQ_MODEL_F64, double)
	STORE_LIMITED(XQ_S8, int8_t, -128, 127)
	STORE_LIMITED(XQ_S4, int8_t, -8, 7)
	STORE_LIMITED(XQ_S2, int8_t, -2, 1)
	STORE_LIMITED(XQ_U8, uint8_t, 0, 255)
	STORE_LIMITED(XQ_U4, uint8_t, 0, 15)
	STORE_LIMITED(XQ_U2, uint8_t, 0, 3)
	STORE_LIMITED(XQ_S16, int16_t, INT16_MIN, INT16_MAX)
	STORE_LIMITED(XQ_U16, uint16_t, 0, UINT16_MAX)
	STORE_LIMITED(XQ_S32, int32_t, INT32_MIN, INT32_MAX)
	STORE_LIMITED(XQ_MODEL_U32, uint32_t, 0, UINT32_MAX)
	STORE_LIMITED(XQ_MODEL_S64, int64_t, -0x1p63, 0x1p63)
	case XQ_MODEL_U64:
		for (i = 0; i < n; i++)
			((uint64_t *)value->data)[first + i] = !(from[i] > 0) ? 0 : from[i] >= 0x1p64 ? UINT64_MAX :
							       (uint64_t)from[i];
		break;
	case XQ_MODEL_BOOL:
		for (i = 0; i < n; i++)
			((uint8_t *)value->data)[first + i] = from[i] != 0;
		break;
	case XQ_F16:
	case XQ_BF16:
		for (i = 0; i < n; i++)
			((uint16_t *)value->data)[first + i] = value->type == XQ_F16 ? xqm_round_f16(from[i]) :
							       xqm_round_bf16(from[i]);
		break;
	case XQ_MODEL_E4M3:
	case XQ_MODEL_E5M2:
	case XQ_MODEL_E2M1:
		for (i = 0; i < n; i++)
			xqm_store_small(value, first + i, from[i], true);
		break;
	default:
		break;
	}
}

/* The low bits with their sign. */
static int8_t low_bits(int64_t x, unsigned int bits)
{
	return (int8_t)((int8_t)((uint8_t)x << (8 - bits)) >> (8 - bits));
}

void xqm_store_integer(const struct xqm_value *value, size_t first, size_t n, const int64_t *from)
{
	double real[XQM_CHUNK];
	size_t i;

	switch (value->type) {
	STORE_REAL(XQ_S8, int8_t)
	STORE_REAL(XQ_U8, uint8_t)
	STORE_REAL(XQ_S16, int16_t)
	STORE_REAL(XQ_U16, uint16_t)
	STORE_REAL(XQ_S32, int32_t)
	STORE_REAL(XQ_MODEL_U32, uint32_t)
	STORE_REAL(XQ_MODEL_S64, int64_t)
	STORE_REAL(XQ_MODEL_U64, uint64_t)
	case XQ_S4:
	case XQ_S2:
		for (i = 0; i < n; i++)
			((int8_t *)value->data)[first + i] = low_bits(from[i], value->type == XQ_S4 ? 4 : 2);
		break;
	case XQ_U4:
	case XQ_U2:
		for (i = 0; i < n; i++)
			((uint8_t *)value->data)[first + i] = from[i] & (value->type == XQ_U4 ? 15 : 3);
		break;
	case XQ_MODEL_BOOL:
		for (i = 0; i < n; i++)
			((uint8_t *)value->data)[first + i] = from[i] != 0;
		break;
	case XQ_F32:	/* not by way of double, which would round twice */
		for (i = 0; i < n; i++)
			((float *)value->data)[first + i] = (float)from[i];
		break;
	default:
		for (size_t done = 0; done < n; done += XQM_CHUNK) {
			size_t part = n - done < XQM_CHUNK ? n - done : XQM_CHUNK;

			for (i = 0; i < part; i++)
				real[i] = (double)from[done + i];
			xqm_store_real(value, first + done, part, real);
		}
	}
}

double xqm_real_at(const struct xqm_value *value, size_t index)
{
	double x;

	xqm_load_real(value, index, 1, 1, &x);
	return x;
}

int64_t xqm_integer_at(const struct xqm_value *value, size_t index)
{
	int64_t x;

	xqm_load_integer(value, index, 1, 1, &x);
	return x;
}
