// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as an ONNX file: refused with a sentence, or a model whose constants lie in the file or are as large as
 * the file justifies, and whose shapes can be found.
 */
#include <errno.h>
#include <stdlib.h>

#include "libxqaccel/src/model/compile/compile.h"
#include "libxqaccel/src/model/onnx/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xqm_graph *graph = xqm_create("ONNX");
	bool fixed = true;

	if (!graph)
		return 0;
	if (xqo_read(graph, data, size, NULL)) {
		if (!*graph->error)
			abort();
	} else {
		for (unsigned int i = 0; i < graph->tensors; i++) {
			/* What is stored as numbers takes up to 8 bytes for each of the file's. */
			if (graph->tensor[i].bytes > 8 * size + 64)
				abort();
		}
		for (unsigned int i = 0; i < graph->inputs; i++)
			fixed = fixed && xqm_fixed(&xqm_tensor(graph, graph->input[i])->shape);
		if (fixed && xqm_infer(graph) && !*graph->error)
			abort();
	}
	xqm_destroy(graph);
	return 0;
}
