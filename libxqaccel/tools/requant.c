// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "options.h"
#include "requant.h"

static const struct {
	const char *name;
	enum xq_requant_profile profile;
} profiles[] = {
	{ "onnx", XQ_REQUANT_ONNX },
	{ "tflite", XQ_REQUANT_TFLITE },
	{ "tflite-single", XQ_REQUANT_TFLITE_SINGLE },
	{ "floor-shift", XQ_REQUANT_FLOOR_SHIFT },
};

/* --requant takes no other name than those of the table. */
static enum xq_requant_profile find_profile(const char *name)
{
	size_t i = 0;

	while (strcmp(name, profiles[i].name))
		i++;
	return profiles[i].profile;
}

/* The first option that is given of those that mean nothing without --requant; NULL if none is. */
static const char *first_given(const struct requant *r)
{
	const struct {
		const char *name;
		bool given;
	} options[] = {
		{ "x-scale", r->x_scale }, { "w-scale", r->w_scale }, { "y-scale", r->y_scale },
		{ "multiplier", r->multiplier }, { "shift", r->shift }, { "add", r->add }, { "y-zp", r->y_zp },
		{ "y-type", r->type }, { "act-min", r->has_min }, { "act-max", r->has_max },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].given)
			return options[i].name;
	return NULL;
}

static int check_scales(const struct requant *r)
{
	const char *missing = !r->x_scale ? "x-scale" : !r->w_scale ? "w-scale" : !r->y_scale ? "y-scale" : NULL;

	return !missing ? OPTIONS_DONE : usage("--requant %s needs --x-scale, --w-scale and --y-scale (--%s is missing)",
					       r->profile, missing);
}

static int check_fixed(const struct requant *r)
{
	const char *missing = !r->multiplier ? "multiplier" : !r->shift ? "shift" : NULL;

	return !missing ? OPTIONS_DONE : usage("--requant %s needs --multiplier and --shift (--%s is missing)", r->profile,
					       missing);
}

int requant_check(const struct requant *r)
{
	const char *scale = r->x_scale ? "x-scale" : r->w_scale ? "w-scale" : r->y_scale ? "y-scale" : NULL;
	const char *fixed = r->multiplier ? "multiplier" : r->shift ? "shift" : NULL;
	enum xq_requant_profile profile;

	if (!r->profile) {
		const char *given = first_given(r);

		return given ? usage("--%s needs --requant", given) : OPTIONS_DONE;
	}
	profile = find_profile(r->profile);
	if (r->add && profile != XQ_REQUANT_FLOOR_SHIFT)
		return usage("--add goes with --requant floor-shift only (--requant %s)", r->profile);
	if (profile == XQ_REQUANT_ONNX && fixed)
		return usage("--%s does not go with --requant onnx, which takes scales", fixed);
	if (profile == XQ_REQUANT_FLOOR_SHIFT && scale)
		return usage("--%s does not go with --requant floor-shift, which takes --multiplier and --shift", scale);
	if (scale && fixed)
		return usage("--%s does not go with --%s: --requant %s takes either scales, or --multiplier and --shift", fixed,
			     scale, r->profile);
	if (!scale && !fixed && profile != XQ_REQUANT_ONNX && profile != XQ_REQUANT_FLOOR_SHIFT)
		return usage("--requant %s needs either --x-scale, --w-scale and --y-scale, or --multiplier and --shift",
			     r->profile);
	return profile == XQ_REQUANT_ONNX || scale ? check_scales(r) : check_fixed(r);
}

/* The values at option: one for each of count (unless it must be a single one), or one for all. Reports what is neither. */
static bool spreads(const char *option, const struct tensor *t, bool single, size_t count)
{
	if (t->count == 1 || (t->ndim == 1 && t->dim[0] == count))
		return true;
	if (single)
		fail("--%s must be one number (it is %s)", option, tensor_shape(t));
	else
		fail("--%s must be one number, or one for each of the %zu output channels (it is %s)", option, count,
		     tensor_shape(t));
	return false;
}

static int read_ints(const char *option, const char *text, int64_t min, int64_t max, bool single, size_t count,
		     int64_t *values)
{
	struct tensor t = { 0 };
	int status = argument_ints(option, text, min, max, &t);

	if (!status && !spreads(option, &t, single, count))
		status = EXIT_ERROR;
	for (size_t i = 0; !status && i < count; i++)
		values[i] = tensor_int(&t, t.count == 1 ? 0 : i);
	tensor_free(&t);
	return status;
}

static int read_floats(const char *option, const char *text, bool single, size_t count, float *values)
{
	struct tensor t = { 0 };
	int status = argument_floats(option, text, &t);

	if (!status && !spreads(option, &t, single, count))
		status = EXIT_ERROR;
	for (size_t i = 0; !status && i < count; i++)
		values[i] = ((const float *)t.data)[t.count == 1 ? 0 : i];
	tensor_free(&t);
	return status;
}

static int read_fixed(struct requant *r, size_t n)
{
	bool floor_shift = r->rq.profile == XQ_REQUANT_FLOOR_SHIFT;
	int64_t *values = calloc(n + 1, sizeof(*values));
	int status;

	if (!values)
		return fail("there is not enough memory");
	status = read_ints("multiplier", r->multiplier, INT32_MIN, INT32_MAX, false, n, values);
	for (size_t i = 0; !status && i < n; i++)
		r->multipliers[i] = (int32_t)values[i];
	if (!status)
		status = read_ints("shift", r->shift, floor_shift ? 0 : -31, floor_shift ? 63 : 30, false, n,
				   values);
	for (size_t i = 0; !status && i < n; i++)
		r->shifts[i] = (int32_t)values[i];
	if (!status && r->add)
		status = read_ints("add", r->add, INT64_MIN, INT64_MAX, false, n, r->adds);
	free(values);
	return status;
}

static int read_scales(struct requant *r, size_t n)
{
	float *w = calloc(n + 1, sizeof(*w)), x, y;
	int status, err;

	if (!w)
		return fail("there is not enough memory");
	status = read_floats("x-scale", r->x_scale, true, 1, &x) || read_floats("y-scale", r->y_scale, true, 1, &y) ||
		 read_floats("w-scale", r->w_scale, false, n, w);
	if (!status) {
		if (r->rq.profile == XQ_REQUANT_ONNX)
			err = xq_scale_product(x, w, n, y, r->scales);
		else
			err = xq_multiplier_product(x, w, n, y, r->multipliers, r->shifts);
		if (err)
			status = fail("the scales and --x-scale times --w-scale over --y-scale must be finite, --y-scale above 0"
				      " and --x-scale not below it (%s, %s, %s)", r->x_scale, r->w_scale, r->y_scale);
	}
	free(w);
	return status ? EXIT_ERROR : 0;
}

static int32_t to_int32(int64_t v)
{
	return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static int read_bounds(struct requant *r)
{
	int64_t zp = 0;

	if (r->y_zp && read_ints("y-zp", r->y_zp, INT32_MIN, INT32_MAX, true, 1, &zp))
		return EXIT_ERROR;
	r->rq.zero_point = (int32_t)zp;
	r->rq.clamp = r->has_min || r->has_max;
	r->rq.act_min = r->has_min ? to_int32(r->act_min) : INT32_MIN;
	r->rq.act_max = r->has_max ? to_int32(r->act_max) : INT32_MAX;
	return 0;
}

int requant_read(struct requant *r, size_t channels)
{
	int status;

	if (!r->profile)
		return 0;
	r->rq.profile = find_profile(r->profile);
	r->rq.type = r->type ? r->type : XQ_S8;
	r->rq.params = channels;
	r->scales = calloc(channels + 1, sizeof(*r->scales));
	r->multipliers = calloc(channels + 1, sizeof(*r->multipliers));
	r->shifts = calloc(channels + 1, sizeof(*r->shifts));
	r->adds = calloc(channels + 1, sizeof(*r->adds));
	if (!r->scales || !r->multipliers || !r->shifts || !r->adds)
		return fail("there is not enough memory");
	status = read_bounds(r) || (r->multiplier ? read_fixed(r, channels) : read_scales(r, channels));
	if (status)
		return EXIT_ERROR;
	r->rq.scale = r->scales;
	r->rq.multiplier = r->multipliers;
	r->rq.shift = r->shifts;
	r->rq.add = r->adds;
	if (xq_requant_check(&r->rq, channels))
		return fail("no value of type %s lies between --act-min and --act-max (%" PRId32 ", %" PRId32 ")",
			    xq_type_name(r->rq.type), r->rq.act_min, r->rq.act_max);
	return 0;
}

int requant_alloc(const struct requant *r, struct tensor *t, unsigned int ndim, const size_t *dim)
{
	bool done = r->profile ?
		tensor_alloc(t, xq_type_signed(r->rq.type) ? 'i' : 'u',
			     (unsigned int)xq_type_unpacked_bytes(r->rq.type), ndim, dim) :
		tensor_alloc(t, 'i', 4, ndim, dim);

	return done ? 0 : fail("there is not enough memory for the result");
}

void requant_free(struct requant *r)
{
	free(r->scales);
	free(r->multipliers);
	free(r->shifts);
	free(r->adds);
}
