// SPDX-License-Identifier: MIT
/*
 * Conversions between types without a scale. From a real number to an integer of 8 to 64 bits the fraction is
 * dropped, and what the type has not becomes its nearest end; to narrower integers it wraps, as ONNX says.
 */
#include <errno.h>
#include <math.h>

#include <xqaccel/float_formats.h>

#include "elements.h"
#include "infer.h"
#include "kernels.h"

static bool narrow(int type)
{
	return type == XQ_S4 || type == XQ_U4 || type == XQ_S2 || type == XQ_U2;
}

static int infer(struct xqm_graph *graph, const struct xqm_operator *op, const struct xqm_value *in,
		 struct xqm_value *out)
{
	int type = out->type;

	if (xqm_class_of(in->type) == XQM_NO_CLASS || xqm_class_of(type) == XQM_NO_CLASS)
		return xqm_fail_at(graph, op, -EOPNOTSUPP, "from %s to %s", xq_model_type_name(in->type),
				   xq_model_type_name(type));
	xqm_same(out, in);
	out->type = type;
	return 0;
}

static int compute(const struct xqm_operator *op, const struct xqm_value *in, const struct xqm_value *out)
{
	size_t n = xqm_value_elements(in);

	for (size_t done = 0; done < n; done += XQM_CHUNK) {
		size_t part = n - done < XQM_CHUNK ? n - done : XQM_CHUNK;
		int64_t integer[XQM_CHUNK];
		double real[XQM_CHUNK];

		if (xqm_class_of(in->type) != XQM_REAL && xqm_class_of(out->type) != XQM_REAL) {
			xqm_load_integer(in, done, 1, part, integer);
			xqm_store_integer(out, done, part, integer);
			continue;
		}
		xqm_load_real(in, done, 1, part, real);
		/* 64-bit integers become float without the step of a double. */
		if (xqm_class_of(in->type) == XQM_INTEGER && out->type == XQ_F32) {
			xqm_load_integer(in, done, 1, part, integer);
			xqm_store_integer(out, done, part, integer);
		} else if (narrow(out->type)) {
			for (size_t i = 0; i < part; i++)
				integer[i] = fabs(real[i]) < 0x1p62 ? (int64_t)real[i] : 0;
			xqm_store_integer(out, done, part, integer);
		} else if (xqm_small_float(out->type)) {
			for (size_t i = 0; i < part; i++)
				xqm_store_small(out, done + i, real[i], !op->params.cast.special);
		} else {
			xqm_store_real(out, done, part, real);
		}
	}
	return 0;
}

const struct xqm_kernel xqm_cast_kernel = { .name = "cast", .infer = infer, .compute = compute };
