// SPDX-License-Identifier: MIT
/*
 * The speed of convolutions: layers of networks against the issue rate of VPDPBUSD (or what the
 * instruction set has in its place), oneDNN and XNNPACK.
 *
 *	bench-conv [-p FOLDER] [-s SECONDS] [-r TEXT]
 *
 * -p: the peer process's folder	-s: time for the rounds of a layer	-r: only layers in whose row TEXT is
 *
 * As bench-gemm: our job, the limit and the peers take turns, ratios are taken within a round, and
 * the median over the rounds is shown. All results are s8, requantized by a scale for each output channel;
 * ours by the arithmetic of ONNX. Peers are held to the vector instructions that ours have, see peers/server.c.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "operand.h"
#include "peak.h"
#include "peer_client.h"
#include "xq_kernels.h"

#define TURN_SECONDS	0.008
#define MAX_ROUNDS	48
#define MIN_ROUNDS	5
#define SAMPLES		4096

static const struct layer {
	const char *name;
	struct peer_layer shape;
	double share;			/* of the limit, 0 if there is no target */
} layers[] = {
#define RESNET(size, in, out, kernel, step) \
	{ "ResNet-50 " #kernel " x " #kernel, { size, in, out, kernel, step, 1 }, (in) >= 64 ? 0.85 : 0 }
#define MOBILENET(size, in, out) \
	{ "MobileNet V2 pointwise", { size, in, out, 1, 1, 1 }, (in) >= 64 && (out) >= 64 ? 0.85 : 0 }
#define DEPTHWISE(size, channels, step) \
	{ "depthwise 3 x 3", { size, channels, channels, 3, step, channels }, 0 }
	RESNET(224, 3, 64, 7, 2),
	RESNET(56, 64, 64, 1, 1), RESNET(56, 64, 64, 3, 1), RESNET(56, 64, 256, 1, 1),
	RESNET(56, 256, 64, 1, 1), RESNET(56, 128, 128, 3, 2), RESNET(28, 128, 128, 3, 1),
	RESNET(28, 128, 512, 1, 1), RESNET(28, 512, 128, 1, 1), RESNET(56, 256, 512, 1, 2),
	RESNET(14, 256, 256, 3, 1), RESNET(14, 256, 1024, 1, 1), RESNET(14, 1024, 256, 1, 1),
	RESNET(7, 512, 512, 3, 1), RESNET(7, 512, 2048, 1, 1), RESNET(7, 2048, 512, 1, 1),
	MOBILENET(112, 32, 16), MOBILENET(112, 16, 96), MOBILENET(56, 96, 24), MOBILENET(56, 24, 144),
	MOBILENET(28, 144, 32), MOBILENET(28, 32, 192), MOBILENET(14, 192, 64), MOBILENET(14, 64, 384),
	MOBILENET(14, 384, 96), MOBILENET(14, 96, 576), MOBILENET(7, 576, 160), MOBILENET(7, 160, 960),
	MOBILENET(7, 960, 320), MOBILENET(7, 320, 1280),
	DEPTHWISE(112, 32, 1), DEPTHWISE(112, 96, 2), DEPTHWISE(56, 144, 1), DEPTHWISE(56, 144, 2),
	DEPTHWISE(28, 192, 1), DEPTHWISE(28, 192, 2), DEPTHWISE(14, 384, 1), DEPTHWISE(14, 576, 1),
	DEPTHWISE(14, 576, 2), DEPTHWISE(7, 960, 1),
};

struct job {
	struct peer_layer shape;
	uint32_t out;			/* height and width of Y */
	struct operand *x, *w, *packed;
	int8_t *y;
	float *scale, unit;
	size_t y_bytes, scratch_bytes;
	void *scratch;
	const struct xqk_isa *isa;
	struct xqk_conv conv;
	double macs;
};

/* Who takes turns; a peer if peers is not NULL, the limit if peak is not, else we. */
struct runner {
	struct job *job;
	const struct peak *peak;
	struct peer_client *peers;
	enum peer_id peer;
	uint32_t runs;
	double work, rate[MAX_ROUNDS], ratio[MAX_ROUNDS];
};

static void run_job(struct job *job)
{
	struct xqk_plan plan;

	xqk_plan_conv(&plan, job->isa, &job->conv, 1);
	for (uint32_t chunk = 0; chunk < plan.chunks; chunk++)
		xqk_run_chunk(&plan, chunk, job->scratch, NULL);
}

static bool job_open(struct job *job, const struct xqk_isa *isa, const struct peer_layer *l)
{
	const uint32_t pad = l->kernel / 2, out = (l->size + 2 * pad - l->kernel) / l->stride + 1;
	const uint32_t k = l->kernel * l->kernel * (l->in_c / l->groups);
	const bool tiled = l->groups == 1;
	struct xqk_plan plan;

	*job = (struct job){ .shape = *l, .out = out, .isa = isa };
	job->x = operand_create(XQACCEL_FMT_U8, l->size * l->size, l->in_c, ORDER_ROWS, 1);
	job->w = operand_create(XQACCEL_FMT_S8, l->out_c, k, ORDER_ROWS, 2);
	job->packed = operand_create(XQACCEL_FMT_S8, l->out_c, k, tiled ? ORDER_TILED : ORDER_ROWS, 2);
	job->y_bytes = (size_t)out * out * l->out_c;
	job->unit = peer_layer_unit(l);
	job->scale = calloc(l->out_c, sizeof(float));
	job->y = bench_alloc(job->y_bytes);
	if (!job->x || !job->w || !job->packed || !job->y || !job->scale)
		return false;
	for (uint32_t i = 0; i < l->out_c; i++)
		job->scale[i] = 1 / job->unit;
	job->macs = (double)out * out * l->out_c * k;
	job->conv = (struct xqk_conv){ .dims = {
		.flags = tiled ? XQACCEL_JOB_B_TILED : 0, .batch = 1, .in_h = l->size, .in_w = l->size,
		.in_c = l->in_c, .out_h = out, .out_w = out, .out_c = l->out_c, .kernel_h = l->kernel,
		.kernel_w = l->kernel, .groups = l->groups, .stride_h = l->stride, .stride_w = l->stride,
		.dilation_h = 1, .dilation_w = 1, .pad_top = pad, .pad_left = pad,
		.x_format = XQACCEL_FMT_U8, .w_format = XQACCEL_FMT_S8,
	}, .epilogue.dims = { .kind = XQ_EPILOGUE_REQUANT, .profile = XQ_PROFILE_ONNX, .format = XQACCEL_FMT_S8,
			      .channels = 1, .act_min = -128, .act_max = 127 } };
	job->conv.epilogue.view[XQ_EPILOGUE_SCALE].flat = (uint8_t *)job->scale;
	job->conv.view[XQK_CONV_X] = (struct xqk_view){ .flat = job->x->bytes, .stride = l->in_c,
							.group_stride = (uint64_t)l->in_c * l->size };
	job->conv.view[XQK_CONV_W] = (struct xqk_view){ .flat = job->packed->bytes, .stride = k };
	job->conv.view[XQK_CONV_Y] = (struct xqk_view){ .flat = (uint8_t *)job->y, .stride = l->out_c,
							.group_stride = (uint64_t)l->out_c * out };
	xqk_plan_conv(&plan, isa, &job->conv, 1);
	job->scratch_bytes = plan.scratch_bytes;
	job->scratch = bench_alloc(job->scratch_bytes);
	return job->scratch;
}

static void job_close(struct job *job)
{
	operand_destroy(job->x);
	operand_destroy(job->w);
	operand_destroy(job->packed);
	bench_free(job->y, job->y_bytes);
	free(job->scale);
	bench_free(job->scratch, job->scratch_bytes);
}

/* An output by plain loops. */
static int64_t output_of(const struct job *job, uint32_t p, uint32_t q, uint32_t o)
{
	const struct peer_layer *l = &job->shape;
	const uint32_t each = l->in_c / l->groups, first = o / (l->out_c / l->groups) * each;
	int64_t sum = 0;

	for (uint32_t r = 0; r < l->kernel; r++) {
		for (uint32_t s = 0; s < l->kernel; s++) {
			const uint32_t y = p * l->stride + r - l->kernel / 2;
			const uint32_t x = q * l->stride + s - l->kernel / 2;

			if (y >= l->size || x >= l->size)
				continue;
			for (uint32_t c = 0; c < each; c++)
				sum += job->x->values[((size_t)y * l->size + x) * l->in_c + first + c] *
				       job->w->values[((size_t)o * l->kernel * l->kernel + r * l->kernel + s) *
						      each + c];
		}
	}
	return sum;
}

/* Samples of a result in steps of `unit`, saturated; ours if y is NULL. */
static bool is_right(const struct job *job, const int32_t *y, float unit)
{
	uint64_t seed = 7;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		const size_t at = bench_random(&seed) % ((size_t)job->out * job->out * job->shape.out_c);
		const size_t pixel = at / job->shape.out_c;
		const int64_t right = output_of(job, (uint32_t)(pixel / job->out), (uint32_t)(pixel % job->out),
						(uint32_t)(at % job->shape.out_c));
		double value = (double)right / unit;

		value = value > 127 ? 127 : value < -128 ? -128 : value;
		value -= y ? y[at] : job->y[at];
		if (value > 0.51 || value < -0.51)
			return false;
	}
	return true;
}

static double turn(struct runner *r)
{
	double start;

	if (r->peers)
		return peer_client_run(r->peers, r->peer, r->runs);
	start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	if (r->peak)
		r->peak->run(r->runs);
	else
		for (uint32_t i = 0; i < r->runs; i++)
			run_job(r->job);
	return seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
}

static double calibrate(struct runner *r)
{
	double seconds;

	for (r->runs = 1; (seconds = turn(r)) > 0 && seconds < TURN_SECONDS && r->runs < 1U << 30;)
		r->runs = seconds < TURN_SECONDS / 16 ? r->runs * 8 :
			  (uint32_t)(r->runs * TURN_SECONDS / seconds * 1.1) + 1;
	return seconds;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Ours by each of the others, the median of the rounds. */
static void measure(struct runner *runner, unsigned int count, double seconds, double *ratio)
{
	double all = 0;
	unsigned int rounds;

	for (unsigned int i = 0; i < count; i++)
		all += calibrate(&runner[i]);
	rounds = all > 0 && seconds / all < MAX_ROUNDS ? (unsigned int)(seconds / all) : MAX_ROUNDS;
	if (rounds < MIN_ROUNDS)
		rounds = MIN_ROUNDS;
	for (unsigned int n = 0; n < rounds; n++) {
		for (unsigned int i = 0; i < count; i++)
			runner[i].rate[n] = runner[i].work * runner[i].runs / turn(&runner[i]);
		for (unsigned int i = 0; i < count; i++)
			runner[i].ratio[n] = runner[0].rate[n] / runner[i].rate[n];
	}
	for (unsigned int i = 0; i < count; i++) {
		qsort(runner[i].ratio, rounds, sizeof(double), compare);
		ratio[i] = runner[i].ratio[rounds / 2];
	}
}

static void add_peer(struct runner *runner, unsigned int *count, struct job *job, struct peer_client *peers,
		     enum peer_id peer)
{
	const int32_t *result;
	const char *error;
	float unit;

	if (!peer_client_has(peers, peer))
		return;
	error = peer_client_open_layer(peers, peer, &job->shape, job->x->bytes, job->w->bytes,
				       (size_t)job->out * job->out * job->shape.out_c, &result, &unit);
	if (!error && !is_right(job, result, unit)) {
		peer_client_close(peers, peer);
		error = "its result is wrong";
	}
	if (error) {
		fprintf(stderr, "%s: %s\n", peer_name(peer), error);
		return;
	}
	runner[(*count)++] = (struct runner){ .peers = peers, .peer = peer, .work = job->macs };
}

/* Ours by a peer's, or that there is none. */
static const char *shown(char cell[16], double ratio)
{
	snprintf(cell, 16, ratio > 0 ? "%.2f" : "-", ratio);
	return cell;
}

/* Return: whether the result was right. */
static bool measure_layer(const struct layer *layer, const char *label, const struct xqk_isa *isa, struct peer_client *peers,
			  double seconds)
{
	const struct peak *peak = peak_find(xqk_isa_name(isa), PEAK_DOT);
	struct runner runner[2 + PEER_COUNT];
	double ratio[2 + PEER_COUNT], peer_ratio[2] = { 0 };
	char cell[2][16];
	unsigned int count = 1;
	bool ok = false;
	struct job job;

	if (!job_open(&job, isa, &layer->shape)) {
		printf("%s: no memory\n", layer->name);
		job_close(&job);
		return false;
	}
	memset(job.y, 0x55, job.y_bytes);
	run_job(&job);
	ok = is_right(&job, NULL, job.unit);
	runner[0] = (struct runner){ .job = &job, .work = job.macs };
	if (peak)
		runner[count++] = (struct runner){ .peak = peak, .work = peak->macs };
	add_peer(runner, &count, &job, peers, PEER_ONEDNN_CONV);
	add_peer(runner, &count, &job, peers, PEER_XNNPACK_CONV);
	if (ok)
		measure(runner, count, seconds, ratio);
	printf("%s ", label);
	for (unsigned int i = 1; ok && i < count; i++)
		if (runner[i].peers)
			peer_ratio[runner[i].peer == PEER_XNNPACK_CONV] = ratio[i];
	if (!ok)
		printf("  WRONG\n");
	else
		printf("%8.1f %%%-10s %9s  %10s\n", peak ? 100 * ratio[1] : 0,
		       layer->share > 0 && peak ? ratio[1] >= layer->share ? " (met)" : " (missed)" : "",
		       shown(cell[0], peer_ratio[0]), shown(cell[1], peer_ratio[1]));
	fflush(stdout);
	for (unsigned int i = 0; i < count; i++)
		if (runner[i].peers)
			peer_client_close(peers, runner[i].peer);
	job_close(&job);
	return ok;
}

int main(int argc, char **argv)
{
	const char *folder = "build/bench/peers", *only = "";
	const struct xqk_isa *isa = xqk_isa_select(NULL);
	struct peer_client *peers;
	double seconds = 1;
	bool ok = true;
	int option;

	while ((option = getopt(argc, argv, "p:s:r:")) != -1) {
		if (option == 'p')
			folder = optarg;
		else if (option == 's')
			seconds = atof(optarg);
		else if (option == 'r')
			only = optarg;
		else
			isa = NULL;
	}
	if (!isa || optind != argc || seconds <= 0) {
		fprintf(stderr, "usage: %s [-p FOLDER] [-s SECONDS] [-r TEXT]\n"
			"XQ_ISA must be unset or name an instruction set of this CPU\n", argv[0]);
		return 2;
	}
	peers = peer_client_start(folder);
	printf("convolutions, u8 x s8, s8 out, one thread, no matrix tiles, kernels: %s; oneDNN: %s; XNNPACK: %s\n\n", xqk_isa_name(isa),
	       peer_client_status(peers, PEER_ONEDNN_CONV), peer_client_status(peers, PEER_XNNPACK_CONV));
	printf("%-24s size channels  /stride   of the limit         to oneDNN  to XNNPACK\n", "layer");
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		const struct peer_layer *l = &layers[i].shape;
		char label[64];

		snprintf(label, sizeof(label), "%-24s %3u  %4u -> %-4u /%u", layers[i].name, l->size, l->in_c, l->out_c,
			 l->stride);
		if (strstr(label, only))
			ok &= measure_layer(&layers[i], label, isa, peers, seconds);
	}
	peer_client_stop(peers);
	return ok ? 0 : 1;
}
