// SPDX-License-Identifier: MIT
/* ONNX Runtime on its own kernels for processors, with all optimizations of graphs. */
#include <dlfcn.h>

#include <onnxruntime/onnxruntime_c_api.h>

#include "../frame.h"
#include "runtime.h"

#define MOST_OUTPUTS	8

static const OrtApi *api;
static OrtSession *session;
static OrtValue *input[FRAME_INPUTS], *output[MOST_OUTPUTS];
static char *input_name[FRAME_INPUTS], *output_name[MOST_OUTPUTS];
static size_t inputs, outputs;

static void check(OrtStatus *status)
{
	if (status)
		fail("ONNX Runtime", api->GetErrorMessage(status));
}

static void fill(OrtValue *value, ONNXTensorElementDataType type, size_t elements)
{
	void *data;

	check(api->GetTensorMutableData(value, &data));
	if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
		frame_fill_floats(data, elements);
	else if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64)
		for (size_t i = 0; i < elements; i++)
			((int64_t *)data)[i] = FRAME_RATE;
	else
		frame_fill_bytes(data, elements);
}

static void make_input(size_t i, const char *text, OrtAllocator *allocator)
{
	const OrtTensorTypeAndShapeInfo *tensor;
	ONNXTensorElementDataType type;
	struct frame_shape shape;
	OrtTypeInfo *info;
	size_t elements = 1, dims;

	check(api->SessionGetInputName(session, i, allocator, &input_name[i]));
	check(api->SessionGetInputTypeInfo(session, i, &info));
	check(api->CastTypeInfoToTensorInfo(info, &tensor));
	check(api->GetTensorElementType(tensor, &type));
	frame_shape(text, &shape);
	if (!shape.dims) {
		check(api->GetDimensionsCount(tensor, &dims));
		if (dims > FRAME_DIMS)
			fail("ONNX Runtime", "an input has too many dimensions");
		shape.dims = (unsigned int)dims;
		check(api->GetDimensions(tensor, shape.dim, dims));
	}
	for (unsigned int d = 0; d < shape.dims; d++) {
		shape.dim[d] = shape.dim[d] < 0 ? 1 : shape.dim[d];
		elements *= (size_t)shape.dim[d];
	}
	check(api->CreateTensorAsOrtValue(allocator, shape.dim, shape.dims, type, &input[i]));
	fill(input[i], type, elements);
}

static void load(const char *path, char **shapes, int count)
{
	void *library = dlopen(ONNXRUNTIME_PATH, RTLD_NOW);
	const OrtApiBase *(*base)(void) =
		library ? (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase") : NULL;
	OrtSessionOptions *options;
	OrtAllocator *allocator;
	OrtEnv *env;

	if (!base)
		fail("ONNX Runtime", dlerror());
	api = base()->GetApi(ORT_API_VERSION);
	check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &env));
	check(api->CreateSessionOptions(&options));
	check(api->SetIntraOpNumThreads(options, 1));
	check(api->SetInterOpNumThreads(options, 1));
	check(api->CreateSession(env, path, options, &session));
	check(api->GetAllocatorWithDefaultOptions(&allocator));
	check(api->SessionGetInputCount(session, &inputs));
	check(api->SessionGetOutputCount(session, &outputs));
	if (inputs > FRAME_INPUTS || outputs > MOST_OUTPUTS)
		fail(path, "too many inputs or outputs");
	for (size_t i = 0; i < inputs; i++)
		make_input(i, i < (size_t)count ? shapes[i] : NULL, allocator);
	for (size_t i = 0; i < outputs; i++)
		check(api->SessionGetOutputName(session, i, allocator, &output_name[i]));
	/* Outputs are made by the first run, and used again. */
	check(api->Run(session, NULL, (const char *const *)input_name,
		       (const OrtValue *const *)input, inputs, (const char *const *)output_name,
		       outputs, output));
}

static void run(void)
{
	check(api->Run(session, NULL, (const char *const *)input_name,
		       (const OrtValue *const *)input, inputs, (const char *const *)output_name,
		       outputs, output));
}

static const void *result(size_t *bytes)
{
	OrtTensorTypeAndShapeInfo *info;
	ONNXTensorElementDataType type;
	void *data;

	check(api->GetTensorTypeAndShape(output[0], &info));
	check(api->GetTensorShapeElementCount(info, bytes));
	check(api->GetTensorElementType(info, &type));
	if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
		*bytes *= sizeof(float);
	check(api->GetTensorMutableData(output[0], &data));
	return data;
}

const struct runtime onnxruntime = { "ONNX Runtime", load, run, result };
