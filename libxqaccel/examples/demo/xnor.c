// SPDX-License-Identifier: MIT
/*
 * The 1-bit network: signs times signs by XNOR and popcount, then integer thresholds.
 */
#include "run.h"

/* Above a threshold is at least the next integer; the last layer's scores count from theirs. */
static void numbers(const struct network_file *file, int32_t *of)
{
	size_t i;

	for (i = 0; i < NEURONS; i++)
		of[i] = i < NEURONS - CLASSES ? file->thresholds[i] + 1 : -file->thresholds[i];
}

int run_xnor(struct xq_device *dev, const struct network_file *file, struct run *run)
{
	struct classifier c = { .batch = TEST_IMAGES / 2 };
	const int8_t *signs = file->signs;
	int32_t of[NEURONS], *at = of;
	int err = xq_network_create(&c.net), x;
	size_t l;

	if (err)
		return err;
	numbers(file, of);
	c.input = xq_network_tensor(c.net, &(struct xq_network_tensor){
		.name = "pixels", .type = XQ_U8, .dims = 2, .dim = { 1, IMAGE_PIXELS }, .batched = true });
	err = xq_network_input(c.net, c.input);
	x = err ? err : add_signs(c.net, c.input, XNOR_WHITE);
	for (l = 0; l < LAYERS && x > 0; l++) {
		const size_t in = layer_size[l], out = layer_size[l + 1];

		x = l + 1 < LAYERS ? add_sign_layer(c.net, x, signs, at, in, out) :
		    add_score_layer(c.net, x, signs, at, in, out);
		signs += in * out;
		at += out;
	}
	c.scores = x;
	return run_classifier(dev, &c, file->images[0], TEST_IMAGES, file->labels, run);
}
