// SPDX-License-Identifier: MIT
/*
 * The speed of products whose groups of 32 have real scales, s8 by s4 in groups with scales of 16 bits,
 * beside ggml's q4_0 with repacked weights and the machine's limit.
 *
 *	bench-groups [-p FOLDER] [-s SECONDS]
 *
 * As bench-gemm: our job, the limit and ggml take turns on one thread each, ratios are taken within a
 * round, and the median over the rounds is shown. The results are compared before anything is timed:
 * ours with the definition, bit for bit in samples, ggml's with ours. ggml's time has the quantization
 * of its activations in it, as it has wherever ggml is used.
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

#define GROUP		32
#define TURN_SECONDS	0.01
#define MOST_ROUNDS	101
#define LEAST_ROUNDS	9
#define SAMPLES		2000

static const struct shape {
	uint32_t m, n, k;
	double target;		/* to ggml */
} shapes[] = { { 128, 4096, 4096, 2 }, { 1, 4096, 4096, 1 } };

struct job {
	const struct shape *shape;
	const struct xqk_isa *isa;
	struct xqk_gemm gemm;
	struct operand *a, *b;
	uint16_t *scales;	/* of A, and of B in the tile order */
	float *c;
	void *scratch;
	size_t scale_bytes, c_bytes, scratch_bytes;
};

struct runner {
	struct job *job;	/* or the next ones */
	const struct peak *peak;
	struct peer_client *peers;
	uint32_t runs;
	double work, rate[MOST_ROUNDS];
};

static void run_job(struct job *job)
{
	struct xqk_plan plan;

	xqk_plan(&plan, job->isa, &job->gemm, 1);
	for (uint32_t chunk = 0; chunk < plan.chunks; chunk++)
		xqk_run_chunk(&plan, chunk, job->scratch, NULL);
}

/* Of a normal number that 16 bits hold. */
static uint16_t half_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, 4);
	return (uint16_t)((bits >> 23) - 112) << 10 | (bits >> 13 & 1023);
}

/* So that whoever quantizes a group of A times its scale finds the same scale and elements. */
static void spread_groups(struct operand *a)
{
	for (size_t i = 0; i < (size_t)a->rows * a->columns; i++) {
		if (i % GROUP == 0)
			a->values[i] = 127;
		if (a->values[i] < -127)
			a->values[i] = -127;
		a->bytes[i] = (uint8_t)a->values[i];
	}
}

static bool job_open(struct job *job, const struct xqk_isa *isa, const struct shape *s)
{
	const uint32_t groups = s->k / GROUP;
	uint16_t *b_scale;
	struct xqk_plan plan;

	*job = (struct job){ .shape = s, .isa = isa };
	job->a = operand_create(XQACCEL_FMT_S8, s->m, s->k, ORDER_ROWS, 1);
	job->b = operand_create(XQACCEL_FMT_S4, s->n, s->k, ORDER_TILED, 2);
	job->scale_bytes = sizeof(uint16_t) * groups * ((size_t)s->m + s->n);
	job->scales = bench_alloc(job->scale_bytes);
	job->c_bytes = sizeof(float) * s->m * s->n;
	job->c = bench_alloc(job->c_bytes);
	if (!job->a || !job->b || !job->scales || !job->c)
		return false;
	spread_groups(job->a);
	b_scale = job->scales + (size_t)s->m * groups;
	for (uint32_t row = 0; row < s->m; row++)
		for (uint32_t g = 0; g < groups; g++)
			job->scales[(size_t)row * groups + g] = half_of(peer_group_scale(row, g));
	for (uint32_t row = 0; row < s->n; row++)
		for (uint32_t g = 0; g < groups; g++)
			b_scale[((size_t)(row / 16) * groups + g) * 16 + row % 16] = half_of(peer_group_scale(row, g));
	job->gemm.dims = (struct xq_dims){
		.flags = XQACCEL_JOB_B_TILED | XQACCEL_JOB_GROUP_REAL, .m = s->m, .n = s->n, .k = s->k,
		.batch = 1, .group = GROUP, .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S4,
		.a_scale_format = XQACCEL_FMT_F16, .b_scale_format = XQACCEL_FMT_F16,
	};
	job->gemm.view[XQACCEL_A] = (struct xqk_view){ .flat = job->a->bytes, .stride = s->k };
	job->gemm.view[XQACCEL_B] = (struct xqk_view){ .flat = job->b->bytes };
	job->gemm.view[XQACCEL_C] = (struct xqk_view){ .flat = (uint8_t *)job->c, .stride = 4 * s->n };
	job->gemm.view[XQACCEL_A_SCALE] = (struct xqk_view){ .flat = (uint8_t *)job->scales, .stride = 2 * groups };
	job->gemm.view[XQACCEL_B_SCALE] = (struct xqk_view){ .flat = (uint8_t *)b_scale, .stride = 32 * groups };
	xqk_plan(&plan, isa, &job->gemm, 1);
	job->scratch_bytes = plan.scratch_bytes;
	job->scratch = bench_alloc(job->scratch_bytes);
	return job->scratch;
}

static void job_close(struct job *job)
{
	operand_destroy(job->a);
	operand_destroy(job->b);
	bench_free(job->scales, job->scale_bytes);
	bench_free(job->c, job->c_bytes);
	bench_free(job->scratch, job->scratch_bytes);
}

/* By the definition in linux/xqaccel.h. */
static float element(const struct job *job, size_t m, size_t n)
{
	const size_t k = job->shape->k;
	volatile float c = 0;

	for (size_t g = 0; g < k / GROUP; g++) {
		const volatile float scale = peer_group_scale((uint32_t)m, (uint32_t)g) *
					     peer_group_scale((uint32_t)n, (uint32_t)g);
		int32_t sum = 0;

		for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++)
			sum += job->a->values[m * k + i] * job->b->values[n * k + i];
		c = fmaf((float)sum, scale, c);
	}
	return c;
}

static bool is_right(struct job *job)
{
	uint64_t seed = 3;

	memset(job->c, 0x55, job->c_bytes);
	run_job(job);
	for (unsigned int i = 0; i < SAMPLES; i++) {
		const size_t m = bench_random(&seed) % job->shape->m, n = bench_random(&seed) % job->shape->n;

		if (job->c[m * job->shape->n + n] != element(job, m, n))
			return false;
	}
	return true;
}

/* The same numbers but for the order of additions. */
static bool is_near(const struct job *job, const float *c)
{
	const size_t count = (size_t)job->shape->m * job->shape->n;
	double largest = 0, apart = 0;

	for (size_t i = 0; i < count; i++) {
		largest = fmax(largest, fabs(job->c[i]));
		apart = fmax(apart, fabs((double)c[i] - job->c[i]));
	}
	return apart < 1e-5 * largest;
}

static double turn(struct runner *r)
{
	double start;

	if (r->peers)
		return peer_client_run(r->peers, PEER_GGML_Q4_0, r->runs);
	start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	if (r->peak)
		r->peak->run(r->runs);
	else
		for (uint32_t i = 0; i < r->runs; i++)
			run_job(r->job);
	return seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, unsigned int count)
{
	double sorted[MOST_ROUNDS];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[count / 2];
}

/* Median rates, and ours by each of the others. */
static void measure(struct runner *runner, unsigned int count, double seconds, double *rate, double *ratio)
{
	double all = 0, ratios[MOST_ROUNDS];
	unsigned int rounds;

	for (unsigned int i = 0; i < count; i++) {
		double one;

		for (runner[i].runs = 1; (one = turn(&runner[i])) > 0 && one < TURN_SECONDS;)
			runner[i].runs = one < TURN_SECONDS / 16 ? runner[i].runs * 8 :
					 (uint32_t)(runner[i].runs * TURN_SECONDS / one * 1.1) + 1;
		all += one;
	}
	rounds = all > 0 && seconds / all < MOST_ROUNDS ? (unsigned int)(seconds / all) : MOST_ROUNDS;
	if (rounds < LEAST_ROUNDS)
		rounds = LEAST_ROUNDS;
	for (unsigned int n = 0; n < rounds; n++)
		for (unsigned int i = 0; i < count; i++)
			runner[i].rate[n] = runner[i].work * runner[i].runs / turn(&runner[i]);
	for (unsigned int i = 0; i < count; i++) {
		for (unsigned int n = 0; n < rounds; n++)
			ratios[n] = runner[0].rate[n] / runner[i].rate[n];
		ratio[i] = median(ratios, rounds);
		rate[i] = median(runner[i].rate, rounds) * 1e-9;
	}
}

static bool measure_shape(const struct shape *s, const struct xqk_isa *isa, struct peer_client *peers, double seconds)
{
	const struct peak *peak = peak_find(xqk_isa_name(isa), PEAK_NARROW);
	const double macs = (double)s->m * s->n * s->k;
	double rate[3], ratio[3];
	struct runner runner[3];
	unsigned int count = 1;
	const char *error;
	const float *c;
	struct job job;
	bool ok;

	if (!peak)
		peak = peak_find(xqk_isa_name(isa), PEAK_DOT);
	ok = job_open(&job, isa, s) && is_right(&job);
	printf("%4u x %4u x %4u  ", s->m, s->n, s->k);
	if (ok) {
		runner[0] = (struct runner){ .job = &job, .work = macs };
		if (peak)
			runner[count++] = (struct runner){ .peak = peak, .work = peak->macs };
		error = peer_client_has(peers, PEER_GGML_Q4_0) ?
			peer_client_open_groups(peers, PEER_GGML_Q4_0, job.a, job.b, &c) :
			peer_client_status(peers, PEER_GGML_Q4_0);
		if (!error && !is_near(&job, c)) {
			peer_client_close(peers, PEER_GGML_Q4_0);
			error = "its result is another";
		}
		if (!error)
			runner[count++] = (struct runner){ .peers = peers, .work = macs };
		measure(runner, count, seconds, rate, ratio);
		printf("%8.1f GMAC/s  %5.1f %% of the limit", rate[0], peak ? 100 * ratio[1] : 0);
		if (error)
			printf("  ggml: %s\n", error);
		else
			printf("  ggml %7.1f GMAC/s, %5.2f x (target %.1f: %s)\n", rate[count - 1], ratio[count - 1],
			       s->target, ratio[count - 1] >= s->target ? "met" : "missed");
		if (!error)
			peer_client_close(peers, PEER_GGML_Q4_0);
	} else {
		printf("WRONG\n");
	}
	fflush(stdout);
	job_close(&job);
	return ok;
}

int main(int argc, char **argv)
{
	const char *folder = "build/bench/peers";
	const struct xqk_isa *isa = xqk_isa_select(NULL);
	struct peer_client *peers;
	double seconds = 3;
	bool ok = true;
	int option;

	while ((option = getopt(argc, argv, "p:s:")) != -1) {
		if (option == 'p')
			folder = optarg;
		else if (option == 's')
			seconds = atof(optarg);
		else
			isa = NULL;
	}
	if (!isa || optind != argc || seconds <= 0) {
		fprintf(stderr, "usage: %s [-p FOLDER] [-s SECONDS]\n"
			"XQ_ISA must be unset or name an instruction set of this CPU\n", argv[0]);
		return 2;
	}
	peers = peer_client_start(folder);
	printf("s8 x s4 in groups of 32, scales of 16 bits of both, results in float32; one thread, kernels: %s, %s\n\n",
	       xqk_isa_name(isa), peer_client_status(peers, PEER_GGML_Q4_0));
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		ok &= measure_shape(&shapes[i], isa, peers, seconds);
	peer_client_stop(peers);
	return ok ? 0 : 1;
}
