// SPDX-License-Identifier: MIT
/* TensorFlow Lite, with the optimized kernels that it has by default. */
#include <dlfcn.h>

#include <tensorflow/lite/c/c_api.h>

#include "../frame.h"
#include "runtime.h"

#define CALLS(DO) \
	DO(TfLiteModelCreateFromFile) \
	DO(TfLiteInterpreterOptionsCreate) \
	DO(TfLiteInterpreterOptionsSetNumThreads) \
	DO(TfLiteInterpreterCreate) \
	DO(TfLiteInterpreterAllocateTensors) \
	DO(TfLiteInterpreterGetInputTensor) \
	DO(TfLiteInterpreterGetOutputTensor) \
	DO(TfLiteInterpreterInvoke) \
	DO(TfLiteInterpreterGetInputTensorCount) \
	DO(TfLiteTensorType) \
	DO(TfLiteTensorByteSize) \
	DO(TfLiteTensorData)

#define DECLARE(name) static __typeof__(name) *call_##name;
CALLS(DECLARE)

static TfLiteInterpreter *interpreter;

static void load(const char *path, char **shapes, int count)
{
	void *library = dlopen(TFLITE_SONAME, RTLD_NOW);
	TfLiteInterpreterOptions *options;

	(void)shapes;
	(void)count;
	if (!library)
		fail("TensorFlow Lite", dlerror());
#define FIND(name) \
	call_##name = (__typeof__(call_##name))dlsym(library, #name); \
	if (!call_##name) \
		fail("TensorFlow Lite lacks", #name);
	CALLS(FIND)
	options = call_TfLiteInterpreterOptionsCreate();
	call_TfLiteInterpreterOptionsSetNumThreads(options, 1);
	interpreter = call_TfLiteInterpreterCreate(call_TfLiteModelCreateFromFile(path), options);
	if (!interpreter || call_TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk)
		fail(path, "TensorFlow Lite does not take it");
	for (int i = 0; i < call_TfLiteInterpreterGetInputTensorCount(interpreter); i++) {
		TfLiteTensor *t = call_TfLiteInterpreterGetInputTensor(interpreter, i);

		if (call_TfLiteTensorType(t) == kTfLiteFloat32)
			frame_fill_floats(call_TfLiteTensorData(t),
					  call_TfLiteTensorByteSize(t) / sizeof(float));
		else
			frame_fill_bytes(call_TfLiteTensorData(t), call_TfLiteTensorByteSize(t));
	}
}

static void run(void)
{
	if (call_TfLiteInterpreterInvoke(interpreter) != kTfLiteOk)
		fail("TensorFlow Lite", "a run failed");
}

static const void *result(size_t *bytes)
{
	const TfLiteTensor *t = call_TfLiteInterpreterGetOutputTensor(interpreter, 0);

	*bytes = call_TfLiteTensorByteSize(t);
	return call_TfLiteTensorData(t);
}

const struct runtime tflite = { "TensorFlow Lite", load, run, result };
