// SPDX-License-Identifier: MIT
/* Casts to and between integers that keep the low bits. */
#include <errno.h>
#include <math.h>

#include <xqaccel/float_formats.h>

#include "layout.h"

static bool castable(enum xq_type type)
{
	switch (type) {
	case XQ_S8: case XQ_U8: case XQ_S4: case XQ_U4: case XQ_S2: case XQ_U2:
	case XQ_S16: case XQ_U16: case XQ_S32:
		return true;
	default:
		return false;
	}
}

static int64_t wrap(int64_t value, enum xq_type type)
{
	unsigned int bits = xq_type_bits(type);
	uint64_t low = (uint64_t)value & ((UINT64_C(1) << bits) - 1);

	if (xq_type_signed(type) && low >> (bits - 1))
		return (int64_t)low - (int64_t)(UINT64_C(1) << bits);
	return (int64_t)low;
}

static int64_t load(const void *q, size_t i, enum xq_type type)
{
	switch (xq_type_unpacked_bytes(type)) {
	case 1:
		return xq_type_signed(type) ? ((const int8_t *)q)[i] : ((const uint8_t *)q)[i];
	case 2:
		return xq_type_signed(type) ? ((const int16_t *)q)[i] : ((const uint16_t *)q)[i];
	default:
		return ((const int32_t *)q)[i];
	}
}

static void store(void *q, size_t i, enum xq_type type, int64_t value)
{
	switch (xq_type_unpacked_bytes(type)) {
	case 1:
		((uint8_t *)q)[i] = (uint8_t)value;
		break;
	case 2:
		((uint16_t *)q)[i] = (uint16_t)value;
		break;
	default:
		((int32_t *)q)[i] = (int32_t)value;
		break;
	}
}

int xq_cast_from_float(const float *x, size_t n, enum xq_type type, void *q, struct xq_fault *fault)
{
	if (!castable(type) || (n && (!x || !q)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			return xq_fault_set(fault, XQ_FAULT_INPUT, i, x[i], -EDOM);
		/* Modulo 2^32 first, exactly, so that any float fits the integer. */
		store(q, i, type, wrap((int64_t)fmod(trunc((double)x[i]), 0x1p32), type));
	}
	return 0;
}

int xq_cast_to_float(const void *q, size_t n, enum xq_type type, float *x)
{
	if (!castable(type) || (n && (!x || !q)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		x[i] = (float)load(q, i, type);
	return 0;
}

int xq_cast_integer(const void *from, enum xq_type from_type, size_t n, enum xq_type to_type, void *to)
{
	if (!castable(from_type) || !castable(to_type) || (n && (!from || !to)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		store(to, i, to_type, wrap(load(from, i, from_type), to_type));
	return 0;
}
