/* SPDX-License-Identifier: MIT */
/*
 * Models from files.
 */
#ifndef XQACCEL_MODEL_H
#define XQACCEL_MODEL_H

#include <xqaccel/run.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Dimensions that a tensor of a model may have. */
#define XQ_MODEL_DIMS		8

/**
 * enum xq_model_type - types that tensors of models have beside those of enum xq_type
 *
 * Unpacked, an element is a byte of 0 or 1 (bool), or 4 or 8 bytes.
 */
enum xq_model_type {
	XQ_MODEL_BOOL = 64,
	XQ_MODEL_U32,
	XQ_MODEL_S64,
	XQ_MODEL_U64,
	XQ_MODEL_F64,
};

/** xq_model_type_name() - of an enum xq_type or enum xq_model_type: "s8", "bool", ...; "?" for none */
const char *xq_model_type_name(int type);

/** xq_model_type_bytes() - bytes of one unpacked element of an enum xq_type or enum xq_model_type; 0 for none */
size_t xq_model_type_bytes(int type);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
