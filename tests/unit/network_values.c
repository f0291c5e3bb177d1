// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"
#include "network_random.h"

const enum xq_type case_narrow[8] = { XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_B1 };
const enum xq_type case_requantized[10] = { XQ_S8, XQ_S8, XQ_U8, XQ_S4, XQ_U4, XQ_S2, XQ_U2, XQ_T2, XQ_S16, XQ_U16 };

/* ---- memory and values ------------------------------------------------------------------------------------ */

void *case_memory(struct network_case *c, size_t bytes)
{
	void *block = calloc(1, bytes + 1);

	if (!block || c->blocks == CASE_BLOCKS)
		abort();
	c->block[c->blocks++] = block;
	return block;
}

static bool has(const struct value *v, const enum xq_type *types, size_t count)
{
	while (count--)
		if (types[count] == v->type)
			return true;
	return false;
}

bool case_is_narrow(const struct value *v)
{
	return has(v, case_narrow, sizeof(case_narrow) / sizeof(case_narrow[0]));
}

bool case_is_byte(const struct value *v)
{
	return v->type == XQ_S8 || v->type == XQ_U8;
}

int32_t case_random_value(enum xq_type type)
{
	if (type == XQ_B1)
		return ktap_range(0, 1) ? 1 : -1;
	if (type == XQ_S32)
		return (int32_t)ktap_random() >> ktap_range(0, 24);
	return (int32_t)ktap_range(xq_type_min(type), xq_type_max(type));
}

static float random_float(void)
{
	return (float)(ktap_normal() * pow(2, (double)ktap_range(-6, 6)));
}

void case_set_count(struct value *v)
{
	v->count = 1;
	for (unsigned int i = 0; i < v->dims; i++)
		v->count *= v->dim[i];
}

static void set_memory(struct network_case *c, struct value *v)
{
	case_set_count(v);
	if (v->type == XQ_F32)
		v->f = case_memory(c, v->count * sizeof(float));
	else
		v->q = case_memory(c, v->count * sizeof(int32_t));
}

static int add_tensor(struct network_case *c, const struct value *v, bool shape)
{
	struct xq_network_tensor t = { .type = v->type, .batched = v->batched };
	int id;

	if (v->scales) {
		t.channels = 1;
		t.scale = &v->scale;
		t.zero_point = &v->zp;
	}
	if (shape) {
		t.dims = v->dims;
		memcpy(t.dim, v->dim, sizeof(t.dim));
		if (v->batched)
			t.dim[0] /= c->batch;
	}
	id = xq_network_tensor(c->net, &t);
	EXPECT(id > 0, "%s", xq_network_error(c->net));
	return id;
}

/* A result of an operator; its shape is given now and then only. */
struct value *case_new_value(struct network_case *c, struct value v, bool shape)
{
	struct value *to = &c->value[c->values++];

	*to = v;
	to->q = NULL;
	to->f = NULL;
	to->output = false;
	set_memory(c, to);
	to->id = add_tensor(c, to, shape || !ktap_range(0, 2));
	return to;
}

void case_random_quantization(struct value *v)
{
	v->scales = ktap_range(0, 3);
	v->scale = (float)(ktap_unit() * 0.2 + 1e-3);
	v->zp = 0;
	if (v->scales && v->type != XQ_F32 && v->type != XQ_S32 && v->type != XQ_B1)
		v->zp = case_random_value(v->type);
}

void case_fill(struct value *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->type == XQ_F32)
			v->f[i] = random_float();
		else
			v->q[i] = case_random_value(v->type);
	}
}
/* ---- constants ---------------------------------------------------------------------------------------------- */

/* As unpacked elements lie in memory. */
void case_unpacked(const struct value *v, void *to)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->type == XQ_F32)
			((float *)to)[i] = v->f[i];
		else if (xq_type_unpacked_bytes(v->type) == 1)
			((uint8_t *)to)[i] = (uint8_t)v->q[i];
		else if (xq_type_unpacked_bytes(v->type) == 2)
			((uint16_t *)to)[i] = (uint16_t)v->q[i];
		else
			((int32_t *)to)[i] = v->q[i];
	}
}

/* Elements of a type: of a codebook's, indices. */
static const void *constant_data(struct network_case *c, const struct value *v, enum xq_constant_order *order)
{
	const size_t last = v->dims ? v->dim[v->dims - 1] : 1, row = xq_row_size(v->type, last);
	void *plain = case_memory(c, 4 * v->count), *packed;

	case_unpacked(v, plain);
	*order = (enum xq_constant_order)ktap_range(0, 2);
	if (*order == XQ_UNPACKED || xq_type_bits(v->type) >= 8)
		return plain;
	packed = case_memory(c, 8 * v->count + 8);
	if (*order == XQ_PACKED_ROWS)
		xq_pack(v->type, plain, v->count / last, last, last, packed, row, NULL);
	else
		xq_pack(v->type, plain, 1, v->count, v->count, packed, xq_row_size(v->type, v->count), NULL);
	return packed;
}

/* A constant of random elements; channels is how many scales and zero points. */
void case_add_constant(struct network_case *c, struct value *v, struct xq_network_tensor *t)
{
	set_memory(c, v);
	case_fill(v);
	t->type = v->type;
	t->dims = v->dims;
	memcpy(t->dim, v->dim, sizeof(t->dim));
	t->data = constant_data(c, v, &t->order);
	v->id = xq_network_tensor(c->net, t);
	EXPECT(v->id > 0, "%s", xq_network_error(c->net));
}

struct value case_vector(struct network_case *c, enum xq_type type, size_t count)
{
	struct value v = { .type = type, .dims = 1, .dim = { count } };
	struct xq_network_tensor t = { 0 };

	case_add_constant(c, &v, &t);
	return v;
}
/* ---- requantization ------------------------------------------------------------------------------------------ */

struct xq_requant *case_random_requant(struct network_case *c, enum xq_type type, size_t params, double size)
{
	struct xq_requant *rq = case_memory(c, sizeof(*rq));
	float *scale = case_memory(c, params * sizeof(*scale));
	int32_t *multiplier = case_memory(c, params * sizeof(*multiplier)), *shift = case_memory(c, params * sizeof(*shift));
	int64_t *add = case_memory(c, params * sizeof(*add));

	*rq = (struct xq_requant){
		.profile = (enum xq_requant_profile)ktap_range(0, 3), .type = type, .params = params, .scale = scale,
		.multiplier = multiplier, .shift = shift, .add = ktap_range(0, 1) ? add : NULL,
		.zero_point = (int32_t)ktap_range(xq_type_min(type), xq_type_max(type)), .clamp = ktap_range(0, 1),
	};
	for (size_t i = 0; i < params; i++) {
		const double real = (double)xq_type_max(type) / size * (ktap_unit() + 0.2);

		scale[i] = (float)real;
		xq_quantize_multiplier(real, &multiplier[i], &shift[i]);
		if (rq->profile == XQ_REQUANT_FLOOR_SHIFT) {
			shift[i] = 31 - shift[i] < 63 ? 31 - shift[i] : 63;
			add[i] = ktap_range(-(1LL << 30), 1LL << 30);
		}
	}
	rq->act_min = (int32_t)ktap_range(xq_type_min(type), xq_type_max(type));
	rq->act_max = (int32_t)ktap_range(rq->act_min, xq_type_max(type));
	if (rq->profile == XQ_REQUANT_ONNX)
		rq->multiplier = rq->shift = NULL;
	else
		rq->scale = NULL;
	if (rq->profile != XQ_REQUANT_FLOOR_SHIFT)
		rq->add = NULL;
	return rq;
}
size_t case_divisor(size_t of)
{
	const size_t d = (size_t)ktap_range(1, (int64_t)of);

	return of % d ? 1 : d;
}
