// SPDX-License-Identifier: MIT
/* Eventfds of queues of "soft", and that it says what it lacks. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <xqaccel/device.h>
#include <xqaccel/ring.h>

#include "ktap.h"

static struct xq_device *dev;
static struct xq_queue *queue, *other;
static struct xq_buffer *buf;

static void setup(void)
{
	EXPECT(!xq_device_open("soft", &dev) && !xq_queue_create(dev, NULL, &queue) &&
	       !xq_queue_create(dev, NULL, &other) && !xq_buffer_create(dev, 4096, &buf), "soft");
}

static void teardown(void)
{
	xq_buffer_destroy(buf);
	xq_queue_destroy(queue);
	xq_queue_destroy(other);
	xq_device_close(dev);
}

static int submit(struct xq_queue *to, unsigned int flags)
{
	const struct xq_gemm job = {
		.m = 4, .n = 4, .k = 16, .a_type = XQ_S8, .b_type = XQ_S8, .flags = flags,
		.a = { buf, 0, 16, 0 }, .b = { buf, 1024, 16, 0 }, .c = { buf, 2048, 16, 0 },
	};

	return xq_queue_submit(to, &job, 1);
}

static bool readable(int event, int timeout_ms)
{
	struct pollfd p = { .fd = event, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Nobody is in xq_queue_wait() when a job ends. */
static void told(void)
{
	const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), others = eventfd(0, EFD_CLOEXEC);
	struct xq_completion done[2];
	eventfd_t count;

	setup();
	EXPECT(!xq_queue_eventfd(queue, event) && !xq_queue_eventfd(other, others), "set");
	EXPECT(!readable(event, 0), "nothing yet");
	EXPECT(submit(queue, 0) == 1 && submit(queue, 0) == 1, "submit");
	for (int taken = 0; taken < 2;) {
		EXPECT(readable(event, 10000) && !eventfd_read(event, &count), "not told");
		taken += xq_queue_wait(queue, done, 2, 0, 0);
	}
	/* What came meanwhile may have been taken before it was told. */
	eventfd_read(event, &count);
	EXPECT(!readable(event, 0) && !readable(others, 0), "told of nothing");

	/* A silent job that ends well has nothing to tell. */
	EXPECT(submit(queue, XQACCEL_JOB_SILENT) == 1 && submit(queue, 0) == 1, "silent");
	EXPECT(xq_queue_wait(queue, done, 2, 1, -1) == 1, "wait");
	EXPECT(!eventfd_read(event, &count) && count == 1, "%llu", (unsigned long long)count);

	EXPECT(!xq_queue_eventfd(queue, -1) && submit(queue, 0) == 1, "taken away");
	EXPECT(xq_queue_wait(queue, done, 1, 1, -1) == 1 && !readable(event, 0), "still told");
	teardown();
	close(event);
	close(others);
}

/* The descriptor is the queue's own until it has ended; its lane's next queue has none. */
static void owned(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), copy = dup(event);
	struct xq_completion done;
	int low;

	setup();
	EXPECT(!xq_queue_eventfd(queue, copy) && !close(copy), "set");
	EXPECT(submit(queue, 0) == 1 && readable(event, 10000), "not told");
	EXPECT(xq_queue_wait(queue, &done, 1, 1, -1) == 1, "wait");
	xq_queue_destroy(queue);
	EXPECT(eventfd_read(event, &(eventfd_t){ 0 }) == 0, "read");
	EXPECT(!xq_queue_create(dev, NULL, &queue) && submit(queue, 0) == 1, "again");
	EXPECT(xq_queue_wait(queue, &done, 1, 1, -1) == 1 && !readable(event, 0), "of another's");
	teardown();
	low = dup(event);
	EXPECT(low == copy, "descriptor %d is not back: %d", copy, low);
	close(low);
	close(event);
}

static void refused(void)
{
	const struct xq_queue_options fences = { .flags = XQ_QUEUE_FENCES };
	struct xq_fences none = { .flags = 0 };
	struct xq_queue *fenced;
	int ends[2];

	setup();
	EXPECT(!pipe(ends), "pipe");
	EXPECT(xq_queue_eventfd(queue, 1000) == -EBADF, "no descriptor");
	EXPECT(xq_queue_eventfd(queue, -2) == -EBADF, "no descriptor");
	EXPECT(xq_queue_eventfd(queue, ends[1]) == -EINVAL, "a pipe");
	EXPECT(!xq_device_has_fences(dev), "fences of soft");
	EXPECT(xq_queue_create(dev, &fences, &fenced) == -EOPNOTSUPP, "a queue with fences");
	EXPECT(xq_queue_submit_fenced(queue, &(struct xq_gemm){ 0 }, 1, &none) == -EOPNOTSUPP, "submit");
	EXPECT(xq_job_submit_fenced(queue, &(struct xqaccel_job_desc){ 0 }, 1, &none) == -EOPNOTSUPP, "job");
	close(ends[0]);
	close(ends[1]);
	teardown();
}

KTAP_MAIN({ "completions are told", told }, { "whose it is", owned }, { "what is refused", refused })
