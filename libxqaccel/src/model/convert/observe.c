// SPDX-License-Identifier: MIT
/*
 * A document as a model that runs, whose tensors in between are outputs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

static int fail_model(struct xq_post_training *p, const struct xqc_model *m, int err)
{
	return xqc_fail(p, err, "%s", xq_model_error(m->model)[0] ? xq_model_error(m->model) : strerror(-err));
}

/* Dimensions that the file leaves open are 1. */
static int open_session(struct xq_post_training *p, struct xqc_model *m)
{
	const unsigned int inputs = xq_model_inputs(m->model);
	struct xq_model_shape *shape = calloc(inputs + 1, sizeof(*shape));
	struct xq_session_options options = { .shape = shape };
	int err;

	if (!shape)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	for (unsigned int i = 0; i < inputs; i++) {
		struct xq_model_tensor t;

		xq_model_tensor(m->model, xq_model_input(m->model, i), &t);
		for (unsigned int d = 0; t.known && d < t.dims; d++) {
			shape[i].dims = t.dims;
			shape[i].dim[d] = t.dim[d] < 0 ? 1 : t.dim[d];
		}
	}
	err = xq_session_create(m->model, p->dev, &options, &m->session);
	free(shape);
	return err ? fail_model(p, m, err) : 0;
}

static int make_values(struct xq_post_training *p, struct xqc_model *m)
{
	m->value = calloc(m->outputs + 1, sizeof(*m->value));
	m->count = calloc(m->outputs + 1, sizeof(*m->count));
	if (!m->value || !m->count)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	for (unsigned int i = 0; i < m->outputs; i++) {
		struct xq_model_tensor t;
		size_t count = 1;

		xq_session_output(m->session, i, &t);
		for (unsigned int d = 0; d < t.dims; d++)
			count *= t.dim[d] < 0 ? 0 : (size_t)t.dim[d];
		m->count[i] = t.type == XQ_F32 ? count : 0;
		m->value[i] = malloc(count * xq_model_type_bytes(t.type) + 1);
		if (!m->value[i])
			return xqc_fail(p, -ENOMEM, "there is not enough memory");
	}
	return 0;
}

int xqc_model_open(struct xq_post_training *p, struct xqc_model *m, const char *const *more, unsigned int count)
{
	size_t bytes;
	int err;

	m->packed = xqc_pack(&p->doc, more, count, &bytes);
	if (!m->packed || xq_model_create(&m->model))
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	err = xq_model_load_memory(m->model, m->packed, bytes);
	if (err)
		return fail_model(p, m, err);
	m->outputs = xq_model_outputs(m->model);
	m->first = m->outputs - count;
	err = open_session(p, m);
	return err ? err : make_values(p, m);
}

int xqc_model_run(struct xq_post_training *p, struct xqc_model *m, const void *const *inputs)
{
	int err = 0;

	for (unsigned int i = 0; i < xq_model_inputs(m->model) && !err; i++)
		err = xq_session_write(m->session, i, inputs[i]);
	if (!err)
		err = xq_session_run(m->session);
	for (unsigned int i = 0; i < m->outputs && !err; i++)
		err = xq_session_read(m->session, i, m->value[i]);
	return err ? fail_model(p, m, err) : 0;
}

void xqc_model_close(struct xqc_model *m)
{
	for (unsigned int i = 0; m->value && i < m->outputs; i++)
		free(m->value[i]);
	free(m->value);
	free(m->count);
	xq_session_destroy(m->session);
	xq_model_destroy(m->model);
	free(m->packed);
	*m = (struct xqc_model){ 0 };
}
