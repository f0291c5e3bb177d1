// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as an ONNX file: refused with a sentence, or a model whose constants lie in the file or are as large as
 * the file justifies, whose shapes can be found, and which can be asked and, if it is small, run.
 */
#include <errno.h>

#include "libxqaccel/src/model/compile/compile.h"
#include "libxqaccel/src/model/onnx/onnx.h"
#include "model_case.h"

/* Loops are unrolled, and a model of so many operators takes longer than it tells. */
#define MOST_OPERATORS	256

/* Elements of all tensors whose shape is known, or more than are run. */
static size_t elements(const struct xqm_graph *graph)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < graph->tensors && sum <= MODEL_CASE_ELEMENTS; i++) {
		const struct xqm_shape *shape = &graph->tensor[i].shape;
		size_t one = 1;

		for (unsigned int d = 0; shape->known && d < shape->dims && one <= MODEL_CASE_ELEMENTS; d++)
			one *= shape->dim[d] < 0 ? 1 : (size_t)shape->dim[d];
		sum += one;
	}
	return sum;
}

/* What is wrong with the graph by itself; NULL if nothing is. @small: whether it is a model that can be run soon. */
static const char *graph_case(const uint8_t *data, size_t size, bool *small)
{
	struct xqm_graph *graph = xqm_create("ONNX");
	const char *wrong = NULL;
	bool fixed = true;

	*small = false;
	if (!graph)
		return NULL;
	if (xqo_read(graph, data, size, NULL)) {
		wrong = *graph->error ? NULL : "a file was refused without a sentence";
	} else {
		for (unsigned int i = 0; i < graph->tensors; i++) {
			/* What is stored as numbers takes up to 8 bytes for each of the file's. */
			if (graph->tensor[i].bytes > 8 * size + 64)
				wrong = "a constant is larger than the file justifies";
		}
		for (unsigned int i = 0; i < graph->inputs; i++)
			fixed = fixed && xqm_fixed(&xqm_tensor(graph, graph->input[i])->shape);
		if (fixed && xqm_infer(graph) && !*graph->error)
			wrong = "shapes were refused without a sentence";
		*small = elements(graph) <= MODEL_CASE_ELEMENTS && graph->operators <= MOST_OPERATORS;
	}
	xqm_destroy(graph);
	return wrong;
}

const char *fuzz_case(struct xq_device *dev, const uint8_t *data, size_t size)
{
	bool small;
	const char *wrong = graph_case(data, size, &small);

	return wrong || !small ? wrong : model_case(dev, data, size, NULL);
}
