/* SPDX-License-Identifier: GPL-2.0 */
/* Tensors of ONNX's test data: a TensorProto in a file. */
#ifndef XQ_TESTS_VECTORS_ONNX_TENSOR_H
#define XQ_TESTS_VECTORS_ONNX_TENSOR_H

#include <xqaccel/model.h>

/**
 * struct onnx_tensor - one of them
 * @type: enum xq_type or enum xq_model_type
 * @data: unpacked elements, freed by onnx_tensor_free()
 */
struct onnx_tensor {
	int type;
	unsigned int dims;
	int64_t dim[XQ_MODEL_DIMS];
	size_t count;
	void *data;
};

/* 0; -ENOENT there is no such file; or an error with a sentence in text. */
int onnx_tensor_read(const char *path, struct onnx_tensor *t, char *text, size_t room);

void onnx_tensor_free(struct onnx_tensor *t);

/*
 * Compares with what was computed: types and shapes are equal, integers equal, real numbers within
 * absolute + relative * |wanted|. False with a sentence.
 */
bool onnx_tensor_equal(const struct onnx_tensor *want, const struct xq_model_tensor *is, const void *got, double relative,
		       double absolute, char *text, size_t room);

#endif
