// SPDX-License-Identifier: MIT
/* Schemes that look at the weights alone, and the list of all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/blockfloat.h>
#include <xqaccel/calibrate.h>
#include <xqaccel/codebook.h>
#include <xqaccel/float_formats.h>

#include "schemes.h"

#define GROUP 16
#define SCALE_BITS 32

/* Scales of groups and entries of tables per channel are kept as fp16. */
#define HALF_BITS 16

static float half(float v)
{
	return xq_float_decode_one(xq_float_encode_one(v, XQ_FLOAT_FP16, XQ_OVERFLOW_SATURATE), XQ_FLOAT_FP16);
}

static void add(struct lab_cost *cost, struct xq_storage codes_only, uint64_t param_bits)
{
	cost->code_bits += codes_only.bits;
	cost->param_bits += param_bits;
}

static bool linear(const struct lab_op *op, unsigned int bits, enum xq_scheme scheme,
		   enum xq_calibrate method, size_t group, float *v, struct lab_cost *cost)
{
	const size_t dims[2] = { op->rows, op->k };
	struct xq_calibration how = { .method = method };
	struct xq_layout layout;
	struct xq_qtype type, used;
	size_t params;
	int8_t *q = malloc(op->rows * op->k);
	float *scale;
	int32_t *zp;
	bool ok;

	xq_qtype_bits(bits, true, &type);
	if (group)
		xq_layout_block(dims, 2, 1, group, &layout);
	else
		xq_layout_channel(dims, 2, 0, &layout);
	params = xq_layout_params(&layout);
	scale = malloc(params * sizeof(*scale));
	zp = calloc(params, sizeof(*zp));
	ok = q && scale && zp && !xq_find_params(op->weights, &layout, &type, scheme, &how, scale, zp, NULL);
	for (size_t p = 0; p < params && ok && group; p++)
		scale[p] = fmaxf(half(scale[p]), 0x1p-24f);
	used = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(&type) : type;
	ok = ok && !xq_quantize(op->weights, &layout, &used, scale, zp, NULL, q, NULL) &&
	     !xq_dequantize(q, &layout, &type, scale, zp, v, NULL);
	add(cost, xq_storage_of(op->rows * op->k, (uint64_t)op->rows * op->k * bits, 0),
	    params * ((group ? HALF_BITS : SCALE_BITS) + (scheme == XQ_AFFINE ? bits : 0)));
	free(q);
	free(scale);
	free(zp);
	return ok;
}

static bool rows_scaled(const struct lab_op *op, int kind, float *v, struct lab_cost *cost)
{
	int8_t *q = malloc(op->rows * op->k);
	float *scale = malloc(op->rows * sizeof(*scale));
	int err = !q || !scale;

	if (!err && kind == 1)
		err = xq_bwn_encode(op->weights, op->rows, op->k, q, scale, NULL);
	else if (!err && kind == 2)
		err = xq_twn_encode(op->weights, op->rows, op->k, q, scale, NULL, NULL);
	else if (!err)
		err = xq_ternary_best_encode(op->weights, op->rows, op->k, q, scale, NULL);
	if (!err)
		err = xq_scaled_decode(q, op->rows, op->k, scale, v);
	add(cost, xq_storage_of(op->rows * op->k, (uint64_t)op->rows * op->k * (kind == 1 ? 1 : 2), 0),
	    (uint64_t)op->rows * SCALE_BITS);
	free(q);
	free(scale);
	return !err;
}

/* One bit has no zero and no step: the naive form is the sign times the row's mean magnitude. */
static bool naive(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	if (bits == 1)
		return rows_scaled(op, 1, v, cost);
	return linear(op, bits, XQ_SYMMETRIC, XQ_CAL_MINMAX, 0, v, cost);
}

static bool affine(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return linear(op, bits, XQ_AFFINE, XQ_CAL_MINMAX, 0, v, cost);
}

static bool mse_clip(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return linear(op, bits, XQ_SYMMETRIC, XQ_CAL_MSE, 0, v, cost);
}

static bool affine_mse(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return linear(op, bits, XQ_AFFINE, XQ_CAL_MSE, 0, v, cost);
}

static bool groups(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return linear(op, bits, XQ_SYMMETRIC, XQ_CAL_MINMAX, GROUP, v, cost);
}

static bool twn(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return rows_scaled(op, (int)bits, v, cost);
}

static bool ternary_best(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	(void)bits;
	return rows_scaled(op, 3, v, cost);
}

static bool codebook(const struct lab_op *op, unsigned int bits, size_t tables, float *v, struct lab_cost *cost)
{
	size_t n = op->rows * op->k / tables;
	uint8_t *codes = malloc(n);
	bool ok = codes != NULL;

	for (size_t t = 0; t < tables && ok; t++) {
		float table[256];

		ok = !xq_codebook_fit(op->weights + t * n, n, NULL, bits, table, NULL);
		for (size_t c = 0; c < (size_t)1 << bits && tables > 1; c++)
			table[c] = half(table[c]);
		ok = ok && !xq_codebook_encode(op->weights + t * n, n, table, bits, codes, NULL) &&
		     !xq_codebook_decode(codes, n, table, bits, v + t * n, NULL);
	}
	add(cost, xq_storage_of(op->rows * op->k, (uint64_t)op->rows * op->k * bits, 0),
	    (uint64_t)tables * (tables > 1 ? HALF_BITS : SCALE_BITS) << bits);
	free(codes);
	return ok;
}

static bool kmeans_tensor(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return codebook(op, bits, 1, v, cost);
}

static bool kmeans_channel(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	return codebook(op, bits, op->rows, v, cost);
}

static bool vsquant(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	const struct xq_vsquant f = { .bits = bits, .scale_bits = 4, .vector = GROUP };
	int8_t *q = malloc(op->rows * op->k);
	uint8_t *scale = malloc(op->rows * op->k);
	float *gamma = malloc(op->rows * sizeof(*gamma));
	bool ok = q && scale && gamma && !xq_vsquant_encode(op->weights, op->rows, op->k, &f, q, scale, gamma, NULL) &&
		  !xq_vsquant_decode(q, scale, gamma, op->rows, op->k, &f, v);

	add(cost, xq_vsquant_storage(op->rows, op->k, &f), 0);
	free(q);
	free(scale);
	free(gamma);
	return ok;
}

static bool mx(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	enum xq_mx format = bits == 4 ? XQ_MX4 : bits == 6 ? XQ_MX6 : XQ_MX9;
	int8_t *q = malloc(op->rows * op->k);
	uint8_t *exponent = malloc(op->rows * op->k), *micro = malloc(op->rows * op->k);
	bool ok = q && exponent && micro &&
		  !xq_mx_encode(op->weights, op->rows, op->k, format, q, exponent, micro, NULL) &&
		  !xq_mx_decode(q, exponent, micro, op->rows, op->k, format, v);

	add(cost, xq_mx_storage(op->rows, op->k, format), 0);
	free(q);
	free(exponent);
	free(micro);
	return ok;
}

static bool ocp(const struct lab_op *op, unsigned int bits, float *v, struct lab_cost *cost)
{
	uint8_t *q = malloc(op->rows * op->k), *scale = malloc(op->rows * op->k);
	bool ok = q && scale;

	if (bits == 4) {
		ok = ok && !xq_mxfp4_encode(op->weights, op->rows, op->k, q, scale, NULL) &&
		     !xq_mxfp4_decode(q, scale, op->rows, op->k, v);
		add(cost, xq_mxfp4_storage(op->rows, op->k), 0);
	} else {
		ok = ok && !xq_mxint8_encode(op->weights, op->rows, op->k, (int8_t *)q, scale, NULL) &&
		     !xq_mxint8_decode((int8_t *)q, scale, op->rows, op->k, v);
		add(cost, xq_mxint8_storage(op->rows, op->k), 0);
	}
	free(q);
	free(scale);
	return ok;
}

/*
 * The first of each width is the naive one that the others are measured by. At two bits that is
 * TWN: codes -1, 0, 1 from min-max leave nearly all weights zero, and beating them says little.
 */
const struct lab_scheme lab_schemes[] = {
	{ "naive, per channel", 8, naive, NULL },
	{ "affine", 8, affine, NULL },
	{ "MXINT8", 8, ocp, NULL },
	{ "naive, per channel", 4, naive, NULL },
	{ "affine", 4, affine, NULL },
	{ "MSE clip", 4, mse_clip, NULL },
	{ "affine, MSE clip", 4, affine_mse, NULL },
	{ "groups of 16", 4, groups, NULL },
	{ "VS-Quant", 4, vsquant, NULL },
	{ "MX4", 4, mx, NULL },
	{ "MXFP4", 4, ocp, NULL },
	{ "k-means, per tensor", 4, kmeans_tensor, NULL },
	{ "k-means, per channel", 4, kmeans_channel, NULL },
	{ "AdaRound", 4, NULL, lab_adaround },
	{ "reconstruction, linear", 4, NULL, lab_rebuild_linear },
	{ "reconstruction, codebook", 4, NULL, lab_rebuild_codebook },
	{ "naive, per channel", 3, naive, NULL },
	{ "MSE clip", 3, mse_clip, NULL },
	{ "groups of 16", 3, groups, NULL },
	{ "k-means, per channel", 3, kmeans_channel, NULL },
	{ "AdaRound", 3, NULL, lab_adaround },
	{ "reconstruction, linear", 3, NULL, lab_rebuild_linear },
	{ "reconstruction, codebook", 3, NULL, lab_rebuild_codebook },
	{ "naive, ternary (TWN)", 2, twn, NULL },
	{ "min-max to -1, 0, 1", 2, naive, NULL },
	{ "affine", 2, affine, NULL },
	{ "MSE clip", 2, mse_clip, NULL },
	{ "affine, MSE clip", 2, affine_mse, NULL },
	{ "groups of 16", 2, groups, NULL },
	{ "VS-Quant", 2, vsquant, NULL },
	{ "best ternary", 2, ternary_best, NULL },
	{ "k-means, per tensor", 2, kmeans_tensor, NULL },
	{ "k-means, per channel", 2, kmeans_channel, NULL },
	{ "AdaRound", 2, NULL, lab_adaround },
	{ "reconstruction, ternary", 2, NULL, lab_rebuild_linear },
	{ "reconstruction, codebook", 2, NULL, lab_rebuild_codebook },
	{ "naive, sign and mean (BWN)", 1, naive, NULL },
	{ "reconstruction, binary", 1, NULL, lab_rebuild_linear },
};

const size_t lab_scheme_count = sizeof(lab_schemes) / sizeof(lab_schemes[0]);

void lab_count_error(const struct lab_op *op, const float *v, struct lab_cost *cost)
{
	cost->weights += op->rows * op->k;
	cost->bias_bytes += op->rows * sizeof(float);
	for (size_t i = 0; i < op->rows * op->k; i++) {
		cost->energy += (double)op->weights[i] * op->weights[i];
		cost->error += pow((double)op->weights[i] - v[i], 2);
	}
}

bool lab_apply(const struct lab_scheme *scheme, const struct lab_calibration *c, struct lab_model *m,
	       struct lab_cost *cost)
{
	bool ok = true;

	*cost = (struct lab_cost){ 0 };
	if (scheme->calibrated)
		return scheme->calibrated(c, scheme->bits, m, cost);
	for (int i = 0; i < m->ops && ok; i++) {
		struct lab_op *op = &m->op[i];
		float *v;

		if (op->kind != LAB_CONV)
			continue;
		v = malloc(op->rows * op->k * sizeof(*v));
		ok = v && scheme->encode(op, scheme->bits, v, cost);
		if (ok) {
			lab_count_error(op, v, cost);
			memcpy(op->weights, v, op->rows * op->k * sizeof(*v));
		}
		free(v);
	}
	return ok;
}
