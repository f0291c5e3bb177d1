// SPDX-License-Identifier: GPL-2.0
/*
 * Networks of the library while the device hangs, or goes: a run ends with an errno, and the next
 * one, on a device that works, is right again.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xqaccel/run.h>

#include "guest.h"
#include "harness.h"

#define WIDTH	256
#define BATCH	64
#define LAYERS	6
#define RUNS	3

FIXTURE(network)
{
	char address[32];
	int8_t *weights;
	struct xq_device *dev;
	struct xq_queue *queue;
	struct xq_plan *plan;
	struct xq_run *run[RUNS];
	int input, output;
};

/* Layers of one size, each with the weights of all. */
static struct xq_network *describe(FIXTURE_DATA(network) *self)
{
	static const float scale = 0.01f;
	const struct xq_requant rq = {
		.profile = XQ_REQUANT_ONNX, .type = XQ_S8, .params = 1, .scale = &scale,
	};
	struct xq_network *net;
	int w, i;

	if (xq_network_create(&net))
		return NULL;
	self->input = xq_network_tensor(net, &(struct xq_network_tensor){
		.type = XQ_S8, .dims = 2, .dim = { 1, WIDTH }, .batched = true });
	self->output = self->input;
	w = xq_network_tensor(net, &(struct xq_network_tensor){
		.type = XQ_S8, .dims = 2, .dim = { WIDTH, WIDTH }, .data = self->weights });
	xq_network_input(net, self->input);
	for (i = 0; i < LAYERS; i++) {
		const int y = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8 });

		xq_network_product(net, &(struct xq_network_product){
			.x = self->output, .w = w, .y = y, .finish = { .requant = &rq } });
		self->output = y;
	}
	xq_network_output(net, self->output);
	return net;
}

static void open_device(struct __test_metadata *_metadata, FIXTURE_DATA(network) *self,
			const char *name)
{
	const struct xq_queue_options options = { .timeout_ms = 500 };
	struct xq_network *net = describe(self);
	int i, j;

	ASSERT_NE(NULL, net);
	ASSERT_EQ(0, xq_device_open(name, &self->dev));
	ASSERT_EQ(0, xq_queue_create(self->dev, &options, &self->queue));
	ASSERT_EQ(0, xq_network_compile(net, self->dev, BATCH, &self->plan));
	xq_network_destroy(net);
	for (i = 0; i < RUNS; i++) {
		int8_t *x;

		ASSERT_EQ(0, xq_run_create(self->plan, &self->run[i]));
		x = xq_run_data(self->run[i], self->input);
		for (j = 0; j < BATCH * WIDTH; j++)
			x[j] = (int8_t)(j * (i + 7) >> 2);
	}
}

static void close_device(FIXTURE_DATA(network) *self)
{
	int i;

	for (i = 0; i < RUNS; i++)
		xq_run_destroy(self->run[i]);
	xq_plan_destroy(self->plan);
	xq_queue_destroy(self->queue);
	xq_device_close(self->dev);
}

FIXTURE_SETUP(network)
{
	int i;

	if (getuid())
		SKIP(return, "not root");
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->weights = malloc(WIDTH * WIDTH);
	ASSERT_NE(NULL, self->weights);
	for (i = 0; i < WIDTH * WIDTH; i++)
		self->weights[i] = (int8_t)((i * 2654435761U) >> 24);
	ASSERT_TRUE(node_appears(10000));
	open_device(_metadata, self, "/dev/xqaccel0");
}

FIXTURE_TEARDOWN(network)
{
	close_device(self);
	free(self->weights);
}

/* All runs, and what they give, equal to the software device's. */
static void expect_right(struct __test_metadata *_metadata, FIXTURE_DATA(network) *self)
{
	FIXTURE_DATA(network) soft = { .weights = self->weights };
	int i;

	open_device(_metadata, &soft, "soft");
	for (i = 0; i < RUNS; i++) {
		EXPECT_EQ(0, xq_run_execute(self->run[i], self->queue));
		ASSERT_EQ(0, xq_run_execute(soft.run[i], soft.queue));
		EXPECT_EQ(0, memcmp(xq_run_data(self->run[i], self->output),
				    xq_run_data(soft.run[i], soft.output), BATCH * WIDTH));
	}
	close_device(&soft);
}

TEST_F_TIMEOUT(network, the_same_bits_as_the_software_device, 60)
{
	expect_right(_metadata, self);
}

/*
 * Six layers: one job for the driver, and one interrupt. They are counted over all runs: where the
 * driver's watchdog finds the end of one first, the interrupt comes when the next is under way.
 */
TEST_F_TIMEOUT(network, one_interrupt_a_run, 60)
{
	unsigned long before;
	int i;

	for (i = 0; i < RUNS; i++)
		ASSERT_EQ(0, xq_run_execute(self->run[i], self->queue));
	sleep_ms(100);
	before = interrupts_seen();
	for (i = 0; i < 30; i++)
		ASSERT_EQ(0, xq_run_execute(self->run[i % RUNS], self->queue));
	sleep_ms(100);
	EXPECT_EQ(before + 30, interrupts_seen());
}

TEST_F_TIMEOUT(network, a_device_that_hangs, 60)
{
	int i;

	if (!host_present())
		SKIP(return, "no host that injects faults");
	ASSERT_EQ(0, inject("hang-jobs", 1));
	for (i = 0; i < RUNS; i++)
		ASSERT_EQ(0, xq_run_start(self->run[i], self->queue));
	/* What waited behind the one that hangs may have had its turn. */
	EXPECT_EQ(-ETIMEDOUT, xq_run_wait(self->run[0], -1));
	for (i = 1; i < RUNS; i++) {
		const int err = xq_run_wait(self->run[i], -1);

		EXPECT_TRUE(!err || err == -ETIMEDOUT || err == -ECANCELED);
	}
	ASSERT_EQ(0, inject_nothing());
	expect_right(_metadata, self);
}

static void *unbind(void *address)
{
	usleep(50000);
	return (void *)(intptr_t)driver_unbind(address);
}

TEST_F_TIMEOUT(network, a_device_that_goes, 60)
{
	pthread_t thread;
	void *ret;
	int err = 0, i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, unbind, self->address));
	for (i = 0; i < 1000000 && !err; i++)
		err = xq_run_execute(self->run[i % RUNS], self->queue);
	EXPECT_EQ(-ENODEV, err);
	EXPECT_EQ(-ENODEV, xq_run_execute(self->run[0], self->queue));
	pthread_join(thread, &ret);
	ASSERT_EQ(NULL, ret);
	close_device(self);
	ASSERT_EQ(0, driver_bind_again(self->address));
	open_device(_metadata, self, "/dev/xqaccel0");
	expect_right(_metadata, self);
}

TEST_HARNESS_MAIN
