// SPDX-License-Identifier: MIT
/*
 * Linear quantization of tensors that may be larger than memory: piece by piece where the pieces do not
 * depend on each other, and with parameters from a bounded observer where a range has more elements
 * than are worth a copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "layout_piece.h"
#include "progress.h"
#include "quantize.h"

/* As large as the pieces of layout_next_piece(). */
#define PIECE		((size_t)1 << 20)

/* The library searches a range with a copy of its elements; for more of them there is the observer. */
#define MOST_COPIED	((size_t)8 << 20)

/* Bytes of all histograms of an observer, and of one bin on both sides of zero (xqaccel/calibrate.h). */
#define HISTOGRAM_BYTES	((size_t)32 << 20)
#define BIN_BYTES	32

int quantize_target(struct quantize *z)
{
	if (!z->wanted)
		return usage("--type is missing");
	if (xq_qtype_of(z->wanted, &z->type))
		return fail("without a scheme of its own, --type must be s8, u8, s4, u4, s2, u2, t2, s16 or u16 (%s)",
			    xq_type_name(z->wanted));
	return 0;
}

static int alloc_codes(struct quantize *z)
{
	return quantize_alloc(z->output, &z->q, z->type.is_signed ? 'i' : 'u', z->type.bits > 8 ? 2 : 1, z->x.ndim,
			      z->x.dim);
}

static int alloc_parameters(struct quantize *z)
{
	return quantize_alloc(z->scale_out, &z->scales, 'f', 4, z->cut.ndim, z->cut.dim) ||
	       quantize_alloc(z->zp_out, &z->zps, 'i', 4, z->cut.ndim, z->cut.dim);
}

/* What the library says of a piece, said of the tensor. */
static int piece_fail(int err, struct xq_fault *fault, const struct layout_piece *p)
{
	if (fault->kind == XQ_FAULT_INPUT)
		fault->index += p->first;
	else
		fault->index += p->param;
	return quantize_fail(err, fault);
}

/* ---- codes ------------------------------------------------------------------------------------------- */

/* Codes by the parameters that are there, or with a method the parameters too. */
static int encode_piece(struct quantize *z, const struct layout_piece *p, const struct xq_qtype *type,
			const struct xq_calibration *how, enum xq_scheme scheme)
{
	const float *x = (const float *)z->x.data + p->first;
	float *scale = (float *)z->scales.data + p->param;
	int32_t *zp = (int32_t *)z->zps.data + p->param;
	void *q = (char *)z->q.data + p->first * z->q.bytes;
	struct xq_rounding rounding = z->rounding;
	struct xq_fault fault = { 0 };
	int err;

	rounding.first = p->first;
	if (how)
		err = xq_quantize_found(x, &p->layout, type, scheme, how, &rounding, q, scale, zp, &fault);
	else
		err = xq_quantize(x, &p->layout, type, scale, zp, &rounding, q, &fault);
	tensor_forget(&z->x, p->first, p->elements);
	tensor_forget(&z->q, p->first, p->elements);
	return err ? piece_fail(err, &fault, p) : 0;
}

static int encode(struct quantize *z, const struct xq_qtype *type, const struct xq_calibration *how,
		  enum xq_scheme scheme)
{
	struct layout_piece p = { 0 };
	uint64_t done = 0;
	int status = 0;

	progress_start("quantizing", &done, z->x.count);
	while (!status && layout_next_piece(&z->cut.layout, &p)) {
		status = encode_piece(z, &p, type, how, scheme);
		__atomic_store_n(&done, p.first + p.elements, __ATOMIC_RELAXED);
	}
	progress_stop();
	return status;
}

/* By parameters that a scheme has found. */
static int encode_found(struct quantize *z, enum xq_scheme scheme)
{
	const struct xq_qtype symmetric = xq_qtype_symmetric(&z->type);

	return encode(z, scheme == XQ_SYMMETRIC ? &symmetric : &z->type, NULL, scheme);
}

int quantize_by_scale(struct quantize *z)
{
	if (argument_floats("scale", z->scale, &z->scales) ||
	    granularity_of_scale(&z->x, &z->scales, z->has_axis ? &z->axis : NULL, false,
				 z->has_block ? &z->block : NULL, &z->cut) ||
	    quantize_zero_points(z->zp, z->zp_out, &z->type, &z->scales, &z->zps) || alloc_codes(z))
		return EXIT_ERROR;
	z->storage = xq_linear_storage(&z->cut.layout, &z->type, z->zp ? XQ_AFFINE : XQ_SYMMETRIC, 32);
	return encode(z, &z->type, NULL, XQ_AFFINE);
}

/* ---- parameters ------------------------------------------------------------------------------------ */

/* Whether each piece has all elements of its parameters. */
static bool pieces_are_whole(const struct xq_layout *l)
{
	return l->per == XQ_PER_BLOCK || (l->per == XQ_PER_CHANNEL && l->outer == 1 && l->inner <= PIECE);
}

/* Whether each piece has elements of all parameters, as the observer wants it. */
static bool pieces_have_all(const struct xq_layout *l)
{
	return l->per == XQ_PER_TENSOR || (l->per == XQ_PER_CHANNEL && l->axis * l->inner <= PIECE);
}

/* A moving average counts batches, and here a file is one. */
static bool counts_batches(const struct xq_calibration *how)
{
	return how->method == XQ_CAL_EMA || how->method == XQ_CAL_MEAN_MINMAX;
}

static int observe(struct quantize *z, struct xq_observer *observer, const struct xq_layout *l)
{
	struct layout_piece p = { .layout = *l, .elements = xq_layout_elements(l) };
	struct xq_fault fault = { 0 };
	uint64_t done = 0;
	int err = 0;

	if (counts_batches(&z->calibration) || !pieces_have_all(l)) {
		progress_start("calibrating", NULL, 0);
		err = xq_observer_feed(observer, z->x.data, l, &fault);
		progress_stop();
		return err ? piece_fail(err, &fault, &p) : 0;
	}
	p.elements = 0;
	progress_start("calibrating", &done, z->x.count);
	while (!err && layout_next_piece(l, &p)) {
		err = xq_observer_feed(observer, (const float *)z->x.data + p.first, &p.layout, &fault);
		tensor_forget(&z->x, p.first, p.elements);
		__atomic_store_n(&done, p.first + p.elements, __ATOMIC_RELAXED);
	}
	progress_stop();
	return err ? piece_fail(err, &fault, &p) : 0;
}

static int new_observer(const struct quantize *z, size_t channels, struct xq_observer **observer)
{
	struct xq_calibration how = z->calibration;
	int err;

	for (how.bins = 4096; how.bins > 64 && how.bins * BIN_BYTES > HISTOGRAM_BYTES / (channels ? channels : 1);)
		how.bins /= 2;
	err = xq_observer_create(&how, channels, observer);
	return err ? fail("cannot calibrate: %s", strerror(-err)) : 0;
}

/* With nothing observed, as with a row of zeros. */
static int take_parameters(struct quantize *z, const struct xq_observer *observer, enum xq_scheme scheme)
{
	int err = xq_observer_params(observer, &z->type, scheme, z->scales.data, z->zps.data);

	if (err == -ENODATA)
		return fail("there is nothing to calibrate with: the input is empty");
	return err ? fail("cannot calibrate: %s", strerror(-err)) : 0;
}

static int find_bounded(struct quantize *z, enum xq_scheme scheme)
{
	struct xq_observer *observer;
	int status = new_observer(z, xq_layout_params(&z->cut.layout), &observer);

	if (status)
		return status;
	status = observe(z, observer, &z->cut.layout);
	if (!status)
		status = take_parameters(z, observer, scheme);
	xq_observer_free(observer);
	return status;
}

static int find_whole(struct quantize *z, enum xq_scheme scheme)
{
	struct layout_piece all = { .layout = z->cut.layout };
	struct xq_fault fault = { 0 };
	int err;

	progress_start("calibrating", NULL, 0);
	err = xq_find_params(z->x.data, &z->cut.layout, &z->type, scheme, &z->calibration, z->scales.data, z->zps.data,
			     &fault);
	progress_stop();
	return err ? piece_fail(err, &fault, &all) : 0;
}

static int find(struct quantize *z, enum xq_scheme scheme)
{
	const struct xq_layout *l = &z->cut.layout;
	const size_t params = xq_layout_params(l), share = params ? z->x.count / params : 0;
	const bool range = z->calibration.method == XQ_CAL_MINMAX || z->calibration.method == XQ_CAL_EMA;

	if (z->x.count > PIECE && (range || share > MOST_COPIED) && (pieces_have_all(l) || share > MOST_COPIED))
		return find_bounded(z, scheme);
	return find_whole(z, scheme);
}

int quantize_linear(struct quantize *z, enum xq_scheme scheme)
{
	int status = granularity_parse(z->granularity, &z->x, &z->cut);

	if (!status)
		status = alloc_codes(z) || alloc_parameters(z);
	if (status)
		return status;
	z->storage = xq_linear_storage(&z->cut.layout, &z->type, scheme, 32);
	if (pieces_are_whole(&z->cut.layout))
		return encode(z, &z->type, &z->calibration, scheme);
	status = find(z, scheme);
	return status ? status : encode_found(z, scheme);
}

/* ---- several inputs ---------------------------------------------------------------------------------- */

/* For the observer, which knows no blocks: each is a channel. */
static struct xq_layout as_channels(const struct xq_layout *l)
{
	struct xq_layout channels = *l;

	if (l->per == XQ_PER_BLOCK)
		channels = (struct xq_layout){ .per = XQ_PER_CHANNEL, .outer = 1, .axis = l->outer * (l->axis / l->block),
					       .inner = l->block, .block = 1 };
	return channels;
}

/* Reads input i and cuts it like the first. */
static int next_input(struct quantize *z, int i)
{
	struct granularity first = z->cut;
	int status = quantize_read(z, z->path[i]);

	if (!status)
		status = granularity_parse(z->granularity, &z->x, &z->cut);
	if (status)
		return status;
	if (z->cut.layout.per == XQ_PER_BLOCK && z->cut.layout.axis % z->cut.layout.block)
		return fail("with several inputs the last axis must be a multiple of the group (%s is %s)", z->path[i],
			    tensor_shape(&z->x));
	if (i && (z->cut.ndim != first.ndim || memcmp(z->cut.dim, first.dim, first.ndim * sizeof(*first.dim))))
		return fail("the inputs differ in what shares parameters (%s is %s)", z->path[i], tensor_shape(&z->x));
	return 0;
}

static int calibrate_all(struct quantize *z, enum xq_scheme scheme)
{
	struct xq_observer *observer = NULL;
	int status = 0;

	for (int i = 0; i < z->paths && !status; i++) {
		struct xq_layout channels;

		status = next_input(z, i);
		if (status)
			break;
		channels = as_channels(&z->cut.layout);
		if (!i)
			status = new_observer(z, xq_layout_params(&channels), &observer);
		if (!status)
			status = observe(z, observer, &channels);
	}
	if (!status)
		status = alloc_parameters(z);
	if (!status)
		status = take_parameters(z, observer, scheme);
	xq_observer_free(observer);
	return status;
}

int quantize_several(struct quantize *z, enum xq_scheme scheme)
{
	int status = calibrate_all(z, scheme);

	for (int i = 0; i < z->paths && !status && (z->outputs.count || z->report); i++) {
		z->output = z->outputs.count ? z->outputs.text[i] : NULL;
		status = next_input(z, i);
		if (!status)
			status = alloc_codes(z);
		z->storage = xq_linear_storage(&z->cut.layout, &z->type, scheme, 32);
		if (!status)
			status = encode_found(z, scheme);
		if (!status)
			status = quantize_write(z);
		tensor_free(&z->q);
	}
	return status;
}
