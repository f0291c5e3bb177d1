/* SPDX-License-Identifier: MIT */
/*
 * Models from files: TensorFlow Lite (.tflite) and ONNX (.onnx).
 *
 * A model is what a file holds. A session is a model made ready for a device: integer operators as jobs of the
 * device, what it lacks on the CPU, weights packed, memory planned. The arithmetic is that of the file's
 * format: a .tflite file gives the integers of TensorFlow Lite's reference kernels, an .onnx file those of
 * ONNX's definitions, on every device the same. Documentation/models.rst says which operators there are.
 *
 * Functions return 0 or a number, or a negative errno: -EINVAL the file or an argument contradicts itself,
 * -EOPNOTSUPP an operator or type that is not known, -EOVERFLOW a size, -ENOMEM. xq_model_error() has a sentence
 * on it that names the operator, tensor or byte of the file.
 *
 * A model belongs to one thread at a time, and so does a session; sessions of one model are independent of each
 * other once they are created.
 */
#ifndef XQACCEL_MODEL_H
#define XQACCEL_MODEL_H

#include <xqaccel/run.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct xq_model;
struct xq_session;

/* Dimensions that a tensor of a model may have. */
#define XQ_MODEL_DIMS		8

/**
 * enum xq_model_type - types that tensors of models have beside those of enum xq_type
 *
 * Unpacked, an element is a byte of 0 or 1 (bool), 4 or 8 bytes, or a byte with the bits of a small float
 * (xqaccel/float_formats.h: E4M3, E5M2, E2M1).
 */
enum xq_model_type {
	XQ_MODEL_BOOL = 64,
	XQ_MODEL_U32,
	XQ_MODEL_S64,
	XQ_MODEL_U64,
	XQ_MODEL_F64,
	XQ_MODEL_E4M3,
	XQ_MODEL_E5M2,
	XQ_MODEL_E2M1,
};

/** xq_model_type_name() - of an enum xq_type or enum xq_model_type: "s8", "bool", ...; "?" for none */
const char *xq_model_type_name(int type);

/** xq_model_type_bytes() - bytes of one unpacked element of an enum xq_type or enum xq_model_type; 0 for none */
size_t xq_model_type_bytes(int type);

/* ---- models ------------------------------------------------------------------------------------- */

/** xq_model_create() - a model without contents, owned by the caller until xq_model_destroy(); or -ENOMEM */
int xq_model_create(struct xq_model **model);

/** xq_model_destroy() - NULL is allowed. Its sessions are destroyed before */
void xq_model_destroy(struct xq_model *model);

/** xq_model_error() - a sentence on the last call that failed; "" before; lives until the next call */
const char *xq_model_error(const struct xq_model *model);

/**
 * xq_model_load() - read a file
 * @path: it is mapped, and has to stay as it is until xq_model_destroy(): weights are not copied
 *
 * Once for each model. Return: 0, an errno of opening or mapping the file, or as said above.
 */
int xq_model_load(struct xq_model *model, const char *path);

/**
 * xq_model_load_memory() - the same from memory, which has to stay until xq_model_destroy()
 * @data: @bytes: what a file would hold
 */
int xq_model_load_memory(struct xq_model *model, const void *data, size_t bytes);

/** xq_model_format() - "TensorFlow Lite" or "ONNX"; lives as long as the library */
const char *xq_model_format(const struct xq_model *model);

/**
 * struct xq_model_tensor - a tensor
 * @name: as in the file; lives as long as the model or session that was asked
 * @type: enum xq_type or enum xq_model_type; XQ_NONE if the file does not say it
 * @known: the number of dimensions is known
 * @dims: @dim: sizes, -1 for one that is not known before inputs are given
 * @scales: how many scales there are: 0 for none, 1, or one for each index of dimension @axis
 * @scale: @zero_point: [scales]; an element q stands for scale * (q - zero_point)
 * @constant: it is in the file
 * @bytes: there
 */
struct xq_model_tensor {
	const char *name;
	int type;
	bool known;
	unsigned int dims;
	int64_t dim[XQ_MODEL_DIMS];
	size_t scales;
	unsigned int axis;
	const float *scale;
	const int32_t *zero_point;
	bool constant;
	size_t bytes;
};

/** xq_model_inputs() - how many inputs there are */
unsigned int xq_model_inputs(const struct xq_model *model);

/** xq_model_outputs() - how many outputs there are */
unsigned int xq_model_outputs(const struct xq_model *model);

/** xq_model_states() - how many variables keep their value from one run to the next */
unsigned int xq_model_states(const struct xq_model *model);

/** xq_model_input() - number of the tensor that is input i, or -EINVAL */
int xq_model_input(const struct xq_model *model, unsigned int i);

/** xq_model_output() - number of the tensor that is output i, or -EINVAL */
int xq_model_output(const struct xq_model *model, unsigned int i);

/** xq_model_tensors() - tensors are numbered from 1 to this */
unsigned int xq_model_tensors(const struct xq_model *model);

/** xq_model_tensor() - a tensor by its number. Return: 0, -EINVAL */
int xq_model_tensor(const struct xq_model *model, int number, struct xq_model_tensor *tensor);

/**
 * struct xq_model_operator - an operator
 * @type: its kind as the file calls it: "CONV_2D", "QLinearConv"
 * @name: of this one, "" if it has none
 * @place: where it stands in the file
 * @inputs: @input: numbers of tensors, 0 for one that is left out
 * @outputs: @output: the same
 *
 * All live as long as the model or session that was asked.
 */
struct xq_model_operator {
	const char *type, *name, *place;
	unsigned int inputs, outputs;
	const int *input, *output;
};

/** xq_model_operators() - operators are numbered from 0 to this - 1, in an order in which they can be computed */
unsigned int xq_model_operators(const struct xq_model *model);

/** xq_model_operator() - an operator by its number. Return: 0, -EINVAL */
int xq_model_operator(const struct xq_model *model, unsigned int number, struct xq_model_operator *op);

/* ---- sessions ------------------------------------------------------------------------------------- */

/**
 * struct xq_model_shape - a shape that is given to an input
 * @dims: 0: as in the file
 */
struct xq_model_shape {
	unsigned int dims;
	int64_t dim[XQ_MODEL_DIMS];
};

/**
 * struct xq_session_options - how a model is made ready; zero what is not needed
 * @batch: how many times the model's own batch a run computes, where the first dimension of all
 *	inputs and outputs grows; 0 counts as 1. Rows do not depend on each other
 * @shape: [inputs of the model], or NULL; for what the file leaves open
 * @value: [inputs of the model], or NULL: unpacked elements of inputs that are given now and stay what they are in
 *	all runs, NULL for others. Shapes may depend on them (the operand of a Reshape, say); without a batch
 */
struct xq_session_options {
	size_t batch;
	const struct xq_model_shape *shape;
	const void *const *value;
};

/**
 * xq_session_create() - make a model ready for a device
 * @dev: stays open until xq_session_destroy()
 * @options: NULL for those of zeros
 * @session: set to the session, owned by the caller until xq_session_destroy()
 *
 * Return: 0; -EOPNOTSUPP also where a batch is wanted and rows of this model are not computed apart (it has
 * state, or mixes them); or as xq_network_compile(). xq_model_error() has a sentence.
 */
int xq_session_create(struct xq_model *model, struct xq_device *dev, const struct xq_session_options *options,
		      struct xq_session **session);

/** xq_session_destroy() - NULL is allowed */
void xq_session_destroy(struct xq_session *session);

/** xq_session_input() - input i, with a shape that is known and has the batch in it. Return: 0, -EINVAL */
int xq_session_input(const struct xq_session *session, unsigned int i, struct xq_model_tensor *tensor);

/** xq_session_output() - output i. Return: 0, -EINVAL */
int xq_session_output(const struct xq_session *session, unsigned int i, struct xq_model_tensor *tensor);

/**
 * xq_session_write() - give input i its elements
 * @elements: unpacked, of the input's type and shape; copied
 *
 * They stay for all runs that follow. Return: 0, -EINVAL, -ERANGE a value that is not of the type.
 */
int xq_session_write(struct xq_session *session, unsigned int i, const void *elements);

/**
 * xq_session_write_float() - the same from floats, which an input of integers quantizes by its scale
 *
 * q = saturate(round_half_even(x / scale) + zero_point), as ONNX's QuantizeLinear. Return: 0, -EINVAL an input of
 * integers without a scale, -EDOM a value that is not finite.
 */
int xq_session_write_float(struct xq_session *session, unsigned int i, const float *elements);

/**
 * xq_session_run() - compute outputs and the next state. Waits for the end
 *
 * Return: 0, -EDOM a value that an operator can't work with, such as an index beyond the end, or how the run failed, as
 * xq_run_execute(); then states are as before.
 */
int xq_session_run(struct xq_session *session);

/** xq_session_read() - take output i of the last run, unpacked. Return: 0, -EINVAL */
int xq_session_read(const struct xq_session *session, unsigned int i, void *elements);

/** xq_session_reset() - set all states to what they begin with */
void xq_session_reset(struct xq_session *session);

/* ---- what a session is and does --------------------------------------------------------------------- */

/**
 * struct xq_session_operator - an operator of a session
 * @op: type, name and place; numbers of tensors are the session's own (xq_session_tensor())
 * @where: where it is computed
 * @device_ns: time on the device in the last run, by its clock
 * @cpu_ns: time on the CPU in the last run
 * @macs: @bytes: products, and bytes moved by the device, in the last run
 */
struct xq_session_operator {
	struct xq_model_operator op;
	enum xq_where where;
	uint64_t device_ns, cpu_ns, macs, bytes;
};

/** xq_session_operators() - how many operators are left, after passes and folding of constants */
unsigned int xq_session_operators(const struct xq_session *session);

/** xq_session_operator() - an operator by its number. Return: 0, -EINVAL */
int xq_session_operator(const struct xq_session *session, unsigned int number, struct xq_session_operator *op);

/** xq_session_tensor() - a tensor of the session, for one element of the batch. Return: 0, -EINVAL */
int xq_session_tensor(const struct xq_session *session, int number, struct xq_model_tensor *tensor);

/**
 * struct xq_session_totals - the last run as a whole
 * @run_ns: from begin to end
 * @device_ns: @cpu_ns: sums of the operators'
 * @changes: how often the work goes from the device to the CPU or back
 *
 * What is left of run_ns is the cost of moving between the two: jobs are handed over, and waited for.
 */
struct xq_session_totals {
	uint64_t run_ns, device_ns, cpu_ns;
	unsigned int changes;
};

/** xq_session_totals() - of the last run */
void xq_session_totals(const struct xq_session *session, struct xq_session_totals *totals);

/** xq_session_memory() - bytes that the session takes, as of its plan */
void xq_session_memory(const struct xq_session *session, struct xq_plan_memory *memory);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
