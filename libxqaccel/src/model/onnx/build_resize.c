// SPDX-License-Identifier: MIT
/*
 * Resize, and Upsample, which it was called before.
 */
#include <errno.h>
#include <string.h>

#include "reader.h"

static int sampling(struct xqo_node *node, struct xqm_resize *p)
{
	static const struct {
		const char *name;
		enum xqm_sampling sampling;
	} samplings[] = {
		{ "half_pixel", XQM_HALF_PIXEL },
		{ "pytorch_half_pixel", XQM_HALF_PIXEL_ONE },
		{ "asymmetric", XQM_ASYMMETRIC },
		{ "align_corners", XQM_ALIGN_CORNERS },
	};
	const char *otherwise = node->reader->opset < 11 ? "asymmetric" : "half_pixel";

	for (size_t i = 0; i < sizeof(samplings) / sizeof(samplings[0]); i++) {
		if (!xqo_text_is(node, "coordinate_transformation_mode", otherwise, samplings[i].name))
			continue;
		p->sampling = samplings[i].sampling;
		return 0;
	}
	return xqo_refuse(node, -EOPNOTSUPP, "its coordinate_transformation_mode is not known");
}

static int rounding(struct xqo_node *node, struct xqm_resize *p)
{
	static const char *const names[] = {
		[XQM_NEAREST_HALF_DOWN] = "round_prefer_floor", [XQM_NEAREST_HALF_UP] = "round_prefer_ceil",
		[XQM_NEAREST_FLOOR] = "floor", [XQM_NEAREST_CEIL] = "ceil",
	};
	const char *otherwise = node->reader->opset < 11 ? "floor" : "round_prefer_floor";

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!xqo_text_is(node, "nearest_mode", otherwise, names[i]))
			continue;
		p->nearest = (enum xqm_nearest)i;
		return 0;
	}
	return xqo_refuse(node, -EINVAL, "its nearest_mode is not known");
}

int xqo_build_resize(struct xqo_node *node)
{
	int input[2] = { xqo_in(node, 0), xqo_in(node, node->reader->opset < 11 ? 1 : xqo_in(node, 3) ? 3 : 2) };
	struct xqm_resize p = { .cubic_a = xqo_float(node, "cubic_coeff_a", -0.75f) };
	struct xqm_operator *op;
	size_t count;
	const int64_t *axes = xqo_ints(node, "axes", &count);
	int err = sampling(node, &p);

	if (!err)
		err = rounding(node, &p);
	if (err)
		return err;
	p.cubic = xqo_text_is(node, "mode", "nearest", "cubic");
	p.linear = xqo_text_is(node, "mode", "nearest", "linear") || xqo_text_is(node, "mode", "nearest", "bilinear");
	if (!p.cubic && !p.linear && !xqo_text_is(node, "mode", "nearest", "nearest"))
		return xqo_refuse(node, -EINVAL, "its mode is not known");
	if (xqo_int(node, "antialias", 0) || xqo_int(node, "exclude_outside", 0))
		return xqo_refuse(node, -EOPNOTSUPP, "antialias or exclude_outside");
	if (!xqo_text_is(node, "keep_aspect_ratio_policy", "stretch", "stretch"))
		return xqo_refuse(node, -EOPNOTSUPP, "its keep_aspect_ratio_policy is not stretch");
	if (count > XQ_MODEL_DIMS)
		return xqo_refuse(node, -EINVAL, "%zu axes", count);
	p.axes = (unsigned int)count;
	for (size_t i = 0; i < count; i++)
		p.axis[i] = axes[i];
	if (!input[1] && xqo_attribute(node, "scales")) {
		const Onnx__AttributeProto *scales = xqo_attribute(node, "scales");
		const float *data = xqm_keep(node->graph, scales->floats, scales->n_floats * sizeof(float));
		struct xqm_tensor *t;

		input[1] = xqo_between(node, XQ_F32);
		t = xqm_tensor(node->graph, input[1]);
		if (!t || !data)
			return xqm_no_memory(node->graph);
		t->shape = (struct xqm_shape){ .known = true, .dims = 1, .dim = { (int64_t)scales->n_floats } };
		t->data = data;
		t->bytes = scales->n_floats * sizeof(float);
	}
	if (!input[1])
		return xqo_refuse(node, -EINVAL, "neither sizes nor scales are there");
	op = xqo_add_with(node, XQM_RESIZE, input, 2, node->output, 1);
	if (!op)
		return -ENOMEM;
	op->params.resize = p;
	return 0;
}
