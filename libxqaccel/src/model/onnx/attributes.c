// SPDX-License-Identifier: MIT
/*
 * Attributes of nodes.
 */
#include <errno.h>
#include <string.h>

#include "libxqaccel/src/model/cpu/elements.h"
#include "reader.h"

const Onnx__AttributeProto *xqo_attribute(const struct xqo_node *node, const char *name)
{
	for (size_t i = 0; i < node->proto->n_attribute; i++) {
		const Onnx__AttributeProto *a = node->proto->attribute[i];

		if (a->name && !strcmp(a->name, name))
			return a;
	}
	return NULL;
}

static void mistyped(struct xqo_node *node, const char *name, const char *type)
{
	if (!node->error)
		node->error = xqo_refuse(node, -EINVAL, "attribute %s is no %s", name, type);
}

int64_t xqo_int(struct xqo_node *node, const char *name, int64_t otherwise)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, name);

	if (a && !a->has_i)
		mistyped(node, name, "integer");
	return a && a->has_i ? a->i : otherwise;
}

float xqo_float(struct xqo_node *node, const char *name, float otherwise)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, name);

	if (a && !a->has_f)
		mistyped(node, name, "number");
	return a && a->has_f ? a->f : otherwise;
}

const int64_t *xqo_ints(struct xqo_node *node, const char *name, size_t *count)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, name);

	if (a && !a->n_ints && (a->has_i || a->has_f || a->has_s || a->t))
		mistyped(node, name, "list of integers");
	*count = a ? a->n_ints : 0;
	return a ? a->ints : NULL;
}

bool xqo_text_is(struct xqo_node *node, const char *name, const char *otherwise, const char *text)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, name);

	if (!a)
		return !strcmp(otherwise, text);
	if (!a->has_s) {
		mistyped(node, name, "text");
		return false;
	}
	return a->s.len == strlen(text) && !memcmp(a->s.data, text, a->s.len);
}

int xqo_ints_operand(struct xqo_node *node, const char *name)
{
	const Onnx__AttributeProto *a = xqo_attribute(node, name);
	size_t count;
	const int64_t *ints = xqo_ints(node, name, &count);

	if (!a)
		return 0;
	if (count > 4 * XQ_MODEL_DIMS && strcmp(name, "split"))
		return xqo_refuse(node, -EINVAL, "attribute %s has %zu numbers", name, count);
	return xqm_add_integers(node->graph, "", ints, (unsigned int)count);
}

int xqo_number_operand(struct xqo_node *node, int type, double value)
{
	int number = xqo_between(node, type);
	void *data = xqm_alloc(node->graph, 8);
	struct xqm_value v = { .type = type, .data = data };

	if (number < 0 || !data)
		return xqm_no_memory(node->graph);
	xqm_store_real(&v, 0, 1, &value);
	xqm_tensor(node->graph, number)->shape.known = true;
	xqm_tensor(node->graph, number)->data = data;
	xqm_tensor(node->graph, number)->bytes = xq_model_type_bytes(type);
	return number;
}
