// SPDX-License-Identifier: GPL-2.0
/*
 * Networks as a program uses them: memory, errors and their sentences, several runs at once, memory of the caller's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "libxqaccel/src/network/plan.h"
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

/* ---- sentences ---------------------------------------------------------------------------------------------------- */

static struct xq_network *net;

static int tensor(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type, .dims = dims, .dim = { a, b, c, d } });
}

static int input(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	const int t = tensor(type, dims, a, b, c, d);

	EXPECT(!xq_network_input(net, t), "%s", xq_network_error(net));
	return t;
}

static int unknown(enum xq_type type)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type });
}

static const int32_t zeros[256];

static int constant(enum xq_type type, unsigned int dims, size_t a, size_t b, size_t c, size_t d)
{
	return xq_network_tensor(net, &(struct xq_network_tensor){ .type = type, .dims = dims, .dim = { a, b, c, d },
								   .data = zeros });
}

static void ends(int got, int error, const char *words, int line)
{
	ktap_expect(got == error && strstr(xq_network_error(net), words), __FILE__, "line %d: %d (%s), not %d (%s)", line, got,
		    xq_network_error(net), error, words);
}

/* A call, or the check of what it has made, fails like this. */
#define REFUSED(call, error, words)	ends(call, error, words, __LINE__)
#define CHECK(call, error, words)						\
	do {									\
		EXPECT((call) >= 0, "%s", xq_network_error(net));		\
		EXPECT(!xq_network_output(net, y), "%s", xq_network_error(net));\
		ends(xq_network_check(net), error, words, __LINE__);		\
		xq_network_destroy(net);					\
		EXPECT(!xq_network_create(&net), "create");			\
	} while (0)

static void tensor_errors(void)
{
	const float scale = 1, infinite = 1e38f * 10;
	int x;

	EXPECT(!xq_network_create(&net), "create");
	REFUSED(tensor(XQ_NONE, 1, 1, 0, 0, 0), -EINVAL, "no type");
	REFUSED(tensor(XQ_S8, 7, 1, 1, 1, 1), -EINVAL, "7 dimensions");
	REFUSED(tensor(XQ_S8, 2, 1, 0, 0, 0), -EINVAL, "dimension 1");
	REFUSED(tensor(XQ_S8, 4, 1 << 30, 1 << 30, 1 << 30, 1), -EOVERFLOW, "too large");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .channels = 1 }), -EINVAL, "neither scales");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .scale = &scale }), -EINVAL, "not how many");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .channels = 1, .scale = &infinite }), -EINVAL,
		"no finite number");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .data = zeros }), -EINVAL, "no shape");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .dims = 1, .dim = { 1 }, .data = zeros,
								    .batched = true }), -EINVAL, "grow with the batch");
	REFUSED(constant(XQ_C4, 1, 4, 0, 0, 0), -EINVAL, "no codebook");
	REFUSED(xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .order = 9 }), -EINVAL, "unknown order");
	REFUSED(xq_network_input(net, 77), -EINVAL, "no tensor 77");
	REFUSED(xq_network_input(net, unknown(XQ_S8)), -EINVAL, "has no shape");
	REFUSED(xq_network_input(net, constant(XQ_S8, 1, 4, 0, 0, 0)), -EINVAL, "is a constant");
	x = input(XQ_S8, 2, 2, 4, 0, 0);
	REFUSED(xq_network_input(net, x), -EINVAL, "is one already");
	REFUSED(xq_network_output(net, x), -EINVAL, "made by no operator");
	REFUSED(xq_network_check(net), -EINVAL, "no output");
	REFUSED(xq_network_reshape(net, "r", x, 99), -EINVAL, "reshape r: there is no tensor 99 to write");
	REFUSED(xq_network_reshape(net, "r", 99, x), -EINVAL, "reshape r: there is no tensor 99 to read");
	REFUSED(xq_network_reshape(net, NULL, x, x), -EINVAL, "reshape 0: it writes tensor 3, which is an input");
	REFUSED(xq_network_reshape(net, NULL, tensor(XQ_S8, 1, 8, 0, 0, 0), tensor(XQ_S8, 1, 8, 0, 0, 0)), -EINVAL,
		"made by no operator before");
	REFUSED(xq_network_lookup(net, NULL, x, unknown(XQ_S8), NULL), -EINVAL, "no table");
	REFUSED(xq_network_concat(net, NULL, &x, 0, unknown(XQ_S8), 0), -EINVAL, "0 inputs");
	REFUSED(xq_network_convert(net, &(struct xq_network_convert){ .x = x, .row_scale = unknown(XQ_F32) }), -EINVAL, "no output");
	REFUSED(xq_network_custom(net, &(struct xq_network_custom){ .inputs = 1, .input = { x } }), -EINVAL, "no function");
	REFUSED(xq_network_transpose(net, NULL, x, unknown(XQ_S8), 9, NULL), -EINVAL, "for 9 dimensions");
	xq_network_destroy(net);
}

static void product_errors(void)
{
	const struct xq_requant good = { .profile = XQ_REQUANT_ONNX, .type = XQ_S8, .params = 1, .scale = (float[]){ 1 } };
	struct xq_requant bad = good;
	int x, y;

	EXPECT(!xq_network_create(&net), "create");
#define PRODUCT(xt, wt, yt, ...)	(x = input(xt, 2, 3, 4, 0, 0), y = unknown(yt),			\
	xq_network_product(net, &(struct xq_network_product){ .x = x, .w = constant(wt, 2, 5, 4, 0, 0), .y = y, __VA_ARGS__ }))
	CHECK(PRODUCT(XQ_S16, XQ_S8, XQ_S32), -EINVAL, "is of type s16, not of s8, u8");
	CHECK(PRODUCT(XQ_S8, XQ_F32, XQ_S32), -EINVAL, "second operand");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S8), -EINVAL, "has no scale");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_U8, .finish = { .requant = &good }), -EINVAL, "makes s8, and u8 is wanted");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S32, .finish = { .requant = &good }), -EINVAL, "no use for a requantization");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S8, .finish = { .requant = &good, .bias = constant(XQ_S32, 1, 4, 0, 0, 0) }), -EINVAL,
	      "has 4 elements, not 5");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S8, .finish = { .requant = &good, .bias = constant(XQ_S8, 1, 5, 0, 0, 0) }), -EINVAL,
	      "the bias");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S8, .finish = { .thresholds = constant(XQ_S32, 1, 3, 0, 0, 0) }), -EINVAL,
	      "not 1 to 255");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S8, .finish = { .requant = &good, .float_bias = constant(XQ_F32, 1, 5, 0, 0, 0) }),
	      -EINVAL, "no use for scales of rows");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S4, .finish = { .requant = &good, .table = zeros, .index_type = XQ_S4 }), -EINVAL,
	      "index of its table");
	CHECK(PRODUCT(XQ_S8, XQ_S8, XQ_S32, .w_kn = true), -EINVAL, "does not fit weights");
	bad.scale = (float[]){ 1e38f * 10 };
	x = input(XQ_S8, 2, 3, 4, 0, 0);
	REFUSED(xq_network_product(net, &(struct xq_network_product){
		.x = x, .w = constant(XQ_S8, 2, 5, 4, 0, 0), .y = unknown(XQ_S8), .finish = { .requant = &bad } }), -EDOM,
		"parameters that make no sense");
#define CONVOLUTION(...)	(x = input(XQ_S8, 4, 1, 3, 3, 4), y = unknown(XQ_S32),				\
	xq_network_convolution(net, &(struct xq_network_convolution){ .x = x, .y = y, __VA_ARGS__ }))
	CHECK(CONVOLUTION(.w = constant(XQ_S8, 3, 5, 1, 4, 0)), -EINVAL, "not in the order");
	CHECK(CONVOLUTION(.w = constant(XQ_S8, 4, 5, 1, 1, 3)), -EINVAL, "do not fit 4 input channels");
	CHECK(CONVOLUTION(.w = constant(XQ_S8, 4, 5, 1, 1, 1), .groups = 3), -EINVAL, "3 groups do not divide");
	CHECK(CONVOLUTION(.w = constant(XQ_S8, 4, 5, 4, 1, 4)), -EINVAL, "leave no output");
	xq_network_destroy(net);
}

static void other_errors(void)
{
	int x, y;

	EXPECT(!xq_network_create(&net), "create");
#define ON(type, dims, a, b, c, d)	(x = input(type, dims, a, b, c, d), y = unknown(type))
	CHECK((ON(XQ_S4, 4, 1, 2, 2, 4), xq_network_pool(net, &(struct xq_network_pool){ .x = x, .y = y, .global = true })),
	      -EINVAL, "not of s8, u8");
	CHECK((ON(XQ_S8, 2, 1, 2, 0, 0), xq_network_pool(net, &(struct xq_network_pool){ .x = x, .y = y, .global = true })),
	      -EINVAL, "3 or 4 dimensions");
	CHECK((ON(XQ_S8, 4, 1, 2, 2, 4), xq_network_pool(net, &(struct xq_network_pool){ .x = x, .y = y, .kernel_h = 3, .kernel_w = 1 })),
	      -EINVAL, "leave no output");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_add(net, &(struct xq_network_elementwise){
		.a = x, .b = constant(XQ_S8, 1, 2, 0, 0, 0), .y = y })), -EINVAL, "cannot be broadcast");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_mul(net, &(struct xq_network_elementwise){
		.a = x, .b = constant(XQ_S8, 1, 3, 0, 0, 0), .y = y })), -EINVAL, "has no scale");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_softmax(net, &(struct xq_network_softmax){ .x = x, .y = y, .multiplier = -1 })),
	      -EINVAL, "makes no sense");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_mean(net, &(struct xq_network_mean){ .x = x, .y = y, .first = 2, .count = 1 })),
	      -EINVAL, "no mean over dimensions 2 to 2");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_convert(net, &(struct xq_network_convert){ .x = x, .y = y })), -EINVAL,
	      "has no scale");
	CHECK((x = input(XQ_F32, 2, 2, 3, 0, 0), y = unknown(XQ_S8), xq_network_convert(net, &(struct xq_network_convert){ .x = x, .y = y })),
	      -EINVAL, "no scale above 0");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_transpose(net, NULL, x, y, 2, (unsigned int[]){ 1, 1 })), -EINVAL, "no permutation");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_transpose(net, NULL, x, y, 1, (unsigned int[]){ 0 })), -EINVAL, "for 1 dimensions");
	CHECK((x = input(XQ_S8, 2, 2, 3, 0, 0), y = tensor(XQ_S8, 2, 2, 3, 0, 0),
	       xq_network_slice(net, NULL, x, y, 2, (size_t[]){ 1, 0 }, NULL)), -EINVAL, "past dimension 0");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_concat(net, NULL, (int[]){ x, x }, 2, y, 2)), -EINVAL, "along dimension 2");
	CHECK((ON(XQ_U8, 2, 2, 3, 0, 0), xq_network_pad(net, NULL, x, y, 2, NULL, NULL, 300)), -EINVAL, "no value of u8");
	CHECK((ON(XQ_S8, 2, 2, 3, 0, 0), xq_network_enlarge(net, NULL, x, y, 2, 2)), -EINVAL, "not 4 dimensions");
	CHECK((x = input(XQ_S8, 2, 2, 3, 0, 0), y = tensor(XQ_S8, 1, 5, 0, 0, 0), xq_network_reshape(net, NULL, x, y)), -EINVAL,
	      "not as many elements");
	CHECK((x = input(XQ_S8, 2, 2, 3, 0, 0), y = tensor(XQ_S8, 2, 2, 4, 0, 0), xq_network_pad(net, NULL, x, y, 2, NULL, NULL, 0)),
	      -EINVAL, "has the shape [2, 4], but [2, 3] comes out");
	xq_network_destroy(net);
}

static void compile_errors(void)
{
	static const int8_t five[6] = { 0, 0, 5 };
	struct xq_plan *plan;
	int x, y, w;

	if (!begin())
		return;
	EXPECT(!xq_network_create(&net), "create");
	x = xq_network_tensor(net, &(struct xq_network_tensor){ .type = XQ_S8, .dims = 2, .dim = { 1, 3 }, .batched = true });
	y = unknown(XQ_S32);
	w = xq_network_tensor(net, &(struct xq_network_tensor){ .name = "w", .type = XQ_S2, .dims = 2, .dim = { 2, 3 }, .data = five });
	EXPECT(!xq_network_input(net, x), "input");
	EXPECT(!xq_network_product(net, &(struct xq_network_product){ .name = "p", .x = x, .w = w, .y = y }), "product");
	EXPECT(!xq_network_output(net, y), "output");
	REFUSED(xq_network_compile(net, device, 0, &plan), -EINVAL, "at least one element");
	REFUSED(xq_network_compile(net, device, 1, &plan), -ERANGE, "constant w has a value that is not of type s2");
	REFUSED(xq_network_compile(net, device, 1U << 31, &plan), -EOVERFLOW, "too large for a batch");
	REFUSED(xq_network_compile(net, device, 1U << 25, &plan), -EINVAL, "product p: its sizes are more than the device takes");
	xq_network_destroy(net);
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

KTAP_MAIN({ "memory by lifetimes", lifetimes }, { "sentences: tensors", tensor_errors },
	  { "sentences: products", product_errors }, { "sentences: others", other_errors },
	  { "sentences: compiling", compile_errors }, { "sizes that wrap", huge }, { "several runs on one queue", several },
	  { "one plan, several threads", threads }, { "memory of the caller", bound }, { "what is told", told },
	  { "the end", end })
