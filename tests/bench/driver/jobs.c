// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"

struct jobs {
	int fd;
	struct small small;
	struct small_desc empty;
	unsigned int calls;
};

struct jobs *jobs_open(unsigned int buffers)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	struct buffer buf;

	must(jobs ? 0 : -ENOMEM, "memory");
	jobs->fd = device_open();
	must(jobs->fd < 0 ? jobs->fd : 0, device_path());
	while (buffers--)
		must(buffer_create_unmapped(jobs->fd, 4096, &buf), "buffer");
	small_open(&jobs->small, jobs->fd);
	jobs->empty = jobs->small.desc[0];
	jobs->empty.work.gemm.m = 0;
	return jobs;
}

void jobs_close(struct jobs *jobs)
{
	munmap(jobs->small.buf.map, jobs->small.buf.bytes);
	close(jobs->fd);
	free(jobs);
}

static uint32_t submit_some(struct jobs *jobs, const struct small_desc *desc, uint32_t count)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd),
		.jobs = { sizeof(*desc), count, (uintptr_t)desc },
	};

	must(device_ioctl(jobs->fd, XQACCEL_IOCTL_SUBMIT, &cmd), "submission");
	jobs->calls++;
	return cmd.accepted;
}

static uint32_t wait_some(struct jobs *jobs, struct xqaccel_completion *done, uint32_t min)
{
	struct xqaccel_wait cmd = {
		.size = sizeof(cmd),
		.completions = { sizeof(*done), DEPTH, (uintptr_t)done },
		.min_complete = min,
		.deadline_ns = XQACCEL_NO_DEADLINE,
	};

	must(device_ioctl(jobs->fd, XQACCEL_IOCTL_WAIT, &cmd), "wait");
	jobs->calls++;
	return cmd.done;
}

double jobs_once_us(struct jobs *jobs)
{
	const int64_t start = now_ns();
	struct xqaccel_completion done[DEPTH];
	double us;

	must_be(submit_some(jobs, &jobs->empty, 1) == 1, "submission of a job");
	must_be(wait_some(jobs, done, 1) == 1, "completion of a job");
	us = us_since(start);
	must_be(!done[0].status && !done[0].macs && done[0].user_data == jobs->empty.user_data,
		"status of an empty job");
	return us;
}

double jobs_round_trip_us(struct jobs *jobs, unsigned int count)
{
	double *us = malloc(count * sizeof(*us)), result;
	unsigned int i;

	must(us ? 0 : -ENOMEM, "memory");
	for (i = 0; i < count; i++)
		us[i] = jobs_once_us(jobs);
	result = median(us, count);
	free(us);
	return result;
}

/* Jobs begun so far, more of them. */
static void begin(struct jobs *jobs, unsigned int begun, unsigned int more)
{
	const unsigned int place = begun % DEPTH;
	unsigned int i;

	for (i = 0; i < more; i++)
		small_spoil(&jobs->small, (begun + i) % DEPTH);
	must_be(submit_some(jobs, &jobs->small.desc[place], more) == more, "submission of all jobs");
}

struct rate jobs_rate(struct jobs *jobs, unsigned int count)
{
	struct xqaccel_completion done[DEPTH];
	unsigned int begun = 0, ended = 0, i;
	const int64_t start = now_ns();

	jobs->calls = 0;
	while (ended < count) {
		const unsigned int room = DEPTH - (begun - ended);
		const unsigned int more = room < count - begun ? room : count - begun;
		unsigned int n, left;

		if (more)
			begin(jobs, begun, more);
		begun += more;
		left = begun - ended;
		n = wait_some(jobs, done, left < REAPED ? left : REAPED);
		for (i = 0; i < n; i++) {
			/* Those of a lane end in their order. */
			must_be(!done[i].status && done[i].user_data == (ended + i) % DEPTH,
				"status of a small job");
			small_must_be_right(&jobs->small, (ended + i) % DEPTH);
		}
		ended += n;
	}
	return (struct rate){ count / us_since(start) * 1e6, (double)jobs->calls / count };
}
