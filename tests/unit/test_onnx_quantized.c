// SPDX-License-Identifier: GPL-2.0
/*
 * Quantized ONNX networks on the device: the same integers as from the processor, and as from a network of real numbers
 * between DequantizeLinear and QuantizeLinear; with one transposition at each end.
 */
#include <stdlib.h>

#include <xqaccel/model.h>

#include "ktap.h"
#include "onnx_model.h"

#define FLOAT			ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
#define UINT8			ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
#define INT8			ONNX__TENSOR_PROTO__DATA_TYPE__INT8
#define INT32			ONNX__TENSOR_PROTO__DATA_TYPE__INT32

enum { CHANNELS = 8, CLASSES = 5, SIZE = 6, PIXELS = SIZE * SIZE, BATCH = 2, ELEMENTS = BATCH * CHANNELS * PIXELS };

static int8_t weights[2][CHANNELS * CHANNELS * 9];
static int32_t bias[2][CHANNELS];
static float scales[2][CHANNELS], bias_scale[2][CHANNELS], x_scale = 0.05f, c_scale[2] = { 0.11f, 0.07f }, y_scale = 0.13f;
static uint8_t x_zero = 120, c_zero[2] = { 100, 131 }, y_zero = 90;
static int8_t w_zero[CHANNELS];
static int64_t pads[4] = { 1, 1, 1, 1 };
static struct xq_device *dev;

static void numbers(void)
{
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < sizeof(weights[0]); i++)
			weights[k][i] = (int8_t)(ktap_random() % 255 - 127);
		for (int c = 0; c < CHANNELS; c++) {
			scales[k][c] = 0.0004f + 0.0001f * (float)(ktap_random() % 7);
			bias[k][c] = (int32_t)(ktap_random() % 4001) - 2000;
			bias_scale[k][c] = (k ? c_scale[0] : x_scale) * scales[k][c];
		}
	}
}

static const int64_t none[1], channels[1] = { CHANNELS }, kernel[4] = { CHANNELS, CHANNELS, 3, 3 };
static const int64_t image[4] = { BATCH, CHANNELS, SIZE, SIZE };

static void constants(struct onnx_model *m, bool qdq)
{
	model_constant(m, "sx", FLOAT, none, 0, &x_scale, 4);
	model_constant(m, "zx", UINT8, none, 0, &x_zero, 1);
	model_constant(m, "w0", INT8, kernel, 4, weights[0], sizeof(weights[0]));
	model_constant(m, "w1", INT8, kernel, 4, weights[1], sizeof(weights[1]));
	model_constant(m, "sw0", FLOAT, channels, 1, scales[0], sizeof(scales[0]));
	model_constant(m, "sw1", FLOAT, channels, 1, scales[1], sizeof(scales[1]));
	model_constant(m, "zw", INT8, channels, 1, w_zero, sizeof(w_zero));
	model_constant(m, "b0", INT32, channels, 1, bias[0], sizeof(bias[0]));
	model_constant(m, "b1", INT32, channels, 1, bias[1], sizeof(bias[1]));
	model_constant(m, "sc0", FLOAT, none, 0, &c_scale[0], 4);
	model_constant(m, "zc0", UINT8, none, 0, &c_zero[0], 1);
	model_constant(m, "sc1", FLOAT, none, 0, &c_scale[1], 4);
	model_constant(m, "zc1", UINT8, none, 0, &c_zero[1], 1);
	model_constant(m, "sy", FLOAT, none, 0, &y_scale, 4);
	if (qdq) {
		model_constant(m, "sb0", FLOAT, channels, 1, bias_scale[0], sizeof(bias_scale[0]));
		model_constant(m, "sb1", FLOAT, channels, 1, bias_scale[1], sizeof(bias_scale[1]));
	} else {
		model_constant(m, "zy", UINT8, none, 0, &y_zero, 1);
	}
}

/* Two convolutions and the sum of both, quantized. With open_scale one scale is an input, so that no one can look. */
static void quantized(struct onnx_model *m, bool open_scale)
{
	Onnx__NodeProto *node;

	model_start(m);
	model_value(m, "x", UINT8, image, 4, false);
	if (open_scale) {
		model_value(m, "s0", FLOAT, none, 0, false);
		model_value(m, "s1", FLOAT, none, 0, false);
		model_value(m, "s2", FLOAT, none, 0, false);
	}
	model_value(m, "y", UINT8, image, 4, true);
	constants(m, false);
	node = model_node(m, "QLinearConv", (const char *[]){ "x", "sx", "zx", "w0", "sw0", "zw", open_scale ? "s0" : "sc0", "zc0", "b0", NULL },
			  "c0");
	model_ints(m, node, "pads", pads, 4);
	node = model_node(m, "QLinearConv", (const char *[]){ "c0", "sc0", "zc0", "w1", "sw1", "zw", open_scale ? "s1" : "sc1", "zc1", "b1", NULL },
			  "c1");
	model_ints(m, node, "pads", pads, 4);
	node = model_node(m, "QLinearAdd", (const char *[]){ "c0", "sc0", "zc0", "c1", "sc1", "zc1", open_scale ? "s2" : "sy", "zy", NULL }, "y");
	node->domain = "com.microsoft";
}

/* A convolution, pools, and a product, to 5 numbers for each image. */
static void classifier(struct onnx_model *m, bool open_scale)
{
	static int64_t kernel_shape[2] = { 2, 2 }, strides[2] = { 2, 2 };
	static const int64_t matrix[2] = { CHANNELS, CLASSES }, result[2] = { BATCH, CLASSES }, two[1] = { 2 };
	static const int64_t rows[2] = { BATCH, CHANNELS };
	Onnx__NodeProto *node;

	model_start(m);
	model_value(m, "x", UINT8, image, 4, false);
	if (open_scale) {
		model_value(m, "s0", FLOAT, none, 0, false);
		model_value(m, "s1", FLOAT, none, 0, false);
		model_value(m, "s2", FLOAT, none, 0, false);
	}
	model_value(m, "y", UINT8, result, 2, true);
	constants(m, false);
	model_constant(m, "rows", ONNX__TENSOR_PROTO__DATA_TYPE__INT64, two, 1, rows, sizeof(rows));
	model_constant(m, "w", INT8, matrix, 2, weights[1], CHANNELS * CLASSES);
	model_constant(m, "sw", FLOAT, none, 0, &c_scale[1], 4);
	model_constant(m, "z", INT8, none, 0, w_zero, 1);
	node = model_node(m, "QLinearConv", (const char *[]){ "x", "sx", "zx", "w0", "sw0", "zw", open_scale ? "s0" : "sc0", "zc0", "b0", NULL },
			  "c");
	model_ints(m, node, "pads", pads, 4);
	node = model_node(m, "MaxPool", (const char *[]){ "c", NULL }, "p");
	model_ints(m, node, "kernel_shape", kernel_shape, 2);
	model_ints(m, node, "strides", strides, 2);
	node = model_node(m, "QLinearGlobalAveragePool", (const char *[]){ "p", "sc0", "zc0", open_scale ? "s1" : "sc1", "zc1", NULL }, "g");
	node->domain = "com.microsoft";
	model_node(m, "Reshape", (const char *[]){ "g", "rows", NULL }, "r");
	model_node(m, "QLinearMatMul", (const char *[]){ "r", "sc1", "zc1", "w", "sw", "z", open_scale ? "s2" : "sy", "zy", NULL }, "y");
}

/* Runs a model for x; true if it could be done. Counts the operators by their place. */
static bool run(struct onnx_model *m, const uint8_t *x, uint8_t *y, unsigned int *device, unsigned int *moves, unsigned int *cpu)
{
	const float *open[3] = { &c_scale[0], &c_scale[1], &y_scale };
	struct xq_session *session = NULL;
	struct xq_model *model;
	size_t bytes;
	uint8_t *data = model_pack(m, &bytes);
	bool done;

	xq_model_create(&model);
	done = !xq_model_load_memory(model, data, bytes) && !xq_session_create(model, dev, NULL, &session);
	EXPECT(done, "%s", xq_model_error(model));
	done = done && !xq_session_write(session, 0, x);
	for (unsigned int i = 1; done && i < xq_model_inputs(model); i++)
		done = !xq_session_write(session, i, open[i - 1]);
	done = done && !xq_session_run(session) && !xq_session_read(session, 0, y);
	*device = *moves = *cpu = 0;
	for (unsigned int i = 0; done && i < xq_session_operators(session); i++) {
		struct xq_session_operator op;

		xq_session_operator(session, i, &op);
		*moves += !strcmp(op.op.type, "Transpose");
		*device += op.where == XQ_ON_DEVICE;
		*cpu += op.where == XQ_ON_CPU;
	}
	xq_session_destroy(session);
	xq_model_destroy(model);
	free(data);
	return done;
}

static void inputs(uint8_t *x)
{
	for (int i = 0; i < ELEMENTS; i++)
		x[i] = (uint8_t)ktap_random();
}

static void on_device(void)
{
	static uint8_t x[ELEMENTS], device_y[ELEMENTS], cpu_y[ELEMENTS];
	unsigned int device, moves, cpu;
	struct onnx_model m;

	numbers();
	inputs(x);
	if (!EXPECT(!xq_device_open("soft", &dev), "no device"))
		return;
	quantized(&m, false);
	if (run(&m, x, device_y, &device, &moves, &cpu)) {
		EXPECT(!cpu && moves == 2, "%u on the device, %u on the CPU, %u transpositions", device, cpu, moves);
		quantized(&m, true);
		if (run(&m, x, cpu_y, &device, &moves, &cpu))
			EXPECT(cpu == 3 && !memcmp(device_y, cpu_y, ELEMENTS), "the device and the processor differ");
	}
	xq_device_close(dev);
}

static void classes(void)
{
	static uint8_t x[ELEMENTS], device_y[BATCH * CLASSES], cpu_y[BATCH * CLASSES];
	unsigned int device, moves, cpu;
	struct onnx_model m;

	numbers();
	inputs(x);
	if (!EXPECT(!xq_device_open("soft", &dev), "no device"))
		return;
	classifier(&m, false);
	if (run(&m, x, device_y, &device, &moves, &cpu)) {
		EXPECT(!cpu && moves == 2, "%u on the device, %u on the CPU, %u transpositions", device, cpu, moves);
		classifier(&m, true);
		if (run(&m, x, cpu_y, &device, &moves, &cpu))
			EXPECT(cpu >= 3 && !memcmp(device_y, cpu_y, sizeof(cpu_y)), "the device and the processor differ");
	}
	xq_device_close(dev);
}

/* The same network as pairs of DequantizeLinear and QuantizeLinear, of its first convolution only. */
static void pairs(void)
{
	static uint8_t x[ELEMENTS], want[ELEMENTS], got[ELEMENTS];
	unsigned int device, moves, cpu;
	struct onnx_model m;
	Onnx__NodeProto *node;
	int64_t axis_of_weights = 0;

	numbers();
	inputs(x);
	if (!EXPECT(!xq_device_open("soft", &dev), "no device"))
		return;
	model_start(&m);
	model_value(&m, "x", UINT8, image, 4, false);
	model_value(&m, "c0", UINT8, image, 4, true);
	constants(&m, false);
	node = model_node(&m, "QLinearConv", (const char *[]){ "x", "sx", "zx", "w0", "sw0", "zw", "sc0", "zc0", "b0", NULL }, "c0");
	model_ints(&m, node, "pads", pads, 4);
	if (run(&m, x, want, &device, &moves, &cpu)) {
		/* Relu does nothing more than saturate where the zero point is the least code. */
		model_start(&m);
		model_value(&m, "x", UINT8, image, 4, false);
		model_value(&m, "y", UINT8, image, 4, true);
		constants(&m, true);
		model_node(&m, "DequantizeLinear", (const char *[]){ "x", "sx", "zx", NULL }, "fx");
		node = model_node(&m, "DequantizeLinear", (const char *[]){ "w0", "sw0", "zw", NULL }, "fw");
		model_ints(&m, node, "axis", NULL, 0)->has_i = 1;
		node->attribute[0]->i = axis_of_weights;
		node = model_node(&m, "DequantizeLinear", (const char *[]){ "b0", "sb0", NULL }, "fb");
		model_ints(&m, node, "axis", NULL, 0)->has_i = 1;
		node->attribute[0]->i = axis_of_weights;
		node = model_node(&m, "Conv", (const char *[]){ "fx", "fw", "fb", NULL }, "c");
		model_ints(&m, node, "pads", pads, 4);
		model_node(&m, "Relu", (const char *[]){ "c", NULL }, "r");
		model_node(&m, "QuantizeLinear", (const char *[]){ "r", "sc0", "zc0", NULL }, "y");
		if (run(&m, x, got, &device, &moves, &cpu)) {
			for (int i = 0; i < ELEMENTS; i++)
				want[i] = want[i] < c_zero[0] ? c_zero[0] : want[i];
			EXPECT(!cpu && moves == 2 && !memcmp(want, got, ELEMENTS), "%u on the CPU, %u transpositions, or other integers",
			       cpu, moves);
		}
	}
	xq_device_close(dev);
}

/* A file with a byte changed is refused by a sentence, or runs. */
static bool changed(const uint8_t *data, size_t bytes)
{
	static uint8_t x[4096], y[4096];
	struct xq_session *session = NULL;
	struct xq_model_tensor in, out;
	struct xq_model *model;
	bool right;

	xq_model_create(&model);
	right = !xq_model_load_memory(model, data, bytes) && !xq_session_create(model, dev, NULL, &session);
	if (right && !xq_session_input(session, 0, &in) && !xq_session_output(session, 0, &out) && in.type == XQ_U8 &&
	    out.type == XQ_U8 && in.dims == 4 && out.dims == 2 && in.dim[0] * in.dim[1] * in.dim[2] * in.dim[3] <= 4096 &&
	    out.dim[0] * out.dim[1] <= 4096) {
		xq_session_write(session, 0, x);
		if (!xq_session_run(session))
			xq_session_read(session, 0, y);
	}
	right = right || *xq_model_error(model);
	xq_session_destroy(session);
	xq_model_destroy(model);
	return right;
}

static void mutations(void)
{
	struct onnx_model m;
	size_t bytes;
	uint8_t *data;

	numbers();
	if (!EXPECT(!xq_device_open("soft", &dev), "no device"))
		return;
	classifier(&m, false);
	data = model_pack(&m, &bytes);
	for (size_t i = 0; i < bytes; i++) {
		uint8_t kept = data[i];

		data[i] ^= (uint8_t)(1 << ktap_random() % 8);
		EXPECT(changed(data, bytes), "byte %zu: refused without a sentence", i);
		data[i] = kept;
	}
	free(data);
	xq_device_close(dev);
}

KTAP_MAIN({ "quantized operators: device and processor", on_device },
	  { "convolution, pools and product: device and processor", classes },
	  { "pairs of DequantizeLinear and QuantizeLinear", pairs },
	  { "changed bytes", mutations })
