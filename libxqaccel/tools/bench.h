/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: the options, the data, the clock, and when to stop checking.
 */
#ifndef XQ_TOOL_BENCH_H
#define XQ_TOOL_BENCH_H

#include <inttypes.h>

#include <xqaccel/device.h>

#include "options.h"

#define BENCH_CHECKED_MACS	(1ULL << 26)	/* that a reference does at most */

/**
 * struct bench_run - on which device, and how often
 * @seconds: of the fastest run
 * @done: @total: for progress_start(): runs, or products that were checked
 */
struct bench_run {
	const char *device;
	int64_t threads, repeat;
	bool has_threads, json;

	struct xq_device *dev;
	double seconds;
	uint64_t done, total;
};

#define BENCH_OPTIONS(r)										\
	{ "repeat", 0, OPTION_INT, &(r)->repeat, "R", "runs of which the fastest counts, default 5", NULL },	\
	{ "threads", 0, OPTION_INT, &(r)->threads, "T", "of soft", &(r)->has_threads },			\
	{ "device", 0, OPTION_STRING, &(r)->device, "NAME", "soft, or a path; default: the first that works", NULL }, \
	{ "json", 0, OPTION_FLAG, &(r)->json, NULL, "one line of JSON", NULL }

/* Checks the options above; OPTIONS_DONE, or a status after printing. */
int bench_check(const struct bench_run *r);

/* Refuses what is below 1; OPTIONS_DONE, or a status after printing. */
int bench_at_least_1(const char *option, int64_t value);

/* Opens the device with so many threads. 0, or EXIT_ERROR after printing. */
int bench_open(struct bench_run *r);

/**
 * bench_time() - run once to wake up pages, caches and threads, then repeat times by the clock
 * @run: returns 0 or a negative errno; fastest is called after a run that was faster than all before
 */
int bench_time(struct bench_run *r, const char *name, int (*run)(void *context), void (*fastest)(void *context),
	       void *context);

/* One element a byte, the same ones every time; NULL if there is no memory. */
uint8_t *bench_elements(enum xq_type type, size_t count, uint64_t seed);

/* The number that an element stands for. */
int32_t bench_value(enum xq_type type, const int8_t *codebook, uint8_t element);

#endif
