// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "model_case.h"

/* A model with more elements in its tensors is not run: a few bytes can ask for hours. */
#define MOST_ELEMENTS	20000

static size_t elements(const struct xq_model_tensor *t)
{
	size_t n = 1;
	unsigned int i;

	for (i = 0; i < t->dims; i++)
		n *= t->dim[i] < 0 ? 1 : (size_t)t->dim[i];
	return n;
}

/* Reads all that pointers lead to. */
static size_t ask_tensor(const struct xq_model_tensor *t, size_t *sum)
{
	size_t i;

	*sum += strlen(t->name);
	for (i = 0; i < t->scales; i++)
		*sum += (t->scale[i] > 0) + (size_t)(t->zero_point ? t->zero_point[i] : 0);
	return t->known ? elements(t) : 0;
}

static const char *ask_operator(const struct xq_model_operator *op, unsigned int tensors, size_t *sum)
{
	unsigned int i;

	*sum += strlen(op->type) + strlen(op->name) + strlen(op->place);
	for (i = 0; i < op->inputs; i++)
		if (op->input[i] < 0 || (unsigned int)op->input[i] > tensors)
			return "an operator reads a tensor that is not there";
	for (i = 0; i < op->outputs; i++)
		if (op->output[i] < 0 || (unsigned int)op->output[i] > tensors)
			return "an operator makes a tensor that is not there";
	return NULL;
}

static const char *ask(const struct xq_model *model, size_t *total)
{
	volatile size_t kept;
	size_t sum = 0;
	unsigned int i;

	for (i = 1; i <= xq_model_tensors(model); i++) {
		struct xq_model_tensor t;

		if (xq_model_tensor(model, (int)i, &t))
			return "a tensor can't be asked for";
		*total += ask_tensor(&t, &sum);
	}
	for (i = 0; i < xq_model_operators(model); i++) {
		struct xq_model_operator op;
		const char *wrong = xq_model_operator(model, i, &op) ? "an operator can't be asked for" :
				    ask_operator(&op, xq_model_tensors(model), &sum);

		if (wrong)
			return wrong;
	}
	kept = sum;
	(void)kept;
	return NULL;
}

static const char *run(struct xq_session *s, const struct xq_model *model)
{
	unsigned int i, k;

	for (i = 0; i < xq_model_inputs(model); i++) {
		struct xq_model_tensor t;
		size_t bytes;
		void *x;

		xq_session_input(s, i, &t);
		bytes = elements(&t) * xq_model_type_bytes(t.type);
		x = calloc(bytes + 1, 1);
		for (k = 0; x && k < bytes; k++)
			((uint8_t *)x)[k] = (uint8_t)(k * 41 + 3);
		if (x)
			xq_session_write(s, i, x);
		free(x);
	}
	/* A run may fail, but not by what the check should have found. */
	for (k = 0; k < 2; k++)
		if (xq_session_run(s))
			return "a run failed";
	for (i = 0; i < xq_model_outputs(model); i++) {
		struct xq_model_tensor t;
		void *y;

		xq_session_output(s, i, &t);
		y = malloc(elements(&t) * xq_model_type_bytes(t.type) + 1);
		if (y && xq_session_read(s, i, y))
			return "an output can't be read";
		free(y);
	}
	return NULL;
}

static const char *prepare(struct xq_model *model, struct xq_device *dev, unsigned int *runs)
{
	struct xq_session *s = NULL;
	const char *wrong;

	if (xq_session_create(model, dev, NULL, &s))
		return *xq_model_error(model) ? NULL : "a session failed without a sentence";
	wrong = run(s, model);
	*runs += 1;
	xq_session_destroy(s);
	return wrong;
}

const char *model_case(struct xq_device *dev, const void *data, size_t bytes, unsigned int *runs)
{
	struct xq_model *model;
	const char *wrong = NULL;
	unsigned int count = 0;
	size_t total = 0;

	if (xq_model_create(&model))
		return NULL;
	if (xq_model_load_memory(model, data, bytes))
		wrong = *xq_model_error(model) ? NULL : "a file was refused without a sentence";
	else
		wrong = ask(model, &total);
	if (!wrong && xq_model_tensors(model) && total <= MOST_ELEMENTS)
		wrong = prepare(model, dev, &count);
	xq_model_destroy(model);
	if (runs)
		*runs += count;
	return wrong;
}
