// SPDX-License-Identifier: MIT
/*
 * Formats of model files.
 */
#include <string.h>

#include "model.h"
#include "onnx/onnx.h"
#include "tflite/tflite.h"

static const struct xqm_format formats[] = {
	{ "TensorFlow Lite", xqt_is, xqt_read },
	{ "ONNX", xqo_is, xqo_read },
};

const struct xqm_format *xqm_format(const void *data, size_t bytes)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].is(data, bytes))
			return &formats[i];
	return NULL;
}
