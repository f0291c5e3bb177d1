// SPDX-License-Identifier: GPL-2.0
/* The reader of ONNX files: a model that is right, models that are wrong each in one way, and any bytes changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xqaccel/model.h>

#include "ktap.h"
#include "onnx_model.h"

static struct xq_device *dev;
static char sentence[600];

static int load(const uint8_t *data, size_t bytes, bool run)
{
	struct xq_session *session = NULL;
	struct xq_model *model;
	int err = xq_model_create(&model);

	if (err)
		return err;
	err = xq_model_load_memory(model, data, bytes);
	if (!err && run)
		err = xq_session_create(model, dev, NULL, &session);
	snprintf(sentence, sizeof(sentence), "%s", err ? xq_model_error(model) : "");
	xq_session_destroy(session);
	xq_model_destroy(model);
	return err;
}

static int load_model(struct onnx_model *m)
{
	size_t bytes;
	uint8_t *data = model_pack(m, &bytes);
	int err = load(data, bytes, true);

	free(data);
	return err;
}

/* ---- right ---------------------------------------------------------------------------------------------- */

/* The convolution of the sample by its definition, in double, which is exact for these numbers. */
static double wanted(const float *x, int at)
{
	int channel = at / 16, row = at / 4 % 4, column = at % 4;
	double sum = channel - 1;

	for (int i = 0; i < 18; i++) {
		int r = row + i % 9 / 3 - 1, c = column + i % 3 - 1;

		if (r >= 0 && r < 4 && c >= 0 && c < 4)
			sum += (double)x[i / 9 * 16 + r * 4 + c] * ((channel * 18 + i) % 7 - 3);
	}
	return sum < 0 ? 0 : sum;
}

static void test_sample(void)
{
	struct xq_session *session;
	struct xq_model *model;
	struct onnx_model m;
	float x[32], y[48];
	size_t bytes;
	uint8_t *data;
	bool equal = true;

	model_sample(&m);
	data = model_pack(&m, &bytes);
	for (int i = 0; i < 32; i++)
		x[i] = (float)(i * 5 % 11 - 4) / 4;
	xq_model_create(&model);
	if (xq_model_load_memory(model, data, bytes) || xq_session_create(model, dev, NULL, &session)) {
		EXPECT(false, "%s", xq_model_error(model));
		return;
	}
	equal = !xq_session_write(session, 0, x) && !xq_session_run(session) && !xq_session_read(session, 0, y);
	for (int i = 0; i < 48 && equal; i++)
		equal = (double)y[i] == wanted(x, i);
	EXPECT(equal, "the output differs");
	xq_session_destroy(session);
	xq_model_destroy(model);
	free(data);
}

/* ---- wrong ------------------------------------------------------------------------------------------------ */

static void wrong_operator(struct onnx_model *m)
{
	m->node[1].op_type = "Frobnicate";
	m->node[1].domain = "example.org";
	m->node[1].name = "act";
}

static void wrong_opset(struct onnx_model *m)
{
	m->opset.version = 99;
}

static void old_opset(struct onnx_model *m)
{
	m->opset.version = 3;
}

static void cyclic(struct onnx_model *m)
{
	m->inputs[0][0] = "r";
}

static void twice(struct onnx_model *m)
{
	m->outputs[1][0] = "c";
}

static void no_input(struct onnx_model *m)
{
	m->inputs[1][0] = "nobody";
}

static void few_inputs(struct onnx_model *m)
{
	m->node[0].n_input = 1;
}

static void huge_shape(struct onnx_model *m)
{
	m->dims[0][0] = m->dims[0][1] = 1LL << 31;
}

static void overflowing_shape(struct onnx_model *m)
{
	for (int i = 0; i < 4; i++)
		m->dims[0][i] = 0x7fffffff;
}

static void negative_shape(struct onnx_model *m)
{
	m->dims[0][0] = -3;
}

static void short_constant(struct onnx_model *m)
{
	m->constant[0].raw_data.len -= 4;
}

static void wrong_type(struct onnx_model *m)
{
	m->tensor[1].elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
}

static void text_type(struct onnx_model *m)
{
	m->tensor[0].elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
}

static void wrong_weights(struct onnx_model *m)
{
	m->constant[0].data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
}

static void wrong_channels(struct onnx_model *m)
{
	m->dim[0][1].dim_value = 3;
}

static void wrong_reshape(struct onnx_model *m)
{
	static const int64_t sizes[2] = { 7, -1 };

	m->constant[2].raw_data.data = (uint8_t *)sizes;
}

static void wrong_attribute(struct onnx_model *m)
{
	m->attribute[0].n_ints = 3;
}

static void attribute_of_text(struct onnx_model *m)
{
	m->attribute[0].n_ints = 0;
	m->attribute[0].has_s = 1;
	m->attribute[0].s.data = (uint8_t *)"pads";
	m->attribute[0].s.len = 4;
}

static void huge_stride(struct onnx_model *m)
{
	static int64_t pads[4] = { INT64_MAX, INT64_MAX, 1, 1 };

	m->attribute[0].ints = pads;
}

static void external(struct onnx_model *m, const char *location)
{
	Onnx__TensorProto *t = &m->constant[0];

	onnx__string_string_entry_proto__init(&m->entry[0]);
	m->entry[0].key = "location";
	m->entry[0].value = (char *)location;
	m->entries[0] = &m->entry[0];
	t->external_data = m->entries;
	t->n_external_data = 1;
	t->has_data_location = 1;
	t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
	t->has_raw_data = 0;
}

static void outside(struct onnx_model *m)
{
	external(m, "a/../../weights");
}

static void absolute(struct onnx_model *m)
{
	external(m, "/etc/passwd");
}

static void without_folder(struct onnx_model *m)
{
	external(m, "weights");
}

static void no_graph(struct onnx_model *m)
{
	m->model.graph = NULL;
}

static void no_output(struct onnx_model *m)
{
	m->graph.n_output = 0;
}

/* What is changed, the error, and words that the sentence has. */
static const struct {
	const char *name;
	void (*change)(struct onnx_model *m);
	int error;
	const char *words[3];
} wrongs[] = {
	{ "an unknown operator", wrong_operator, -EOPNOTSUPP, { "Frobnicate", "example.org", "node 1" } },
	{ "a newer opset", wrong_opset, -EOPNOTSUPP, { "opset 99" } },
	{ "an older opset", old_opset, -EOPNOTSUPP, { "opset 3" } },
	{ "a cycle", cyclic, -EINVAL, { "Conv c", "node 0", " r " } },
	{ "an output made twice", twice, -EINVAL, { "node 1", " c " } },
	{ "an input that nobody makes", no_input, -EINVAL, { "nobody", "node 1" } },
	{ "too few inputs", few_inputs, -EINVAL, { "1 inputs", "node 0" } },
	{ "a huge dimension", huge_shape, -EOVERFLOW, { "constant w", "2147483648" } },
	{ "a shape that overflows", overflowing_shape, -EOVERFLOW, { "constant w" } },
	{ "a negative dimension", negative_shape, -EOVERFLOW, { "constant w", "-3" } },
	{ "a constant that is too short", short_constant, -EINVAL, { "constant w", "216", "212" } },
	{ "an output of another type", wrong_type, -EINVAL, { "y", "s64", "f32" } },
	{ "an input of text", text_type, -EOPNOTSUPP, { "tensor x", "STRING" } },
	{ "weights of another type", wrong_weights, -EINVAL, { "Conv c", "s32", "f32" } },
	{ "another number of channels", wrong_channels, -EINVAL, { "Conv c", "3 channels" } },
	{ "a shape that doesn't fit", wrong_reshape, -EINVAL, { "Reshape y", "48" } },
	{ "an attribute of another length", wrong_attribute, -EINVAL, { "pads", "3" } },
	{ "an attribute of another type", attribute_of_text, -EINVAL, { "pads", "integers" } },
	{ "padding that overflows", huge_stride, -EINVAL, { "pads", "node 0" } },
	{ "weights outside of the folder", outside, -EINVAL, { "a/../../weights", "not below" } },
	{ "weights by an absolute path", absolute, -EINVAL, { "/etc/passwd", "not below" } },
	{ "weights beside a model in memory", without_folder, -EINVAL, { "weights", "no folder" } },
	{ "no graph", no_graph, -EINVAL, { "no graph" } },
	{ "no output", no_output, -EINVAL, { "no output" } },
};

#define WRONGS			(sizeof(wrongs) / sizeof(wrongs[0]))

static void wrong(size_t i)
{
	struct onnx_model m;
	bool right;
	int err;

	model_sample(&m);
	wrongs[i].change(&m);
	err = load_model(&m);
	right = err == wrongs[i].error;
	for (int k = 0; k < 3 && wrongs[i].words[k]; k++)
		right = right && strstr(sentence, wrongs[i].words[k]);
	EXPECT(right, "%s: error %d: %s", wrongs[i].name, err, sentence);
}

/* ---- bytes ---------------------------------------------------------------------------------------------- */

static void test_truncated(void)
{
	struct onnx_model m;
	size_t bytes, loaded = 0;
	uint8_t *data, *exact;
	bool sentences = true;

	model_sample(&m);
	data = model_pack(&m, &bytes);
	for (size_t n = 0; n < bytes; n++) {
		/* In memory of its own, so that a byte too many is seen. */
		exact = malloc(n ? n : 1);
		memcpy(exact, data, n);
		loaded += !load(exact, n, false);
		sentences = sentences && *sentence;
		free(exact);
	}
	free(data);
	EXPECT(sentences && !loaded, "%zu files that end too early were taken", loaded);
}

static void test_deep(void)
{
	enum { LEVELS = 20000 };
	uint8_t *data = malloc(12 * LEVELS), *at = data + 12 * LEVELS;
	size_t bytes = 0;

	/* A type of a sequence of a sequence of ..: from the innermost out, with lengths of five bytes. */
	for (int i = 0; i < LEVELS; i++) {
		static const uint8_t tags[2] = { 0x0a, 0x22 };

		at -= 6;
		at[0] = tags[i % 2];
		for (int k = 0; k < 5; k++)
			at[1 + k] = (uint8_t)((bytes >> (7 * k) & 0x7f) | (k < 4 ? 0x80 : 0));
		bytes += 6;
	}
	for (int tag = 0; tag < 3; tag++) {
		static const uint8_t outer[3] = { 0x12, 0x5a, 0x3a };	/* ValueInfo.type, Graph.input, Model.graph */

		at -= 6;
		at[0] = outer[tag];
		for (int k = 0; k < 5; k++)
			at[1 + k] = (uint8_t)((bytes >> (7 * k) & 0x7f) | (k < 4 ? 0x80 : 0));
		bytes += 6;
	}
	at -= 2;
	at[0] = 0x08;
	at[1] = 8;
	EXPECT(load(at, bytes + 2, false) == -EINVAL && strstr(sentence, "too deeply"), "%s", sentence);
	free(data);
}

/* Every byte in turn has several other values; sometimes two are changed. */
static void test_mutations(void)
{
	static const uint8_t changes[] = { 0x01, 0x02, 0x08, 0x80, 0xff, 0x7f };
	struct onnx_model m;
	unsigned int loaded = 0, refused = 0;
	size_t bytes;
	uint8_t *data;
	bool sentences = true;

	model_sample(&m);
	data = model_pack(&m, &bytes);
	for (size_t i = 0; i < bytes; i++) {
		for (size_t k = 0; k < sizeof(changes); k++) {
			size_t other = (i * 31 + k * 7) % bytes;
			uint8_t kept = data[other];

			data[i] ^= changes[k];
			if (k == 5)
				data[other] = (uint8_t)(kept + 1);
			if (load(data, bytes, true)) {
				refused++;
				sentences = sentences && *sentence;
			} else {
				loaded++;
			}
			data[other] = k == 5 ? kept : data[other];
			data[i] ^= changes[k];
		}
	}
	free(data);
	printf("# %u changed files: %u refused, %u taken\n", loaded + refused, refused, loaded);
	EXPECT(sentences && refused > 100 && loaded > 100, "%u refused, %u taken", refused, loaded);
}

/* ---- files with weights --------------------------------------------------------------------------------- */

static int load_file(const char *path)
{
	struct xq_session *session = NULL;
	struct xq_model *model;
	int err;

	xq_model_create(&model);
	err = xq_model_load(model, path);
	if (!err)
		err = xq_session_create(model, dev, NULL, &session);
	snprintf(sentence, sizeof(sentence), "%s", err ? xq_model_error(model) : "");
	xq_session_destroy(session);
	xq_model_destroy(model);
	return err;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	if (file) {
		fwrite(data, 1, bytes, file);
		fclose(file);
	}
}

static void test_weights(void)
{
	char folder[] = "/tmp/xq-test-onnx-XXXXXX", path[64], weights[64];
	struct onnx_model m;
	size_t bytes;
	uint8_t *data;

	if (!mkdtemp(folder)) {
		EXPECT(false, "no folder");
		return;
	}
	snprintf(path, sizeof(path), "%s/model.onnx", folder);
	snprintf(weights, sizeof(weights), "%s/weights", folder);
	model_sample(&m);
	external(&m, "weights");
	data = model_pack(&m, &bytes);
	write_file(path, data, bytes);
	EXPECT(load_file(path) == -ENOENT && strstr(sentence, "weights"), "a file with weights is missing: %s", sentence);
	write_file(weights, m.constant[0].raw_data.data, 200);
	EXPECT(load_file(path) == -EINVAL && strstr(sentence, "200"), "a file with weights is too short: %s", sentence);
	write_file(weights, m.constant[0].raw_data.data, 216);
	EXPECT(!load_file(path), "weights in a file of their own: %s", sentence);
	unlink(weights);
	if (symlink("/etc/passwd", weights))
		printf("# no symbolic link\n");
	EXPECT(load_file(path) == -ELOOP, "weights behind a symbolic link: %s", sentence);
	unlink(weights);
	unlink(path);
	rmdir(folder);
	free(data);
}

static void test_wrong(void)
{
	for (size_t i = 0; i < WRONGS; i++)
		wrong(i);
}

static void with_device(void (*test)(void))
{
	if (EXPECT(!xq_device_open("soft", &dev), "no device")) {
		test();
		xq_device_close(dev);
	}
}

static void sample(void)
{
	with_device(test_sample);
}

static void wrong_models(void)
{
	with_device(test_wrong);
}

static void mutations(void)
{
	with_device(test_mutations);
}

static void weights_beside(void)
{
	with_device(test_weights);
}

KTAP_MAIN({ "a convolutional model", sample },
	  { "models that are wrong in one way", wrong_models },
	  { "files that end too early", test_truncated },
	  { "messages nested without end", test_deep },
	  { "changed bytes", mutations },
	  { "weights in files", weights_beside })
