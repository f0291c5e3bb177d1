// SPDX-License-Identifier: MIT
/*
 * What a job costs beside its arithmetic: the round trip of a lone one, one more in a batch, and
 * one more in a recorded program; of jobs without output, and of 16 x 16 x 16. On "soft", or on the device
 * that is named. Each figure is the best of several rounds, and results are checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xqaccel/program.h>

#define SIDE	16
#define MANY	200
#define ROUNDS	60

static struct xq_device *dev;
static struct xq_queue *queue;
static struct xq_buffer *buf;

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* All ones, so that C is SIDE everywhere; m rows. */
static struct xq_gemm gemm_of(uint32_t m)
{
	return (struct xq_gemm){
		.m = m, .n = SIDE, .k = SIDE, .a_type = XQ_S8, .b_type = XQ_S8,
		.a = { buf, 0, SIDE, 0 }, .b = { buf, SIDE * SIDE, SIDE, 0 },
		.c = { buf, 4096, 4 * SIDE, 0 },
	};
}

static struct xqaccel_job_desc desc_of(uint32_t m)
{
	const uint32_t handle = xq_buffer_handle(buf);

	return (struct xqaccel_job_desc){
		.work = { .op = XQACCEL_OP_GEMM,
			  .gemm = { .m = m, .n = SIDE, .k = SIDE, .batch = 1,
				    .a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8 } },
		.operand = {
			[XQACCEL_A] = { .handle = handle, .stride = SIDE },
			[XQACCEL_B] = { .handle = handle, .offset = SIDE * SIDE, .stride = SIDE },
			[XQACCEL_C] = { .handle = handle, .offset = 4096, .stride = 4 * SIDE },
		},
	};
}

static void clear(void)
{
	memset((char *)xq_buffer_data(buf) + 4096, 0, 4 * SIDE * SIDE);
}

static void check_result(uint32_t m)
{
	const int32_t *c = (const int32_t *)((const char *)xq_buffer_data(buf) + 4096);

	for (unsigned int i = 0; i < SIDE * SIDE; i++) {
		if (c[i] != (m ? SIDE : 0)) {
			fprintf(stderr, "wrong result\n");
			exit(1);
		}
	}
}

static double lone_us(uint32_t m)
{
	const struct xq_gemm job = gemm_of(m);
	double best = 1e9;

	clear();
	for (int i = 0; i < 20 * ROUNDS; i++) {
		const double start = now_us();

		check(xq_gemm_run(queue, &job, NULL), "job");
		if (now_us() - start < best)
			best = now_us() - start;
	}
	check_result(m);
	return best;
}

static double batch_us(uint32_t m, unsigned int count)
{
	static struct xq_completion done[MANY];
	static struct xq_gemm jobs[MANY];
	double best = 1e9;

	for (unsigned int i = 0; i < count; i++)
		jobs[i] = gemm_of(m);
	clear();
	for (int round = 0; round < ROUNDS; round++) {
		const double start = now_us();

		for (unsigned int at = 0; at < count;) {
			const int n = xq_queue_submit(queue, jobs + at, count - at);

			check(n, "submission");
			at += (unsigned int)n;
		}
		check(xq_queue_wait(queue, done, count, count, -1), "wait");
		if (now_us() - start < best)
			best = now_us() - start;
		for (unsigned int i = 0; i < count; i++)
			check(done[i].status, "job");
	}
	check_result(m);
	return best;
}

static double program_us(uint32_t m, unsigned int count)
{
	static struct xqaccel_job_desc jobs[MANY];
	struct xq_program_run run = { 0 };
	struct xq_program *program;
	double best = 1e9;

	for (unsigned int i = 0; i < count; i++)
		jobs[i] = desc_of(m);
	check(xq_program_create(dev, jobs, count, 0, &program), "program");
	run.program = program;
	clear();
	for (int round = 0; round < ROUNDS; round++) {
		const double start = now_us();

		check(xq_program_run(queue, &run, NULL), "run");
		if (now_us() - start < best)
			best = now_us() - start;
	}
	check_result(m);
	xq_program_destroy(program);
	return best;
}

int main(int argc, char **argv)
{
	static const uint32_t rows[] = { 0, SIDE };

	check(xq_device_open(argc > 1 ? argv[1] : "soft", &dev), "device");
	check(xq_queue_create(dev, NULL, &queue), "queue");
	check(xq_buffer_create(dev, 8192, &buf), "buffer");
	memset(xq_buffer_data(buf), 1, 4096);
	printf("%-12s %12s %16s %18s  (%s)\n", "us", "lone job", "more in a batch", "more in a program",
	       xq_device_name(dev));
	for (int i = 0; i < 2; i++) {
		const double lone = lone_us(rows[i]);
		const double batch = (batch_us(rows[i], MANY) - batch_us(rows[i], 1)) / (MANY - 1);
		const double program = (program_us(rows[i], MANY) - program_us(rows[i], 1)) /
				       (MANY - 1);

		printf("%-12s %12.1f %16.2f %18.2f\n", rows[i] ? "16x16x16" : "empty", lone, batch,
		       program);
	}
	xq_buffer_destroy(buf);
	xq_queue_destroy(queue);
	xq_device_close(dev);
	return 0;
}
