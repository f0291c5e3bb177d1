/* SPDX-License-Identifier: MIT */
/*
 * The options that requantize the result of a product, and the shape of what comes out.
 */
#ifndef XQ_TOOL_REQUANT_H
#define XQ_TOOL_REQUANT_H

#include <xqaccel/requantize.h>

#include "tensor.h"

/**
 * struct requant - the options as given, and what they mean
 * @rq: filled in by requant_read(), points into the members below
 */
struct requant {
	const char *profile, *x_scale, *w_scale, *y_scale, *multiplier, *shift, *add, *y_zp;
	enum xq_type type;
	int64_t act_min, act_max;
	bool has_min, has_max;

	struct xq_requant rq;
	float *scales;
	int32_t *multipliers, *shifts;
	int64_t *adds;
};

#define REQUANT_OPTIONS(r)										\
	{ "", 0, OPTION_HEADING, NULL, NULL, "Requantization; without it the result is int32:", NULL },	\
	{ "requant", 0, OPTION_WORD, &(r)->profile, "onnx|tflite|tflite-single|floor-shift",		\
	  "whose arithmetic", NULL },									\
	{ "x-scale", 0, OPTION_STRING, &(r)->x_scale, "S", "scale of the left operand (onnx, tflite)", NULL }, \
	{ "w-scale", 0, OPTION_STRING, &(r)->w_scale, "S", "scale of the weights, or one per output channel", NULL }, \
	{ "y-scale", 0, OPTION_STRING, &(r)->y_scale, "S", "scale of the result", NULL },		\
	{ "multiplier", 0, OPTION_STRING, &(r)->multiplier, "M", "int32, or one per channel (tflite, floor-shift)", NULL }, \
	{ "shift", 0, OPTION_STRING, &(r)->shift, "N", "or one per channel; tflite: > 0 is to the left", NULL }, \
	{ "add", 0, OPTION_STRING, &(r)->add, "A", "before the shift, or one per channel (floor-shift)", NULL }, \
	{ "y-zp", 0, OPTION_STRING, &(r)->y_zp, "Z", "zero point of the result, default 0", NULL },	\
	{ "y-type", 0, OPTION_TYPE, &(r)->type, "s8|u8|s4|u4|s16", "default s8", NULL },			\
	{ "act-min", 0, OPTION_INT, &(r)->act_min, "V", "least value of the result", &(r)->has_min },	\
	{ "act-max", 0, OPTION_INT, &(r)->act_max, "V", "greatest value of the result", &(r)->has_max }

/* Whether the options go together; OPTIONS_DONE, or a status after printing. */
int requant_check(const struct requant *r);

/* Reads numbers and files for so many channels. 0, or EXIT_ERROR after printing. */
int requant_read(struct requant *r, size_t channels);

/* Allocates a result of that shape: int32, or the requantized type. 0, or EXIT_ERROR. */
int requant_alloc(const struct requant *r, struct tensor *t, unsigned int ndim, const size_t *dim);

void requant_free(struct requant *r);

#endif
