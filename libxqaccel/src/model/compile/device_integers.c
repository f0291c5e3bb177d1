// SPDX-License-Identifier: MIT
/*
 * Integers of ONNX on the device whose zero points are operands: DynamicQuantizeLinear, which finds
 * them, and MatMulInteger and ConvInteger, whose outputs are the accumulators.
 *
 * Weights are constants. The zero point z of x may be computed. A product of the device has one for
 * each row. A convolution has none but those that are known when it is compiled: it is computed
 * without, and the CPU takes off what z contributes (correction.h),
 *
 *	sum (x - z) (w - v) = sum x (w - v) - z sum (w - v)		modulo 2^32,
 *
 * where the sums go over those taps that lie in the image; padding is zero on either side. The last
 * sum depends on the channel and on where the window is cut off.
 */
#include <errno.h>

#include "compile.h"
#include "correction.h"
#include "libxqaccel/src/model/cpu/elements.h"

/* Elements of a row that is quantized as a whole. */
#define ROW_ELEMENTS (1 << 24)

enum { X, W, X_ZERO, W_ZERO };

/* ---- zero points ----------------------------------------------------------------------------- */

static int32_t known_at(const struct xqm_tensor *zero, size_t i)
{
	const struct xqm_value value = { .type = zero->type, .data = (void *)zero->data };

	return (int32_t)xqm_integer_at(&value, i);
}

/* One for all, or one for each of so many rows or columns, of the type of what they belong to. */
static bool takes_zero(const struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i,
		       int64_t each)
{
	const struct xqm_tensor *zero = xqm_input(graph, op, i),
				*of = xqm_input(graph, op, i - X_ZERO + X);
	int64_t count;

	if (!zero)
		return true;
	count = xqm_fixed(&zero->shape) ? xqm_elements(&zero->shape) : 0;
	return zero->type == of->type && zero->shape.dims <= XQ_NETWORK_DIMS &&
	       (count == 1 || (zero->data && count == each)) && (zero->data || i == X_ZERO) &&
	       (!zero->data || zero->order == XQ_UNPACKED);
}

/* Zero points of a constant operand as a quantization. */
static int known_zeros(struct xqm_graph *graph, const struct xqm_operator *op, unsigned int i,
		       struct xqm_quantization *to)
{
	const struct xqm_tensor *zero = xqm_input(graph, op, i);
	int32_t *zeros;
	size_t k;

	*to = (struct xqm_quantization){ 0 };
	if (!zero || !zero->data)
		return 0;
	to->count = (size_t)xqm_elements(&zero->shape);
	zeros = xqm_alloc(graph, to->count * sizeof(*zeros));
	if (!zeros)
		return xqm_no_memory(graph);
	for (k = 0; k < to->count; k++)
		zeros[k] = known_at(zero, k);
	to->zero_point = zeros;
	return 0;
}

static int widen(void *arg, const struct xq_network_value *input,
		 const struct xq_network_value *output)
{
	const struct xqm_value value = { .type = *(const int *)arg, .data = input[0].data };

	*(int32_t *)output[0].data = (int32_t)xqm_integer_at(&value, 0);
	return 0;
}

static int between(struct xqm_compiler *c, enum xq_type type, size_t elements)
{
	const struct xqm_shape shape = { .known = true, .dims = 1, .dim = { (int64_t)elements } };

	return xqm_network_between(c, type, &shape, &(struct xqm_quantization){ 0 });
}

/* A computed zero point as s32 [1]. */
static int wide_zero(struct xqm_compiler *c, const struct xqm_operator *op,
		     const struct xqm_tensor *zero)
{
	struct xq_network_custom custom = { .name = xqm_operator_name(c->graph, op),
					    .inputs = 1,
					    .outputs = 1,
					    .compute = widen };
	int *to = &c->zero_point[zero->number - 1], err;

	if (*to)
		return *to;
	custom.input[0] = xqm_network_tensor(c, zero->number);
	custom.arg = xqm_keep(c->graph, &zero->type, sizeof(zero->type));
	if (custom.input[0] < 0 || !custom.arg)
		return custom.input[0] < 0 ? custom.input[0] : xqm_no_memory(c->graph);
	custom.output[0] = between(c, XQ_S32, 1);
	err = custom.output[0] < 0 ? custom.output[0] :
				     xqm_added(c, op, xq_network_custom(c->network, &custom));
	if (err < 0)
		return err;
	*to = custom.output[0];
	return *to;
}

/* The same for each of so many rows. */
static int zero_of_rows(struct xqm_compiler *c, const struct xqm_operator *op,
			const struct xqm_tensor *zero, size_t rows)
{
	static const struct xqm_quantization none;
	const struct xqm_shape one = { .known = true, .dims = 4, .dim = { 1, 1, 1, 1 } };
	struct xqm_shape all = one;
	int from = wide_zero(c, op, zero), pixel, to, err;

	if (from < 0 || rows == 1)
		return from;
	all.dim[1] = (int64_t)rows;
	pixel = xqm_network_between(c, XQ_S32, &one, &none);
	to = pixel < 0 ? pixel : xqm_network_between(c, XQ_S32, &all, &none);
	if (to < 0)
		return to;
	err = xqm_added(c, op,
			xq_network_reshape(c->network, xqm_operator_name(c->graph, op), from,
					   pixel));
	if (err >= 0)
		err = xqm_added(c, op,
				xq_network_enlarge(c->network, xqm_operator_name(c->graph, op),
						   pixel, to, rows, 1));
	return err < 0 ? err : to;
}

/* ---- operands -------------------------------------------------------------------------------- */

/* x as integers with this operator's zero point, whatever they stand for elsewhere. */
static int x_of(struct xqm_compiler *c, const struct xqm_operator *op,
		const struct xqm_quantization *zero)
{
	const struct xqm_tensor *x = xqm_input(c->graph, op, X);

	if (x->quantization.count <= 1 &&
	    xqm_zero_point(x, 0) == (zero->count ? zero->zero_point[0] : 0))
		return xqm_network_tensor(c, x->number);
	return xqm_network_seen_as(c, op, x->number, &x->shape, zero);
}

/* Weights with this operator's zero points. */
static int w_of(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *w = xqm_input(c->graph, op, W);
	struct xq_network_tensor to = {
		.name = *w->name ? w->name : NULL,
		.type = (enum xq_type)w->type,
		.dims = w->shape.dims,
		.data = w->data,
		.order = w->order,
	};
	struct xqm_quantization zero;
	unsigned int i;
	int err = known_zeros(c->graph, op, W_ZERO, &zero), number;

	if (err)
		return err;
	for (i = 0; i < to.dims; i++)
		to.dim[i] = (size_t)w->shape.dim[i];
	to.channels = zero.count;
	to.zero_point = zero.zero_point;
	number = xq_network_tensor(c->network, &to);
	return number < 0 ? xqm_fail_at(c->graph, op, number, "%s", xq_network_error(c->network)) :
			    number;
}

static bool takes_operands(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	return xqm_is(graph, op->input[X], XQM_BYTES) && xqm_moves(graph, op->input[X]) &&
	       xqm_is(graph, op->input[W], XQM_BYTES) && !xqm_moves(graph, op->input[W]) &&
	       xqm_is(graph, op->output[0], XQM_BIT(XQ_S32));
}

/* ---- products -------------------------------------------------------------------------------- */

static bool takes_product(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, X), *w = xqm_input(graph, op, W),
				*y = xqm_output(graph, op, 0);
	const unsigned int last = x->shape.dims - 1;
	unsigned int i;

	if (!takes_operands(graph, op) || w->shape.dims != 2 || y->shape.dims != x->shape.dims ||
	    x->shape.dim[last] != w->shape.dim[0] || y->shape.dim[last] != w->shape.dim[1])
		return false;
	for (i = 0; i < last; i++)
		if (x->shape.dim[i] != y->shape.dim[i])
			return false;
	/* Those of rows repeat for each matrix. */
	return takes_zero(graph, op, X_ZERO, last == 1 ? x->shape.dim[0] : 1) &&
	       takes_zero(graph, op, W_ZERO, w->shape.dim[1]);
}

static int add_product(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(c->graph, op, X),
				*zero = xqm_input(c->graph, op, X_ZERO);
	struct xq_network_product product = { .name = xqm_operator_name(c->graph, op),
					      .w_kn = true };
	const size_t rows = (size_t)(xqm_elements(&x->shape) / x->shape.dim[x->shape.dims - 1]);
	static const struct xqm_quantization none;
	struct xqm_quantization known;
	int err = known_zeros(c->graph, op, X_ZERO, &known);

	if (err)
		return err;
	product.x = x_of(c, op, known.count == 1 ? &known : &none);
	product.w = w_of(c, op);
	product.y = xqm_network_tensor(c, op->output[0]);
	if (known.count > 1)
		product.x_zps = xq_network_tensor(
			c->network, &(struct xq_network_tensor){ .type = XQ_S32,
								 .dims = 1,
								 .dim = { rows },
								 .data = known.zero_point });
	else if (zero && !zero->data)
		product.x_zps = zero_of_rows(c, op, zero, rows);
	if (product.x < 0 || product.w < 0 || product.y < 0 || product.x_zps < 0)
		return product.x < 0 ? product.x :
		       product.w < 0 ? product.w :
		       product.y < 0 ? product.y :
				       product.x_zps;
	return xqm_added(c, op, xq_network_product(c->network, &product));
}

/* ---- convolutions ---------------------------------------------------------------------------- */

static bool takes_conv(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_window *w = &op->params.window;
	const struct xqm_tensor *t = xqm_input(graph, op, W);
	struct xqm_image image;

	return takes_operands(graph, op) && w->weights == XQ_WEIGHTS_OIHW && w->groups &&
	       xqm_conv_image(graph, op, &image) &&
	       xqm_input(graph, op, X)->shape.dim[3] == t->shape.dim[1] * (int64_t)w->groups &&
	       image.channels % (int64_t)w->groups == 0 && takes_zero(graph, op, X_ZERO, 1) &&
	       takes_zero(graph, op, W_ZERO, image.channels);
}

/* From sums without the zero point of x to those with it. */
static int add_correction(struct xqm_compiler *c, const struct xqm_operator *op,
			  const struct xqm_image *image, int acc, int y)
{
	struct xq_network_custom custom = {
		.name = xqm_operator_name(c->graph, op),
		.inputs = 2,
		.outputs = 1,
		.input = { acc },
		.output = { y },
		.compute = xqm_correct,
	};
	struct xqm_quantization zero;
	const int err = known_zeros(c->graph, op, W_ZERO, &zero);

	if (err)
		return err;
	custom.arg = xqm_new_corrector(c->graph, op, &zero, image);
	if (!custom.arg)
		return xqm_no_memory(c->graph);
	custom.input[1] = wide_zero(c, op, xqm_input(c->graph, op, X_ZERO));
	return custom.input[1] < 0 ? custom.input[1] :
				     xqm_added(c, op, xq_network_custom(c->network, &custom));
}

static int add_conv(struct xqm_compiler *c, const struct xqm_operator *op)
{
	const struct xqm_tensor *zero = xqm_input(c->graph, op, X_ZERO);
	const bool corrected = zero && !zero->data;
	static const struct xqm_quantization none;
	struct xqm_quantization known;
	struct xqm_image image;
	struct xq_network_convolution conv = xqm_convolution(c->graph, op, &image);
	int err = known_zeros(c->graph, op, X_ZERO, &known), y;

	if (err)
		return err;
	conv.x = x_of(c, op, &known);
	conv.w = w_of(c, op);
	y = xqm_network_tensor(c, op->output[0]);
	conv.y = corrected ? xqm_network_between(c, XQ_S32, &xqm_output(c->graph, op, 0)->shape,
						 &none) :
			     y;
	if (conv.x < 0 || conv.w < 0 || y < 0 || conv.y < 0)
		return conv.x < 0 ? conv.x : conv.w < 0 ? conv.w : y < 0 ? y : conv.y;
	err = xqm_added(c, op, xq_network_convolution(c->network, &conv));
	return err < 0 || !corrected ? err : add_correction(c, op, &image, conv.y, y);
}

/* ---- quantization ---------------------------------------------------------------------------- */

static bool takes_dynamic(const struct xqm_graph *graph, const struct xqm_operator *op)
{
	const struct xqm_tensor *x = xqm_input(graph, op, 0), *y = xqm_output(graph, op, 0);

	return xqm_is(graph, op->input[0], XQM_BIT(XQ_F32)) && xqm_moves(graph, op->input[0]) &&
	       xqm_is(graph, op->output[0], XQM_BIT(XQ_U8)) &&
	       xqm_same_shape(&x->shape, &y->shape) && xqm_elements(&x->shape) <= ROW_ELEMENTS;
}

/* The whole tensor is a row that has a scale of its own. */
static int add_dynamic(struct xqm_compiler *c, const struct xqm_operator *op)
{
	static const float one = 1;
	const struct xq_requant same = { .profile = XQ_REQUANT_ONNX,
					 .type = XQ_U8,
					 .params = 1,
					 .scale = &one };
	const struct xqm_tensor *zero = xqm_output(c->graph, op, 2),
				*scale = xqm_output(c->graph, op, 1);
	const size_t elements = (size_t)xqm_elements(&xqm_input(c->graph, op, 0)->shape);
	struct xq_network_convert convert = { .name = xqm_operator_name(c->graph, op),
					      .profile = XQ_REQUANT_ONNX };
	struct xq_network_convert narrow = { .name = convert.name, .requant = &same };
	const struct xqm_shape row = { .known = true, .dims = 1, .dim = { (int64_t)elements } };
	int y = xqm_network_tensor(c, op->output[0]), err;

	convert.x = xqm_network_seen_as(c, op, op->input[0], &row, &(struct xqm_quantization){ 0 });
	convert.y = between(c, XQ_U8, elements);
	convert.row_scale = scale ? xqm_network_tensor(c, scale->number) : between(c, XQ_F32, 1);
	convert.row_zp = between(c, XQ_S32, 1);
	if (y < 0 || convert.x < 0 || convert.y < 0 || convert.row_scale < 0 || convert.row_zp < 0)
		return -ENOMEM;
	err = xqm_added(c, op, xq_network_convert(c->network, &convert));
	if (err >= 0)
		err = xqm_added(c, op, xq_network_reshape(c->network, convert.name, convert.y, y));
	if (err < 0 || !zero)
		return err;
	c->zero_point[zero->number - 1] = convert.row_zp;
	narrow.x = convert.row_zp;
	narrow.y = xqm_network_tensor(c, zero->number);
	return narrow.y < 0 ? narrow.y : xqm_added(c, op, xq_network_convert(c->network, &narrow));
}

const struct xqm_device_operator xqm_device_integers[] = {
	{ XQM_MATMUL_INTEGER, takes_product, add_product },
	{ XQM_CONV_INTEGER, takes_conv, add_conv },
	{ XQM_DYNAMIC_QUANTIZE, takes_dynamic, add_dynamic },
	{ 0 }
};
