// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a .npy, .npz or safetensors file: refused, or a tensor that is as large as it says. */
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/tools/npy.h"
#include "libxqaccel/tools/tensor_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile double sum = 0;
	struct tensor t;
	size_t i, length;
	char *header;

	if (tensor_parse(data, size, NULL, &t))
		return 0;
	/* What a .npz compresses may be larger. */
	if (t.count * t.bytes > size && memcmp(data, "PK", 2))
		abort();
	for (i = 0; i < t.count; i++)
		sum += tensor_double(&t, i);
	(void)sum;
	header = npy_header(&t, &length);
	free(header);
	tensor_free(&t);
	return 0;
}
