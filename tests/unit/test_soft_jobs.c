// SPDX-License-Identifier: MIT
/*
 * Random jobs on "soft" against the naive reference: one after the other, many in flight, and
 * from several threads with a queue each.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "ktap.h"
#include "queue_case.h"

#define THREADS		6
#define JOBS_A_THREAD	60
#define IN_FLIGHT	16

static struct xq_device *open_soft(void)
{
	struct xq_device *dev = NULL;
	const int err = xq_device_open("soft", &dev);

	EXPECT(!err, "%d", err);
	return dev;
}

static const char *shape(const struct xq_gemm *j)
{
	static __thread char text[128];

	snprintf(text, sizeof(text), "%s x %s %ux%ux%u batch %u group %u flags %u",
		 xq_type_name(j->a_type), xq_type_name(j->b_type), j->m, j->n, j->k, j->batch, j->group,
		 j->flags);
	return text;
}

static void one_by_one(void)
{
	struct xq_device *dev = open_soft();
	struct xq_queue *queue;
	uint64_t seed = 7;

	EXPECT(!xq_queue_create(dev, NULL, &queue), "queue");
	for (int i = 0; i < 400; i++) {
		struct xq_completion done;
		struct queue_case c;
		int err = case_make(&c, dev, &seed);

		if (EXPECT(!err, "%d", err)) {
			err = xq_gemm_run(queue, &c.job, &done);
			EXPECT(!err && case_right(&c), "job %d: %d, %s", i, err, shape(&c.job));
			EXPECT(done.macs == (uint64_t)c.job.batch * c.job.m * c.job.n * c.job.k, "%lu MACs",
			       (unsigned long)done.macs);
			EXPECT(done.end_ns >= done.start_ns, "time runs backwards");
		}
		case_free(&c);
	}
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

struct client {
	struct xq_device *dev;
	uint64_t seed;
	int wrong, error;
};

static int take_one(struct xq_queue *queue, struct queue_case *cases, struct client *client,
		    uint64_t *expected)
{
	struct xq_completion done;
	const int n = xq_queue_wait(queue, &done, 1, 1, -1);

	if (n != 1)
		return n < 0 ? n : -EIO;
	client->wrong += done.user_data != (*expected)++ || done.status ||
			 !case_right(&cases[done.user_data % IN_FLIGHT]);
	case_free(&cases[done.user_data % IN_FLIGHT]);
	return 0;
}

/* Keeps a queue full, and checks that its jobs come back in order. */
static void *client_thread(void *arg)
{
	struct client *client = arg;
	struct queue_case cases[IN_FLIGHT];
	struct xq_queue *queue;
	uint64_t submitted = 0, taken = 0;

	client->error = xq_queue_create(client->dev, NULL, &queue);
	if (client->error)
		return NULL;
	while (!client->error && taken < JOBS_A_THREAD) {
		if (submitted < JOBS_A_THREAD && submitted - taken < IN_FLIGHT) {
			struct queue_case *c = &cases[submitted % IN_FLIGHT];

			client->error = case_make(c, client->dev, &client->seed);
			c->job.user_data = submitted++;
			if (!client->error && xq_queue_submit(queue, &c->job, 1) != 1)
				client->error = -EIO;
		} else {
			client->error = take_one(queue, cases, client, &taken);
		}
	}
	xq_queue_destroy(queue);
	return NULL;
}

static void threads(void)
{
	struct xq_device *dev = open_soft();
	struct client clients[THREADS];
	pthread_t id[THREADS];

	for (int i = 0; i < THREADS; i++) {
		clients[i] = (struct client){ .dev = dev, .seed = 1000 + (uint64_t)i };
		pthread_create(&id[i], NULL, client_thread, &clients[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		EXPECT(!clients[i].error && !clients[i].wrong, "thread %d: error %d, %d wrong", i,
		       clients[i].error, clients[i].wrong);
	}
	xq_device_close(dev);
}

/* Two devices in one process share nothing. */
static void two_devices(void)
{
	struct client clients[2];
	pthread_t id[2];

	for (int i = 0; i < 2; i++) {
		clients[i] = (struct client){ .dev = open_soft(), .seed = 99 };
		pthread_create(&id[i], NULL, client_thread, &clients[i]);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(id[i], NULL);
		EXPECT(!clients[i].error && !clients[i].wrong, "device %d: error %d, %d wrong", i,
		       clients[i].error, clients[i].wrong);
		xq_device_close(clients[i].dev);
	}
}

/* A page of 2 MiB and more: large leaves and a tail of small ones. */
static void large_buffers(void)
{
	struct xq_device *dev = open_soft();
	struct xq_queue *queue;
	struct queue_case c;
	int err;

	EXPECT(!xq_queue_create(dev, NULL, &queue), "queue");
	err = case_plain(&c, dev, 1030, 1500, 2100);
	if (EXPECT(!err, "%d", err)) {
		EXPECT(!((uintptr_t)xq_buffer_data(c.buffer[0]) & 0x1fffff), "not aligned to 2 MiB");
		err = xq_gemm_run(queue, &c.job, NULL);
		EXPECT(!err && case_right(&c), "%d", err);
	}
	case_free(&c);
	xq_queue_destroy(queue);
	xq_device_close(dev);
}

KTAP_MAIN({ "random jobs, one by one", one_by_one }, { "random jobs from six threads", threads },
	  { "two devices at once", two_devices }, { "buffers of many pages", large_buffers })
