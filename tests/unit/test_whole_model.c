// SPDX-License-Identifier: MIT
/*
 * A whole network in 8 bits keeps its accuracy within 2 % of the float one: mnist-8 with int8
 * weights per channel and uint8 activations whose ranges were observed on training images.
 */
#include <stdlib.h>

#include <xqaccel/calibrate.h>

#include "ktap.h"
#include "tests/lab/infer.h"

enum { OBSERVED = 300, TESTED = 2000 };

static struct lab_model model;
static struct lab_images train, test;

struct range {
	float scale;
	int32_t zp;
};

static const char *load(void)
{
	const char *vectors = getenv("XQ_VECTORS"), *error;

	vectors = vectors ? vectors : "../shared";
	error = lab_load_mnist8(vectors, &model);
	if (!error)
		error = lab_load_mnist(vectors, true, OBSERVED, &train);
	if (!error)
		error = lab_load_mnist(vectors, false, TESTED, &test);
	return error;
}

static void quantize_weights(struct lab_model *m, const struct xq_qtype *s8)
{
	for (int i = 0; i < m->ops; i++) {
		struct lab_op *op = &m->op[i];
		struct xq_layout layout;
		float *scale;
		int8_t *q;

		if (op->kind != LAB_CONV)
			continue;
		scale = malloc(op->rows * sizeof(*scale));
		q = malloc(op->rows * op->k);
		xq_layout_channel((size_t[]){ op->rows, op->k }, 2, 0, &layout);
		EXPECT(!xq_quantize_found(op->weights, &layout, s8, XQ_SYMMETRIC, NULL, NULL, q, scale, NULL, NULL),
		       "weights of operation %d", i);
		EXPECT(!xq_dequantize(q, &layout, s8, scale, NULL, op->weights, NULL), "dequantize");
		free(scale);
		free(q);
	}
}

static void observe(const struct xq_qtype *u8, struct range *ranges)
{
	struct xq_calibration how = { .method = XQ_CAL_PERCENTILE, .percentile = 99.99 };
	float *tensors[LAB_MAX_TENSORS], *memory = lab_tensors(&model, tensors);
	struct xq_observer *observers[LAB_MAX_OPS];
	struct lab_scratch scratch;

	EXPECT(memory && lab_scratch_init(&scratch, &model), "memory");
	for (int i = 0; i < model.ops; i++)
		EXPECT(!xq_observer_create(&how, 1, &observers[i]), "observer");
	for (size_t image = 0; image < train.n; image++) {
		lab_set_input(&model, train.pixels + image * 784, tensors[model.input]);
		for (int i = 0; i < model.ops; i++) {
			size_t n = lab_size(model.shape[model.op[i].out]);
			struct xq_layout layout;

			lab_run_op(&model, &model.op[i], tensors, &scratch);
			xq_layout_tensor(&n, 1, &layout);
			EXPECT(!xq_observer_feed(observers[i], tensors[model.op[i].out], &layout, NULL), "feed");
		}
	}
	for (int i = 0; i < model.ops; i++) {
		EXPECT(!xq_observer_params(observers[i], u8, XQ_AFFINE, &ranges[i].scale, &ranges[i].zp), "range");
		xq_observer_free(observers[i]);
	}
	lab_scratch_free(&scratch);
	free(memory);
}

/* Images classified right; ranges NULL: in float. */
static size_t count_right(const struct lab_model *m, const struct xq_qtype *u8, const struct range *ranges)
{
	float *tensors[LAB_MAX_TENSORS], *memory = lab_tensors(m, tensors);
	struct lab_scratch scratch;
	static uint8_t q[8 * 28 * 28];
	size_t right = 0;

	EXPECT(memory && lab_scratch_init(&scratch, m), "memory");
	for (size_t image = 0; image < test.n; image++) {
		const float *out = tensors[m->output];
		int best = 0;

		lab_set_input(m, test.pixels + image * 784, tensors[m->input]);
		for (int i = 0; i < m->ops; i++) {
			float *y = tensors[m->op[i].out];
			size_t n = lab_size(m->shape[m->op[i].out]);
			struct xq_layout layout;

			lab_run_op(m, &m->op[i], tensors, &scratch);
			if (!ranges)
				continue;
			xq_layout_tensor(&n, 1, &layout);
			EXPECT(!xq_quantize(y, &layout, u8, &ranges[i].scale, &ranges[i].zp, NULL, q, NULL) &&
			       !xq_dequantize(q, &layout, u8, &ranges[i].scale, &ranges[i].zp, y, NULL), "quantize");
		}
		for (int c = 1; c < 10; c++)
			best = out[c] > out[best] ? c : best;
		right += best == test.labels[image];
	}
	lab_scratch_free(&scratch);
	free(memory);
	return right;
}

static void within_two_per_cent(void)
{
	struct range ranges[LAB_MAX_OPS];
	struct lab_model quantized;
	struct xq_qtype s8, u8;
	size_t exact, rounded;

	if (load()) {
		ktap_skip("no models/float and datasets/mnist below XQ_VECTORS");
		return;
	}
	xq_qtype_of(XQ_S8, &s8);
	xq_qtype_of(XQ_U8, &u8);
	EXPECT(lab_model_copy(&model, &quantized), "copy");
	quantize_weights(&quantized, &s8);
	observe(&u8, ranges);
	exact = count_right(&model, &u8, NULL);
	rounded = count_right(&quantized, &u8, ranges);
	printf("# float %.2f %%, 8 bits %.2f %%\n", 100.0 * (double)exact / TESTED, 100.0 * (double)rounded / TESTED);
	EXPECT(exact > TESTED * 97 / 100, "float model: %zu of %d", exact, TESTED);
	EXPECT(rounded + TESTED / 50 >= exact, "%zu right, float %zu", rounded, exact);
	lab_model_free(&quantized);
	lab_model_free(&model);
	lab_images_free(&train);
	lab_images_free(&test);
}

KTAP_MAIN({ "a whole model in 8 bits stays within 2 %", within_two_per_cent })
