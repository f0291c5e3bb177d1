// SPDX-License-Identifier: GPL-2.0
/* Reading and comparing tensors of ONNX's test data. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxqaccel/src/model/compile/compile.h"
#include "libxqaccel/src/model/cpu/elements.h"
#include "libxqaccel/src/model/onnx/reader.h"
#include "onnx_tensor.h"

static void *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;
	long size;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (size = ftell(file)) >= 0 && !fseek(file, 0, SEEK_SET)) {
		data = malloc((size_t)size + 1);
		*bytes = data ? fread(data, 1, (size_t)size, file) : 0;
	}
	fclose(file);
	return data;
}

static int take(struct xqm_graph *graph, int number, struct onnx_tensor *t)
{
	struct xqm_value v;
	size_t bytes;
	int err = xqm_value_of(graph, xqm_tensor(graph, number), &v);

	if (err)
		return err;
	t->type = v.type;
	t->dims = v.dims;
	for (unsigned int d = 0; d < v.dims; d++)
		t->dim[d] = (int64_t)v.dim[d];
	t->count = xqm_value_elements(&v);
	bytes = t->count * xqm_value_bytes(&v);
	t->data = malloc(bytes + 1);
	if (!t->data)
		return -ENOMEM;
	if (bytes)
		memcpy(t->data, v.data, bytes);
	return 0;
}

int onnx_tensor_read(const char *path, struct onnx_tensor *t, char *text, size_t room)
{
	struct xqm_graph *graph = xqm_create("test data");
	struct xqo_reader reader = { .graph = graph };
	ProtobufCMessage *message = NULL;
	size_t bytes = 0;
	uint8_t *file = read_file(path, &bytes);
	int err = file ? 0 : -ENOENT;

	*t = (struct onnx_tensor){ 0 };
	if (!err)
		err = onnx_unpack(graph, &onnx__tensor_proto__descriptor, file, bytes, &message);
	reader.file = file;
	if (!err)
		err = xqo_constant(&reader, (const Onnx__TensorProto *)message, "tensor");
	if (err > 0)
		err = take(graph, err, t);
	snprintf(text, room, "%s", graph->error);
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
	xqm_destroy(graph);
	free(file);
	return err;
}

void onnx_tensor_free(struct onnx_tensor *t)
{
	free(t->data);
	t->data = NULL;
}

static bool near(double want, double got, double relative, double absolute)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	return want == got || fabs(want - got) <= absolute + relative * fabs(want);
}

bool onnx_tensor_equal(const struct onnx_tensor *want, const struct xq_model_tensor *is, const void *got, double relative,
		       double absolute, char *text, size_t room)
{
	const struct xqm_value a = { .type = want->type, .data = want->data };
	const struct xqm_value b = { .type = is->type, .data = (void *)got };

	if (want->type != is->type || want->dims != is->dims || memcmp(want->dim, is->dim, want->dims * sizeof(*want->dim))) {
		snprintf(text, room, "type %s and %u dimensions of %lld .. instead of %s and %u of %lld ..",
			 xq_model_type_name(is->type), is->dims, is->dims ? (long long)is->dim[0] : 1,
			 xq_model_type_name(want->type), want->dims, want->dims ? (long long)want->dim[0] : 1);
		return false;
	}
	for (size_t i = 0; i < want->count; i++) {
		if (xqm_class_of(want->type) == XQM_REAL) {
			if (near(xqm_real_at(&a, i), xqm_real_at(&b, i), relative, absolute))
				continue;
			snprintf(text, room, "element %zu is %.9g and not %.9g", i, xqm_real_at(&b, i), xqm_real_at(&a, i));
		} else {
			if (xqm_integer_at(&a, i) == xqm_integer_at(&b, i))
				continue;
			snprintf(text, room, "element %zu is %lld and not %lld", i, (long long)xqm_integer_at(&b, i),
				 (long long)xqm_integer_at(&a, i));
		}
		return false;
	}
	return true;
}
