// SPDX-License-Identifier: MIT
/*
 * Constants of the file: raw bytes where they are, fields of numbers as protobuf had them.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"

/* Constants of less are copied to where they are aligned. */
#define LARGE_BYTES	4096

static const struct {
	const char *name;
	int type;
} types[] = {
	[1] = { "FLOAT", XQ_F32 },
	[2] = { "UINT8", XQ_U8 },
	[3] = { "INT8", XQ_S8 },
	[4] = { "UINT16", XQ_U16 },
	[5] = { "INT16", XQ_S16 },
	[6] = { "INT32", XQ_S32 },
	[7] = { "INT64", XQ_MODEL_S64 },
	[8] = { "STRING", XQ_NONE },
	[9] = { "BOOL", XQ_MODEL_BOOL },
	[10] = { "FLOAT16", XQ_F16 },
	[11] = { "DOUBLE", XQ_MODEL_F64 },
	[12] = { "UINT32", XQ_MODEL_U32 },
	[13] = { "UINT64", XQ_MODEL_U64 },
	[14] = { "COMPLEX64", XQ_NONE },
	[15] = { "COMPLEX128", XQ_NONE },
	[16] = { "BFLOAT16", XQ_BF16 },
	[17] = { "FLOAT8E4M3FN", XQ_MODEL_E4M3 },
	[18] = { "FLOAT8E4M3FNUZ", XQ_NONE },
	[19] = { "FLOAT8E5M2", XQ_MODEL_E5M2 },
	[20] = { "FLOAT8E5M2FNUZ", XQ_NONE },
	[21] = { "UINT4", XQ_U4 },
	[22] = { "INT4", XQ_S4 },
	[23] = { "FLOAT4E2M1", XQ_MODEL_E2M1 },
	[24] = { "FLOAT8E8M0", XQ_NONE },
	[25] = { "UINT2", XQ_U2 },
	[26] = { "INT2", XQ_S2 },
};

#define TYPES			((int32_t)(sizeof(types) / sizeof(types[0])))

int xqo_type(int32_t code)
{
	return code > 0 && code < TYPES ? types[code].type : XQ_NONE;
}

const char *xqo_type_name(int32_t code, char *text, size_t room)
{
	if (code > 0 && code < TYPES)
		snprintf(text, room, "%s", types[code].name);
	else
		snprintf(text, room, "number %d", code);
	return text;
}

/* Bits of an element in raw_data. */
static unsigned int raw_bits(int type)
{
	switch (type) {
	case XQ_S4:
	case XQ_U4:
	case XQ_MODEL_E2M1:
		return 4;
	case XQ_S2:
	case XQ_U2:
		return 2;
	default:
		return 8 * (unsigned int)xq_model_type_bytes(type);
	}
}

static int shape_of(struct xqo_reader *reader, const Onnx__TensorProto *proto, const char *name, struct xqm_shape *shape,
		    uint64_t *elements)
{
	*elements = 1;
	if (proto->n_dims > XQ_MODEL_DIMS)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "constant %.200s has %zu dimensions, the most are %d", name,
				proto->n_dims, XQ_MODEL_DIMS);
	shape->known = true;
	shape->dims = (unsigned int)proto->n_dims;
	for (size_t d = 0; d < proto->n_dims; d++) {
		if (proto->dims[d] < 0 || proto->dims[d] > XQM_MAX_SIZE ||
		    __builtin_mul_overflow(*elements, (uint64_t)proto->dims[d], elements) ||
		    *elements > XQM_MAX_BYTES / 8)
			return xqm_fail(reader->graph, -EOVERFLOW, "constant %.200s has a dimension of %lld elements, which is too large",
					name, (long long)proto->dims[d]);
		shape->dim[d] = proto->dims[d];
	}
	return 0;
}

/* Two elements of 4 bits in a byte become two bytes with a small float's bits. */
static uint8_t *unpack_halves(struct xqm_graph *graph, const uint8_t *from, uint64_t elements)
{
	uint8_t *to = xqm_alloc(graph, elements + 1);

	for (uint64_t i = 0; to && i < elements; i++)
		to[i] = from[i / 2] >> (i % 2 * 4) & 15;
	return to;
}

/*
 * A large matrix, which may be put in another order when a session is made: only who does not do
 * so needs it aligned.
 */
static bool stays_unaligned(const struct xqm_tensor *t)
{
	return t->type == XQ_F32 && t->shape.dims >= 2 && t->bytes >= LARGE_BYTES;
}

static int set_raw(struct xqo_reader *reader, const char *name, struct xqm_tensor *t, const void *data, size_t bytes,
		   uint64_t elements)
{
	uint64_t wanted = (elements * raw_bits(t->type) + 7) / 8;
	size_t align = xq_model_type_bytes(t->type);

	if (bytes != wanted)
		return xqm_fail(reader->graph, -EINVAL, "constant %.200s takes %llu bytes, the file has %zu of it", name,
				(unsigned long long)wanted, bytes);
	t->data = data;
	t->bytes = bytes;
	if (t->type == XQ_MODEL_E2M1) {
		t->data = unpack_halves(reader->graph, data, elements);
		t->bytes = elements;
	} else if (raw_bits(t->type) < 8) {
		t->order = XQ_PACKED_WHOLE;
	} else if ((uintptr_t)data % align && stays_unaligned(t)) {
		t->unaligned = true;
	} else if ((uintptr_t)data % align || !bytes) {
		t->data = bytes ? xqm_keep(reader->graph, data, bytes) : xqm_alloc(reader->graph, 8);
	}
	return t->data ? 0 : xqm_no_memory(reader->graph);
}

/* Numbers of a field: how many, and the value of one as bits of the type. */
struct field {
	size_t count;
	const Onnx__TensorProto *proto;
	int type;
};

static struct field field_of(const Onnx__TensorProto *proto, int type)
{
	struct field f = { 0, proto, type };

	switch (type) {
	case XQ_F32:
		f.count = proto->n_float_data;
		break;
	case XQ_MODEL_F64:
		f.count = proto->n_double_data;
		break;
	case XQ_MODEL_S64:
		f.count = proto->n_int64_data;
		break;
	case XQ_MODEL_U64:
	case XQ_MODEL_U32:
		f.count = proto->n_uint64_data;
		break;
	default:
		f.count = proto->n_int32_data;
	}
	return f;
}

/* Types of less than a byte have several elements in each number, as they would in a byte. */
static void set_elements(const struct field *f, uint64_t elements, unsigned int bits, void *data)
{
	for (uint64_t i = 0; i < elements; i++) {
		unsigned int each = bits < 8 ? 8 / bits : 1;
		uint8_t byte;

		switch (f->type) {
		case XQ_F32:
			((float *)data)[i] = f->proto->float_data[i];
			break;
		case XQ_MODEL_F64:
			((double *)data)[i] = f->proto->double_data[i];
			break;
		case XQ_MODEL_S64:
			((int64_t *)data)[i] = f->proto->int64_data[i];
			break;
		case XQ_MODEL_U64:
			((uint64_t *)data)[i] = f->proto->uint64_data[i];
			break;
		case XQ_MODEL_U32:
			((uint32_t *)data)[i] = (uint32_t)f->proto->uint64_data[i];
			break;
		case XQ_S32:
			((int32_t *)data)[i] = f->proto->int32_data[i];
			break;
		case XQ_S16:
		case XQ_U16:
		case XQ_F16:
		case XQ_BF16:
			((uint16_t *)data)[i] = (uint16_t)f->proto->int32_data[i];
			break;
		case XQ_MODEL_BOOL:
			((uint8_t *)data)[i] = f->proto->int32_data[i] != 0;
			break;
		default:
			byte = (uint8_t)f->proto->int32_data[i / each];
			if (bits < 8)
				byte = (uint8_t)(byte >> (i % each * bits)) & (uint8_t)((1 << bits) - 1);
			if (f->type == XQ_S4 || f->type == XQ_S2)
				byte = (uint8_t)((int8_t)(uint8_t)(byte << (8 - bits)) >> (8 - bits));
			((uint8_t *)data)[i] = byte;
		}
	}
}

static int set_fields(struct xqo_reader *reader, const char *name, struct xqm_tensor *t, const Onnx__TensorProto *proto,
		      uint64_t elements)
{
	struct field f = field_of(proto, t->type);
	unsigned int bits = raw_bits(t->type);
	uint64_t wanted = bits < 8 ? (elements * bits + 7) / 8 : elements;
	void *data;

	if (f.count != wanted)
		return xqm_fail(reader->graph, -EINVAL, "constant %.200s has %llu elements, the file has %zu of them", name,
				(unsigned long long)elements, f.count);
	data = xqm_alloc(reader->graph, elements * xq_model_type_bytes(t->type) + 8);
	if (!data)
		return xqm_no_memory(reader->graph);
	set_elements(&f, elements, bits, data);
	t->data = data;
	t->bytes = elements * xq_model_type_bytes(t->type);
	return 0;
}

int xqo_constant(struct xqo_reader *reader, const Onnx__TensorProto *proto, const char *name)
{
	int32_t code = proto->has_data_type ? proto->data_type : 0;
	int number = xqm_add_tensor(reader->graph, name), err;
	struct onnx_span span = onnx_raw(proto);
	const void *data = reader->file + span.offset;
	struct xqm_tensor *t;
	uint64_t elements;
	size_t bytes;
	char text[32];

	if (number < 0)
		return xqm_no_memory(reader->graph);
	t = xqm_tensor(reader->graph, number);
	t->type = xqo_type(code);
	if (t->type == XQ_NONE)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "constant %.200s is of type %s, which is not known", name,
				xqo_type_name(code, text, sizeof(text)));
	if (proto->segment)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "constant %.200s is in segments", name);
	err = shape_of(reader, proto, name, &t->shape, &elements);
	if (err)
		return err;
	if (proto->has_data_location && proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
		err = xqo_external(reader, proto, &data, &bytes);
		if (!err)
			err = set_raw(reader, name, t, data, bytes, elements);
	} else if (proto->has_raw_data) {
		err = set_raw(reader, name, t, data, span.bytes, elements);
	} else {
		err = set_fields(reader, name, t, proto, elements);
	}
	return err ? err : number;
}

int xqo_value_type(struct xqo_reader *reader, const char *name, const Onnx__TypeProto *type, struct xqm_tensor *to)
{
	const Onnx__TypeProto__Tensor *tensor;
	char text[32];

	if (!type)
		return 0;
	if (type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !type->tensor_type)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "%.200s is no tensor", name);
	tensor = type->tensor_type;
	to->type = xqo_type(tensor->elem_type);
	if (to->type == XQ_NONE && tensor->elem_type)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "tensor %.200s is of type %s, which is not known", name,
				xqo_type_name(tensor->elem_type, text, sizeof(text)));
	if (!tensor->shape)
		return 0;
	if (tensor->shape->n_dim > XQ_MODEL_DIMS)
		return xqm_fail(reader->graph, -EOPNOTSUPP, "tensor %.200s has %zu dimensions, the most are %d", name,
				tensor->shape->n_dim, XQ_MODEL_DIMS);
	to->shape.known = true;
	to->shape.dims = (unsigned int)tensor->shape->n_dim;
	for (size_t d = 0; d < tensor->shape->n_dim; d++) {
		const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[d];

		to->shape.dim[d] = XQM_UNKNOWN;
		if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
			continue;
		if (dim->dim_value < -1 || dim->dim_value > XQM_MAX_SIZE)
			return xqm_fail(reader->graph, -EINVAL, "tensor %.200s has a dimension of %lld elements", name,
					(long long)dim->dim_value);
		to->shape.dim[d] = dim->dim_value;
	}
	return 0;
}
