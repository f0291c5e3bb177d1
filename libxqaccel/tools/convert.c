// SPDX-License-Identifier: MIT
/*
 * xq convert: a float model to one of integers, by inputs that show the ranges of its activations.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/post_training.h>

#include "arguments.h"
#include "calibration.h"
#include "command.h"
#include "convert.h"
#include "model_file.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "run.h"

/**
 * struct convert - the command's arguments and what comes of them
 * @source: the model as it is, for the shapes of its inputs
 * @piece: bytes of one input of its own batch; @next: inputs of the model for one run
 * @report: what is told at the end
 */
struct convert {
	const char *path, *picture, *device, *granularity, *method, *weight_method, *rounding, *evaluate_path, *labels_path;
	struct option_strings outputs, calibrate, exclude;
	struct xq_post_training_options options;
	bool table, json, keep_bias;
	int64_t budget_bytes;

	struct xq_model *source;
	struct xq_device *dev;
	struct xq_post_training *conversion;
	struct tensor *rows;
	size_t *piece;
	const void **next;
	unsigned int inputs;
	int tensors;
	struct convert_report report;
	uint64_t done;
};

static int parse_granularity(struct convert *c)
{
	const char *g = c->granularity ? c->granularity : "channel";
	char *end = NULL;

	c->options.per_channel = !strcmp(g, "channel");
	if (!strncmp(g, "group:", 6)) {
		errno = 0;
		c->options.group = strtoul(g + 6, &end, 10);
		if (g[6] < '1' || g[6] > '9' || *end || errno || c->options.group > INT32_MAX)
			return usage("--granularity is tensor, channel or group:G, not %s", g);
	} else if (strcmp(g, "tensor") && strcmp(g, "channel")) {
		return usage("--granularity is tensor, channel or group:G, not %s", g);
	}
	return OPTIONS_DONE;
}

/* The model, and with --report one picture. */
static int take_operands(struct convert *c, const char *const *operands, int count)
{
	for (int i = 0; i < count; i++) {
		const size_t length = strlen(operands[i]);
		const bool picture = count > 1 && c->table && length > 4 && !strcmp(operands[i] + length - 4, ".svg");
		const char **to = picture ? &c->picture : &c->path;

		if (*to)
			return usage("there is one model, and with --report one picture (%s)", operands[i]);
		*to = operands[i];
	}
	return OPTIONS_DONE;
}

static int parse(struct convert *c, int argc, char **argv)
{
	bool has_bytes = false, has_ms = false, has_weights = false;
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_STRINGS, &c->outputs, "FILE", "where the model goes", NULL },
		{ "calibrate", 0, OPTION_STRINGS, &c->calibrate, "X.npy", "rows that the model is run on: once for each input of the"
		  " model, or of a model with one input as often as there are files", NULL },
		{ "weights", 0, OPTION_TYPE, &c->options.weights, "s8|s4|s2|t2|b1|c4", "type of weights, default s8", &has_weights },
		{ "activations", 0, OPTION_TYPE, &c->options.activations, "u8|s8|s4|b1",
		  "type of activations, default u8", NULL },
		{ "granularity", 0, OPTION_WORD, &c->granularity, "tensor|channel|group:G", "what of the weights shares a scale, default channel;"
		  " group:G is G input channels of an output channel", NULL },
		{ "method", 0, OPTION_WORD, &c->method, CALIBRATIONS, "how ranges of activations are found, default minmax", NULL },
		{ "weight-method", 0, OPTION_WORD, &c->weight_method, CALIBRATIONS, "the same of weights, default minmax, mse below 8"
		  " bits", NULL },
		{ "round", 0, OPTION_WORD, &c->rounding, "value|output", "codes are those nearest to weights, or those that change"
		  " outputs least (AdaRound); default value for s8, else output", NULL },
		{ "no-bias-correction", 0, OPTION_FLAG, &c->keep_bias, NULL, "biases stay as they are where codes are chosen by outputs", NULL },
		{ "budget-bytes", 0, OPTION_INT, &c->budget_bytes, "BYTES", "a type for each layer, s8, s4, t2 or b1, so that all weights take at"
		  " most so many", &has_bytes },
		{ "budget-ms", 0, OPTION_DOUBLE, &c->options.budget_ms, "MS", "the same for the time of all layers on the device, for one row",
		  &has_ms },
		{ "exclude", 0, OPTION_STRINGS, &c->exclude, "LAYER", "a layer that stays in float", NULL },
		{ "report", 0, OPTION_FLAG, &c->table, NULL, "what each layer lost, and its size. FILE.svg beside the model gets a picture",
		  NULL },
		{ "evaluate", 0, OPTION_STRING, &c->evaluate_path, "X.npy", "how often both models are right on these rows", NULL },
		{ "labels", 0, OPTION_STRING, &c->labels_path, "L.npy", "of --evaluate, one integer for each row", NULL },
		{ "device", 0, OPTION_STRING, &c->device, "NAME", "soft, or a path; default: the first that works", NULL },
		{ "json", 0, OPTION_FLAG, &c->json, NULL, "report as one line of JSON", NULL },
	};
	const char *operands[2] = { 0 };
	int count, status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), operands, 1, 2, &count);

	if (status == OPTIONS_DONE)
		status = take_operands(c, operands, count);
	if (status != OPTIONS_DONE)
		return status;
	if ((has_bytes && c->budget_bytes < 1) || (has_ms && !(c->options.budget_ms > 0)))
		return usage("a budget must be above 0");
	if (has_weights && (has_bytes || has_ms))
		return usage("--weights is for all layers, a budget finds a type for each");
	c->options.budget_bytes = (size_t)c->budget_bytes;
	if (c->outputs.count != 1)
		return usage("-o OUT.onnx is %s", c->outputs.count ? "wanted once" : "missing");
	if (!c->calibrate.count)
		return usage("--calibrate X.npy is missing");
	if (!c->evaluate_path != !c->labels_path)
		return usage("--evaluate and --labels belong together");
	status = parse_granularity(c);
	if (status != OPTIONS_DONE)
		return status;
	c->options.rounding = c->rounding ? !strcmp(c->rounding, "output") : c->options.weights != XQ_S8 || has_bytes || has_ms;
	c->options.correct_bias = c->options.rounding == XQ_ROUND_BY_OUTPUT && !c->keep_bias;
	c->options.exclude = c->exclude.text;
	c->options.excluded = (unsigned int)c->exclude.count;
	c->options.narrow_weight_range.method = XQ_CAL_MSE;
	status = calibration_parse("method", c->method, &c->options.activation_range);
	if (!status)
		status = calibration_parse("weight-method", c->weight_method, &c->options.weight_range);
	if (!status && c->weight_method)
		status = calibration_parse("weight-method", c->weight_method, &c->options.narrow_weight_range);
	return status ? status : OPTIONS_DONE;
}

/* ---- inputs ---------------------------------------------------------------------------------------------------- */

/* Elements of an input for the model's own batch; what the file leaves open counts as 1. */
static size_t elements_of(const struct xq_model_tensor *t)
{
	size_t count = 1;

	for (unsigned int d = 0; d < t->dims; d++)
		if (t->dim[d] > 0 && __builtin_mul_overflow(count, (size_t)t->dim[d], &count))
			return 0;
	return count;
}

/* A file of rows for an input: how many times the model's own batch it has. */
static int take_rows(struct convert *c, unsigned int input, const char *path, struct tensor *rows, size_t *pieces)
{
	struct xq_model_tensor t;
	unsigned int bytes = 0;
	char kind = 0;
	size_t each;

	xq_model_tensor(c->source, xq_model_input(c->source, input), &t);
	each = t.known ? elements_of(&t) : 0;
	if (!each || !model_element(t.type, &kind, &bytes))
		return fail("input %u of the model, %s, has no shape that is known", input, model_name_text(t.name));
	if (argument_mapped(path, rows))
		return EXIT_ERROR;
	if (rows->kind != kind || rows->bytes != bytes)
		return fail("input %u, %s, is %s and not %s (%s)", input, model_name_text(t.name), model_tensor_text(&t),
			    tensor_type_name(rows), path);
	if (!rows->count || rows->count % each)
		return fail("input %u, %s, is %s, and %s is not so many rows (%s)", input, model_name_text(t.name),
			    model_tensor_text(&t), tensor_shape(rows), path);
	for (unsigned int d = 1; d < t.dims && t.dims == rows->ndim; d++)
		if (t.dim[d] > 0 && (size_t)t.dim[d] != rows->dim[d])
			return fail("input %u, %s, is %s and not %s (%s)", input, model_name_text(t.name), model_tensor_text(&t),
				    tensor_shape(rows), path);
	c->piece[input] = each * bytes;
	*pieces = rows->count / each;
	return 0;
}

typedef int each_piece(struct xq_post_training *conversion, const void *const *inputs);

/* All rows of --calibrate, one after the other. */
static int for_rows(struct convert *c, const char *what, each_piece *each)
{
	const bool one = c->inputs == 1;
	size_t pieces = 0, own, total = 0;
	int status = 0, err = 0;

	for (int i = 0; i < c->tensors && !status; i++) {
		status = take_rows(c, one ? 0 : (unsigned int)i, c->calibrate.text[i], &c->rows[i], &own);
		if (!status && !one && i && own != pieces)
			status = fail("the files of --calibrate have %zu and %zu rows", pieces, own);
		pieces = own;
		total += own;
	}
	if (status)
		return status;
	c->done = 0;
	progress_start(what, &c->done, one ? total : pieces);
	for (int file = 0; file < (one ? c->tensors : 1) && !err; file++) {
		const size_t count = one ? c->rows[file].count * c->rows[file].bytes / c->piece[0] : pieces;

		for (size_t row = 0; row < count && !err; row++) {
			for (unsigned int i = 0; i < c->inputs; i++)
				c->next[i] = (const uint8_t *)c->rows[one ? file : (int)i].data + row * c->piece[i];
			err = each(c->conversion, c->next);
			__atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
		}
	}
	progress_stop();
	for (int i = 0; i < c->tensors; i++)
		tensor_free(&c->rows[i]);
	return err ? fail("%s: %s", c->path, xq_post_training_error(c->conversion)) : 0;
}

static int begin(struct convert *c)
{
	int status = output_prepare(c->outputs.text[0]) || output_prepare(c->picture);

	if (!status)
		status = model_file_load(c->path, &c->source);
	if (status)
		return status;
	c->inputs = xq_model_inputs(c->source);
	c->tensors = c->calibrate.count;
	if (c->inputs != 1 && (unsigned int)c->tensors != c->inputs)
		return fail("the model has %u inputs, --calibrate was given %d times", c->inputs, c->tensors);
	c->rows = calloc((size_t)c->tensors + 1, sizeof(*c->rows));
	c->piece = calloc((size_t)c->inputs + 1, sizeof(*c->piece));
	c->next = calloc((size_t)c->inputs + 1, sizeof(*c->next));
	if (!c->rows || !c->piece || !c->next)
		return fail("there is not enough memory");
	status = argument_device(c->device, &c->dev);
	if (!status && xq_post_training_create(c->path, c->dev, &c->options, &c->conversion))
		status = fail("%s: %s", c->path, c->conversion ? xq_post_training_error(c->conversion) : "there is not enough memory");
	return status;
}

/* ---- evaluation ------------------------------------------------------------------------------------------------ */

/* The first output of a model for all rows, as floats. */
static int outputs_of(struct convert *c, struct xq_model *model, const struct tensor *rows, size_t pieces, struct tensor *y)
{
	struct xq_model_shape shape = { 0 };
	struct xq_session_options options = { .shape = &shape };
	struct xq_session *session;
	struct xq_model_tensor t;
	size_t dim[2] = { pieces, 1 };
	int err;

	xq_model_tensor(model, xq_model_input(model, 0), &t);
	shape.dims = t.dims;
	for (unsigned int d = 0; d < t.dims; d++)
		shape.dim[d] = t.dim[d] > 0 ? t.dim[d] : 1;
	if (xq_session_create(model, c->dev, &options, &session))
		return fail("%s", xq_model_error(model));
	xq_session_output(session, 0, &t);
	for (unsigned int d = 0; d < t.dims; d++)
		dim[1] *= (size_t)t.dim[d];
	err = t.type == XQ_F32 && tensor_alloc(y, 'f', 4, 2, dim) ? 0 : -ENOMEM;
	c->done = 0;
	progress_start("evaluating", &c->done, pieces);
	for (size_t i = 0; i < pieces && !err; i++) {
		err = xq_session_write(session, 0, (const uint8_t *)rows->data + i * c->piece[0]);
		if (!err)
			err = xq_session_run(session);
		if (!err)
			err = xq_session_read(session, 0, (float *)y->data + i * dim[1]);
		__atomic_fetch_add(&c->done, 1, __ATOMIC_RELAXED);
	}
	progress_stop();
	xq_session_destroy(session);
	return err ? fail("the model could not be evaluated: %s", strerror(-err)) : 0;
}

static int evaluate(struct convert *c)
{
	struct tensor rows = { 0 }, labels = { 0 }, y = { 0 }, of_float = { 0 };
	struct xq_model *quantized = NULL;
	size_t pieces, bytes;
	const void *data = xq_post_training_data(c->conversion, &bytes);
	int status;

	if (!c->evaluate_path)
		return 0;
	if (c->inputs != 1)
		return fail("--evaluate is for models with one input, this one has %u", c->inputs);
	status = take_rows(c, 0, c->evaluate_path, &rows, &pieces) || argument_tensor(c->labels_path, &labels);
	if (!status && (xq_model_create(&quantized) || xq_model_load_memory(quantized, data, bytes)))
		status = fail("%s", quantized ? xq_model_error(quantized) : "there is not enough memory");
	c->report.quantized.top = c->report.source.top = 5;
	if (!status)
		status = outputs_of(c, c->source, &rows, pieces, &of_float) || outputs_of(c, quantized, &rows, pieces, &y) ||
			 run_score(&of_float, &labels, &c->report.source) || run_score(&y, &labels, &c->report.quantized);
	xq_model_destroy(quantized);
	tensor_free(&rows);
	tensor_free(&labels);
	tensor_free(&y);
	tensor_free(&of_float);
	return status ? EXIT_ERROR : 0;
}

static int work(struct convert *c)
{
	const void *data;
	size_t bytes;
	int status = begin(c);

	if (!status)
		status = for_rows(c, "calibrating", xq_post_training_feed);
	if (!status && xq_post_training_finish(c->conversion))
		status = fail("%s: %s", c->path, xq_post_training_error(c->conversion));
	if (!status && c->table)
		status = for_rows(c, "comparing", xq_post_training_compare);
	if (!status)
		status = evaluate(c);
	if (status)
		return status;
	data = xq_post_training_data(c->conversion, &bytes);
	c->report.path = c->path;
	c->report.conversion = c->conversion;
	status = output_bytes(c->outputs.text[0], data, bytes) || (c->picture && convert_picture(&c->report, c->picture)) || output_commit();
	if (status)
		return EXIT_ERROR;
	if (c->json)
		convert_report_json(&c->report);
	else
		convert_report_print(&c->report, c->table);
	return output_flush();
}

int cmd_convert(int argc, char **argv)
{
	struct convert c = { .options = { .weights = XQ_S8, .activations = XQ_U8 } };
	int status = parse(&c, argc, argv);

	if (status == OPTIONS_DONE)
		status = work(&c);
	xq_post_training_destroy(c.conversion);
	xq_device_close(c.dev);
	xq_model_destroy(c.source);
	free(c.rows);
	free(c.piece);
	free(c.next);
	return status;
}
