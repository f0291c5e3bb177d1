// SPDX-License-Identifier: MIT
/*
 * In place of the reader where the library was built without protobuf.
 */
#include <errno.h>

#include "onnx.h"

bool xqo_is(const void *data, size_t bytes)
{
	const uint8_t *file = data;

	return bytes >= 4 && file[0] == 0x08 && file[1] >= 1 && file[1] < 0x80;
}

int xqo_read(struct xqm_graph *graph, const void *data, size_t bytes, const char *path)
{
	(void)data;
	(void)bytes;
	(void)path;
	return xqm_fail(graph, -EOPNOTSUPP, "this library was built without protobuf, so that it reads no ONNX files");
}
