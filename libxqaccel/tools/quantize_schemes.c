// SPDX-License-Identifier: MIT
/*
 * Schemes other than linear. Whatever they store, they write codes and the scales with which
 * linear dequantization gives their numbers: products of powers of two or of short
 * mantissas, so that nothing is lost by it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/binary.h>
#include <xqaccel/blockfloat.h>
#include <xqaccel/codebook.h>

#include "command.h"
#include "quantize.h"

static int set_codes(struct quantize *z, char kind)
{
	if (xq_qtype_of(kind == 'i' ? XQ_S8 : XQ_U8, &z->type))
		return EXIT_ERROR;
	return quantize_alloc(z->output, &z->q, kind, 1, z->x.ndim, z->x.dim);
}

static int expect_type(const struct quantize *z, enum xq_type one, enum xq_type other)
{
	if (!z->wanted || z->wanted == one || z->wanted == other)
		return 0;
	return fail("--scheme %s writes %s (--type %s)", z->scheme, xq_type_name(one), xq_type_name(z->wanted));
}

/* ---- one scale for a row: binary, bwn, twn -------------------------------------------------- */

static int ones(struct quantize *z)
{
	float *scale;

	if (quantize_alloc(z->scale_out, &z->scales, 'f', 4, z->cut.ndim, z->cut.dim))
		return EXIT_ERROR;
	scale = z->scales.data;
	for (size_t i = 0; i < z->scales.count; i++)
		scale[i] = 1;
	return 0;
}

static int check_binary(const struct quantize *z, const char *argument)
{
	(void)argument;
	return expect_type(z, XQ_B1, XQ_S8);
}

static int binary(struct quantize *z, const char *argument)
{
	struct xq_fault fault = { 0 };
	int err;

	(void)argument;
	if (granularity_parse(NULL, &z->x, &z->cut) || set_codes(z, 'i') || ones(z))
		return EXIT_ERROR;
	if (z->rounding.mode == XQ_ROUND_STOCHASTIC)
		err = xq_binary_stochastic(z->x.data, z->x.count, z->rounding.seed, z->q.data, &fault);
	else
		err = xq_binary_sign(z->x.data, z->x.count, z->q.data, &fault);
	z->storage = xq_storage_of(z->x.count, z->x.count, 0);
	return err ? quantize_fail(err, &fault) : 0;
}

/* Elements in rows that share a scale, and their codes; the tensor's own where they lie so. */
struct rows {
	struct tensor x, codes;
	const float *from;
	uint8_t *to;
};

static int get_rows(const struct quantize *z, struct rows *r)
{
	r->from = z->x.data;
	r->to = z->q.data;
	if (!granularity_apart(&z->cut))
		return 0;
	if (quantize_alloc(NULL, &r->x, 'f', 4, z->x.ndim, z->x.dim) ||
	    quantize_alloc(NULL, &r->codes, 'u', 1, z->x.ndim, z->x.dim))
		return EXIT_ERROR;
	granularity_to_rows(&z->cut, z->x.data, r->x.data);
	r->from = r->x.data;
	r->to = r->codes.data;
	return 0;
}

static void put_rows(const struct quantize *z, struct rows *r)
{
	if (r->codes.data)
		granularity_from_rows(&z->cut, r->codes.data, z->q.data);
	tensor_free(&r->x);
	tensor_free(&r->codes);
}

static int encode_rows(bool ternary, const struct rows *r, size_t at, size_t rows, size_t k, float *scale,
		       struct xq_fault *fault)
{
	int8_t *codes = (int8_t *)r->to + at;
	int err = ternary ? xq_twn_encode(r->from + at, rows, k, codes, scale, NULL, fault) :
			    xq_bwn_encode(r->from + at, rows, k, codes, scale, fault);

	fault->index += at;
	return err;
}

/* Groups of which the last along the axis may be short. */
static int encode_groups(const struct quantize *z, bool ternary, const struct rows *r, struct xq_fault *fault)
{
	const struct xq_layout *l = &z->cut.layout;
	const size_t line = l->axis, full = line / l->block, rest = line % l->block, groups = full + !!rest;
	float *scale = z->scales.data;
	int err = 0;

	for (size_t o = 0; o < l->outer && !err; o++) {
		err = encode_rows(ternary, r, o * line, full, l->block, scale + o * groups, fault);
		if (!err && rest)
			err = encode_rows(ternary, r, o * line + full * l->block, 1, rest, scale + o * groups + full, fault);
	}
	return err;
}

static int scaled(struct quantize *z, bool ternary)
{
	struct xq_fault fault = { 0 };
	struct rows r = { 0 };
	int status = granularity_parse(z->granularity, &z->x, &z->cut), err = 0;
	float *scale;

	if (status)
		return status;
	status = set_codes(z, 'i') || ones(z) || get_rows(z, &r);
	scale = z->scales.data;
	if (!status && z->cut.layout.per == XQ_PER_BLOCK)
		err = encode_groups(z, ternary, &r, &fault);
	else if (!status)
		err = encode_rows(ternary, &r, 0, z->cut.rows, z->cut.k, scale, &fault);
	put_rows(z, &r);
	/* bwn has no scale for a row of zeros; any will do. */
	for (size_t i = 0; !status && i < z->scales.count; i++) {
		if (!(scale[i] > 0))
			scale[i] = 0x1p-149f;
	}
	z->storage = xq_storage_of(z->x.count, (uint64_t)z->x.count * (ternary ? 2 : 1), (uint64_t)z->scales.count * 32);
	if (status)
		return EXIT_ERROR;
	return err ? quantize_fail(err, &fault) : 0;
}

static int check_twn(const struct quantize *z, const char *argument)
{
	(void)argument;
	return expect_type(z, XQ_T2, XQ_S8);
}

static int bwn(struct quantize *z, const char *argument)
{
	(void)argument;
	return scaled(z, false);
}

static int twn(struct quantize *z, const char *argument)
{
	(void)argument;
	return scaled(z, true);
}

/* ---- codebooks ------------------------------------------------------------------------------------ */

static int fit_tables(struct quantize *z, unsigned int bits, struct xq_fault *fault)
{
	const size_t rows = z->cut.rows, k = z->cut.k, entries = (size_t)1 << bits;
	const float *x = z->x.data;
	float *table = z->table.data;
	uint8_t *codes = z->q.data;
	int err = 0;

	for (size_t r = 0; r < rows && !err; r++) {
		err = xq_codebook_fit(x + r * k, k, NULL, bits, table + r * entries, fault);
		if (!err)
			err = xq_codebook_encode(x + r * k, k, table + r * entries, bits, codes + r * k, fault);
		if (err)
			fault->index += r * k;
	}
	return err;
}

/* For the device: int8 entries of all 4 or 8 bits, and a scale. */
static int to_device_table(struct quantize *z, unsigned int bits)
{
	const size_t entries = z->wanted == XQ_C4 ? 16 : 256;
	struct xq_fault fault = { 0 };
	struct tensor table;
	int err;

	if (z->cut.rows != 1)
		return fail("--type %s has one table for the tensor (--granularity %s)", xq_type_name(z->wanted), z->granularity);
	if (quantize_alloc(NULL, &table, 'i', 1, 1, &entries))
		return EXIT_ERROR;
	err = xq_codebook_to_s8(z->table.data, bits, table.data, z->scales.data, &fault);
	tensor_free(&z->table);
	z->table = table;
	z->storage = xq_codebook_storage(z->x.count, bits, 1, 8);
	return err ? quantize_fail(err, &fault) : 0;
}

/* 0 if it is no number from 2 to 8. */
static unsigned int kmeans_bits(const char *argument)
{
	return argument[0] >= '2' && argument[0] <= '8' && !argument[1] ? (unsigned int)(argument[0] - '0') : 0;
}

static int check_kmeans(const struct quantize *z, const char *argument)
{
	const unsigned int bits = kmeans_bits(argument);

	if (!bits)
		return usage("kmeans:BITS takes 2 to 8 bits (%s)", z->scheme);
	if (z->wanted != XQ_NONE && z->wanted != XQ_U8 && z->wanted != XQ_C4 && z->wanted != XQ_C8)
		return fail("--scheme kmeans writes u8, c4 or c8 (--type %s)", xq_type_name(z->wanted));
	if (z->wanted == XQ_C4 && bits > 4)
		return fail("kmeans:BITS takes at most 4 bits for --type c4 (%s)", z->scheme);
	return 0;
}

static int kmeans(struct quantize *z, const char *argument)
{
	const unsigned int bits = kmeans_bits(argument);
	struct xq_fault fault = { 0 };
	int status, err;
	size_t dim[2];

	status = granularity_parse(z->granularity, &z->x, &z->cut);
	if (status)
		return status;
	if (z->cut.layout.per == XQ_PER_BLOCK || (z->cut.layout.per == XQ_PER_CHANNEL && z->cut.axis))
		return fail("--granularity must be tensor or channel:0 for kmeans (%s)", z->granularity);
	dim[0] = z->cut.rows;
	dim[1] = (size_t)1 << bits;
	if (set_codes(z, 'u') || quantize_alloc(z->scale_out, &z->scales, 'f', 4, 0, NULL) ||
	    quantize_alloc(z->codebook_out, &z->table, 'f', 4, z->cut.ndim + 1, z->cut.ndim ? dim : dim + 1))
		return EXIT_ERROR;
	*(float *)z->scales.data = 1;
	z->storage = xq_codebook_storage(z->x.count, bits, z->cut.rows, 32);
	err = fit_tables(z, bits, &fault);
	if (err)
		return quantize_fail(err, &fault);
	return z->wanted == XQ_C4 || z->wanted == XQ_C8 ? to_device_table(z, bits) : 0;
}

/* ---- blocks with two levels ------------------------------------------------------------------------ */

/* Blocks of the last axis, with room for the codes. */
static int last_axis(struct quantize *z, int64_t block)
{
	if (!z->x.ndim)
		return fail("--scheme %s takes no scalar", z->scheme);
	return granularity_blocks(&z->x, -1, block, &z->cut) || set_codes(z, 'i') || ones(z) ? EXIT_ERROR : 0;
}

static size_t last_dim(const struct quantize *z)
{
	return z->x.dim[z->x.ndim - 1];
}

static int vsquant_run(struct quantize *z, const struct xq_vsquant *format)
{
	const size_t rows = z->x.ndim > 1 ? z->x.dim[0] : 1, k = rows ? z->x.count / rows : 0;
	const size_t vectors = rows ? z->scales.count / rows : 0;
	struct xq_fault fault = { 0 };
	float *scale = z->scales.data, *gamma;
	uint8_t *integer;
	int err;

	if (quantize_alloc(z->integer_scale_out, &z->integer_scales, 'u', 1, z->cut.ndim, z->cut.dim) ||
	    quantize_alloc(z->channel_scale_out, &z->channel_scales, 'f', 4, 1, &rows))
		return EXIT_ERROR;
	integer = z->integer_scales.data;
	gamma = z->channel_scales.data;
	err = xq_vsquant_encode(z->x.data, rows, k, format, z->q.data, integer, gamma, &fault);
	if (err)
		return quantize_fail(err, &fault);
	/* A vector of zeros has the integer scale 0; any scale gives its zeros. */
	for (size_t i = 0; i < rows * vectors; i++)
		scale[i] = gamma[i / vectors] * (integer[i] ? integer[i] : 1);
	z->storage = xq_vsquant_storage(rows, k, format);
	return 0;
}

/* The vector that --granularity says, 0 if it says none. */
static int64_t vsquant_vector(const struct quantize *z)
{
	int64_t vector;
	char *end;

	if (!z->granularity)
		return 16;
	if (strncmp(z->granularity, "group:", 6))
		return 0;
	vector = strtoll(z->granularity + 6, &end, 10);
	return vector < 1 || *end ? 0 : vector;
}

static int check_vsquant(const struct quantize *z, const char *argument)
{
	(void)argument;
	if (z->wanted && (!xq_type_signed(z->wanted) || xq_type_bits(z->wanted) > 8 || z->wanted == XQ_T2 ||
			  z->wanted == XQ_B1))
		return fail("--scheme vsquant writes s2, s4 or s8 (--type %s)", xq_type_name(z->wanted));
	return vsquant_vector(z) ? 0 : usage("--scheme vsquant takes --granularity group:G (%s)", z->granularity);
}

static int vsquant(struct quantize *z, const char *argument)
{
	struct xq_vsquant format = { .bits = 4, .scale_bits = 4, .vector = (size_t)vsquant_vector(z) };

	(void)argument;
	if (z->wanted)
		format.bits = xq_type_bits(z->wanted);
	if (last_axis(z, (int64_t)format.vector))
		return EXIT_ERROR;
	if (z->x.ndim > 2 && last_dim(z) % format.vector)
		return fail("the last axis must be a multiple of the vector of %zu (it has %zu)", format.vector, last_dim(z));
	return vsquant_run(z, &format);
}

static int check_mx(const struct quantize *z, const char *argument)
{
	(void)argument;
	return expect_type(z, XQ_S8, XQ_S8);
}

static int mx(struct quantize *z, const char *argument)
{
	static const unsigned int mantissa[] = { [XQ_MX4] = 2, [XQ_MX6] = 4, [XQ_MX9] = 7 };
	enum xq_mx format = argument[0] == '4' ? XQ_MX4 : argument[0] == '6' ? XQ_MX6 : XQ_MX9;
	size_t k, rows, blocks, pairs;
	struct xq_fault fault = { 0 };
	uint8_t *exponent, *micro;
	float *scale;
	int err;

	if (last_axis(z, 2))
		return EXIT_ERROR;
	k = last_dim(z);
	rows = k ? z->x.count / k : 0;
	blocks = k / XQ_MX_BLOCK + !!(k % XQ_MX_BLOCK);
	pairs = z->cut.dim[z->cut.axis];
	exponent = calloc(rows * blocks + 1, 1);
	micro = calloc(rows * blocks + 1, 1);
	if (!exponent || !micro) {
		free(exponent);
		free(micro);
		return fail("there is not enough memory");
	}
	err = xq_mx_encode(z->x.data, rows, k, format, z->q.data, exponent, micro, &fault);
	scale = z->scales.data;
	for (size_t i = 0; i < rows * pairs && !err; i++) {
		size_t pair = i % pairs, b = i / pairs * blocks + pair / (XQ_MX_BLOCK / 2);
		int down = micro[b] >> (pair % (XQ_MX_BLOCK / 2)) & 1;

		scale[i] = ldexpf(1, exponent[b] - 127 - down - (int)mantissa[format] + 1);
	}
	free(exponent);
	free(micro);
	z->storage = xq_mx_storage(rows, k, format);
	return err ? quantize_fail(err, &fault) : 0;
}

static int mxint8(struct quantize *z, const char *argument)
{
	struct xq_fault fault = { 0 };
	uint8_t *exponent;
	size_t k, rows;
	float *scale;
	int err;

	(void)argument;
	if (last_axis(z, XQ_OCP_BLOCK))
		return EXIT_ERROR;
	k = last_dim(z);
	rows = k ? z->x.count / k : 0;
	exponent = calloc(z->scales.count + 1, 1);
	if (!exponent)
		return fail("there is not enough memory");
	err = xq_mxint8_encode(z->x.data, rows, k, z->q.data, exponent, &fault);
	scale = z->scales.data;
	for (size_t i = 0; i < z->scales.count && !err; i++)
		scale[i] = ldexpf(1, exponent[i] - 127 - 6);
	free(exponent);
	z->storage = xq_mxint8_storage(rows, k);
	return err ? quantize_fail(err, &fault) : 0;
}

/* ---- names ---------------------------------------------------------------------------------------- */

static const struct scheme schemes[] = {
	{ "binary", check_binary, binary, .rounds = true, .gives = GIVES_SCALES },
	{ "bwn", check_binary, bwn, .shares = true, .gives = GIVES_SCALES },
	{ "twn", check_twn, twn, .shares = true, .gives = GIVES_SCALES },
	{ "kmeans:", check_kmeans, kmeans, .shares = true, .gives = GIVES_SCALES | GIVES_CODEBOOK },
	{ "vsquant", check_vsquant, vsquant, .shares = true, .gives = GIVES_SCALES | GIVES_TWO_LEVELS },
	{ "mxint8", check_mx, mxint8, .gives = GIVES_SCALES }, { "mx4", check_mx, mx, .gives = GIVES_SCALES },
	{ "mx6", check_mx, mx, .gives = GIVES_SCALES }, { "mx9", check_mx, mx, .gives = GIVES_SCALES },
};

/* Names that end in a colon take what follows; the argument of the others is their last character on. */
const struct scheme *scheme_find(const char *name, const char **argument)
{
	for (size_t i = 0;; i++) {
		size_t length = strlen(schemes[i].name);
		bool open = schemes[i].name[length - 1] == ':';

		if (open ? !strncmp(name, schemes[i].name, length) : !strcmp(name, schemes[i].name)) {
			*argument = name + (open ? length : length - 1);
			return &schemes[i];
		}
	}
}
