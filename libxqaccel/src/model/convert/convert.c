// SPDX-License-Identifier: MIT
/*
 * Post-training quantization: what a caller sees of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../numerics/observer.h"
#include "conversion.h"

int xqc_fail(struct xq_post_training *p, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(p->error, sizeof(p->error), format, arguments);
	va_end(arguments);
	return error;
}

int xqc_fail_document(struct xq_post_training *p)
{
	return xqc_fail(p, strstr(p->doc.memory->error, "memory") ? -ENOMEM : -EOPNOTSUPP, "%s", p->doc.memory->error);
}

const char *xq_post_training_error(const struct xq_post_training *p)
{
	return p->error;
}

/* ---- beginning ----------------------------------------------------------------------------------------- */

static int map_file(struct xq_post_training *p, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
	} else if (!S_ISREG(st.st_mode) || !st.st_size) {
		err = -EINVAL;
	} else {
		p->map_bytes = (size_t)st.st_size;
		p->map = mmap(NULL, p->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p->map == MAP_FAILED) {
			err = -errno;
			p->map = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return err ? xqc_fail(p, err, "%s", err == -EINVAL ? "it is empty, or no file" : strerror(-err)) : 0;
}

static int check_options(struct xq_post_training *p)
{
	const enum xq_type w = p->options.weights, a = p->options.activations;

	if (w != XQ_S8 && w != XQ_S4 && w != XQ_S2 && w != XQ_T2 && w != XQ_B1 && w != XQ_C4)
		return xqc_fail(p, -EINVAL, "weights may be s8, s4, s2, t2, b1 or c4, not %s", xq_type_name(w));
	if (a != XQ_S8 && a != XQ_U8 && a != XQ_S4 && a != XQ_B1)
		return xqc_fail(p, -EINVAL, "activations may be u8, s8, s4 or b1, not %s",
				xq_type_name(a));
	return 0;
}

/* Everything that is to be seen: activations that no other stands for, and outputs of layers. */
static int open_seen(struct xq_post_training *p)
{
	const char **names = calloc(p->activations + 1, sizeof(*names));
	unsigned int count = 0;
	int err = names ? 0 : xqc_fail(p, -ENOMEM, "there is not enough memory");

	for (unsigned int i = 0; i < p->activations && !err; i++) {
		struct xqc_activation *a = &p->activation[i];

		if (a->same_as < 0)
			err = xq_observer_create_guarded(&p->options.activation_range, 1, &a->observer);
		if (err)
			err = xqc_fail(p, err, "the method for ranges of activations has a parameter that makes no sense");
		if (a->same_as < 0 && !xqc_is_input(&p->doc, a->name))
			names[count++] = a->name;
	}
	if (!err)
		err = xqc_model_open(p, &p->seen, names, count);
	free(names);
	return err;
}

static bool has_budget(const struct xq_post_training *p)
{
	return p->options.budget_bytes || p->options.budget_ms > 0;
}

/* Whether the file can have weights of the type that is wanted, before much is done; a search looks for itself. */
static int check_opset(struct xq_post_training *p)
{
	const int64_t opset = p->doc.opset;
	const int err = xqc_raise_opset(p, xqc_opset_of(p, has_budget(p) ? XQ_S8 : p->options.weights));

	p->doc.opset = opset;
	return err;
}

int xq_post_training_create(const char *path, struct xq_device *dev, const struct xq_post_training_options *options,
			    struct xq_post_training **conversion)
{
	struct xq_post_training *p = calloc(1, sizeof(*p));
	int err;

	*conversion = p;
	if (!p)
		return -ENOMEM;
	p->options = *options;
	p->dev = dev;
	err = check_options(p);
	if (!err)
		err = map_file(p, path);
	if (!err) {
		err = xqc_open(&p->doc, p->map, p->map_bytes);
		if (err)
			err = p->doc.memory ? xqc_fail(p, err, "%s", p->doc.memory->error) :
			      xqc_fail(p, -ENOMEM, "there is not enough memory");
	}
	if (!err)
		xqc_fold(&p->doc);
	if (!err)
		err = xqc_plan(p);
	if (!err)
		err = check_opset(p);
	return err ? err : open_seen(p);
}

void xq_post_training_destroy(struct xq_post_training *p)
{
	if (!p)
		return;
	xqc_model_close(&p->seen);
	xqc_model_close(&p->quantized);
	for (unsigned int i = 0; i < p->activations; i++)
		xq_observer_free(p->activation[i].observer);
	for (unsigned int i = 0; i < p->layers; i++)
		xqc_weights_free(p->layer[i].quantized);
	for (unsigned int i = 0; i < p->points; i++)
		free(p->point[i].type);
	free(p->point);
	xqc_rows_free(&p->rows);
	free(p->activation);
	free(p->layer);
	free(p->result);
	xqc_close(&p->doc);
	if (p->map)
		munmap(p->map, p->map_bytes);
	free(p);
}

/* ---- calibration ---------------------------------------------------------------------------------------- */

/* Number of an output by its name, or -1. */
static int output_of(const struct xqc_model *m, const char *name)
{
	for (unsigned int i = m->first; i < m->outputs; i++) {
		struct xq_model_tensor t;

		if (!xq_session_output(m->session, i, &t) && !strcmp(t.name, name) && t.type == XQ_F32)
			return (int)i;
	}
	return -1;
}

static const float *seen_value(const struct xq_post_training *p, const char *name, const void *const *inputs, size_t *count)
{
	const int output = output_of(&p->seen, name);

	if (output >= 0) {
		*count = p->seen.count[output];
		return p->seen.value[output];
	}
	for (unsigned int i = 0; i < xq_model_inputs(p->seen.model); i++) {
		struct xq_model_tensor t;

		if (xq_session_input(p->seen.session, i, &t) || strcmp(t.name, name) || t.type != XQ_F32)
			continue;
		*count = 1;
		for (unsigned int d = 0; d < t.dims; d++)
			*count *= (size_t)t.dim[d];
		return inputs[i];
	}
	return NULL;
}

/* What is chosen by outputs needs the inputs once more. */
static bool wants_rows(const struct xq_post_training *p)
{
	return p->options.rounding == XQ_ROUND_BY_OUTPUT || p->options.correct_bias || has_budget(p);
}

static void see_sizes(struct xqc_activation *a, const float *x, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		a->sum += fabs((double)x[i]);
		a->count += x[i] != 0;
		a->least = x[i] < a->least ? x[i] : a->least;
	}
}

int xq_post_training_feed(struct xq_post_training *p, const void *const *inputs)
{
	int err;

	if (p->finished || !p->seen.session)
		return xqc_fail(p, -EINVAL, p->finished ? "the conversion is finished" : "the conversion could not be begun");
	err = xqc_model_run(p, &p->seen, inputs);
	for (unsigned int i = 0; i < p->activations && !err; i++) {
		struct xqc_activation *a = &p->activation[i];
		struct xq_layout layout;
		struct xq_fault fault;
		const float *x;
		size_t count;

		if (!a->observer)
			continue;
		x = seen_value(p, a->name, inputs, &count);
		if (!x)
			return xqc_fail(p, -EOPNOTSUPP, "activation %.200s is not of type f32", a->name);
		err = xq_layout_tensor(&count, 1, &layout);
		if (!err)
			err = xq_observer_feed(a->observer, x, &layout, &fault);
		if (err)
			return xqc_fail(p, err, "activation %.200s has an element that is not finite", a->name);
		see_sizes(a, x, count);
	}
	if (!err && wants_rows(p) && xqc_rows_keep(p, inputs))
		err = xqc_fail(p, -ENOMEM, "there is not enough memory");
	p->fed = p->fed || !err;
	return err;
}

/* Codes of -1 and 1 are the mean size of what is not 0, or 0 and that where nothing is below 0. */
static void choose_bit(struct xqc_activation *a)
{
	const float size = a->count > 0 ? (float)(a->sum / a->count) : 1;

	a->zero_point = a->least < 0 ? 0 : -1;
	a->scale = a->least < 0 ? size : size / 2;
	if (!(a->scale > 0))
		a->scale = 1;
}

static int choose_scale(struct xqc_activation *a)
{
	struct xq_qtype type;
	int err = a->type == XQ_B1 ? 0 : xq_qtype_of(a->type, &type);

	if (a->type == XQ_B1)
		choose_bit(a);
	else if (!err)
		err = xq_observer_params(a->observer, &type, XQ_AFFINE, &a->scale, &a->zero_point);
	return err;
}

static int choose_scales(struct xq_post_training *p)
{
	int err = 0;

	for (unsigned int i = 0; i < p->activations && !err; i++) {
		struct xqc_activation *a = &p->activation[i];

		if (a->observer) {
			err = choose_scale(a);
		} else {
			a->scale = p->activation[a->same_as].scale;
			a->zero_point = p->activation[a->same_as].zero_point;
		}
	}
	return err ? xqc_fail(p, err, "no scale can be chosen for an activation: %s", strerror(-err)) : 0;
}

int xq_post_training_finish(struct xq_post_training *p)
{
	int err;

	if (p->finished || !p->seen.session)
		return xqc_fail(p, -EINVAL, p->finished ? "the conversion is finished" : "the conversion could not be begun");
	if (!p->fed)
		return xqc_fail(p, -ENODATA, "no inputs were given to find ranges of activations");
	err = choose_scales(p);
	if (!err && has_budget(p))
		err = xqc_search(p);
	if (!err && wants_rows(p))
		err = xqc_reconstruct(p);
	if (!err)
		err = xqc_emit(p);
	if (err)
		return err;
	p->result = xqc_pack(&p->doc, NULL, 0, &p->result_bytes);
	if (!p->result)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	p->finished = true;
	return 0;
}

const void *xq_post_training_data(const struct xq_post_training *p, size_t *bytes)
{
	*bytes = p->result_bytes;
	return p->result;
}

/* ---- what was lost --------------------------------------------------------------------------------------- */

static int open_quantized(struct xq_post_training *p)
{
	const char **names = calloc(p->layers + 1, sizeof(*names));
	unsigned int count = 0;
	int err;

	if (!names)
		return xqc_fail(p, -ENOMEM, "there is not enough memory");
	for (unsigned int i = 0; i < p->layers; i++)
		if (!p->layer[i].excluded)
			names[count++] = p->layer[i].made;
	err = xqc_model_open(p, &p->quantized, names, count);
	free(names);
	if (err)
		xqc_model_close(&p->quantized);
	return err;
}

int xq_post_training_compare(struct xq_post_training *p, const void *const *inputs)
{
	int err = p->finished ? 0 : xqc_fail(p, -EINVAL, "the conversion is not finished");

	if (!err && !p->quantized.session)
		err = open_quantized(p);
	if (!err)
		err = xqc_model_run(p, &p->seen, inputs);
	if (!err)
		err = xqc_model_run(p, &p->quantized, inputs);
	for (unsigned int i = 0; i < p->layers && !err; i++) {
		struct xqc_layer *l = &p->layer[i];
		const int a = l->excluded ? -1 : output_of(&p->seen, l->made), b = l->excluded ? -1 : output_of(&p->quantized, l->made);

		for (size_t k = 0; a >= 0 && b >= 0 && k < p->seen.count[a] && k < p->quantized.count[b]; k++) {
			const double x = (double)p->seen.value[a][k], d = x - (double)p->quantized.value[b][k];

			l->signal += x * x;
			l->noise += d * d;
			l->compared++;
		}
	}
	return err;
}

unsigned int xq_post_training_layers(const struct xq_post_training *p)
{
	return p->layers;
}

int xq_post_training_layer(const struct xq_post_training *p, unsigned int number, struct xq_post_training_layer *layer)
{
	const struct xqc_layer *l = &p->layer[number];

	if (number >= p->layers)
		return -EINVAL;
	*layer = (struct xq_post_training_layer){
		.name = l->node, .type = l->type, .weights = l->excluded ? XQ_F32 : l->width, .output = l->made, .excluded = l->excluded, .elements = l->elements,
		.bytes = l->excluded ? l->float_bytes : l->bytes, .float_bytes = l->float_bytes,
		.weight_snr_db = l->excluded ? (double)INFINITY : l->weight_snr_db,
		.output_snr_db = l->compared ? 10 * log10(l->signal / l->noise) : (double)NAN,
		.output_mse = l->compared ? l->noise / (double)l->compared : (double)NAN,
	};
	return 0;
}

unsigned int xq_post_training_points(const struct xq_post_training *p)
{
	return p->points;
}

int xq_post_training_point(const struct xq_post_training *p, unsigned int number, struct xq_post_training_point *point)
{
	const struct xqc_point *from = &p->point[number];

	if (number >= p->points)
		return -EINVAL;
	*point = (struct xq_post_training_point){
		.weights = from->type, .uniform = from->uniform, .bytes = from->bytes, .ms = from->ns / 1e6,
		.output_snr_db = from->loss > 0 ? -10 * log10(from->loss) : (double)INFINITY, .frontier = from->frontier,
		.chosen = from->chosen,
	};
	return 0;
}
