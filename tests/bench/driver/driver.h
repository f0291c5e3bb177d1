/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the way through the driver costs, measured in the VM beside an NVMe disk that QEMU emulates
 * for the same VM. Contestants take turns; whatever is wrong ends the program before a figure is
 * printed.
 */
#ifndef XQ_BENCH_DRIVER_H
#define XQ_BENCH_DRIVER_H

#include <linux/xqaccel.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/kselftest/device.h"

#define DEPTH	128	/* operations in flight where there are many */
#define REAPED	16	/* of which so many, at least, are taken and begun again at once */

#define MEASURE_MAX	64	/* turns of a contestant */

/* Prints what failed and ends the program unless err is 0. */
void must(int err, const char *what);
void must_be(bool right, const char *what);

static inline double us_since(int64_t start_ns)
{
	return (double)(now_ns() - start_ns) / 1e3;
}

int compare_doubles(const void *a, const void *b);
/* Sorts them. */
double median(double *values, unsigned int count);

/* A rate, and what it took. */
struct rate {
	double per_second;
	double calls;		/* system calls for each operation */
};

/* ---- disk.c: reads of 512 bytes past the page cache, each compared with what is there -------- */

struct disk;

/* A disk whose sectors begin with their numbers, as tests/bench/driver/disk.py makes it. */
struct disk *disk_open(const char *path);
void disk_close(struct disk *disk);
double disk_round_trip_us(struct disk *disk, unsigned int reads);
struct rate disk_rate(struct disk *disk, unsigned int reads);

/* ---- jobs.c: empty and small jobs by ioctl ----------------------------------------------------- */

struct jobs;

/* A client with so many buffers more than it needs. */
struct jobs *jobs_open(unsigned int buffers);
void jobs_close(struct jobs *jobs);
/* One job, from its submission until it was reaped. */
double jobs_once_us(struct jobs *jobs);
double jobs_round_trip_us(struct jobs *jobs, unsigned int count);
struct rate jobs_rate(struct jobs *jobs, unsigned int count);

/* ---- ring_jobs.c: the same by commands of io_uring ---------------------------------------------- */

struct ring_jobs;

/* Commands of so many jobs, a divisor of DEPTH; 0 for what is usual. NULL: the driver has none. */
struct ring_jobs *ring_jobs_open(unsigned int jobs_of_command);
void ring_jobs_close(struct ring_jobs *jobs);
double ring_jobs_round_trip_us(struct ring_jobs *jobs, unsigned int count);
/* By a ring with IOPOLL. */
double ring_jobs_polled_us(struct ring_jobs *jobs, unsigned int count);
struct rate ring_jobs_rate(struct ring_jobs *jobs, unsigned int count);
/* The same by a ring with SQPOLL, whose completions are looked for until they are there. */
struct rate ring_jobs_sqpoll_rate(struct ring_jobs *jobs, unsigned int count);

/* ---- import.c: memory that is there as a buffer ------------------------------------------------- */

struct import;

struct import *import_open(uint64_t bytes);
void import_close(struct import *import);
/* Pinned and not used: io_uring registers it. */
double import_pinned_us(struct import *import);
/* The same memory as a buffer, and a dma-buf of another client. */
double import_wrapped_us(struct import *import);
double import_dmabuf_us(struct import *import);

/* ---- small.c: DEPTH small products, each in a place of its own --------------------------------- */

/* The head of struct xqaccel_job_desc that a product without zero points needs. */
struct small_desc {
	__u64 user_data;
	struct xqaccel_work work;
	struct xqaccel_operand operand[3];
};

struct small {
	struct buffer buf;
	/* Twice the same, so that any DEPTH that follow each other do so in memory. */
	struct small_desc desc[2 * DEPTH];
	int32_t expected[DEPTH];	/* the first element of each result */
};

void small_open(struct small *small, int fd);
/* Before a job is submitted, and after it has ended. */
void small_spoil(struct small *small, unsigned int place);
void small_must_be_right(const struct small *small, unsigned int place);

/* ---- product.c: 512 x 4096 x 4096 ------------------------------------------------------------- */

struct product;

struct product *product_open(void);
void product_close(struct product *product);
/* Best of so many runs, in milliseconds: through the driver, and by the kernels alone on the host. */
double product_ms(struct product *product, unsigned int runs);
double product_alone_ms(unsigned int runs);

#endif
