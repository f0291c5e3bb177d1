// SPDX-License-Identifier: MIT
/*
 * xq bench gemm: one product, timed through the library, and checked before it is reported.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/device.h>
#include <xqaccel/pack.h>

#include "bench.h"
#include "command.h"
#include "progress.h"

struct bench {
	struct bench_run run;
	int64_t m, n, k;
	enum xq_type a_type, b_type;

	uint8_t *a, *b;		/* unpacked [m][k] and [n][k] */
	int8_t codebook[256];
	struct xq_queue *queue;
	struct xq_buffer *buf_a, *buf_b, *buf_c, *buf_table;
	struct xq_gemm job;
	struct xq_completion last, done;	/* of the last run and of the fastest */
	int64_t rows_checked;
	bool exact;
};

static int parse(struct bench *b, int argc, char **argv)
{
	bool has_m = false, has_n = false, has_k = false;
	const struct option_spec specs[] = {
		{ "m", 0, OPTION_INT, &b->m, "M", "rows of A and C", &has_m },
		{ "n", 0, OPTION_INT, &b->n, "N", "columns of B and C", &has_n },
		{ "k", 0, OPTION_INT, &b->k, "K", "columns of A, rows of B", &has_k },
		{ "a-type", 0, OPTION_TYPE, &b->a_type, OPTION_TYPES_LEFT, "default s8", NULL },
		{ "b-type", 0, OPTION_TYPE, &b->b_type, OPTION_TYPES_RIGHT, "default s8", NULL },
		BENCH_OPTIONS(&b->run),
	};
	int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0,
					 0, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (!has_m || !has_n || !has_k)
		return usage("--%s is missing", !has_m ? "m" : !has_n ? "n" : "k");
	status = bench_at_least_1("m", b->m);
	if (status == OPTIONS_DONE)
		status = bench_at_least_1("n", b->n);
	if (status == OPTIONS_DONE)
		status = bench_at_least_1("k", b->k);
	return status == OPTIONS_DONE ? bench_check(&b->run) : status;
}

static int open_device(struct bench *b)
{
	const struct {
		const char *name;
		int64_t value;
	} sizes[] = { { "m", b->m }, { "n", b->n }, { "k", b->k } };
	const struct xqaccel_info *info;

	if (bench_open(&b->run))
		return EXIT_ERROR;
	info = xq_device_info(b->run.dev);
	for (int i = 0; i < 3; i++)
		if (sizes[i].value > info->max_dim)
			return fail("--%s must be at most %u on %s (%" PRId64 ")", sizes[i].name, info->max_dim,
				    xq_device_name(b->run.dev), sizes[i].value);
	if (!xq_device_has_pair(b->run.dev, b->a_type, b->b_type))
		return fail("%s does not multiply --a-type %s by --b-type %s", xq_device_name(b->run.dev),
			    xq_type_name(b->a_type), xq_type_name(b->b_type));
	return 0;
}

static int fill_buffers(struct bench *b)
{
	const size_t m = (size_t)b->m, n = (size_t)b->n, k = (size_t)b->k;
	const bool tiled = xq_device_has_tiled(b->run.dev, b->b_type);
	size_t i;
	int err;

	b->a = bench_elements(b->a_type, m * k, 88172645463325252ULL);
	b->b = bench_elements(b->b_type, n * k, 2463534242ULL);
	if (!b->a || !b->b)
		return -ENOMEM;
	for (i = 0; i < 256; i++)
		b->codebook[i] = (int8_t)(i * 37 + 11);
	err = xq_queue_create(b->run.dev, NULL, &b->queue);
	if (!err)
		err = xq_buffer_create(b->run.dev, m * xq_row_size(b->a_type, k), &b->buf_a);
	if (!err)
		err = xq_buffer_create(b->run.dev, tiled ? xq_tiled_size(b->b_type, n, k) :
				       n * xq_row_size(b->b_type, k), &b->buf_b);
	if (!err)
		err = xq_buffer_create(b->run.dev, m * n * 4, &b->buf_c);
	if (!err)
		err = xq_buffer_create(b->run.dev, 256, &b->buf_table);
	if (err)
		return err;
	memcpy(xq_buffer_data(b->buf_table), b->codebook, 256);
	err = xq_pack(b->a_type, b->a, m, k, k, xq_buffer_data(b->buf_a), xq_row_size(b->a_type, k),
		      NULL);
	if (err)
		return err;
	return tiled ? xq_pack_tiled(b->b_type, b->b, n, k, k, xq_buffer_data(b->buf_b), NULL) :
		       xq_pack(b->b_type, b->b, n, k, k, xq_buffer_data(b->buf_b),
			       xq_row_size(b->b_type, k), NULL);
}

static void make_job(struct bench *b)
{
	const bool tiled = xq_device_has_tiled(b->run.dev, b->b_type);
	const size_t k = (size_t)b->k;

	b->job = (struct xq_gemm){
		.m = (uint32_t)b->m, .n = (uint32_t)b->n, .k = (uint32_t)b->k,
		.a_type = b->a_type, .b_type = b->b_type, .flags = tiled ? XQACCEL_JOB_B_TILED : 0,
		.a = { b->buf_a, 0, xq_row_size(b->a_type, k), 0 },
		.b = { b->buf_b, 0, tiled ? 0 : xq_row_size(b->b_type, k), 0 },
		.c = { b->buf_c, 0, 4 * (size_t)b->n, 0 },
	};
	if (b->b_type == XQ_C4 || b->b_type == XQ_C8)
		b->job.codebook.buffer = b->buf_table;
}

static int run_once(void *context)
{
	struct bench *b = context;

	return xq_gemm_run(b->queue, &b->job, &b->last);
}

static void fastest(void *context)
{
	struct bench *b = context;

	b->done = b->last;
}

/* Three loops over as many rows as time allows, spread evenly. */
static void check(struct bench *b)
{
	const uint64_t row_macs = (uint64_t)b->n * (uint64_t)b->k;
	const int32_t *c = xq_buffer_data(b->buf_c);
	int64_t i, n, k;

	b->rows_checked = row_macs >= BENCH_CHECKED_MACS ? 1 : (int64_t)(BENCH_CHECKED_MACS / row_macs);
	if (b->rows_checked > b->m)
		b->rows_checked = b->m;
	b->exact = true;
	b->run.done = 0;
	progress_start("bench gemm: checking", &b->run.done, (uint64_t)b->rows_checked);
	for (i = 0; i < b->rows_checked; i++) {
		const int64_t row = i * b->m / b->rows_checked;

		for (n = 0; n < b->n; n++) {
			uint32_t sum = 0;

			for (k = 0; k < b->k; k++)
				sum += (uint32_t)(bench_value(b->a_type, NULL, b->a[row * b->k + k]) *
						  bench_value(b->b_type, b->codebook, b->b[n * b->k + k]));
			b->exact &= (uint32_t)c[row * b->n + n] == sum;
		}
		__atomic_fetch_add(&b->run.done, 1, __ATOMIC_RELAXED);
	}
	progress_stop();
}

static void print_result(const struct bench *b)
{
	const double device = 1e-9 * (double)(b->done.end_ns - b->done.start_ns);
	const double gmacs = 1e-9 * (double)b->m * (double)b->n * (double)b->k / b->run.seconds;

	if (b->run.json)
		printf("{\"device\": \"%s\", \"isa\": \"%s\", \"m\": %" PRId64 ", \"n\": %" PRId64 ", \"k\": %" PRId64
		       ", \"a_type\": \"%s\", \"b_type\": \"%s\", \"threads\": %u, \"seconds\": %.9f, "
		       "\"device_seconds\": %.9f, \"gmac_per_s\": %.6g, \"bytes\": %" PRIu64
		       ", \"bytes_copied\": %" PRIu64 ", \"rows_checked\": %" PRId64 ", \"bit_exact\": %s}\n",
		       xq_device_name(b->run.dev), xq_device_info(b->run.dev)->isa, b->m, b->n, b->k,
		       xq_type_name(b->a_type), xq_type_name(b->b_type), xq_device_info(b->run.dev)->threads,
		       b->run.seconds, device, gmacs, b->done.bytes, b->done.bytes_copied, b->rows_checked,
		       b->exact ? "true" : "false");
	else
		printf("%s %s x %s, %" PRId64 " x %" PRId64 " x %" PRId64 ": %.3f ms (%.3f on the device), %.2f GMAC/s, "
		       "%" PRId64 " of %" PRId64 " rows checked: %s\n", xq_device_name(b->run.dev),
		       xq_type_name(b->a_type), xq_type_name(b->b_type), b->m, b->n, b->k, 1e3 * b->run.seconds,
		       1e3 * device, gmacs, b->rows_checked, b->m, b->exact ? "bit-exact" : "WRONG");
}

static void clean_up(struct bench *b)
{
	xq_queue_destroy(b->queue);
	xq_buffer_destroy(b->buf_a);
	xq_buffer_destroy(b->buf_b);
	xq_buffer_destroy(b->buf_c);
	xq_buffer_destroy(b->buf_table);
	xq_device_close(b->run.dev);
	free(b->a);
	free(b->b);
}

int cmd_bench_gemm(int argc, char **argv)
{
	struct bench b = { .run.repeat = 5, .a_type = XQ_S8, .b_type = XQ_S8 };
	int status = parse(&b, argc, argv), err;

	if (status != OPTIONS_DONE)
		return status;
	status = open_device(&b);
	if (!status) {
		progress_start("bench gemm: making data", NULL, 0);
		err = fill_buffers(&b);
		progress_stop();
		make_job(&b);
		if (!err)
			err = bench_time(&b.run, "bench gemm", run_once, fastest, &b);
		if (err) {
			status = fail("%s: %s", xq_device_name(b.run.dev), strerror(-err));
		} else {
			check(&b);
			print_result(&b);
			status = b.exact ? EXIT_OK : fail("the product is wrong");
		}
	}
	clean_up(&b);
	return status;
}
