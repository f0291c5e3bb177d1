// SPDX-License-Identifier: MIT
/*
 * Tensors of a TensorFlow Lite file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* XQ_NONE for what only handles of variables have. */
static int type_of(int64_t type, int *to)
{
	static const int types[] = {
		[TFLITE_FLOAT32] = XQ_F32, [TFLITE_FLOAT16] = XQ_F16, [TFLITE_INT32] = XQ_S32, [TFLITE_UINT8] = XQ_U8,
		[TFLITE_INT64] = XQ_MODEL_S64, [TFLITE_BOOL] = XQ_MODEL_BOOL, [TFLITE_INT16] = XQ_S16,
		[TFLITE_INT8] = XQ_S8, [TFLITE_FLOAT64] = XQ_MODEL_F64, [TFLITE_UINT64] = XQ_MODEL_U64,
		[TFLITE_UINT32] = XQ_MODEL_U32, [TFLITE_UINT16] = XQ_U16, [TFLITE_INT4] = XQ_S4,
	};

	*to = XQ_NONE;
	if (type == TFLITE_RESOURCE)
		return 0;
	if (type < 0 || (uint64_t)type >= sizeof(types) / sizeof(types[0]) || !types[type])
		return -EOPNOTSUPP;
	*to = types[type];
	return 0;
}

static int read_shape(struct xqt_reader *r, const struct xqt_table *from, struct xqm_tensor *t)
{
	const struct xqt_vector v = xqt_vector(from, TENSOR_SHAPE, 4);
	size_t i;

	if (v.count > XQ_MODEL_DIMS)
		return xqm_fail(r->graph, -EOPNOTSUPP, "tensor %.200s at byte %zu has %zu dimensions, the most are %d",
				t->name, from->at, v.count, XQ_MODEL_DIMS);
	t->shape.known = v.count;
	t->shape.dims = (unsigned int)v.count;
	for (i = 0; i < v.count; i++) {
		t->shape.dim[i] = xqt_integer_at(&v, 4, i);
		if (t->shape.dim[i] < 0)
			return xqm_fail(r->graph, -EINVAL, "tensor %.200s at byte %zu has a dimension of %lld elements",
					t->name, from->at, (long long)t->shape.dim[i]);
	}
	return 0;
}

/* Zero points are values of the type. */
static bool is_zero_point(int type, int64_t zp)
{
	if (type < XQ_TYPE_COUNT && xq_type_bits((enum xq_type)type) <= 16)
		return zp >= xq_type_min((enum xq_type)type) && zp <= xq_type_max((enum xq_type)type);
	return zp >= INT32_MIN && zp <= INT32_MAX;
}

static int read_quantization(struct xqt_reader *r, const struct xqt_table *from, struct xqm_tensor *t)
{
	const struct xqt_table q = xqt_child(from, TENSOR_QUANTIZATION);
	const struct xqt_vector scale = xqt_vector(&q, QUANTIZATION_SCALE, sizeof(float));
	const struct xqt_vector zp = xqt_vector(&q, QUANTIZATION_ZERO_POINT, 8);
	const int64_t axis = xqt_integer(&q, QUANTIZATION_DIMENSION, 4, 0);
	float *scales;
	int32_t *zps;
	size_t i;

	if (xqt_integer(&q, QUANTIZATION_DETAILS_TYPE, 1, 0))
		return xqm_fail(r->graph, -EOPNOTSUPP, "tensor %.200s at byte %zu has a quantization of its own kind",
				t->name, from->at);
	if (!scale.count || t->type == XQ_F32 || t->type == XQ_F16)
		return 0;
	if (zp.count && zp.count != 1 && zp.count != scale.count)
		return xqm_fail(r->graph, -EINVAL, "tensor %.200s at byte %zu has %zu scales and %zu zero points", t->name,
				from->at, scale.count, zp.count);
	if (axis < 0 || axis >= XQ_MODEL_DIMS)
		return xqm_fail(r->graph, -EINVAL, "tensor %.200s at byte %zu has scales along dimension %lld", t->name,
				from->at, (long long)axis);
	scales = xqm_alloc(r->graph, scale.count * sizeof(*scales));
	zps = xqm_alloc(r->graph, scale.count * sizeof(*zps));
	if (!scales || !zps)
		return xqm_no_memory(r->graph);
	for (i = 0; i < scale.count; i++) {
		const int64_t z = zp.count ? xqt_integer_at(&zp, 8, zp.count > 1 ? i : 0) : 0;

		if (!is_zero_point(t->type, z))
			return xqm_fail(r->graph, -EINVAL,
					"tensor %.200s at byte %zu has the zero point %lld, which is no value of %s", t->name,
					from->at, (long long)z, xq_model_type_name(t->type));
		scales[i] = xqt_float_at(&scale, i);
		zps[i] = (int32_t)z;
	}
	/* Biases have the axis of their weights in some files. */
	t->quantization = (struct xqm_quantization){ scale.count, t->shape.dims == 1 ? 0 : (unsigned int)axis, scales, zps };
	return 0;
}

/* Where the bytes of a buffer are: in the table, or behind everything else in a file above 2 GiB. */
static int find_buffer(struct xqt_reader *r, const struct xqt_table *from, struct xqm_tensor *t)
{
	const int64_t index = (uint32_t)xqt_integer(from, TENSOR_BUFFER, 4, 0);
	struct xqt_table buffer;
	struct xqt_vector v;
	uint64_t at, bytes;

	if (!index)
		return 0;
	if ((uint64_t)index >= r->buffers.count)
		return xqm_fail(r->graph, -EINVAL, "tensor %.200s at byte %zu is in buffer %lld, the file has %zu", t->name,
				from->at, (long long)index, r->buffers.count);
	buffer = xqt_table_at(&r->buffers, (size_t)index);
	v = xqt_vector(&buffer, BUFFER_DATA, 1);
	at = v.at;
	bytes = v.count;
	if (!bytes && (uint64_t)xqt_integer(&buffer, BUFFER_OFFSET, 8, 0) > 1) {
		at = (uint64_t)xqt_integer(&buffer, BUFFER_OFFSET, 8, 0);
		bytes = (uint64_t)xqt_integer(&buffer, BUFFER_SIZE, 8, 0);
		if (at > r->file.bytes || bytes > r->file.bytes - at)
			return xqm_fail(r->graph, -EINVAL,
					"buffer %lld of tensor %.200s ends past the end of the file, which has %zu bytes",
					(long long)index, t->name, r->file.bytes);
	}
	if (!bytes)
		return 0;
	t->data = r->file.data + at;
	t->bytes = bytes;
	return 0;
}

/* Elements are read as they lie, so they have to lie as their type wants it. */
static int read_constant(struct xqt_reader *r, const struct xqt_table *from, struct xqm_tensor *t)
{
	int err = find_buffer(r, from, t);

	if (err || !t->data)
		return err;
	if (xqt_has(from, TENSOR_SPARSITY))
		return xqm_fail(r->graph, -EOPNOTSUPP, "tensor %.200s at byte %zu is sparse, which is not supported", t->name,
				from->at);
	t->shape.known = true;
	if (t->type == XQ_S4)
		t->order = XQ_PACKED_WHOLE;
	else if (t->type && (uintptr_t)t->data % xq_model_type_bytes(t->type))
		t->data = xqm_keep(r->graph, t->data, t->bytes);
	return t->data ? 0 : xqm_no_memory(r->graph);
}

static int read_tensor(struct xqt_scope *scope, const struct xqt_table *from)
{
	struct xqt_reader *r = scope->reader;
	const int64_t type = xqt_integer(from, TENSOR_TYPE, 1, TFLITE_FLOAT32);
	size_t length;
	const char *name = xqt_string(from, TENSOR_NAME, &length), *kept = xqm_keep_text(r->graph, name, length);
	const int number = kept ? xqm_add_tensor(r->graph, "") : xqm_no_memory(r->graph);
	struct xqm_tensor *t = xqm_tensor(r->graph, number);
	int err;

	if (!t)
		return number;
	t->name = kept;
	if (type_of(type, &t->type))
		return xqm_fail(r->graph, -EOPNOTSUPP, "tensor %.200s at byte %zu is of type %lld%s, which is not supported",
				kept, from->at, (long long)type, type == TFLITE_STRING ? " (strings)" : "");
	err = read_shape(r, from, t);
	if (!err)
		err = read_quantization(r, from, t);
	if (!err)
		err = read_constant(r, from, t);
	return err ? err : r->file.error;
}

int xqt_read_tensors(struct xqt_scope *scope, const struct xqt_table *subgraph)
{
	struct xqt_reader *r = scope->reader;
	const struct xqt_vector v = xqt_vector(subgraph, SUBGRAPH_TENSORS, 4);
	size_t i;
	int err = r->file.error;

	scope->first = (int)r->graph->tensors + 1;
	scope->tensors = v.count;
	for (i = 0; i < v.count && !err; i++) {
		const struct xqt_table t = xqt_table_at(&v, i);

		err = r->file.error ? r->file.error : read_tensor(scope, &t);
	}
	return err;
}
