// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a TensorFlow Lite file: refused with a sentence, or a model that can be asked and, if it is small, run. */
#include <string.h>

#include "model_case.h"

/* Other formats have a fuzzer of their own. */
const char *fuzz_case(struct xq_device *dev, const uint8_t *data, size_t size)
{
	return size < 8 || memcmp(data + 4, "TFL3", 4) ? NULL : model_case(dev, data, size, NULL);
}
