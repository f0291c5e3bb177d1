// SPDX-License-Identifier: MIT
/* Requantization parameters from scales. */
#include <errno.h>
#include <math.h>

#include <xqaccel/requantize.h>

static bool scale_valid(float scale)
{
	return isfinite(scale) && scale >= 0;
}

static int check_scales(float x_scale, const float *w_scale, size_t n, float y_scale)
{
	if (!scale_valid(x_scale) || !scale_valid(y_scale) || y_scale == 0)
		return -EDOM;
	if (n && !w_scale)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(w_scale[i]))
			return -EDOM;
	}
	return 0;
}

int xq_scale_product(float x_scale, const float *w_scale, size_t n, float y_scale, float *m)
{
	int err = check_scales(x_scale, w_scale, n, y_scale);

	for (size_t i = 0; i < n && !err; i++) {
		/* A variable in between, so that no compiler keeps more bits. */
		volatile float product = x_scale * w_scale[i];

		m[i] = product / y_scale;
		if (!isfinite(m[i]))
			err = -EDOM;
	}
	return err;
}

int xq_quantize_multiplier(double real, int32_t *multiplier, int32_t *shift)
{
	int exponent;
	int64_t fixed;

	if (!isfinite(real))
		return -EDOM;
	fixed = llround(frexp(real, &exponent) * (double)(1LL << 31));
	if (fixed == 1LL << 31 || fixed == -(1LL << 31)) {
		fixed /= 2;
		exponent++;
	}
	if (exponent < -31 || !fixed) {
		exponent = 0;
		fixed = 0;
	} else if (exponent > 30) {
		exponent = 30;
		fixed = fixed < 0 ? INT32_MIN : INT32_MAX;
	}
	*multiplier = (int32_t)fixed;
	*shift = exponent;
	return 0;
}

int xq_multiplier_product(float x_scale, const float *w_scale, size_t n, float y_scale,
			  int32_t *multiplier, int32_t *shift)
{
	int err = check_scales(x_scale, w_scale, n, y_scale);

	for (size_t i = 0; i < n && !err; i++)
		err = xq_quantize_multiplier((double)x_scale * (double)w_scale[i] / (double)y_scale,
					     &multiplier[i], &shift[i]);
	return err;
}
