// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arguments.h"
#include "bench.h"
#include "command.h"
#include "progress.h"

int bench_at_least_1(const char *option, int64_t value)
{
	return value < 1 ? usage("--%s must be at least 1 (%" PRId64 ")", option, value) : OPTIONS_DONE;
}

int bench_check(const struct bench_run *r)
{
	if (r->has_threads && (r->threads < 1 || r->threads > XQ_SOFT_THREADS))
		return usage("--threads must be 1 to %d (%" PRId64 ")", XQ_SOFT_THREADS, r->threads);
	return bench_at_least_1("repeat", r->repeat);
}

int bench_open(struct bench_run *r)
{
	char text[24];

	if (r->has_threads) {
		snprintf(text, sizeof(text), "%" PRId64, r->threads);
		setenv("XQ_THREADS", text, 1);
	}
	if (argument_device(r->device, &r->dev))
		return EXIT_ERROR;
	if (r->has_threads && strcmp(xq_device_name(r->dev), "soft"))
		return fail("--threads is of the device soft, and %s has its own (--threads %" PRId64 ")",
			    xq_device_name(r->dev), r->threads);
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int bench_time(struct bench_run *r, const char *name, int (*run)(void *context), void (*fastest)(void *context),
	       void *context)
{
	int64_t i;
	int err;

	r->total = (uint64_t)r->repeat + 1;
	__atomic_store_n(&r->done, 0, __ATOMIC_RELAXED);
	progress_start(name, &r->done, r->total);
	err = run(context);
	for (i = 0; i < r->repeat && !err; i++) {
		double start, seconds;

		__atomic_fetch_add(&r->done, 1, __ATOMIC_RELAXED);
		start = now();
		err = run(context);
		seconds = now() - start;
		if (!err && (!i || seconds < r->seconds)) {
			r->seconds = seconds;
			fastest(context);
		}
	}
	progress_stop();
	return err;
}

/* xorshift: the same data every time. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint8_t *bench_elements(enum xq_type type, size_t count, uint64_t seed)
{
	const uint64_t span = (uint64_t)(xq_type_max(type) - xq_type_min(type)) + 1;
	uint8_t *data = malloc(count ? count : 1);

	for (size_t i = 0; data && i < count; i++) {
		const uint64_t r = next_random(&seed) >> 32;

		data[i] = type == XQ_B1 ? (r & 1 ? 1 : 0xff) :
			  (uint8_t)(xq_type_min(type) + (int64_t)(r % span));
	}
	return data;
}

int32_t bench_value(enum xq_type type, const int8_t *codebook, uint8_t element)
{
	if (type == XQ_C4 || type == XQ_C8)
		return codebook[element];
	return xq_type_signed(type) ? (int8_t)element : element;
}
