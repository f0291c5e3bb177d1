// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a TensorFlow Lite file: refused with a sentence, or a model that can be asked and, if it is small, run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Other formats have a fuzzer of their own. */
const char *fuzz_case(struct xq_device *dev, const uint8_t *data, size_t size)
{
	return size < 8 || memcmp(data + 4, "TFL3", 4) ? NULL : model_case(dev, data, size, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xq_device *dev;
	const char *wrong;

	if (!dev && xq_device_open("soft", &dev))
		abort();
	wrong = fuzz_case(dev, data, size);
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
