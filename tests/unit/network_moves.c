// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "ktap.h"
#include "network_random.h"

/* ---- moves ---------------------------------------------------------------------------------------------------- */

bool random_transpose(struct network_case *c, const struct value *x)
{
	unsigned int order[XQ_NETWORK_DIMS] = { 0, 1, 2, 3, 4, 5 };
	const unsigned int first = x->batched, last = x->dims - (xq_type_bits(x->type) < 8 && x->type == XQ_B1);
	struct value y = *x, *to;

	if (first >= last)
		return false;
	for (unsigned int i = first; i < last; i++) {
		const unsigned int j = (unsigned int)ktap_range(first, last - 1), swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	for (unsigned int i = 0; i < x->dims; i++)
		y.dim[i] = x->dim[order[i]];
	to = case_new_value(c, y, false);
	EXPECT(xq_network_transpose(c->net, NULL, x->id, to->id, x->dims, order) >= 0, "%s", xq_network_error(c->net));
	reference_transpose(x, order, to);
	return true;
}

bool random_slice(struct network_case *c, const struct value *x)
{
	size_t begin[XQ_NETWORK_DIMS] = { 0 }, step[XQ_NETWORK_DIMS] = { 1, 1, 1, 1, 1, 1 };
	const unsigned int last = x->type == XQ_B1 ? x->dims - 1 : x->dims;
	struct value y = *x, *to;

	for (unsigned int i = x->batched; i < last; i++) {
		if (ktap_range(0, 1))
			continue;
		begin[i] = (size_t)ktap_range(0, (int64_t)x->dim[i] - 1);
		step[i] = ktap_range(0, 2) ? 1 : (size_t)ktap_range(1, 3);
		y.dim[i] = (size_t)ktap_range(1, (int64_t)((x->dim[i] - begin[i] + step[i] - 1) / step[i]));
	}
	to = case_new_value(c, y, true);
	EXPECT(xq_network_slice(c->net, NULL, x->id, to->id, x->dims, begin, step) >= 0, "%s", xq_network_error(c->net));
	reference_slice(x, begin, step, to);
	return true;
}

bool random_concat(struct network_case *c, const struct value *x)
{
	const struct value *part[4] = { x };
	const unsigned int axis = (unsigned int)ktap_range(0, x->dims - 1);
	unsigned int count = 1;
	struct value constant[4], y = *x, *to;
	int ids[4];

	if ((x->batched && !axis) || (x->type == XQ_B1 && axis == x->dims - 1))
		return false;
	for (unsigned int i = 0; i < c->values && count < 4; i++) {
		const struct value *v = &c->value[(i + (unsigned int)ktap_range(0, 5)) % c->values];
		bool fits = v->type == x->type && v->dims == x->dims && v->batched == x->batched;

		for (unsigned int d = 0; d < x->dims && fits; d++)
			fits = d == axis || v->dim[d] == x->dim[d];
		if (fits)
			part[count++] = v;
	}
	if (!x->batched && count < 4 && ktap_range(0, 1)) {
		struct xq_network_tensor t = { 0 };

		constant[0] = *x;
		constant[0].dim[axis] = (size_t)ktap_range(1, 5);
		case_add_constant(c, &constant[0], &t);
		part[count++] = &constant[0];
	}
	y.dim[axis] = 0;
	for (unsigned int i = 0; i < count; i++) {
		ids[i] = part[i]->id;
		y.dim[axis] += part[i]->dim[axis];
	}
	case_set_count(&y);
	if (y.count > LARGEST)
		return false;
	to = case_new_value(c, y, false);
	EXPECT(xq_network_concat(c->net, NULL, ids, count, to->id, axis) >= 0, "%s", xq_network_error(c->net));
	reference_concat(part, count, axis, to);
	return true;
}

bool random_pad(struct network_case *c, const struct value *x)
{
	size_t before[XQ_NETWORK_DIMS] = { 0 }, after[XQ_NETWORK_DIMS] = { 0 };
	const unsigned int last = x->type == XQ_B1 ? x->dims - 1 : x->dims;
	const int32_t value = x->type == XQ_F32 ? 0x3f800000 : case_random_value(x->type);
	struct value y = *x, *to;

	for (unsigned int i = x->batched; i < last; i++) {
		before[i] = ktap_range(0, 1) ? 0 : (size_t)ktap_range(0, 3);
		after[i] = ktap_range(0, 1) ? 0 : (size_t)ktap_range(0, 3);
		y.dim[i] += before[i] + after[i];
	}
	case_set_count(&y);
	if (y.count > LARGEST)
		return false;
	to = case_new_value(c, y, false);
	EXPECT(xq_network_pad(c->net, NULL, x->id, to->id, x->dims, before, after, value) >= 0, "%s", xq_network_error(c->net));
	reference_pad(x, before, value, to);
	return true;
}

bool random_enlarge(struct network_case *c, const struct value *x)
{
	const size_t h = (size_t)ktap_range(1, 3), w = (size_t)ktap_range(1, 3);
	struct value y = *x, *to;

	if (x->dims != 4 || x->count * h * w > LARGEST)
		return false;
	y.dim[1] *= h;
	y.dim[2] *= w;
	to = case_new_value(c, y, false);
	EXPECT(xq_network_enlarge(c->net, NULL, x->id, to->id, h, w) >= 0, "%s", xq_network_error(c->net));
	reference_enlarge(x, h, w, to);
	return true;
}

bool random_reshape(struct network_case *c, const struct value *x)
{
	struct value y = *x, *to;
	size_t left = x->count / (x->batched ? c->batch : 1);

	/* Single bits keep rows. */
	if (x->type == XQ_B1) {
		if (x->dims == XQ_NETWORK_DIMS)
			return false;
		memmove(y.dim + 1, y.dim, x->dims * sizeof(*y.dim));
		y.dim[0] = x->batched ? c->batch : 1;
		if (x->batched)
			y.dim[1] /= c->batch;
		y.dims++;
	} else {
		y.dims = (unsigned int)ktap_range(1 + x->batched, 5);
		for (unsigned int i = 0; i < y.dims; i++) {
			size_t d = i + 1 == y.dims ? left : case_divisor(left);

			y.dim[i] = d;
			left /= d;
		}
		if (x->batched)
			y.dim[0] *= c->batch;
	}
	to = case_new_value(c, y, true);
	EXPECT(xq_network_reshape(c->net, NULL, x->id, to->id) >= 0, "%s", xq_network_error(c->net));
	memcpy(x->q ? (void *)to->q : to->f, x->q ? (void *)x->q : x->f, x->count * 4);
	return true;
}
/* ---- operators of the caller ---------------------------------------------------------------------------------- */

/* The bytes of all inputs, the other way round. */
static int reversed(void *arg, const struct xq_network_value *input, const struct xq_network_value *output)
{
	size_t bytes = xq_type_bits(input->type) / 8, elements = 1;

	(void)arg;
	for (unsigned int i = 0; i < input->dims; i++)
		elements *= input->dim[i];
	for (size_t i = 0; i < elements; i++)
		memcpy((char *)output->data + (elements - 1 - i) * bytes, (const char *)input->data + i * bytes, bytes);
	return 0;
}

bool random_custom(struct network_case *c, const struct value *x)
{
	struct xq_network_custom k = { .inputs = 1, .outputs = 1, .input = { x->id }, .compute = reversed };
	struct value *to;

	if (xq_type_bits(x->type) < 8 || ktap_range(0, 1))
		return false;
	to = case_new_value(c, *x, true);
	k.output[0] = to->id;
	EXPECT(xq_network_custom(c->net, &k) >= 0, "%s", xq_network_error(c->net));
	for (size_t i = 0; i < x->count; i++) {
		if (x->q)
			to->q[x->count - 1 - i] = x->q[i];
		else
			to->f[x->count - 1 - i] = x->f[i];
	}
	return true;
}
