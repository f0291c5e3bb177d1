// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_case.h"

/* Nor is one whose tensors take more memory, once it is known what operators make. */
#define MOST_BYTES	(1U << 20)

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
	/* A run may fail by what is in tensors, such as an index, but not by what should have been found before. */
	for (k = 0; k < 2; k++) {
		const int err = xq_session_run(s);

		if (err)
			return err == -EDOM ? NULL : "a run failed";
	}
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
	const char *wrong = NULL;
	struct xq_plan_memory m;

	if (xq_session_create(model, dev, NULL, &s))
		return *xq_model_error(model) ? NULL : "a session failed without a sentence";
	/* What an operator makes may be much larger than what it reads, as by padding: nothing of that was touched until here. */
	xq_session_memory(s, &m);
	if (m.inputs + m.outputs + m.activations <= MOST_BYTES) {
		wrong = run(s, model);
		*runs += 1;
	}
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
	if (!wrong && xq_model_tensors(model) && total <= MODEL_CASE_ELEMENTS)
		wrong = prepare(model, dev, &count);
	xq_model_destroy(model);
	if (runs)
		*runs += count;
	return wrong;
}

/* The entry of both readers' fuzzers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xq_device *dev;
	const char *wrong;

	if (!dev && xq_device_open("soft", &dev))
		abort();
	wrong = fuzz_case(dev, data, size);
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
