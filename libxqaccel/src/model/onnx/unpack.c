// SPDX-License-Identifier: MIT
/*
 * Unpacking of a file. protobuf-c copies every field and follows nesting without a limit, so it is given an
 * abridged file: raw data of tensors, which are nearly all of it, are replaced by where they are, and what is
 * nested too deeply or is cut off is refused on the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"

#define RAW_DATA		9	/* field of TensorProto */

enum wire {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_32 = 5,
};

struct abridged {
	struct xqm_graph *graph;
	const uint8_t *file;
	uint8_t *out;
	size_t used, room;
};

static int malformed(struct abridged *a, const uint8_t *at, const char *what)
{
	return xqm_fail(a->graph, -EINVAL, "no ONNX file: %s at byte %zu", what, (size_t)(at - a->file));
}

static int put(struct abridged *a, const void *from, size_t bytes)
{
	if (bytes > a->room - a->used) {
		size_t room = a->room * 2 + bytes;
		uint8_t *out = realloc(a->out, room);

		if (!out)
			return xqm_no_memory(a->graph);
		a->out = out;
		a->room = room;
	}
	memcpy(a->out + a->used, from, bytes);
	a->used += bytes;
	return 0;
}

/* A length of five bytes, whatever it is: the last groups of seven bits may be zero. */
static void set_length(uint8_t *to, size_t length)
{
	for (int i = 0; i < 5; i++, length >>= 7)
		to[i] = (uint8_t)((length & 0x7f) | (i < 4 ? 0x80 : 0));
}

static bool get_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; shift < 70 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type, uint64_t number)
{
	for (unsigned int i = 0; i < type->n_fields; i++) {
		if (type->fields[i].id == number)
			return &type->fields[i];
	}
	return NULL;
}

static int abridge(struct abridged *a, const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end,
		   unsigned int depth);

static int put_message(struct abridged *a, const ProtobufCMessageDescriptor *type, const uint8_t *at, size_t length,
		       unsigned int depth)
{
	static const uint8_t none[5];
	size_t place = a->used;
	int err = put(a, none, sizeof(none));

	if (!err)
		err = abridge(a, type, at, at + length, depth + 1);
	if (err)
		return err;
	if (a->used - place - sizeof(none) > INT32_MAX)
		return malformed(a, at, "a message of more than 2 GiB without its weights");
	set_length(a->out + place, a->used - place - sizeof(none));
	return 0;
}

static int put_span(struct abridged *a, const uint8_t *at, size_t length)
{
	struct onnx_span span = { .offset = (uint64_t)(at - a->file), .bytes = length };
	uint8_t size = sizeof(span);
	int err = put(a, &size, 1);

	return err ? err : put(a, &span, sizeof(span));
}

/* A field with a length: from after its tag on. */
static int put_bytes(struct abridged *a, const ProtobufCMessageDescriptor *type, uint64_t number, const uint8_t **at,
		     const uint8_t *end, unsigned int depth)
{
	const ProtobufCFieldDescriptor *field = field_of(type, number);
	const uint8_t *start = *at;
	uint64_t length;
	int err;

	if (!get_varint(at, end, &length) || length > (uint64_t)(end - *at))
		return malformed(a, start, "a length that goes past the end");
	if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
		err = put_message(a, field->descriptor, *at, length, depth);
	} else if (type == &onnx__tensor_proto__descriptor && number == RAW_DATA) {
		err = put_span(a, *at, length);
	} else {
		err = put(a, start, (size_t)(*at - start) + length);
	}
	*at += length;
	return err;
}

static int abridge(struct abridged *a, const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end,
		   unsigned int depth)
{
	if (depth > ONNX_DEPTH)
		return malformed(a, at, "messages are nested too deeply");
	while (at < end) {
		const uint8_t *start = at, *value;
		uint64_t tag, number;
		int err;

		if (!get_varint(&at, end, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
			return malformed(a, start, "no field");
		err = put(a, start, (size_t)(at - start));
		if (err)
			return err;
		value = at;
		switch (tag & 7) {
		case WIRE_VARINT:
			if (!get_varint(&at, end, &number))
				return malformed(a, start, "a number that goes past the end");
			break;
		case WIRE_64:
		case WIRE_32:
			number = (tag & 7) == WIRE_64 ? 8 : 4;
			if (number > (uint64_t)(end - at))
				return malformed(a, start, "a number that goes past the end");
			at += number;
			break;
		case WIRE_BYTES:
			err = put_bytes(a, type, tag >> 3, &at, end, depth);
			if (err)
				return err;
			continue;
		default:
			return malformed(a, start, "a field of unknown kind");
		}
		err = put(a, value, (size_t)(at - value));
		if (err)
			return err;
	}
	return 0;
}

int onnx_unpack(struct xqm_graph *graph, const ProtobufCMessageDescriptor *type, const uint8_t *file, size_t bytes,
		ProtobufCMessage **message)
{
	struct abridged a = { .graph = graph, .file = file };
	int err = abridge(&a, type, file, file + bytes, 0);

	*message = NULL;
	if (!err && !a.used)
		err = malformed(&a, file, "it is empty");
	if (!err) {
		*message = protobuf_c_message_unpack(type, NULL, a.used, a.out);
		if (!*message)
			err = xqm_fail(graph, -EINVAL, "no ONNX file: a field has not the type that it has in ONNX");
	}
	free(a.out);
	return err;
}

struct onnx_span onnx_raw(const Onnx__TensorProto *tensor)
{
	struct onnx_span span = { 0 };

	if (tensor->has_raw_data && tensor->raw_data.len == sizeof(span))
		memcpy(&span, tensor->raw_data.data, sizeof(span));
	return span;
}
