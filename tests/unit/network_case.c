// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"
#include "network_case.h"
#include "network_random.h"

unsigned int case_kinds[CASE_KINDS], case_row_values[2];
bool case_zero_points = true;
const char *const case_kind_names[CASE_KINDS] = {
	"product", "convolution", "pool", "sum", "elementwise product", "softmax", "mean", "lookup", "conversion",
	"transposition", "slice", "concatenation", "padding", "enlargement", "reshape", "custom",
	"product by groups",
};

static bool (*const operators[CASE_KINDS])(struct network_case *c, const struct value *x) = {
	random_products, random_convolution, random_pool, random_sum, random_multiply, random_softmax, random_mean,
	random_lookup, random_convert, random_transpose, random_slice, random_concat, random_pad, random_enlarge,
	random_reshape, random_custom, random_grouped,
};

static void add_input(struct network_case *c)
{
	struct value v = { .batched = ktap_range(0, 3), .dims = (unsigned int)ktap_range(2, 4) };

	v.type = ktap_range(0, 1) ? (ktap_range(0, 1) ? XQ_S8 : XQ_U8) : ktap_range(0, 3) ? PICK(case_narrow) : XQ_F32;
	case_random_quantization(&v);
	for (unsigned int i = 0; i < v.dims; i++)
		v.dim[i] = (size_t)ktap_range(1, i ? 9 : 2);
	v.dim[v.dims - 1] = (size_t)ktap_range(1, 20);
	if (v.batched)
		v.dim[0] *= c->batch;
	case_fill(case_new_value(c, v, true));
	EXPECT(!xq_network_input(c->net, c->value[c->values - 1].id), "%s", xq_network_error(c->net));
	c->inputs++;
}

void case_begin(struct network_case *c, size_t batch)
{
	memset(c, 0, sizeof(*c));
	c->batch = batch;
	EXPECT(!xq_network_create(&c->net), "create");
	for (int64_t i = ktap_range(1, 3); i; i--)
		add_input(c);
}

static bool used(const struct network_case *c, unsigned int value)
{
	return c->value[value].output;
}

void case_grow(struct network_case *c, unsigned int count)
{
	unsigned int outputs = 0, tries = 0;

	while (count && tries++ < 400 && c->values + 4 < CASE_VALUES) {
		const unsigned int kind = (unsigned int)ktap_range(0, CASE_KINDS - 1);
		/* Mostly the newest, so that there is depth. */
		const unsigned int x = (unsigned int)ktap_range(ktap_range(0, 2) ? c->values / 2 : 0, c->values - 1);

		const unsigned int first = c->values;

		if (!operators[kind](c, &c->value[x]))
			continue;
		for (unsigned int i = first; i < c->values; i++)
			c->value[i].from = case_kind_names[kind];
		case_kinds[kind]++;
		count--;
	}
	for (unsigned int i = c->inputs; i < c->values; i++) {
		if (used(c, i) || (i + 1 < c->values && ktap_range(0, 3)))
			continue;
		c->value[i].output = true;
		outputs++;
		EXPECT(!xq_network_output(c->net, c->value[i].id), "%s", xq_network_error(c->net));
	}
}

void case_end(struct network_case *c)
{
	xq_network_destroy(c->net);
	while (c->blocks)
		free(c->block[--c->blocks]);
}

void case_write(const struct network_case *c, struct xq_run *run)
{
	for (unsigned int i = 0; i < c->inputs; i++) {
		const struct value *v = &c->value[i];
		void *elements = malloc(4 * v->count + 1);

		case_unpacked(v, elements);
		EXPECT(!xq_run_write(run, v->id, elements), "input %u", i);
		free(elements);
	}
}

static bool value_right(const struct value *v, const struct xq_run *run)
{
	uint8_t *got = malloc(4 * v->count + 1), *wanted = malloc(4 * v->count + 1);
	const size_t bytes = xq_type_unpacked_bytes(v->type);
	bool right = true;

	EXPECT(!xq_run_read(run, v->id, got), "read");
	case_unpacked(v, wanted);
	for (size_t i = 0; i < v->count && right; i++) {
		right = !memcmp(got + i * bytes, wanted + i * bytes, bytes);
		EXPECT(right, "tensor %d, %s of a %s: element %zu of %zu is %d, not %d", v->id,
		       xq_type_name(v->type), v->from, i, v->count, bytes == 1 ? (int8_t)got[i] : bytes == 2 ? ((int16_t *)got)[i] : ((int32_t *)got)[i],
		       bytes == 1 ? (int8_t)wanted[i] : bytes == 2 ? ((int16_t *)wanted)[i] : ((int32_t *)wanted)[i]);
	}
	free(got);
	free(wanted);
	return right;
}

bool case_right(const struct network_case *c, const struct xq_run *run)
{
	for (unsigned int i = c->inputs; i < c->values; i++)
		if (c->value[i].output && !value_right(&c->value[i], run))
			return false;
	return true;
}
