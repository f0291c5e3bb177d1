// SPDX-License-Identifier: GPL-2.0
/*
 * Networks as a program uses them: memory, several runs at once, memory of the caller's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "libxqaccel/src/network/plan.h"
#include "network_calls.h"
#include "network_case.h"

static struct xq_device *device;

static bool begin(void)
{
	if (!device)
		EXPECT(!xq_device_open(NULL, &device), "no device");
	return device;
}

/* ---- memory between operators ---------------------------------------------------------------------------------- */

#define STEPS	80

/* Each owner writes its number when it begins, and must find it until it ends; what has ended is poisoned. */
static void use_memory(const struct xqn_extent *e, unsigned int count, size_t bytes)
{
	uint8_t *memory = malloc(bytes + 1);

	for (int step = 0; step < STEPS; step++) {
		for (unsigned int i = 0; i < count; i++)
			if (e[i].last == step - 1)
				memset(memory + e[i].offset, 0xff, e[i].bytes);
		for (unsigned int i = 0; i < count; i++)
			if (e[i].first == step)
				memset(memory + e[i].offset, (int)i + 1, e[i].bytes);
		for (unsigned int i = 0; i < count; i++)
			for (size_t b = 0; e[i].first <= step && step <= e[i].last && b < e[i].bytes; b++)
				if (memory[e[i].offset + b] != i + 1) {
					EXPECT(false, "extent %u of %u, byte %zu, step %d", i, count, b, step);
					break;
				}
	}
	free(memory);
}

static void lifetimes(void)
{
	double worst = 0;

	for (int n = 0; n < 1500; n++) {
		const unsigned int count = (unsigned int)ktap_range(0, 60);
		struct xqn_extent e[64];
		size_t live, bytes;
		int step = 0;

		for (unsigned int i = 0; i < count; i++) {
			step += (int)ktap_range(0, 1);
			e[i] = (struct xqn_extent){ .bytes = (size_t)ktap_range(1, ktap_range(0, 3) ? 500 : 10000), .align = 64,
						    .first = step };
			e[i].last = step + 1 + (ktap_range(0, 3) ? 0 : (int)ktap_range(0, 9));
		}
		bytes = xqn_pack_memory(e, count, &live);
		use_memory(e, count, bytes);
		for (unsigned int i = 0; i < count; i++)
			EXPECT(e[i].offset % 64 == 0 && e[i].offset + e[i].bytes <= bytes, "%zu", e[i].offset);
		EXPECT(bytes >= live && (double)bytes <= 1.2 * (double)live, "%zu bytes where %zu live", bytes, live);
		if (count && (double)bytes / (double)live > worst)
			worst = (double)bytes / (double)live;
	}
	printf("# at most %.3f of what lives at once\n", worst);
}

/* So many that they are placed as they come into use: none meets another in place and time. */
static void many_lifetimes(void)
{
	const unsigned int count = 5000;
	struct xqn_extent *e = calloc(count, sizeof(*e));
	double worst = 0;

	for (int n = 0; n < 8; n++) {
		size_t live, bytes;
		int step = 0;

		for (unsigned int i = 0; i < count; i++) {
			step += (int)ktap_range(0, 1);
			e[i] = (struct xqn_extent){ .bytes = (size_t)ktap_range(ktap_range(0, 9) ? 1 : 0, ktap_range(0, 3) ? 500 : 10000),
						    .align = n & 1 && !ktap_range(0, 9) ? 4096 : 64, .first = step };
			e[i].last = step + 1 + (ktap_range(0, 3) ? 0 : (int)ktap_range(0, n < 4 ? 9 : 2000));
		}
		bytes = xqn_pack_memory(e, count, &live);
		for (unsigned int i = 0; i < count; i++) {
			EXPECT(e[i].offset % e[i].align == 0 && e[i].offset + e[i].bytes <= bytes, "%zu", e[i].offset);
			for (unsigned int j = 0; j < i; j++)
				EXPECT(e[i].first > e[j].last || e[j].first > e[i].last || e[i].offset + e[i].bytes <= e[j].offset ||
				       e[j].offset + e[j].bytes <= e[i].offset, "extents %u and %u meet", i, j);
		}
		EXPECT(bytes >= live, "%zu bytes where %zu live", bytes, live);
		/* With pages among them sizes are multiples of these. */
		if (!(n & 1) && (double)bytes / (double)live > worst)
			worst = (double)bytes / (double)live;
	}
	EXPECT(worst < 1.3, "%.3f of what lives at once", worst);
	printf("# at most %.3f of what lives at once\n", worst);
	free(e);
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

#define WIDTH	48
#define RUNS	6

static int calls;

static int add_one(void *arg, const struct xq_network_value *in, const struct xq_network_value *out)
{
	const int8_t *x = in->data;
	int8_t *y = out->data;

	__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < in->dim[0] * in->dim[1]; i++)
		y[i] = (int8_t)(x[i] + 1);
	return arg ? *(int *)arg : 0;
}

/* Sizes that are 0 when they are added up modulo 2^64: of inputs and outputs, of constants, and between operators. */
static void huge(void)
{
	const size_t most = (1U << 31) - 1, half = 1U << 30;
	struct xq_plan *plan;

	for (int kind = 0; kind < 3 && begin(); kind++) {
		int (*const from)(enum xq_type, unsigned int, size_t, size_t, size_t, size_t) = kind == 1 ? constant : input;
		struct xq_network_custom op = { .compute = add_one, .inputs = 2, .outputs = 1 };

		EXPECT(!xq_network_create(&net), "create");
		if (kind == 2) {
			op = (struct xq_network_custom){ .compute = add_one, .outputs = 3, .output = { tensor(XQ_F32, 2, half, most, 0, 0),
							 tensor(XQ_F32, 2, half, most, 0, 0), tensor(XQ_F32, 2, 2, half, 0, 0) } };
			EXPECT(!xq_network_custom(net, &op), "%s", xq_network_error(net));
			op.outputs = 1;
			op.inputs = 3;
			memcpy(op.input, op.output, sizeof(op.input));
			op.output[0] = tensor(XQ_S8, 1, 1, 0, 0, 0);
		} else {
			op.input[0] = from(XQ_F32, 2, half, most, 0, 0);
			op.input[1] = from(XQ_F32, 2, half, most, 0, 0);
			op.input[2] = kind ? constant(XQ_F32, 2, 2, half, 0, 0) : 0;
			op.inputs += (unsigned int)kind;
			op.output[0] = kind ? tensor(XQ_S8, 1, 1, 0, 0, 0) : tensor(XQ_F32, 2, 2, half, 0, 0);
		}
		EXPECT(xq_network_custom(net, &op) >= 0 && !xq_network_output(net, op.output[0]), "%s", xq_network_error(net));
		REFUSED(xq_network_compile(net, device, 1, &plan), -EOVERFLOW, "more memory than there are addresses");
		xq_network_destroy(net);
	}
}

/* A product, the caller's function, and a product; result is returned by the function. */
static struct xq_plan *small_plan(int *result, int *x, int *y)
{
	static int8_t weights[WIDTH * WIDTH];
	const struct xq_requant rq = { .profile = XQ_REQUANT_ONNX, .type = XQ_S8, .params = 1, .scale = (float[]){ 0.01f } };
	struct xq_plan *plan = NULL;
	int w, a, b;

	for (size_t i = 0; i < sizeof(weights); i++)
		weights[i] = (int8_t)(i * 7919 >> 3);
	EXPECT(!xq_network_create(&net), "create");
	*x = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .dims = 2, .dim = { 1, WIDTH }, .batched = true });
	w = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .dims = 2, .dim = { WIDTH, WIDTH }, .data = weights });
	a = unknown(XQ_S8);
	b = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .dims = 2, .dim = { 1, WIDTH }, .batched = true });
	*y = unknown(XQ_S32);
	EXPECT(!xq_network_input(net, *x), "input");
	EXPECT(!xq_network_product(net, &(struct xq_network_product){ .x = *x, .w = w, .y = a, .finish = { .requant = &rq } }), "1");
	EXPECT(xq_network_custom(net, &(struct xq_network_custom){ .inputs = 1, .outputs = 1, .input = { a }, .output = { b },
								   .compute = add_one, .arg = result }) == 1, "2");
	EXPECT(xq_network_product(net, &(struct xq_network_product){ .x = b, .w = w, .y = *y }) == 2, "3");
	EXPECT(!xq_network_output(net, *y), "output");
	EXPECT(!xq_network_compile(net, device, 3, &plan), "%s", xq_network_error(net));
	xq_network_destroy(net);
	return plan;
}

static void fill(struct xq_run *run, int x, int seed)
{
	int8_t *data = xq_run_data(run, x);

	for (int i = 0; i < 3 * WIDTH; i++)
		data[i] = (int8_t)((i + 1) * (seed + 3));
}

/* What a run gives by itself. */
static void alone(const struct xq_plan *plan, struct xq_queue *queue, int x, int y, int seed, int32_t *result)
{
	struct xq_run *run;

	EXPECT(!xq_run_create(plan, &run), "run");
	fill(run, x, seed);
	EXPECT(!xq_run_execute(run, queue), "execute");
	memcpy(result, xq_run_data(run, y), 3 * WIDTH * sizeof(*result));
	xq_run_destroy(run);
}

static void several(void)
{
	int32_t wanted[RUNS][3 * WIDTH];
	struct xq_run *run[RUNS];
	struct xq_queue *queue;
	int x, y, i, ended = 0;
	struct xq_plan *plan = begin() ? small_plan(NULL, &x, &y) : NULL;

	if (!plan)
		return;
	EXPECT(!xq_queue_create(device, NULL, &queue), "queue");
	for (i = 0; i < RUNS; i++) {
		alone(plan, queue, x, y, i, wanted[i]);
		EXPECT(!xq_run_create(plan, &run[i]), "run");
		fill(run[i], x, i);
	}
	for (i = 0; i < RUNS; i++)
		EXPECT(!xq_run_start(run[i], queue), "start");
	EXPECT(xq_run_start(run[0], queue) == -EBUSY && xq_run_bind(run[0], x, NULL, 0) == -EBUSY, "under way");
	/* The last is waited for first, the others are asked now and then. */
	EXPECT(!xq_run_wait(run[RUNS - 1], -1), "wait");
	while (ended < RUNS - 1) {
		i = (int)ktap_range(0, RUNS - 2);
		if (xq_run_wait(run[i], 1000) == 0)
			ended++;
	}
	for (i = 0; i < RUNS; i++) {
		EXPECT(!memcmp(xq_run_data(run[i], y), wanted[i], sizeof(wanted[i])), "run %d", i);
		EXPECT(xq_run_wait(run[i], 0) == -EINVAL, "not started");
	}
	/* One that is destroyed while it is under way. */
	EXPECT(!xq_run_start(run[0], queue), "start");
	for (i = 0; i < RUNS; i++)
		xq_run_destroy(run[i]);
	EXPECT(!xq_queue_pending(queue), "%u left", xq_queue_pending(queue));
	xq_queue_destroy(queue);
	xq_plan_destroy(plan);
}

static void *thread(void *arg)
{
	const struct xq_plan *plan = arg;
	struct xq_queue *queue;
	int32_t mine[3 * WIDTH];

	if (xq_queue_create(device, NULL, &queue))
		return NULL;
	for (int i = 0; i < 20; i++) {
		struct xq_run *run;

		if (xq_run_create(plan, &run))
			return NULL;
		fill(run, 1, 5);
		if (xq_run_execute(run, queue))
			return NULL;
		memcpy(mine, xq_run_data(run, 5), sizeof(mine));
		xq_run_destroy(run);
	}
	xq_queue_destroy(queue);
	return memcpy(malloc(sizeof(mine)), mine, sizeof(mine));
}

/* A plan serves threads, each with a queue of its own. */
static void threads(void)
{
	int32_t wanted[3 * WIDTH];
	struct xq_queue *queue;
	pthread_t id[3];
	int x, y;
	struct xq_plan *plan = begin() ? small_plan(NULL, &x, &y) : NULL;

	if (!plan)
		return;
	EXPECT(x == 1 && y == 5, "%d %d", x, y);
	EXPECT(!xq_queue_create(device, NULL, &queue), "queue");
	alone(plan, queue, x, y, 5, wanted);
	for (int i = 0; i < 3; i++)
		EXPECT(!pthread_create(&id[i], NULL, thread, plan), "thread");
	for (int i = 0; i < 3; i++) {
		void *got = NULL;

		pthread_join(id[i], &got);
		EXPECT(got && !memcmp(got, wanted, sizeof(wanted)), "thread %d", i);
		free(got);
	}
	xq_queue_destroy(queue);
	xq_plan_destroy(plan);
}

static void bound(void)
{
	struct xq_buffer *buf;
	struct xq_queue *queue;
	struct xq_run *run;
	int32_t wanted[3 * WIDTH];
	int x, y;
	struct xq_plan *plan = begin() ? small_plan(NULL, &x, &y) : NULL;

	if (!plan)
		return;
	EXPECT(!xq_queue_create(device, NULL, &queue), "queue");
	alone(plan, queue, x, y, 1, wanted);
	EXPECT(!xq_buffer_create(device, 8192, &buf) && !xq_run_create(plan, &run), "memory");
	EXPECT(xq_run_bind(run, x, buf, 8192 - 64) == -ERANGE && xq_run_bind(run, x, buf, 1 << 20) == -ERANGE, "past the end");
	EXPECT(xq_run_bind(run, x, buf, 63) == -EINVAL && xq_run_bind(run, x + 1, buf, 0) == -EINVAL, "no such place");
	EXPECT(!xq_run_bind(run, x, buf, 64) && !xq_run_bind(run, y, buf, 4096), "bind");
	EXPECT(xq_run_data(run, x) == (char *)xq_buffer_data(buf) + 64, "where it is");
	fill(run, x, 1);
	EXPECT(!xq_run_execute(run, queue), "execute");
	EXPECT(!memcmp((char *)xq_buffer_data(buf) + 4096, wanted, sizeof(wanted)), "in the caller's memory");
	EXPECT(!xq_run_bind(run, x, NULL, 0) && xq_run_data(run, x) != (char *)xq_buffer_data(buf) + 64, "back");
	xq_run_destroy(run);
	xq_buffer_destroy(buf);
	xq_queue_destroy(queue);
	xq_plan_destroy(plan);
}

static void told(void)
{
	struct xq_run_profile all, one;
	struct xq_plan_operator op;
	struct xq_network_value value;
	struct xq_plan_memory memory;
	struct xq_queue *queue;
	struct xq_run *run;
	int result = -ENOTRECOVERABLE, x, y;
	struct xq_plan *plan = begin() ? small_plan(&result, &x, &y) : NULL;

	if (!plan)
		return;
	EXPECT(xq_plan_operators(plan) == 3 && xq_plan_operator(plan, 3, &op) == -EINVAL, "three operators");
	EXPECT(!xq_plan_operator(plan, 1, &op) && op.where == XQ_ON_CPU && !op.jobs && !strcmp(op.name, "1"), "the caller's");
	EXPECT(!xq_plan_operator(plan, 2, &op) && op.where == XQ_ON_DEVICE && op.jobs == 1, "%d, %u jobs", op.where, op.jobs);
	EXPECT(xq_plan_value(plan, x, &value) == 3 * WIDTH && value.dims == 2 && value.dim[0] == 3, "with the batch");
	EXPECT(!xq_plan_value(plan, 77, &value) && !xq_plan_value(plan, 0, &value), "no such tensor");
	xq_plan_memory(plan, &memory);
	EXPECT(memory.inputs == 3 * WIDTH && memory.outputs == 12 * WIDTH && memory.weights >= 2 * WIDTH * WIDTH, "%zu", memory.weights);
	EXPECT(!xq_queue_create(device, NULL, &queue) && !xq_run_create(plan, &run), "run");
	EXPECT(xq_run_execute(run, queue) == -ENOTRECOVERABLE, "the function's error");
	result = -EAGAIN;
	EXPECT(xq_run_execute(run, queue) == -EBUSY && xq_run_wait(run, 0) == -EINVAL, "one that would say that the run goes on");
	result = 0;
	EXPECT(!xq_run_execute(run, queue), "after an error");
	EXPECT(!xq_run_profile(run, -1, &all) && all.macs == 2 * 3 * WIDTH * WIDTH, "%llu", (unsigned long long)all.macs);
	EXPECT(!xq_run_profile(run, 2, &one) && one.macs == 3 * WIDTH * WIDTH && one.bytes && one.device_ns < all.device_ns, "one");
	EXPECT(xq_run_profile(run, 3, &one) == -EINVAL && xq_run_profile(run, -2, &one) == -EINVAL, "no such operator");
	EXPECT(xq_run_write(run, y, &one) == -EINVAL && xq_run_read(run, x, &one) == -EINVAL, "the wrong way");
	xq_run_destroy(run);
	xq_queue_destroy(queue);
	xq_plan_destroy(plan);
}

static void end(void)
{
	xq_device_close(device);
}

KTAP_MAIN({ "memory by lifetimes", lifetimes }, { "many lifetimes", many_lifetimes }, { "sizes that wrap", huge },
	  { "several runs on one queue", several },
	  { "one plan, several threads", threads }, { "memory of the caller", bound }, { "what is told", told },
	  { "the end", end })
