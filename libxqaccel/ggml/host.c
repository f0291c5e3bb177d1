// SPDX-License-Identifier: MIT
/* Sums, products, norms, gates, rotations and moves of a few rows of floats. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "host.h"
#include "symbols.h"

/* Elements: beyond, several threads are faster than one that nobody has to wake. */
#define MOST_ELEMENTS	32768

/* A destination may be a source, element by element. */
#define SAME_PLACE	_Pragma("GCC ivdep")

/* One source for every width of vectors. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define VECTORS	__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define VECTORS
#endif

/* For each row of a tensor. */
#define FOR_ROWS(t, i1, i2, i3)						\
	for (int64_t i3 = 0; i3 < (t)->ne[3]; i3++)			\
		for (int64_t i2 = 0; i2 < (t)->ne[2]; i2++)		\
			for (int64_t i1 = 0; i1 < (t)->ne[1]; i1++)

/* ---- ADD, MUL -------------------------------------------------------------------------------------------- */

static bool repeats(const struct xqg_tensor *t, const struct xqg_tensor *in)
{
	int i;

	for (i = 1; i < XQG_DIMS; i++)
		if (!t->ne[i] || in->ne[i] % t->ne[i])
			return false;
	return t->ne[0] == in->ne[0];
}

static bool pairs_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) && xqg_float_rows(op->src[1]) &&
	       repeats(op->src[1], op);
}

VECTORS static void add_row(float *y, const float *a, const float *b, int64_t n)
{
	int64_t i;

	SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = a[i] + b[i];
}

VECTORS static void multiply_row(float *y, const float *a, const float *b, int64_t n)
{
	int64_t i;

	SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = a[i] * b[i];
}

static void compute_pairs(const struct xqg_tensor *op, void (*row)(float *, const float *, const float *, int64_t))
{
	const struct xqg_tensor *b = op->src[1];

	FOR_ROWS(op, i1, i2, i3)
		row((float *)xqg_row(op, i1, i2, i3), (const float *)xqg_row(op->src[0], i1, i2, i3),
		    (const float *)xqg_row(b, i1 % b->ne[1], i2 % b->ne[2], i3 % b->ne[3]), op->ne[0]);
}

/* ---- RMS_NORM ---------------------------------------------------------------------------------------------- */

VECTORS static void norm_row(float *y, const float *x, int64_t n, float epsilon)
{
	float part[16] = { 0 }, factor;
	double sum = 0;
	int64_t i, j;

	for (i = 0; i + 16 <= n; i += 16)
		for (j = 0; j < 16; j++)
			part[j] += x[i + j] * x[i + j];
	for (; i < n; i++)
		sum += (double)x[i] * x[i];
	for (j = 0; j < 16; j++)
		sum += part[j];
	factor = 1 / sqrtf((float)(sum / (double)n) + epsilon);
	SAME_PLACE
	for (i = 0; i < n; i++)
		y[i] = x[i] * factor;
}

static void compute_norm(const struct xqg_tensor *op)
{
	FOR_ROWS(op, i1, i2, i3)
		norm_row((float *)xqg_row(op, i1, i2, i3), (const float *)xqg_row(op->src[0], i1, i2, i3), op->ne[0],
			 xqg_float_param(op, 0));
}

/* ---- GLU ------------------------------------------------------------------------------------------------------ */

#define GLU_SWIGLU	2

/* Gate and value are two tensors, or halves of a row. */
static bool gate_supported(const struct xqg_tensor *op)
{
	return op->op_params[0] == GLU_SWIGLU && xqg_float_rows(op) && xqg_float_rows(op->src[0]) &&
	       (!op->src[1] || xqg_float_rows(op->src[1]));
}

/*
 * e^x for x <= 0, by 2^whole * 2^part: the polynomial is that of the series of 2^part to the seventh power, which is
 * exact to a rounding for |part| <= 1/2. Without a branch, so that loops become vectors.
 */
static inline float power_of_e(float x)
{
	union {
		uint32_t bits;
		float value;
	} scale;
	const float two = x < -87 ? -87 * 1.44269504f : x * 1.44269504f;
	const float whole = (two + 12582912.f) - 12582912.f;
	const float part = (two - whole) * 0.69314718f;
	const float series = 1 + part * (1 + part * (1 / 2.f + part * (1 / 6.f + part * (1 / 24.f + part * (
		1 / 120.f + part * (1 / 720.f + part * (1 / 5040.f)))))));

	scale.bits = (uint32_t)((int32_t)whole + 127) << 23;
	return series * scale.value;
}

VECTORS static void gate_row(float *y, const float *gate, const float *value, int64_t n)
{
	int64_t i;

	SAME_PLACE
	for (i = 0; i < n; i++) {
		const float e = power_of_e(-fabsf(gate[i]));
		const float sigmoid = (gate[i] < 0 ? e : 1) / (1 + e);

		y[i] = gate[i] * sigmoid * value[i];
	}
}

static void compute_gate(const struct xqg_tensor *op)
{
	const struct xqg_tensor *a = op->src[0], *b = op->src[1];
	const bool swapped = op->op_params[1];

	FOR_ROWS(op, i1, i2, i3) {
		const float *gate = (const float *)xqg_row(a, i1, i2, i3);
		const float *value = b ? (const float *)xqg_row(b, i1, i2, i3) : gate + (swapped ? 0 : op->ne[0]);

		gate_row((float *)xqg_row(op, i1, i2, i3), !b && swapped ? gate + op->ne[0] : gate, value, op->ne[0]);
	}
}

/* ---- ROPE ------------------------------------------------------------------------------------------------------ */

#define ROPE_NORMAL	0	/* pairs are neighbours */
#define ROPE_NEOX	2	/* pairs are half of the dimensions apart */

enum { ROPE_DIMS = 1, ROPE_MODE = 2, ROPE_BASE = 5, ROPE_SCALE = 6, ROPE_EXTEND = 7, ROPE_FACTOR = 8,
	ROPE_FIRST = 15 };

static bool rope_supported(const struct xqg_tensor *op)
{
	const int32_t mode = op->op_params[ROPE_MODE], dims = op->op_params[ROPE_DIMS];
	const int32_t first = op->op_params[ROPE_FIRST];
	const struct xqg_tensor *factors = op->src[2];

	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) && op->src[1]->type == XQG_TYPE_I32 &&
	       op->src[1]->ne[0] == op->ne[2] && (mode == ROPE_NORMAL || mode == ROPE_NEOX) && dims % 2 == 0 &&
	       dims > 0 && first >= 0 && first <= op->ne[0] - dims && xqg_float_param(op, ROPE_EXTEND) == 0 &&
	       (!factors || xqg_float_rows(factors));
}

/* The rotations of a position: cosine and sine of each pair. */
static void find_angles(const struct xqg_tensor *op, int32_t position, float *cosine, float *sine)
{
	const int32_t dims = op->op_params[ROPE_DIMS];
	const float step = powf(xqg_float_param(op, ROPE_BASE), -2.f / (float)dims);
	const float *factors = op->src[2] ? op->src[2]->data : NULL;
	float angle = (float)position;
	int32_t i;

	for (i = 0; i < dims / 2; i++, angle *= step) {
		const float turned = xqg_float_param(op, ROPE_SCALE) * (factors ? angle / factors[i] : angle);

		cosine[i] = cosf(turned) * xqg_float_param(op, ROPE_FACTOR);
		sine[i] = sinf(turned) * xqg_float_param(op, ROPE_FACTOR);
	}
}

static void rotate_row(const struct xqg_tensor *op, const float *x, float *y, const float *cosine, const float *sine)
{
	const int32_t dims = op->op_params[ROPE_DIMS];
	const bool apart = op->op_params[ROPE_MODE] == ROPE_NEOX;
	const int32_t next = apart ? dims / 2 : 1, first = op->op_params[ROPE_FIRST];
	int32_t i;

	if (x != y)
		memcpy(y, x, (size_t)first * sizeof(*y));
	for (i = 0; i < dims / 2; i++) {
		const int32_t at = first + (apart ? i : 2 * i);
		const float a = x[at], b = x[at + next];

		y[at] = a * cosine[i] - b * sine[i];
		y[at + next] = a * sine[i] + b * cosine[i];
	}
	if (x != y)
		memcpy(y + first + dims, x + first + dims, (size_t)(op->ne[0] - first - dims) * sizeof(*y));
}

static void compute_rope(const struct xqg_tensor *op)
{
	float cosine[MOST_ELEMENTS / 2], sine[MOST_ELEMENTS / 2];
	int64_t i1, i2, i3;

	for (i2 = 0; i2 < op->ne[2]; i2++) {
		find_angles(op, ((const int32_t *)op->src[1]->data)[i2], cosine, sine);
		for (i3 = 0; i3 < op->ne[3]; i3++)
			for (i1 = 0; i1 < op->ne[1]; i1++)
				rotate_row(op, (const float *)xqg_row(op->src[0], i1, i2, i3),
					   (float *)xqg_row(op, i1, i2, i3), cosine, sine);
	}
}

/* ---- GET_ROWS -------------------------------------------------------------------------------------------- */

static int64_t index_at(const struct xqg_tensor *t, int64_t i0, int64_t i1, int64_t i2)
{
	const uint8_t *at = (const uint8_t *)t->data + (size_t)i0 * t->nb[0] + (size_t)i1 * t->nb[1] +
			    (size_t)i2 * t->nb[2];
	int32_t small;
	int64_t index;

	if (t->type == XQG_TYPE_I64) {
		memcpy(&index, at, sizeof(index));
		return index;
	}
	memcpy(&small, at, sizeof(small));
	return small;
}

/*
 * What expands rows of a quantized tensor, NULL if nothing does: those of a model's words, with
 * which each token begins.
 */
static const struct xqg_type_traits *expander(const struct xqg_tensor *from)
{
	const struct xqg_type_traits *traits = xqg.type_traits ? xqg.type_traits(from->type) : NULL;

	return traits && traits->quantized && traits->expand && traits->bytes == from->nb[0] &&
	       from->ne[0] % traits->elements == 0 ? traits : NULL;
}

static bool get_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && op->src[1]->type == XQG_TYPE_I32 &&
	       (xqg_float_rows(op->src[0]) || expander(op->src[0]));
}

static int compute_get(const struct xqg_tensor *op)
{
	const struct xqg_tensor *from = op->src[0];
	const struct xqg_type_traits *traits = xqg_float_rows(from) ? NULL : expander(from);

	FOR_ROWS(op, i1, i2, i3) {
		const int64_t row = index_at(op->src[1], i1, i2, i3);

		if (row < 0 || row >= from->ne[1])
			return -ERANGE;
		if (traits)
			traits->expand(xqg_row(from, row, i2, i3),
				       (float *)xqg_row(op, i1, i2, i3), op->ne[0]);
		else
			memmove(xqg_row(op, i1, i2, i3), xqg_row(from, row, i2, i3),
				(size_t)op->ne[0] * 4);
	}
	return 0;
}

/* ---- DUP ------------------------------------------------------------------------------------------------- */

static bool dup_supported(const struct xqg_tensor *op)
{
	return xqg_float_rows(op) && xqg_float_rows(op->src[0]) &&
	       !memcmp(op->ne, op->src[0]->ne, sizeof(op->ne));
}

static void compute_dup(const struct xqg_tensor *op)
{
	FOR_ROWS(op, i1, i2, i3)
		memmove(xqg_row(op, i1, i2, i3), xqg_row(op->src[0], i1, i2, i3),
			(size_t)op->ne[0] * 4);
}

/* ---- SET_ROWS -------------------------------------------------------------------------------------------- */

static bool set_supported(const struct xqg_tensor *op)
{
	const int index = op->src[1]->type;

	return xqg_float_rows(op->src[0]) && (index == XQG_TYPE_I32 || index == XQG_TYPE_I64) &&
	       (xqg_float_rows(op) || (op->type == XQG_TYPE_F16 && op->nb[0] == 2));
}

static int compute_set(const struct xqg_tensor *op)
{
	const struct xqg_tensor *from = op->src[0], *index = op->src[1];

	FOR_ROWS(from, i1, i2, i3) {
		const int64_t row = index_at(index, i1, i2 % index->ne[1], i3 % index->ne[2]);

		if (row < 0 || row >= op->ne[1])
			return -ERANGE;
		if (op->type == XQG_TYPE_F16)
			xqg_to_halves((uint16_t *)xqg_row(op, row, i2, i3), (const float *)xqg_row(from, i1, i2, i3),
				      (size_t)from->ne[0]);
		else
			memcpy(xqg_row(op, row, i2, i3), xqg_row(from, i1, i2, i3), (size_t)from->ne[0] * 4);
	}
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------------------------- */

bool xqg_host_supported(const struct xqg_tensor *op)
{
	if (op->op == xqg.op_flash_attn_ext)
		return xqg_attention_supported(op);
	if (op->op == xqg.op_set_rows)
		return xqg_elements(op->src[0]) <= MOST_ELEMENTS && set_supported(op);
	if (xqg_elements(op) > MOST_ELEMENTS)
		return false;
	if (op->op == xqg.op_add || op->op == xqg.op_mul)
		return pairs_supported(op);
	if (op->op == xqg.op_rms_norm)
		return xqg_float_rows(op) && xqg_float_rows(op->src[0]);
	if (op->op == xqg.op_glu)
		return gate_supported(op);
	if (op->op == xqg.op_rope)
		return rope_supported(op);
	if (op->op == xqg.op_dup)
		return dup_supported(op);
	return op->op == xqg.op_get_rows && get_supported(op);
}

int xqg_host_compute(const struct xqg_tensor *op)
{
	if (op->op == xqg.op_flash_attn_ext)
		return xqg_attention(op);
	if (op->op == xqg.op_set_rows)
		return compute_set(op);
	if (op->op == xqg.op_get_rows)
		return compute_get(op);
	if (op->op == xqg.op_add)
		compute_pairs(op, add_row);
	else if (op->op == xqg.op_mul)
		compute_pairs(op, multiply_row);
	else if (op->op == xqg.op_rms_norm)
		compute_norm(op);
	else if (op->op == xqg.op_glu)
		compute_gate(op);
	else if (op->op == xqg.op_dup)
		compute_dup(op);
	else
		compute_rope(op);
	return 0;
}
