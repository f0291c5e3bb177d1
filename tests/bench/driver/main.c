// SPDX-License-Identifier: GPL-2.0
/*
 * bench-driver [-r ROUNDS] [-d DISK] [-p PARTS]: the table, see driver.h. Parts are d (beside the
 * disk), c (many clients), p (the large product), i (memory that is imported), and j, u and r
 * (small jobs alone by ioctl and by io_uring, and reads of the disk alone, for who profiles them),
 * and s (small jobs by io_uring in commands of some sizes).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"
#include "tests/kselftest/guest.h"

#define ROUND_TRIPS	300
#define OPERATIONS	2000
#define CLIENTS		64
#define BUFFERS		10000
#define PRODUCTS	5
#define IMPORT_MIB	256

void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench-driver: %s: %s\n", what, strerror(-err));
	exit(1);
}

void must_be(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "bench-driver: wrong: %s\n", what);
	exit(1);
}

int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* ---- the table ---------------------------------------------------------------- */

/* What was measured in each turn, and beside it. */
struct row {
	unsigned int turns;
	double ours[MEASURE_MAX], other[MEASURE_MAX], ratio[MEASURE_MAX];
};

static void add(struct row *row, double ours, double other)
{
	row->ours[row->turns] = ours;
	row->other[row->turns] = other;
	row->ratio[row->turns++] = ours / other;
}

static void print_head(void)
{
	printf("%-46s %12s %12s %8s  %-9s %s\n", "", "accelerator", "beside", "ratio", "target", "");
}

static void print(struct row *row, const char *name, const char *unit, double target, bool most)
{
	const double ratio = median(row->ratio, row->turns);
	const bool met = most ? ratio <= target : ratio >= target;

	printf("%-46s %12.1f %12.1f %8.3f  %s %-6.3g %s\n", name, median(row->ours, row->turns),
	       median(row->other, row->turns), ratio, most ? "<=" : ">=", target,
	       met ? "" : "missed");
	printf("%46s from %.3f to %.3f\n", unit, row->ratio[0], row->ratio[row->turns - 1]);
	fflush(stdout);
}

/* ---- turns --------------------------------------------------------------------- */

static void beside_disk(const char *path, unsigned int rounds)
{
	static struct row trip, ring_trip, polled_trip, rate, ring_rate;
	struct disk *disk = disk_open(path);
	struct jobs *jobs = jobs_open(0);
	struct ring_jobs *ring = ring_jobs_open(0);
	double calls[MEASURE_MAX], ring_calls[MEASURE_MAX], sqpoll_calls[MEASURE_MAX];
	unsigned int i;

	/* Until lanes, caches and the translations of the VM know what comes. */
	disk_rate(disk, OPERATIONS);
	jobs_rate(jobs, OPERATIONS);
	for (i = 0; i < rounds; i++) {
		const double disk_us = disk_round_trip_us(disk, ROUND_TRIPS);
		const double job_us = jobs_round_trip_us(jobs, ROUND_TRIPS);
		const struct rate disk_per = disk_rate(disk, OPERATIONS);
		const struct rate jobs_per = jobs_rate(jobs, OPERATIONS);

		add(&trip, job_us, disk_us);
		add(&rate, jobs_per.per_second, disk_per.per_second);
		calls[i] = jobs_per.calls;
		if (ring) {
			const struct rate ring_per = ring_jobs_rate(ring, OPERATIONS);

			add(&ring_trip, ring_jobs_round_trip_us(ring, ROUND_TRIPS), disk_us);
			add(&polled_trip, ring_jobs_polled_us(ring, ROUND_TRIPS), disk_us);
			add(&ring_rate, ring_per.per_second, disk_per.per_second);
			ring_calls[i] = ring_per.calls;
			sqpoll_calls[i] = ring_jobs_sqpoll_rate(ring, OPERATIONS).calls;
		}
	}
	print(&trip, "empty job by ioctl, read of 512 bytes", "us", 0.6, true);
	if (ring) {
		print(&ring_trip, "empty job by io_uring, read", "us", 0.6, true);
		print(&polled_trip, "empty job by io_uring with IOPOLL, read", "us", 0.4, true);
	}
	print(&rate, "small jobs by ioctl, reads; 128 in flight", "a second", 1.2, false);
	if (ring)
		print(&ring_rate, "small jobs by io_uring, reads", "a second", 2, false);
	printf("%-46s %12.4f\n", "system calls a job by ioctl", median(calls, rounds));
	if (ring) {
		printf("%-46s %12.4f %31s < %-7g\n", "system calls a job by io_uring",
		       median(ring_calls, rounds), "", 0.02);
		printf("%-46s %12.4f %31s 0\n", "system calls a job by io_uring with SQPOLL",
		       median(sqpoll_calls, rounds), "");
		ring_jobs_close(ring);
	}
	jobs_close(jobs);
	disk_close(disk);
}

static void ring_alone(unsigned int rounds, unsigned int jobs_of_command, const char *name)
{
	struct ring_jobs *jobs = ring_jobs_open(jobs_of_command);
	double rate[MEASURE_MAX];
	unsigned int i;

	must(jobs ? 0 : -EOPNOTSUPP, "io_uring");
	for (i = 0; i < rounds; i++)
		rate[i] = ring_jobs_rate(jobs, OPERATIONS).per_second;
	printf("%-46s %12.1f %s\n", name, median(rate, rounds), "a second");
	ring_jobs_close(jobs);
}

static void jobs_alone(unsigned int rounds)
{
	struct jobs *jobs = jobs_open(0);
	double rate[MEASURE_MAX];
	unsigned int i;

	jobs_rate(jobs, OPERATIONS);
	for (i = 0; i < rounds; i++)
		rate[i] = jobs_rate(jobs, OPERATIONS).per_second;
	printf("%-46s %12.1f %s\n", "small jobs by ioctl alone", median(rate, rounds), "a second");
	jobs_close(jobs);
}

static void reads_alone(const char *path, unsigned int rounds)
{
	struct disk *disk = disk_open(path);
	double rate[MEASURE_MAX];
	unsigned int i;

	disk_rate(disk, OPERATIONS);
	for (i = 0; i < rounds; i++)
		rate[i] = disk_rate(disk, OPERATIONS).per_second;
	printf("%-46s %12.1f %s\n", "reads of 512 bytes alone", median(rate, rounds), "a second");
	disk_close(disk);
}

static double in_turn_us(struct jobs **clients)
{
	double us[ROUND_TRIPS];
	unsigned int i;

	for (i = 0; i < ROUND_TRIPS; i++)
		us[i] = jobs_once_us(clients[i % CLIENTS]);
	return median(us, ROUND_TRIPS);
}

static void clients(unsigned int rounds)
{
	static struct row row;
	struct jobs *jobs[CLIENTS], *alone;
	unsigned int i, j;

	for (i = 0; i < rounds; i++) {
		double us;

		alone = jobs_open(0);
		us = jobs_round_trip_us(alone, ROUND_TRIPS);
		jobs_close(alone);
		for (j = 0; j < CLIENTS; j++)
			jobs[j] = jobs_open((BUFFERS - CLIENTS) / CLIENTS);
		add(&row, in_turn_us(jobs), us);
		for (j = 0; j < CLIENTS; j++)
			jobs_close(jobs[j]);
	}
	print(&row, "64 clients in turn with 10,000 buffers, one", "us", 1.1, true);
}

static void imports(unsigned int rounds)
{
	static struct row wrapped, imported;
	struct import *import = import_open((uint64_t)IMPORT_MIB << 20);
	unsigned int i;

	import_pinned_us(import);
	import_wrapped_us(import);
	for (i = 0; i < rounds; i++) {
		const double pinned = import_pinned_us(import);

		add(&wrapped, import_wrapped_us(import), pinned);
		add(&imported, import_dmabuf_us(import), pinned);
	}
	print(&wrapped, "256 MiB of the process, pinned alone", "us", 2, true);
	print(&imported, "256 MiB of a dma-buf, as much pinned", "us", 2, true);
	import_close(import);
}

static void large_product(unsigned int rounds)
{
	static struct row row;
	struct product *product;
	unsigned int i;

	if (!host_present()) {
		printf("large product: not measured, no host to run the kernels alone\n");
		return;
	}
	product = product_open();
	product_ms(product, 1);
	for (i = 0; i < rounds; i++) {
		const double through = product_ms(product, PRODUCTS);

		/* Rates. */
		add(&row, 1e3 / through, 1e3 / product_alone_ms(PRODUCTS));
	}
	print(&row, "512 x 4096 x 4096, kernels alone on the host", "a second", 0.95, false);
	product_close(product);
}

int main(int argc, char **argv)
{
	const char *disk = "/dev/nvme0n1", *parts = "dcip";
	unsigned int rounds = 31;
	int option;

	while ((option = getopt(argc, argv, "r:d:p:")) != -1) {
		if (option == 'r')
			rounds = (unsigned int)strtoul(optarg, NULL, 0);
		else if (option == 'd')
			disk = optarg;
		else if (option == 'p')
			parts = optarg;
		else
			return 2;
	}
	if (!rounds || rounds > MEASURE_MAX) {
		fprintf(stderr, "bench-driver: 1 to %d rounds\n", MEASURE_MAX);
		return 2;
	}
	print_head();
	if (strchr(parts, 'j'))
		jobs_alone(rounds);
	if (strchr(parts, 'u'))
		ring_alone(rounds, 0, "small jobs by io_uring alone");
	if (strchr(parts, 's')) {
		ring_alone(rounds, 1, "small jobs by io_uring, a command each");
		ring_alone(rounds, 4, "small jobs by io_uring, 4 a command");
		ring_alone(rounds, 32, "small jobs by io_uring, 32 a command");
	}
	if (strchr(parts, 'r'))
		reads_alone(disk, rounds);
	if (strchr(parts, 'd'))
		beside_disk(disk, rounds);
	if (strchr(parts, 'c'))
		clients((rounds + 2) / 3);
	if (strchr(parts, 'i'))
		imports(rounds);
	if (strchr(parts, 'p'))
		large_product((rounds + 2) / 3);
	return 0;
}
