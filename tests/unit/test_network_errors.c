// SPDX-License-Identifier: GPL-2.0
/*
 * What is wrong with a network is told by an errno and a sentence.
 */
#include <errno.h>

#include "network_calls.h"

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

static void grouped_errors(void)
{
	int x, y;

	EXPECT(!xq_network_create(&net), "create");
#define GROUPED(xt, wt, g, scales, ...)	(x = input(xt, 2, 3, 8, 0, 0), y = unknown(XQ_F32),			\
	xq_network_grouped(net, &(struct xq_network_grouped){ .x = x, .w = constant(wt, 2, 5, 8, 0, 0), .y = y, .group = g,	\
							      .w_scales = scales, __VA_ARGS__ }))
#define SCALES(type, n)			constant(type, 2, 5, n, 0, 0)
	CHECK(GROUPED(XQ_F32, XQ_S4, 4, SCALES(XQ_F16, 2)), -EINVAL, "the input");
	CHECK(GROUPED(XQ_S8, XQ_F32, 4, SCALES(XQ_F16, 2)), -EINVAL, "tensor of weights");
	CHECK(GROUPED(XQ_S8, XQ_S4, 0, SCALES(XQ_F16, 2)), -EINVAL, "groups of 0 elements");
	CHECK(GROUPED(XQ_S8, XQ_S4, 3, SCALES(XQ_F16, 2)), -EINVAL, "groups of 3 elements do not divide rows of 8");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_F16, 3)), -EINVAL, "has 15 elements, not 10");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_S32, 2)), -EINVAL, "the weights' scales");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, input(XQ_F32, 2, 5, 2, 0, 0)), -EINVAL, "is no constant");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_F16, 2), .w_minima = SCALES(XQ_F16, 1)), -EINVAL, "has 5 elements, not 10");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_F16, 2), .x_scales = constant(XQ_F32, 1, 5, 0, 0, 0)), -EINVAL,
	      "are 5 elements, not 6");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_F16, 2), .x_scales = constant(XQ_F16, 1, 6, 0, 0, 0)), -EINVAL,
	      "the input's scales");
	CHECK(GROUPED(XQ_S8, XQ_S4, 4, SCALES(XQ_F16, 2), .float_bias = constant(XQ_F32, 1, 4, 0, 0, 0)), -EINVAL, "not 5");
	x = input(XQ_S8, 2, 3, 8, 0, 0);
	REFUSED(xq_network_grouped(net, &(struct xq_network_grouped){ .x = x, .w = x, .group = 4 }), -EINVAL, "no tensor 0 to read");
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
	struct xq_device *device;
	struct xq_plan *plan;
	int x, y, w;

	if (!EXPECT(!xq_device_open(NULL, &device), "no device"))
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
	xq_device_close(device);
}

KTAP_MAIN({ "tensors", tensor_errors }, { "products", product_errors }, { "products by groups", grouped_errors },
	  { "others", other_errors }, { "compiling", compile_errors })
