// SPDX-License-Identifier: MIT
/*
 * xq bench gemm: one product, timed through the library, and checked before it is reported.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xqaccel/device.h>
#include <xqaccel/pack.h>

#include "arguments.h"
#include "command.h"
#include "options.h"
#include "progress.h"

#define CHECKED_MACS	(1ULL << 26)	/* that the reference does at most */

struct bench {
	int64_t m, n, k, threads, repeat;
	enum xq_type a_type, b_type;
	const char *device;
	bool json;

	uint8_t *a, *b;		/* unpacked [m][k] and [n][k] */
	int8_t codebook[256];
	struct xq_device *dev;
	struct xq_queue *queue;
	struct xq_buffer *buf_a, *buf_b, *buf_c, *buf_table;
	struct xq_gemm job;
	struct xq_completion done;
	double seconds;
	int64_t rows_checked;
	bool exact;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int parse(struct bench *b, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "m", 0, OPTION_INT, &b->m, "M", "rows of A and C", NULL },
		{ "n", 0, OPTION_INT, &b->n, "N", "columns of B and C", NULL },
		{ "k", 0, OPTION_INT, &b->k, "K", "columns of A, rows of B", NULL },
		{ "a-type", 0, OPTION_TYPE, &b->a_type, OPTION_TYPES_LEFT, "default s8", NULL },
		{ "b-type", 0, OPTION_TYPE, &b->b_type, OPTION_TYPES_RIGHT, "default s8", NULL },
		{ "threads", 0, OPTION_INT, &b->threads, "T", "engine threads of soft", NULL },
		{ "repeat", 0, OPTION_INT, &b->repeat, "R", "runs of which the fastest counts, default 5", NULL },
		{ "device", 0, OPTION_STRING, &b->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "json", 0, OPTION_FLAG, &b->json, NULL, "one line of JSON", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), NULL, 0,
					 0, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (b->m < 1 || b->n < 1 || b->k < 1)
		return usage("--m, --n and --k must be given and at least 1");
	if (b->repeat < 1)
		return usage("--repeat must be at least 1");
	if (b->threads < 0)
		return usage("--threads must not be negative");
	return OPTIONS_DONE;
}

/* xorshift: the same data every time. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint8_t *random_elements(enum xq_type type, size_t count, uint64_t seed)
{
	const uint64_t span = (uint64_t)(xq_type_max(type) - xq_type_min(type)) + 1;
	uint8_t *data = malloc(count ? count : 1);
	size_t i;

	for (i = 0; data && i < count; i++) {
		const uint64_t r = next_random(&seed) >> 32;

		data[i] = type == XQ_B1 ? (r & 1 ? 1 : 0xff) :
			  (uint8_t)(xq_type_min(type) + (int64_t)(r % span));
	}
	return data;
}

static int open_device(struct bench *b)
{
	char threads[24];

	if (b->threads) {
		snprintf(threads, sizeof(threads), "%" PRId64, b->threads);
		setenv("XQ_THREADS", threads, 1);
	}
	if (argument_device(b->device, &b->dev))
		return EXIT_ERROR;
	if (b->m > xq_device_info(b->dev)->max_dim || b->n > xq_device_info(b->dev)->max_dim ||
	    b->k > xq_device_info(b->dev)->max_dim)
		return fail("dimensions of %s go to %u", xq_device_name(b->dev),
			    xq_device_info(b->dev)->max_dim);
	if (!xq_device_has_pair(b->dev, b->a_type, b->b_type))
		return fail("%s does not multiply %s by %s", xq_device_name(b->dev),
			    xq_type_name(b->a_type), xq_type_name(b->b_type));
	return 0;
}

static int fill_buffers(struct bench *b)
{
	const size_t m = (size_t)b->m, n = (size_t)b->n, k = (size_t)b->k;
	const bool tiled = xq_device_has_tiled(b->dev, b->b_type);
	size_t i;
	int err;

	b->a = random_elements(b->a_type, m * k, 88172645463325252ULL);
	b->b = random_elements(b->b_type, n * k, 2463534242ULL);
	if (!b->a || !b->b)
		return -ENOMEM;
	for (i = 0; i < 256; i++)
		b->codebook[i] = (int8_t)(i * 37 + 11);
	err = xq_queue_create(b->dev, NULL, &b->queue);
	if (!err)
		err = xq_buffer_create(b->dev, m * xq_row_size(b->a_type, k), &b->buf_a);
	if (!err)
		err = xq_buffer_create(b->dev, tiled ? xq_tiled_size(b->b_type, n, k) :
				       n * xq_row_size(b->b_type, k), &b->buf_b);
	if (!err)
		err = xq_buffer_create(b->dev, m * n * 4, &b->buf_c);
	if (!err)
		err = xq_buffer_create(b->dev, 256, &b->buf_table);
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
	const bool tiled = xq_device_has_tiled(b->dev, b->b_type);
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

static int time_job(struct bench *b)
{
	struct xq_completion done;
	int64_t i;
	int err;

	/* Once without the clock: pages, caches and threads wake up. */
	err = xq_gemm_run(b->queue, &b->job, NULL);
	for (i = 0; i < b->repeat && !err; i++) {
		const double start = now();
		double seconds;

		err = xq_gemm_run(b->queue, &b->job, &done);
		seconds = now() - start;
		if (!i || seconds < b->seconds) {
			b->seconds = seconds;
			b->done = done;
		}
	}
	return err;
}

static int32_t value_of(enum xq_type type, const int8_t *codebook, uint8_t byte)
{
	if (type == XQ_C4 || type == XQ_C8)
		return codebook[byte];
	return xq_type_signed(type) ? (int8_t)byte : byte;
}

/* Three loops over as many rows as time allows, spread evenly. */
static void check(struct bench *b)
{
	const uint64_t row_macs = (uint64_t)b->n * (uint64_t)b->k;
	const int32_t *c = xq_buffer_data(b->buf_c);
	int64_t i, n, k;

	b->rows_checked = row_macs >= CHECKED_MACS ? 1 : (int64_t)(CHECKED_MACS / row_macs);
	if (b->rows_checked > b->m)
		b->rows_checked = b->m;
	b->exact = true;
	for (i = 0; i < b->rows_checked; i++) {
		const int64_t row = i * b->m / b->rows_checked;

		for (n = 0; n < b->n; n++) {
			uint32_t sum = 0;

			for (k = 0; k < b->k; k++)
				sum += (uint32_t)(value_of(b->a_type, NULL, b->a[row * b->k + k]) *
						  value_of(b->b_type, b->codebook, b->b[n * b->k + k]));
			b->exact &= (uint32_t)c[row * b->n + n] == sum;
		}
	}
}

static void print_result(const struct bench *b)
{
	const double device = 1e-9 * (double)(b->done.end_ns - b->done.start_ns);
	const double gmacs = 1e-9 * (double)b->m * (double)b->n * (double)b->k / b->seconds;

	if (b->json)
		printf("{\"device\": \"%s\", \"isa\": \"%s\", \"m\": %" PRId64 ", \"n\": %" PRId64 ", \"k\": %" PRId64
		       ", \"a_type\": \"%s\", \"b_type\": \"%s\", \"threads\": %u, \"seconds\": %.9f, "
		       "\"device_seconds\": %.9f, \"gmac_per_s\": %.6g, \"bytes\": %" PRIu64
		       ", \"bytes_copied\": %" PRIu64 ", \"rows_checked\": %" PRId64 ", \"bit_exact\": %s}\n",
		       xq_device_name(b->dev), xq_device_info(b->dev)->isa, b->m, b->n, b->k,
		       xq_type_name(b->a_type), xq_type_name(b->b_type), xq_device_info(b->dev)->threads,
		       b->seconds, device, gmacs, b->done.bytes, b->done.bytes_copied, b->rows_checked,
		       b->exact ? "true" : "false");
	else
		printf("%s %s x %s, %" PRId64 " x %" PRId64 " x %" PRId64 ": %.3f ms (%.3f on the device), %.2f GMAC/s, "
		       "%" PRId64 " of %" PRId64 " rows checked: %s\n", xq_device_name(b->dev),
		       xq_type_name(b->a_type), xq_type_name(b->b_type), b->m, b->n, b->k, 1e3 * b->seconds,
		       1e3 * device, gmacs, b->rows_checked, b->m, b->exact ? "bit-exact" : "WRONG");
}

static void clean_up(struct bench *b)
{
	xq_queue_destroy(b->queue);
	xq_buffer_destroy(b->buf_a);
	xq_buffer_destroy(b->buf_b);
	xq_buffer_destroy(b->buf_c);
	xq_buffer_destroy(b->buf_table);
	xq_device_close(b->dev);
	free(b->a);
	free(b->b);
}

int cmd_bench_gemm(int argc, char **argv)
{
	struct bench b = { .repeat = 5, .a_type = XQ_S8, .b_type = XQ_S8 };
	int status = parse(&b, argc, argv), err;

	if (status != OPTIONS_DONE)
		return status;
	status = open_device(&b);
	if (!status) {
		progress_start("bench gemm", NULL, 0);
		err = fill_buffers(&b);
		make_job(&b);
		err = err ? err : time_job(&b);
		if (!err)
			check(&b);
		progress_stop();
		if (err) {
			status = fail("%s: %s", xq_device_name(b.dev), strerror(-err));
		} else {
			print_result(&b);
			status = b.exact ? EXIT_OK : fail("the product is wrong");
		}
	}
	clean_up(&b);
	return status;
}
