/* SPDX-License-Identifier: MIT */
/*
 * ONNX files as protobuf-c unpacks them, with raw data of tensors left in the file. Internal.
 */
#ifndef XQ_MODEL_ONNX_PROTO_H
#define XQ_MODEL_ONNX_PROTO_H

#include "libxqaccel/src/model/graph.h"
#include "onnx.pb-c.h"

/* Domain of what ONNX has no operators for: weights of 1 bit and of codebooks. */
#define XQO_DOMAIN	"xqaccel"

/* Messages in messages: graphs in nodes in graphs. */
#define ONNX_DEPTH		48

/**
 * struct onnx_span - what stands in raw_data of an unpacked tensor: where the bytes are in the file
 */
struct onnx_span {
	uint64_t offset, bytes;
};

/*
 * Unpacks a message that is a whole file. Whatever its lengths are, nothing is read beyond it. Sentences go to the
 * graph. 0, -EINVAL, -ENOMEM; the caller frees by protobuf_c_message_free_unpacked(message, NULL).
 */
int onnx_unpack(struct xqm_graph *graph, const ProtobufCMessageDescriptor *type, const uint8_t *file, size_t bytes,
		ProtobufCMessage **message);

/* The span of a tensor that has raw data. */
struct onnx_span onnx_raw(const Onnx__TensorProto *tensor);

#endif
