// SPDX-License-Identifier: MIT
/*
 * Images through a network: they lie in a buffer of the device, where each run takes its part, and so do the scores
 * that it gives. Two runs are under way at a time, so that the device has work while the scores of the one before are
 * looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

#define UNDER_WAY	2

struct work {
	const struct classifier *c;
	const struct xq_plan *plan;
	struct xq_queue *queue;
	struct xq_buffer *images, *scores;
	struct xq_run *flight[UNDER_WAY];
	const uint8_t *labels;
	size_t image_bytes, score_bytes;
	bool real;
	struct run *run;
};

void run_free(struct run *run)
{
	free(run->trace);
	run->trace = NULL;
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unsigned int best_integer(const int32_t *scores)
{
	int32_t most = scores[0];
	unsigned int best = 0, j;

	for (j = 1; j < CLASSES; j++) {
		if (scores[j] > most) {
			most = scores[j];
			best = j;
		}
	}
	return best;
}

static unsigned int best_real(const float *scores)
{
	unsigned int best = 0, j;

	for (j = 1; j < CLASSES; j++)
		if (scores[j] > scores[best])
			best = j;
	return best;
}

/*
 * As integers the bits of float32 have the order of the numbers, as long as the greatest is not negative. An emulated
 * processor, which calls a function for each operation on a float, compares those many times as fast.
 */
static unsigned int best_of(const int32_t *scores, bool real)
{
	const unsigned int best = best_integer(scores);
	float numbers[CLASSES];

	if (!real || scores[best] >= 0)
		return best;
	memcpy(numbers, scores, sizeof(numbers));
	return best_real(numbers);
}

static int bind(struct work *w, struct xq_run *run, size_t first)
{
	const int err = xq_run_bind(run, w->c->input, w->images, first * w->image_bytes);

	return err ? err : xq_run_bind(run, w->c->scores, w->scores, first * w->score_bytes);
}

static uint32_t count_right(const struct work *w, size_t first)
{
	const int32_t *scores = xq_buffer_data(w->scores);
	uint32_t right = 0;
	size_t i;

	for (i = first; i < first + w->c->batch; i++)
		right += best_of(scores + i * CLASSES, w->real) == w->labels[i];
	return right;
}

static int start(struct work *w, size_t first)
{
	struct xq_run *run = w->flight[first / w->c->batch % UNDER_WAY];
	const int err = bind(w, run, first);

	return err ? err : xq_run_start(run, w->queue);
}

/* Waits for a batch and looks at its scores. */
static int finish(struct work *w, size_t first)
{
	struct xq_run *run = w->flight[first / w->c->batch % UNDER_WAY];
	struct xq_run_profile profile;
	int err = xq_run_wait(run, -1);

	if (err)
		return err;
	w->run->right += count_right(w, first);
	w->run->images += (uint32_t)w->c->batch;
	xq_run_profile(run, -1, &profile);
	w->run->device_ns += profile.device_ns;
	w->run->bytes += profile.bytes;
	return 0;
}

/* The first use of memory and code, which is slow on an emulated processor, is not counted. */
static int warm_up(struct work *w)
{
	int i, err = 0;

	for (i = 0; i < UNDER_WAY && !err; i++) {
		err = bind(w, w->flight[i], 0);
		if (!err)
			err = xq_run_start(w->flight[i], w->queue);
		if (!err)
			err = xq_run_wait(w->flight[i], -1);
		if (!err)
			w->run->right += count_right(w, 0);
	}
	w->run->right = 0;
	return err;
}

static int run_all(struct work *w, size_t count)
{
	const size_t batch = w->c->batch, ahead = batch * (UNDER_WAY - 1);
	int err = warm_up(w);
	const double begin = seconds_now();
	size_t at;

	for (at = 0; at < count + ahead && !err; at += batch) {
		if (at < count)
			err = start(w, at);
		if (!err && at >= ahead)
			err = finish(w, at - ahead);
	}
	w->run->seconds = seconds_now() - begin;
	return err;
}

static void count_jobs(struct work *w, size_t runs)
{
	struct xq_plan_operator op;
	unsigned int i;

	for (i = 0; i < xq_plan_operators(w->plan); i++)
		if (!xq_plan_operator(w->plan, i, &op))
			w->run->jobs += runs * op.jobs;
}

static int prepare(struct xq_device *dev, struct work *w, const uint8_t *images, size_t count)
{
	struct xq_network_value value;
	int i, err = 0;

	w->image_bytes = xq_plan_value(w->plan, w->c->input, &value) / w->c->batch;
	w->score_bytes = xq_plan_value(w->plan, w->c->scores, &value) / w->c->batch;
	w->real = value.type == XQ_F32;
	err = xq_buffer_create(dev, count * w->image_bytes, &w->images);
	if (!err)
		err = xq_buffer_create(dev, count * w->score_bytes, &w->scores);
	for (i = 0; i < UNDER_WAY && !err; i++)
		err = xq_run_create(w->plan, &w->flight[i]);
	if (err)
		return err;
	memcpy(xq_buffer_data(w->images), images, count * w->image_bytes);
	memset(xq_buffer_data(w->scores), 0, count * w->score_bytes);
	return 0;
}

/* What remains of the scores when their buffer has gone. */
static int keep_scores(struct work *w, size_t count)
{
	struct run *run = w->run;

	run->trace_bytes = count * w->score_bytes;
	run->trace = malloc(run->trace_bytes);
	if (!run->trace)
		return -ENOMEM;
	memcpy(run->trace, xq_buffer_data(w->scores), run->trace_bytes);
	return 0;
}

static int execute(struct xq_device *dev, struct classifier *c, struct xq_plan *plan, const uint8_t *images, size_t count,
		   const uint8_t *labels, struct run *run)
{
	struct work w = { .c = c, .plan = plan, .labels = labels, .run = run };
	int i, err = xq_queue_create(dev, NULL, &w.queue);

	if (!err)
		err = prepare(dev, &w, images, count);
	if (!err)
		err = run_all(&w, count);
	if (!err)
		err = keep_scores(&w, count);
	count_jobs(&w, count / c->batch);
	for (i = 0; i < UNDER_WAY; i++)
		xq_run_destroy(w.flight[i]);
	xq_buffer_destroy(w.images);
	xq_buffer_destroy(w.scores);
	xq_queue_destroy(w.queue);
	return err;
}

int run_classifier(struct xq_device *dev, struct classifier *c, const uint8_t *images, size_t count,
		   const uint8_t *labels, struct run *run)
{
	struct xq_plan_memory memory;
	struct xq_plan *plan = NULL;
	int err = c->scores < 0 ? c->scores : xq_network_output(c->net, c->scores);

	if (!err)
		err = xq_network_compile(c->net, dev, c->batch, &plan);
	if (err)
		fprintf(stderr, "xq-demo: %s\n", xq_network_error(c->net));
	else
		xq_plan_memory(plan, &memory);
	if (!err) {
		run->weight_bytes = memory.weights;
		err = execute(dev, c, plan, images, count, labels, run);
	}
	xq_plan_destroy(plan);
	xq_network_destroy(c->net);
	return err;
}

/* ---- layers of signs, as both 1-bit networks have them ----------------------------------------------------------- */

int add_signs(struct xq_network *net, int pixels, unsigned int white)
{
	const int y = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_B1 });
	int8_t table[256];
	unsigned int i;
	int err;

	for (i = 0; i < 256; i++)
		table[i] = i >= white ? 1 : -1;
	err = xq_network_lookup(net, "signs", pixels, y, table);
	return err < 0 ? err : y;
}

static int add_weights(struct xq_network *net, const int8_t *signs, size_t in, size_t out)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){
		.type = XQ_B1, .dims = 2, .dim = { out, in }, .data = signs });
}

static int add_numbers(struct xq_network *net, const int32_t *numbers, size_t count)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){
		.type = XQ_S32, .dims = 1, .dim = { count }, .data = numbers });
}

int add_sign_layer(struct xq_network *net, int x, const int8_t *signs, const int32_t *above, size_t in, size_t out)
{
	const int y = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_B1 });
	/* None of its thresholds reached counts as -1, which is no sign, and the one as 0, which is. */
	const int err = xq_network_product(net, &(struct xq_network_product){
		.x = x, .w = add_weights(net, signs, in, out), .y = y,
		.finish = { .thresholds = add_numbers(net, above, out), .base = -1 } });

	return err < 0 ? err : y;
}

int add_score_layer(struct xq_network *net, int x, const int8_t *signs, const int32_t *bias, size_t in, size_t out)
{
	/* Integers of this size are exact in float32. */
	const int y = xq_network_tensor(net, &(struct xq_network_tensor){ .type = bias ? XQ_F32 : XQ_S32 });
	const int err = xq_network_product(net, &(struct xq_network_product){
		.x = x, .w = add_weights(net, signs, in, out), .y = y,
		.finish = { .bias = bias ? add_numbers(net, bias, out) : 0 } });

	return err < 0 ? err : y;
}
