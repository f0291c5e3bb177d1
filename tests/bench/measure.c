// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "measure.h"
#include "peak.h"

/* One turn of a contestant lasts about so long: long enough for the clock, shorter than most disturbances. */
#define TURN_SECONDS	0.008
#define MIN_ROUNDS	5
/* If any turn has so many runs, every one begins with one more that is not timed. */
#define WARM_RUNS	8
#define MAX_THREADS	16

/* Something that is run and timed. */
struct runner {
	struct contestant *to;
	double work;		/* of one run, in multiply-accumulates or bytes */
	uint32_t runs;		/* in a turn */
	clockid_t clock;
	double rate[MAX_ROUNDS];

	/* One of these: */
	struct job *job;
	const struct peak *peak;
	unsigned int threads;	/* that run the loop at once */
	const struct operand *read;
	unsigned int read_way;
	struct peer_client *peers;
	enum peer_id peer;
};

#define MAX_RUNNERS	(3 + PEER_COUNT)

struct bench {
	const struct bench_row *row;
	struct row_result *result;
	struct operand *a, *b;
	struct operand *u8_a, *s4_b;	/* for peers that take no s8, no codebook */
	struct operand *s8_a, *s8_b;	/* of the baseline */
	struct job *job, *baseline;
	struct peer_client *peers;
	struct runner runner[MAX_RUNNERS];
	unsigned int runners;
};

struct peak_run {
	const struct peak *peak;
	uint64_t iterations;
};

static void *peak_thread(void *arg)
{
	const struct peak_run *run = arg;

	run->peak->run(run->iterations);
	return NULL;
}

/* The loop on so many threads at once. A thread that can't be started leaves less work done. */
static void run_peak(const struct peak *peak, uint64_t iterations, unsigned int threads)
{
	struct peak_run run = { peak, iterations };
	pthread_t thread[MAX_THREADS];
	unsigned int started = 0;

	while (started + 1 < threads && started < MAX_THREADS &&
	       !pthread_create(&thread[started], NULL, peak_thread, &run))
		started++;
	peak_thread(&run);
	while (started)
		pthread_join(thread[--started], NULL);
}

static double run_turn(struct runner *r, uint32_t runs)
{
	double start;

	if (r->peers)
		return peer_client_run(r->peers, r->peer, runs);
	start = seconds_of(r->clock);
	if (r->peak) {
		run_peak(r->peak, runs, r->threads);
		return seconds_of(r->clock) - start;
	}
	while (runs--) {
		if (r->job)
			job_run(r->job);
		else
			peak_read(r->read->bytes, r->read->byte_count, r->read_way);
	}
	return seconds_of(r->clock) - start;
}

static struct runner *add_runner(struct bench *bench, struct contestant *to, const char *name,
				 double work)
{
	struct runner *r = &bench->runner[bench->runners++];

	*r = (struct runner){ .to = to, .work = work, .runs = 1, .clock = CLOCK_THREAD_CPUTIME_ID };
	if (bench->row->threads > 1)
		r->clock = CLOCK_MONOTONIC;
	snprintf(to->name, sizeof(to->name), "%s", name);
	return r;
}

/* The quickest of a few turns: one that was disturbed would pass for a full one. */
static double undisturbed_turn(struct runner *r)
{
	double best = run_turn(r, r->runs);

	for (unsigned int i = 0; i < 3 && best < 8 * TURN_SECONDS; i++) {
		const double seconds = run_turn(r, r->runs);

		best = seconds < best ? seconds : best;
	}
	return best;
}

/* Runs that fill a turn. Return: the seconds of a turn. */
static double calibrate(struct runner *r)
{
	double seconds = undisturbed_turn(r);

	while (seconds > 0 && seconds < TURN_SECONDS && r->runs < 1U << 30) {
		const double grow = TURN_SECONDS / seconds * 1.1;

		r->runs = grow > 16 ? r->runs * 16 : (uint32_t)(r->runs * grow) + 1;
		seconds = undisturbed_turn(r);
	}
	return seconds;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread spread_of(const double *values, unsigned int count)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, sizeof(*values) * count);
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	return (struct spread){ sorted[0], sorted[count / 2], sorted[count - 1] };
}

/* Our rate in the limit's unit: bytes of weights instead of multiply-accumulates. */
static double in_unit_of(const struct bench *bench, const struct runner *r, double rate)
{
	return r->read ? rate * (double)bench->b->byte_count / bench->runner[0].work : rate;
}

static void run_rounds(struct bench *bench, double seconds)
{
	double turn = 0, ratio[MAX_ROUNDS];
	unsigned int rounds;
	bool warm = false;

	for (unsigned int i = 0; i < bench->runners; i++) {
		turn += calibrate(&bench->runner[i]);
		warm |= !bench->runner[i].peak && bench->runner[i].runs >= WARM_RUNS;
	}
	rounds = turn > 0 && seconds / turn < MAX_ROUNDS ? (unsigned int)(seconds / turn) : MAX_ROUNDS;
	if (rounds < MIN_ROUNDS)
		rounds = MIN_ROUNDS;
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < bench->runners; i++) {
			struct runner *r = &bench->runner[i];

			/* The one before has left its own data in the caches. */
			if (warm)
				run_turn(r, 1);
			r->rate[round] = r->work * r->runs / run_turn(r, r->runs) * 1e-9;
		}
	}
	for (unsigned int i = 0; i < bench->runners; i++) {
		struct runner *r = &bench->runner[i];

		for (unsigned int round = 0; round < rounds; round++)
			ratio[round] = in_unit_of(bench, r, bench->runner[0].rate[round]) /
				       r->rate[round];
		r->to->rate = spread_of(r->rate, rounds);
		r->to->ratio = spread_of(ratio, rounds);
	}
	bench->result->rounds = rounds;
}

/* The way to read these bytes that is the fastest here. */
static void choose_read_way(struct runner *r)
{
	double best = 1e9;

	for (unsigned int way = 0; way < READ_WAYS; way++) {
		for (unsigned int i = 0; i < 6; i++) {
			const double start = seconds_of(r->clock);
			double seconds;

			peak_read(r->read->bytes, r->read->byte_count, way);
			seconds = seconds_of(r->clock) - start;
			if (seconds < best) {
				best = seconds;
				r->read_way = way;
			}
		}
	}
}

static void add_peak(struct bench *bench, struct contestant *to, enum peak_kind kind)
{
	const struct peak *peak = peak_find(bench->result->isa, kind);
	struct runner *r;

	if (!peak)
		return;
	r = add_runner(bench, to, peak->name, peak->macs * bench->row->threads);
	r->peak = peak;
	r->threads = bench->row->threads;
}

static void add_limit(struct bench *bench)
{
	static const enum peak_kind kinds[] = {
		[LIMIT_DOT] = PEAK_DOT, [LIMIT_NARROW] = PEAK_NARROW, [LIMIT_POPCOUNT] = PEAK_POPCOUNT,
	};
	const struct bench_row *row = bench->row;

	if (row->limit == LIMIT_READ) {
		struct runner *r = add_runner(bench, &bench->result->limit, "reading the weights",
					      (double)bench->b->byte_count);

		r->read = bench->b;
		choose_read_way(r);
		return;
	}
	add_peak(bench, &bench->result->limit, kinds[row->limit]);
}

/* A peer's own A or B, of the nearest format that it knows. */
static const char *open_peer(struct bench *bench, enum peer_id peer)
{
	const struct bench_row *row = bench->row;
	const struct operand *a = bench->a, *b = bench->b;

	if (peer == PEER_ONEDNN_U8S8 && row->a_format != XQACCEL_FMT_U8)
		a = bench->u8_a = operand_create(XQACCEL_FMT_U8, row->m, row->k, ORDER_ROWS, 5);
	if (peer == PEER_XNNPACK_QC4W && (row->b_format == XQACCEL_FMT_C4 ||
					  row->b_format == XQACCEL_FMT_C8))
		b = bench->s4_b = operand_create(XQACCEL_FMT_S4, row->n, row->k, ORDER_ROWS, 6);
	return a && b ? peer_client_open(bench->peers, peer, a, b) : "no memory";
}

static void add_peers(struct bench *bench)
{
	struct row_result *result = bench->result;

	for (unsigned int peer = 0; peer < PEER_COUNT; peer++) {
		struct runner *r;
		const char *error;

		if (!(bench->row->peers >> peer & 1) || !peer_client_has(bench->peers, peer))
			continue;
		error = open_peer(bench, peer);
		if (error) {
			fprintf(stderr, "%s: %s\n", peer_name(peer), error);
			continue;
		}
		r = add_runner(bench, &result->peer[result->peer_count], peer_name(peer),
			       bench->runner[0].work);
		r->peers = bench->peers;
		r->peer = peer;
		result->peer_id[result->peer_count++] = peer;
	}
}

static bool add_baseline(struct bench *bench, const struct xqk_isa *isa)
{
	const struct bench_row *row = bench->row;
	const char *name = "one thread";

	if (row->baseline == BASELINE_NONE)
		return true;
	if (row->baseline == BASELINE_PLAIN) {
		add_peak(bench, &bench->result->baseline, row->limit == LIMIT_POPCOUNT ?
			 PEAK_PLAIN_POPCOUNT : PEAK_PLAIN_DOT);
		return true;
	}
	if (row->baseline == BASELINE_S8) {
		name = "s8 x s8";
		bench->s8_a = operand_create(XQACCEL_FMT_S8, row->m, row->k, ORDER_ROWS, 3);
		bench->s8_b = operand_create(XQACCEL_FMT_S8, row->n, row->k, ORDER_TILED, 4);
		if (!bench->s8_a || !bench->s8_b)
			return false;
		bench->baseline = job_create(isa, bench->s8_a, bench->s8_b, 0, row->threads);
	} else {
		bench->baseline = job_create(isa, bench->a, bench->b, row->group, 1);
	}
	if (!bench->baseline)
		return false;
	add_runner(bench, &bench->result->baseline, name, bench->runner[0].work)->job =
		bench->baseline;
	return true;
}

const struct contestant *best_peer(const struct row_result *result, uint32_t mask)
{
	const struct contestant *best = NULL;

	for (unsigned int i = 0; i < result->peer_count; i++)
		if (mask >> result->peer_id[i] & 1 &&
		    (!best || result->peer[i].rate.median > best->rate.median))
			best = &result->peer[i];
	return best;
}

static void judge_target(struct row_result *result, unsigned int target, double wanted,
			 const struct contestant *against)
{
	if (wanted <= 0 || !against || !against->name[0])
		return;
	result->judged |= target;
	if (against->ratio.median < wanted)
		result->missed |= target;
}

static void judge(struct row_result *result)
{
	const struct bench_row *row = result->row;

	judge_target(result, TARGET_SHARE, row->share, &result->limit);
	judge_target(result, TARGET_PEER, row->ratio, best_peer(result, row->target_peers));
	judge_target(result, TARGET_GAIN, row->gain, &result->baseline);
}

static bool prepare(struct bench *bench, const struct xqk_isa *isa)
{
	const struct bench_row *row = bench->row;

	bench->a = operand_create(row->a_format, row->m, row->k, ORDER_ROWS, 1);
	bench->b = operand_create(row->b_format, row->n, row->k, row->order, 2);
	if (!bench->a || !bench->b)
		return false;
	bench->job = job_create(isa, bench->a, bench->b, row->group, row->threads);
	if (!bench->job)
		return false;
	bench->result->bytes_moved = bench->a->byte_count + bench->b->byte_count +
				     bench->job->c_bytes;
	add_runner(bench, &bench->result->ours, "xqaccel",
		   (double)row->m * row->n * row->k)->job = bench->job;
	return true;
}

static void measure(struct bench *bench, const struct xqk_isa *isa, double seconds)
{
	struct row_result *result = bench->result;
	const char *error;
	bool full;

	if (!prepare(bench, isa)) {
		snprintf(result->skipped, sizeof(result->skipped), "no memory");
		return;
	}
	error = job_check(bench->job, &full);
	snprintf(result->check, sizeof(result->check), "%s", full ? "full" : "sampled");
	if (error) {
		snprintf(result->wrong, sizeof(result->wrong), "%s", error);
		return;
	}
	result->bytes_copied = atomic_load(&bench->job->task.plan.bytes_copied);
	add_limit(bench);
	add_peers(bench);
	if (!add_baseline(bench, isa)) {
		snprintf(result->skipped, sizeof(result->skipped), "no memory");
		return;
	}
	run_rounds(bench, seconds);
	judge(result);
}

void measure_row(const struct bench_row *row, struct peer_client *peers, double seconds,
		 struct row_result *result)
{
	const struct xqk_isa *isa = xqk_isa_select(row->isa);
	struct bench bench = { .row = row, .result = result, .peers = peers };

	*result = (struct row_result){ .row = row };
	if (!isa) {
		snprintf(result->skipped, sizeof(result->skipped), "this CPU has no %s", row->isa);
		return;
	}
	result->isa = xqk_isa_name(isa);
	if (!(xqk_pairs(row->a_format) >> row->b_format & 1)) {
		snprintf(result->skipped, sizeof(result->skipped), "no kernels for the pair");
		return;
	}
	measure(&bench, isa, seconds);
	for (unsigned int i = 0; i < result->peer_count; i++)
		peer_client_close(peers, result->peer_id[i]);
	job_destroy(bench.job);
	job_destroy(bench.baseline);
	operand_destroy(bench.a);
	operand_destroy(bench.b);
	operand_destroy(bench.u8_a);
	operand_destroy(bench.s4_b);
	operand_destroy(bench.s8_a);
	operand_destroy(bench.s8_b);
}
