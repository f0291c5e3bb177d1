// SPDX-License-Identifier: MIT
/*
 * Functions of quantized tensors of 8 bits as tables, in the arithmetic of TensorFlow Lite and of ONNX.
 */
#include <math.h>
#include <string.h>

#include <xqaccel/requantize.h>

#include "compile.h"
#include "epilogue/epilogue.h"

/* ---- in real numbers ---------------------------------------------------------------------------------------- */

static float elu(float x, float alpha)
{
	return x < 0 ? alpha * expm1f(x) : x;
}

static float gelu(float x, bool tanh_form)
{
	if (tanh_form)
		return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
	return x * (0.5f * erfcf(-x * 0.70710678118f));
}

static bool has_formula(enum xqm_op op)
{
	return op == XQM_SIGMOID || op == XQM_TANH || op == XQM_ELU || op == XQM_GELU;
}

static float formula(const struct xqm_operator *op, float x)
{
	switch (op->op) {
	case XQM_SIGMOID:
		return 1 / (1 + expf(-x));
	case XQM_TANH:
		return tanhf(x);
	case XQM_ELU:
		return elu(x, op->arithmetic == XQ_REQUANT_ONNX ? op->params.alpha.alpha : 1);
	default:
		return gelu(x, op->params.gelu.tanh);
	}
}

/* TensorFlow Lite multiplies by the reciprocal of the scale and rounds halves away from zero; ONNX divides, halves to even. */
static int32_t rounded(const struct xqm_operator *op, float value, float scale)
{
	if (op->arithmetic == XQ_REQUANT_ONNX)
		value = rintf(value / scale);
	else
		value = roundf(value * (1 / scale));
	/* What scales overflow to may be no number. */
	return value >= 1e6f ? 1000000 : value >= -1e6f ? (int32_t)value : -1000000;
}

/* ---- in fixed point -------------------------------------------------------------------------------------------- */

/* By a factor; false if it is no number. */
static bool requantized(int32_t value, double factor, int32_t *out)
{
	int32_t multiplier, shift;

	if (xq_quantize_multiplier(factor, &multiplier, &shift))
		return false;
	value = (int32_t)xqk_requant_value(XQ_PROFILE_TFLITE, value, multiplier, shift, 0);
	/* Room for a zero point. */
	*out = value > 1 << 20 ? 1 << 20 : value < -(1 << 20) ? -(1 << 20) : value;
	return true;
}

static int16_t saturated(int32_t value)
{
	return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static int32_t doubled_high(int32_t a, int32_t b, bool round)
{
	const int32_t ab = a * b;

	if (a == INT16_MIN && b == INT16_MIN)
		return INT16_MAX;
	return (ab + (!round ? 0 : ab >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

static int32_t divided(int32_t x, int exponent)
{
	const int32_t mask = (int32_t)((1U << exponent) - 1), rest = x & mask;

	return (x >> exponent) + (rest > (mask >> 1) + (x < 0));
}

/* A multiplier of 16 bits. */
static int32_t narrow(int32_t multiplier)
{
	return multiplier >= INT32_MAX - (1 << 15) ? INT16_MAX : (multiplier + (1 << 15)) >> 16;
}

/*
 * x relu6(x + 3) / 6 in 16 bits: x with 7 more bits, once towards the output's scale and once towards that of 3 / 2^15,
 * where relu6(x + 3) / 6 is half of what saturates, plus a half. TensorFlow Lite refuses outputs finer than x / 128 allows.
 */
static bool hard_swish(int32_t x, float x_scale, float y_scale, int32_t *out)
{
	const float fine = (1.0f / 128) * x_scale;
	const int32_t value = x * 128;
	int32_t multiplier, gate_multiplier, y_exponent, exponent, part, gate = value;

	if (xq_quantize_multiplier((double)(fine / y_scale), &multiplier, &y_exponent) || y_exponent > 0 ||
	    xq_quantize_multiplier((double)(fine / (3.0f / 32768)), &gate_multiplier, &exponent))
		return false;
	part = doubled_high(value, narrow(multiplier), true);
	if (exponent > 0)
		gate = saturated(gate * (1 << (exponent - 1 > 15 ? 15 : exponent - 1)));
	gate = doubled_high(gate, narrow(gate_multiplier), true);
	if (exponent > 0)
		gate = saturated(gate * 2);
	if (exponent < 0)
		gate = divided(gate, -exponent > 15 ? 15 : -exponent);
	gate = (gate + (1 << 15)) >> 1;
	*out = divided(doubled_high(gate, part, false), -y_exponent > 15 ? 15 : -y_exponent);
	return true;
}

static float clip_bound(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int operand, float otherwise)
{
	const struct xqm_tensor *t = xqm_input(graph, op, operand);

	return t && t->data && t->type == XQ_F32 && xqm_elements(&t->shape) == 1 ? *(const float *)t->data : otherwise;
}

static bool bounds_of(const struct xqm_graph *graph, const struct xqm_operator *op, float *low, float *high)
{
	*low = op->op == XQM_RELU ? 0 : clip_bound(graph, op, 1, -INFINITY);
	*high = op->op == XQM_RELU ? INFINITY : clip_bound(graph, op, 2, INFINITY);
	return op->op == XQM_RELU || (op->op == XQM_CLIP && (isfinite(*low) || isfinite(*high)));
}

/* One value less the input's zero point to one less the output's; false if there is no table. */
static bool in_fixed_point(const struct xqm_operator *op, float x_scale, float y_scale, int32_t value, int32_t *out)
{
	const float alpha = op->params.alpha.alpha;

	switch (op->op) {
	case XQM_RELU:
	case XQM_CLIP:
		return requantized(value, (double)(x_scale / y_scale), out);
	case XQM_LEAKY_RELU:
		return alpha >= 0 && requantized(value, (double)(value >= 0 ? x_scale / y_scale : x_scale * alpha / y_scale), out);
	case XQM_HARD_SWISH:
		return hard_swish(value, x_scale, y_scale, out);
	default:
		return false;
	}
}

/* The same for ONNX, whose functions are those of the real numbers. */
static bool in_floats(const struct xqm_operator *op, float x_scale, float y_scale, int32_t value, int32_t *out)
{
	const float x = (float)value * x_scale;

	if (has_formula(op->op)) {
		*out = rounded(op, formula(op, x), y_scale);
	} else if (op->op == XQM_RELU || op->op == XQM_CLIP) {
		*out = rounded(op, x, y_scale);
	} else if (op->op == XQM_LEAKY_RELU) {
		*out = rounded(op, x >= 0 ? x : x * op->params.alpha.alpha, y_scale);
	} else {
		return false;
	}
	return true;
}

bool xqm_table(const struct xqm_graph *graph, const struct xqm_operator *op, uint8_t *table)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);
	const int32_t first = (int32_t)xq_type_min((enum xq_type)x->type);
	const float x_scale = x->quantization.scale[0], y_scale = y->quantization.scale[0];
	const bool floats = op->arithmetic == XQ_REQUANT_ONNX || has_formula(op->op);
	int32_t min = (int32_t)xq_type_min((enum xq_type)y->type), max = (int32_t)xq_type_max((enum xq_type)y->type);
	float low, high;
	int32_t i;

	if (op->op == XQM_RELU || op->op == XQM_CLIP) {
		if (!bounds_of(graph, op, &low, &high))
			return false;
		xqm_bounds(y, op->arithmetic, low, high, &min, &max);
	}
	for (i = first; i < first + 256; i++) {
		const int32_t value = i - xqm_zero_point(x, 0);
		int32_t out;

		if (!(floats ? in_floats : in_fixed_point)(op, x_scale, y_scale, value, &out))
			return false;
		out += xqm_zero_point(y, 0);
		table[(uint8_t)i] = (uint8_t)(out < min ? min : out > max ? max : out);
	}
	return true;
}
