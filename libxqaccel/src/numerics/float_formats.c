// SPDX-License-Identifier: MIT
/* Floating-point formats of 4, 8 and 16 bits. */
#include <errno.h>
#include <math.h>

#include <xqaccel/float_formats.h>

static const struct format {
	int exponent_bits, mantissa_bits, bias;
	uint16_t largest;	/* code of the largest finite number */
	uint16_t infinity, nan;	/* 0: the format has none */
} formats[] = {
	[XQ_FLOAT_BF16] = { 8, 7, 127, 0x7f7f, 0x7f80, 0x7fc0 },
	[XQ_FLOAT_FP16] = { 5, 10, 15, 0x7bff, 0x7c00, 0x7e00 },
	[XQ_FLOAT_E4M3] = { 4, 3, 7, 0x7e, 0, 0x7f },
	[XQ_FLOAT_E5M2] = { 5, 2, 15, 0x7b, 0x7c, 0x7e },
	[XQ_FLOAT_E2M1] = { 2, 1, 1, 0x7, 0, 0 },
	[XQ_FLOAT_E2M1_IEEE] = { 2, 1, 1, 0x5, 0x6, 0x7 },
};

static bool known(enum xq_float_format format)
{
	return (unsigned int)format < sizeof(formats) / sizeof(formats[0]);
}

unsigned int xq_float_bits(enum xq_float_format format)
{
	if (!known(format))
		return 0;
	return (unsigned int)(1 + formats[format].exponent_bits + formats[format].mantissa_bits);
}

static uint16_t overflowed(const struct format *f, enum xq_overflow overflow)
{
	if (overflow == XQ_OVERFLOW_SATURATE)
		return f->largest;
	return f->infinity ? f->infinity : f->nan ? f->nan : f->largest;
}

/* The code of a finite magnitude, which may lie past the largest. */
static uint64_t round_magnitude(double x, const struct format *f)
{
	int exponent, least = 1 - f->bias;
	double units;

	if (x == 0)
		return 0;
	frexp(x, &exponent);
	exponent--;
	if (exponent < least)
		exponent = least;
	/* Adding 2^52 leaves no room for a fraction: rounds to an integer, halves to even. */
	units = ldexp(x, f->mantissa_bits - exponent);
	units = (units + 0x1p52) - 0x1p52;
	/* A carry out of the mantissa runs into the exponent, as it should. */
	return ((uint64_t)(exponent - least) << f->mantissa_bits) + (uint64_t)units;
}

uint16_t xq_float_encode_one(float x, enum xq_float_format format, enum xq_overflow overflow)
{
	const struct format *f;
	uint16_t code, sign;
	uint64_t rounded;

	if (!known(format))
		return 0;
	f = &formats[format];
	sign = signbit(x) ? (uint16_t)(1u << (f->exponent_bits + f->mantissa_bits)) : 0;
	if (isnan(x)) {
		code = f->nan ? f->nan : f->largest;
	} else if (isinf(x)) {
		code = overflowed(f, overflow);
	} else {
		rounded = round_magnitude(fabs((double)x), f);
		code = rounded > f->largest ? overflowed(f, overflow) : (uint16_t)rounded;
	}
	return code | sign;
}

float xq_float_decode_one(uint16_t code, enum xq_float_format format)
{
	const struct format *f;
	unsigned int magnitude, exponent, mantissa;
	float value;

	if (!known(format))
		return 0;
	f = &formats[format];
	magnitude = code & ((1u << (f->exponent_bits + f->mantissa_bits)) - 1);
	exponent = magnitude >> f->mantissa_bits;
	mantissa = magnitude & ((1u << f->mantissa_bits) - 1);
	if (magnitude > f->largest)
		value = magnitude == f->infinity ? INFINITY : NAN;
	else if (exponent)
		value = (float)ldexp((double)(mantissa | 1u << f->mantissa_bits),
				     (int)exponent - f->bias - f->mantissa_bits);
	else
		value = (float)ldexp((double)mantissa, 1 - f->bias - f->mantissa_bits);
	return code >> (f->exponent_bits + f->mantissa_bits) & 1 ? -value : value;
}

int xq_float_encode(const float *x, size_t n, enum xq_float_format format, enum xq_overflow overflow,
		    void *codes)
{
	if (!known(format) || (n && (!x || !codes)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		uint16_t code = xq_float_encode_one(x[i], format, overflow);

		if (xq_float_bits(format) > 8)
			((uint16_t *)codes)[i] = code;
		else
			((uint8_t *)codes)[i] = (uint8_t)code;
	}
	return 0;
}

int xq_float_decode(const void *codes, size_t n, enum xq_float_format format, float *x)
{
	if (!known(format) || (n && (!x || !codes)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		x[i] = xq_float_decode_one(xq_float_bits(format) > 8 ? ((const uint16_t *)codes)[i] :
					   ((const uint8_t *)codes)[i], format);
	return 0;
}
