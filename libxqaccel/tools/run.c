// SPDX-License-Identifier: MIT
/*
 * xq run: a model on tensors. Rows go through it in pieces of the model's own batch, or of --batch times as many.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "json.h"
#include "model_file.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "run.h"

/**
 * struct end - an input or output of the model, and its tensor
 * @tensor: as the session has it
 * @t: all rows
 * @rows: of the model's own batch; 0 for one that is the same in every piece
 * @floats: an input of integers is given as floats
 * @known: an input that was given when the session was made
 */
struct end {
	struct xq_model_tensor tensor;
	struct tensor t;
	size_t rows, bytes;
	bool floats, known;
};

/**
 * struct run - the command's arguments and what comes of them
 * @pieces: of the model's own batch that the inputs have
 */
struct run {
	const char *path, *device, *labels_path, *picture;
	struct option_strings inputs, outputs;
	int64_t batch, top;
	bool profile, json, has_top, has_batch;

	struct xq_model *model;
	struct xq_device *dev;
	struct xq_session *session;
	struct end *in, *out;
	unsigned int ins, outs;
	struct tensor labels;
	struct run_profile sums;
	struct run_scores scores;
	size_t pieces;
	uint64_t done;
};

static int parse(struct run *r, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "input", 0, OPTION_STRINGS, &r->inputs, "X.npy", "once for each input of the model, in its order", NULL },
		{ "output", 'o', OPTION_STRINGS, &r->outputs, "Y.npy", "where the outputs go, in the model's order", NULL },
		{ "device", 0, OPTION_STRING, &r->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "batch", 0, OPTION_INT, &r->batch, "N", "rows at once, as times the model's own batch; default 1", &r->has_batch },
		{ "labels", 0, OPTION_STRING, &r->labels_path, "L.npy", "integers, one for each row: how often the best class of the"
		  " first output is right", NULL },
		{ "top", 0, OPTION_INT, &r->top, "K", "with --labels: how often it is among the best K, default 5. Else the best K"
		  " of each row are printed", &r->has_top },
		{ "profile", 0, OPTION_FLAG, &r->profile, NULL, "where each operator ran, its time, and memory. FILE.svg beside the"
		  " model gets a picture", NULL },
		{ "json", 0, OPTION_FLAG, &r->json, NULL, "report as one line of JSON", NULL },
	};
	const char *operands[2] = { 0 };
	int count;
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), operands, 1, 2, &count);

	if (status != OPTIONS_DONE)
		return status;
	for (int i = 0; i < count; i++) {
		const size_t length = strlen(operands[i]);
		const bool picture = count > 1 && r->profile && length > 4 && !strcmp(operands[i] + length - 4, ".svg");
		const char **to = picture ? &r->picture : &r->path;

		if (*to)
			return usage("there is one model, and with --profile one picture (%s)", operands[i]);
		*to = operands[i];
	}
	if (r->batch < 1 || r->batch > 1 << 20)
		return usage("--batch must be 1 to %d (%" PRId64 ")", 1 << 20, r->batch);
	if (r->top < 1)
		return usage("--top must be at least 1 (%" PRId64 ")", r->top);
	if (!r->outputs.count && !r->profile && !r->labels_path && !r->has_top && !r->json)
		return usage("-o Y.npy is missing, or --labels, --top or --profile");
	return OPTIONS_DONE;
}

/* ---- inputs ---------------------------------------------------------------------------------------------------- */

static int read_inputs(struct run *r)
{
	r->ins = xq_model_inputs(r->model);
	r->outs = xq_model_outputs(r->model);
	if ((unsigned int)r->inputs.count != r->ins)
		return fail("the model has %u input%s, --input was given %d time%s", r->ins, r->ins == 1 ? "" : "s", r->inputs.count,
			    r->inputs.count == 1 ? "" : "s");
	if ((unsigned int)r->outputs.count > r->outs)
		return fail("the model has %u output%s, -o was given %d times", r->outs, r->outs == 1 ? "" : "s", r->outputs.count);
	r->in = calloc((size_t)r->ins + 1, sizeof(*r->in));
	r->out = calloc((size_t)r->outs + 1, sizeof(*r->out));
	if (!r->in || !r->out)
		return fail("there is not enough memory");
	for (unsigned int i = 0; i < r->ins; i++) {
		struct end *e = &r->in[i];
		unsigned int bytes = 0;
		char kind = 0;

		if (argument_mapped(r->inputs.text[i], &e->t))
			return EXIT_ERROR;
		xq_model_tensor(r->model, xq_model_input(r->model, i), &e->tensor);
		model_element(e->tensor.type, &kind, &bytes);
		if (e->t.kind == kind && e->t.bytes == bytes)
			continue;
		e->floats = e->t.kind == 'f' && e->t.bytes == 4 && e->tensor.scales;
		if (!e->floats)
			return fail("input %u, %s, is %s and not %s (%s)", i, model_name_text(e->tensor.name),
				    model_tensor_text(&e->tensor), tensor_type_name(&e->t), r->inputs.text[i]);
	}
	return 0;
}

/*
 * What the file leaves open is as in the tensor. Where the first dimension is open, all rows are one piece, or --batch of
 * them.
 */
static int choose_shapes(struct run *r, struct xq_model_shape *shape)
{
	for (unsigned int i = 0; i < r->ins; i++) {
		const struct end *e = &r->in[i];
		bool open = !e->tensor.known;

		for (unsigned int d = 0; d < e->tensor.dims; d++)
			open |= e->tensor.dim[d] < 0;
		if (!open)
			continue;
		if (e->tensor.known ? e->t.ndim != e->tensor.dims : e->t.ndim > XQ_MODEL_DIMS)
			return fail("input %u, %s, is %s and not %s (%s)", i, model_name_text(e->tensor.name),
				    model_tensor_text(&e->tensor), tensor_shape(&e->t), r->inputs.text[i]);
		shape[i].dims = e->t.ndim;
		for (unsigned int d = 0; d < e->t.ndim; d++)
			shape[i].dim[d] = e->tensor.known && e->tensor.dim[d] >= 0 ? e->tensor.dim[d] : (int64_t)e->t.dim[d];
		if (r->has_batch && e->tensor.known && e->tensor.dims && e->tensor.dim[0] < 0 && (size_t)r->batch < e->t.dim[0])
			shape[i].dim[0] = r->batch;
	}
	return 0;
}

/* How many pieces of the model's own batch an input has. */
static int count_pieces(struct run *r, unsigned int i)
{
	struct end *e = &r->in[i];
	const struct xq_model_tensor *t = &e->tensor;
	bool fits = e->t.ndim == t->dims;
	size_t pieces = 1;

	for (unsigned int d = 1; d < t->dims && fits; d++)
		fits = e->t.dim[d] == (size_t)t->dim[d];
	if (fits && t->dims) {
		fits = t->dim[0] ? e->t.dim[0] % (size_t)t->dim[0] == 0 : !e->t.dim[0];
		pieces = fits && t->dim[0] ? e->t.dim[0] / (size_t)t->dim[0] : 1;
	}
	if (!fits)
		return fail("input %u, %s, is %s, and %s does not fit (%s)", i, model_name_text(t->name), model_tensor_text(t),
			    tensor_shape(&e->t), r->inputs.text[i]);
	e->bytes = pieces ? e->t.count / pieces * e->t.bytes : 0;
	e->rows = pieces == 1 ? 0 : t->dims ? (size_t)t->dim[0] : 0;
	if (pieces != 1 && r->pieces != 1 && pieces != r->pieces)
		return fail("the inputs have %zu and %zu times the model's batch", r->pieces, pieces);
	r->pieces = pieces == 1 ? r->pieces : pieces;
	return 0;
}

/*
 * Integers and truth values that are whole as they are in the file, not rows of it, count as known before the run, because shapes
 * and branches may depend on them.
 */
static void choose_values(struct run *r, const void **value)
{
	for (unsigned int i = 0; i < r->ins; i++) {
		const struct end *e = &r->in[i];
		bool whole = e->tensor.known && e->t.ndim == e->tensor.dims;

		for (unsigned int d = 0; d < e->tensor.dims && whole; d++)
			whole = e->tensor.dim[d] == (int64_t)e->t.dim[d];
		if (whole && (e->tensor.type == XQ_MODEL_S64 || e->tensor.type == XQ_MODEL_BOOL))
			value[i] = e->t.data;
		r->in[i].known = value[i];
	}
}

static int open_session(struct run *r)
{
	struct xq_session_options options = { .batch = 1 };
	struct xq_model_shape *shape = calloc((size_t)r->ins + 1, sizeof(*shape));
	const void **value = calloc((size_t)r->ins + 1, sizeof(*value));
	int status = shape && value ? choose_shapes(r, shape) : fail("there is not enough memory");
	bool open = false;

	if (!status)
		status = argument_device(r->device, &r->dev);
	for (unsigned int i = 0; i < r->ins && !status; i++)
		open |= shape[i].dims;
	/* Rows of an open dimension are the model's own batch. */
	if (r->has_batch && !open)
		options.batch = (size_t)r->batch;
	options.shape = shape;
	if (!status && options.batch == 1) {
		choose_values(r, value);
		options.value = value;
	}
	if (!status && xq_session_create(r->model, r->dev, &options, &r->session))
		status = fail("%s: %s", r->path, xq_model_error(r->model));
	free(shape);
	free(value);
	r->pieces = 1;
	for (unsigned int i = 0; i < r->ins && !status; i++) {
		xq_session_input(r->session, i, &r->in[i].tensor);
		if (r->in[i].tensor.dims)
			r->in[i].tensor.dim[0] /= (int64_t)options.batch;
		status = count_pieces(r, i);
	}
	r->batch = (int64_t)options.batch;
	return status ? EXIT_ERROR : 0;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static int alloc_output(struct run *r, unsigned int i)
{
	struct end *e = &r->out[i];
	size_t dim[TENSOR_MAX_DIMS] = { 0 };
	unsigned int ndim;

	xq_session_output(r->session, i, &e->tensor);
	if (e->tensor.dims)
		e->tensor.dim[0] /= r->batch;
	if (!model_element(e->tensor.type, &e->t.kind, &e->t.bytes))
		return fail("output %u, %s, is %s, which no .npy file holds", i, model_name_text(e->tensor.name),
			    model_tensor_text(&e->tensor));
	ndim = e->tensor.dims;
	for (unsigned int d = 0; d < ndim; d++)
		dim[d] = (size_t)e->tensor.dim[d];
	/* Of several pieces the rows follow each other; numbers without dimensions become a list. */
	if (ndim)
		dim[0] *= r->pieces;
	else if (r->pieces != 1)
		dim[ndim++] = r->pieces;
	e->t.ndim = ndim;
	memcpy(e->t.dim, dim, sizeof(dim));
	if (!tensor_count(&e->t))
		return fail("output %u would be too large", i);
	e->bytes = r->pieces ? e->t.count / r->pieces * e->t.bytes : 0;
	if (i < (unsigned int)r->outputs.count)
		return output_alloc(r->outputs.text[i], &e->t);
	e->t.data = calloc(e->t.count + 1, e->t.bytes);
	return e->t.data ? 0 : fail("there is not enough memory for output %u", i);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* One run of @count pieces from piece @first on; of a last one that is not full the rest is computed and left. */
static int run_pieces(struct run *r, size_t first, size_t count, void *buffer)
{
	int err = 0;

	for (unsigned int i = 0; i < r->ins && !err; i++) {
		const struct end *e = &r->in[i];
		const uint8_t *from = e->t.data;

		if (e->known)
			continue;
		/* What is the same in every piece is repeated for each of a batch. */
		for (size_t k = 0; k < (size_t)r->batch; k++)
			memcpy((uint8_t *)buffer + k * e->bytes,
			       from + (e->rows || r->pieces > 1 ? (first + (k < count ? k : 0)) * (e->rows ? e->bytes : 0) : 0), e->bytes);
		err = e->floats ? xq_session_write_float(r->session, i, buffer) : xq_session_write(r->session, i, buffer);
		if (err)
			return fail("input %u can't be taken: %s (%s)", i, err == -EDOM ? "it has a value that is not finite" :
				    err == -ERANGE ? "it has a value that is not of its type" : strerror(-err), r->inputs.text[i]);
	}
	err = xq_session_run(r->session);
	if (err)
		return fail("the run failed: %s", strerror(-err));
	for (unsigned int i = 0; i < r->outs && !err; i++) {
		const struct end *e = &r->out[i];

		err = xq_session_read(r->session, i, buffer);
		memcpy((uint8_t *)e->t.data + first * e->bytes, buffer, count * e->bytes);
	}
	return err ? fail("%s", strerror(-err)) : 0;
}

static int run_all(struct run *r)
{
	size_t most = 1;
	void *buffer;
	int status = 0;

	for (unsigned int i = 0; i < r->ins; i++)
		most = r->in[i].bytes > most ? r->in[i].bytes : most;
	for (unsigned int i = 0; i < r->outs; i++)
		most = r->out[i].bytes > most ? r->out[i].bytes : most;
	/* Floats of an input of integers are wider than it. */
	buffer = most < SIZE_MAX / 8 / (size_t)r->batch ? malloc(most * (size_t)r->batch) : NULL;
	if (!buffer || !run_profile_begin(&r->sums, r->session)) {
		free(buffer);
		return fail("there is not enough memory");
	}
	progress_start("running", &r->done, r->pieces);
	for (size_t i = 0; i < r->pieces && !status; i += (size_t)r->batch) {
		const size_t count = r->pieces - i < (size_t)r->batch ? r->pieces - i : (size_t)r->batch;

		status = run_pieces(r, i, count, buffer);
		run_profile_add(&r->sums, r->session);
		__atomic_store_n(&r->done, i + count, __ATOMIC_RELAXED);
	}
	progress_stop();
	free(buffer);
	return status;
}

/* ---- reports ----------------------------------------------------------------------------------------------------- */

static int report(struct run *r)
{
	const struct end *y = &r->out[0];
	int status = 0;

	r->scores.top = r->top;
	if (r->labels_path)
		status = argument_tensor(r->labels_path, &r->labels) || run_score(&y->t, &r->labels, &r->scores);
	if (status)
		return status;
	if (r->json) {
		printf("{\"model\": ");
		json_string(r->path);
		if (r->labels_path)
			printf(", \"rows\": %zu, \"top1\": %zu, \"top%" PRId64 "\": %zu", r->scores.rows, r->scores.first, r->top, r->scores.among);
		printf(", ");
		run_profile_json(&r->sums, r->session);
		printf("}\n");
	} else {
		if (r->profile)
			run_profile_print(&r->sums, r->session);
		if (r->labels_path)
			fprintf(output_report(), "top-1 %.2f %% (%zu of %zu), top-%" PRId64 " %.2f %% (%zu)\n",
				100 * (double)r->scores.first / (double)r->scores.rows, r->scores.first, r->scores.rows, r->top,
				100 * (double)r->scores.among / (double)r->scores.rows, r->scores.among);
		else if (r->has_top)
			status = run_print_top(&y->t, r->top, y->tensor.scales == 1 ? y->tensor.scale[0] : 0,
					       y->tensor.scales == 1 && y->tensor.zero_point ? y->tensor.zero_point[0] : 0);
	}
	if (r->picture && !status)
		status = run_profile_picture(&r->sums, r->session, r->path, r->picture);
	return status;
}

static int execute(struct run *r)
{
	int status = model_file_load(r->path, &r->model);

	for (int i = 0; i < r->outputs.count && !status; i++)
		status = output_prepare(r->outputs.text[i]);
	if (!status && r->picture)
		status = output_prepare(r->picture);
	if (!status)
		status = read_inputs(r) || open_session(r);
	for (unsigned int i = 0; i < r->outs && !status; i++)
		status = alloc_output(r, i);
	if (!status)
		status = run_all(r) || report(r);
	for (int i = 0; i < r->outputs.count && !status; i++)
		status = output_tensor(r->outputs.text[i], &r->out[i].t);
	return status || output_commit() ? EXIT_ERROR : EXIT_OK;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .batch = 1, .top = 5 };
	int status = parse(&r, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	status = execute(&r);
	run_profile_end(&r.sums);
	for (unsigned int i = 0; r.in && i < r.ins; i++)
		tensor_free(&r.in[i].t);
	for (unsigned int i = 0; r.out && i < r.outs; i++)
		tensor_free(&r.out[i].t);
	tensor_free(&r.labels);
	free(r.in);
	free(r.out);
	xq_session_destroy(r.session);
	xq_device_close(r.dev);
	xq_model_destroy(r.model);
	return status;
}
