// SPDX-License-Identifier: MIT
/*
 * The 1-bit network: signs times signs by XNOR and popcount, then integer thresholds.
 */
#include "run.h"

#define BATCH	500
#define WIDEST	256

struct signs {
	struct xq_linear *layer[LAYERS];
	const int32_t *threshold[LAYERS];
};

static int make_network(struct xq_device *dev, const struct network_file *file, struct signs *net,
			size_t *bytes)
{
	const int8_t *signs = file->signs;
	const int32_t *threshold = file->thresholds;
	size_t l;
	int err = 0;

	for (l = 0; l < LAYERS && !err; l++) {
		net->threshold[l] = threshold;
		err = make_sign_layer(dev, signs, layer_size[l], layer_size[l + 1], &net->layer[l]);
		if (!err)
			*bytes += xq_linear_bytes(net->layer[l]);
		signs += layer_size[l] * layer_size[l + 1];
		threshold += layer_size[l + 1];
	}
	return err;
}

/* The class whose accumulator is highest above its threshold. */
static uint32_t count_right(const int32_t *acc, const int32_t *threshold, const uint8_t *labels,
			    size_t rows)
{
	uint32_t right = 0;
	size_t i, j, best;

	for (i = 0; i < rows; i++, acc += CLASSES) {
		for (best = 0, j = 1; j < CLASSES; j++)
			if (acc[j] - threshold[j] > acc[best] - threshold[best])
				best = j;
		right += best == labels[i];
	}
	return right;
}

static int run_batch(const struct signs *net, struct xq_workspace *ws,
		     const struct network_file *file, size_t first, struct run *run)
{
	static int8_t x[BATCH * WIDEST];
	static int32_t acc[BATCH * WIDEST];
	size_t l, i;
	int err = 0;

	for (i = 0; i < BATCH * IMAGE_PIXELS; i++)
		x[i] = file->images[first + i / IMAGE_PIXELS][i % IMAGE_PIXELS] >= XNOR_WHITE ? 1 : -1;
	for (l = 0; l < LAYERS && !err; l++) {
		err = xq_linear_run(net->layer[l], ws, x, BATCH, acc, &run->stats);
		if (!err)
			err = run_trace(run, acc, BATCH * layer_size[l + 1] * sizeof(*acc));
		apply_thresholds(acc, net->threshold[l], BATCH, layer_size[l + 1], x);
	}
	run->right += count_right(acc, net->threshold[LAYERS - 1], file->labels + first, BATCH);
	run->images += BATCH;
	return err;
}

int run_xnor(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	struct signs net = { 0 };
	struct xq_workspace *ws = NULL;
	double start;
	size_t at;
	int err = make_network(dev, file, &net, &run->weight_bytes);

	if (!err)
		err = xq_workspace_create(dev, &ws);
	start = seconds_now();
	for (at = 0; at < TEST_IMAGES && !err; at += BATCH)
		err = run_batch(&net, ws, file, at, run);
	run->seconds = seconds_now() - start;
	xq_workspace_destroy(ws);
	for (at = 0; at < LAYERS; at++)
		xq_linear_destroy(net.layer[at]);
	return err;
}
