// SPDX-License-Identifier: GPL-2.0
/*
 * ONNX's backend tests (Debian's libonnx-testdata), through the public interface: models of single
 * operators with inputs and outputs. Every operator is a result. What the library refuses is
 * counted and named; what it takes must be right; those of quantization may not be refused.
 *
 * usage: test_onnx_nodes FOLDER [PART OF A NAME], of the folder that fetch-onnx-testdata.sh prints
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_tensor.h"
#include "support.h"

#define OPERANDS		32
#define OPERATORS		400

/* So many pass with ONNX 1.20: less would mean that operators were lost. */
#define LEAST_CLAIMED		1247

static const char *const quantization[] = {
	"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearMatMul",
	"QLinearConv",	  "MatMulInteger",    "ConvInteger",
};

struct tally {
	char name[64], failure[400], refusal[400];
	unsigned int passed, failed, refused;
};

static struct tally tallies[OPERATORS];
static unsigned int operators;
static struct xq_device *dev;

static struct tally *tally_of(const char *name)
{
	for (unsigned int i = 0; i < operators; i++) {
		if (!strcmp(tallies[i].name, name))
			return &tallies[i];
	}
	if (operators == OPERATORS)
		operators--;
	snprintf(tallies[operators].name, sizeof(tallies[0].name), "%.63s", name);
	return &tallies[operators++];
}

/* ---- one data set ------------------------------------------------------------------------ */

static int read_inputs(const char *folder, unsigned int count, struct onnx_tensor *in,
		       struct xq_model_shape *shape, char *text, size_t room)
{
	for (unsigned int i = 0; i < count; i++) {
		char path[2048];
		int err;

		snprintf(path, sizeof(path), "%s/input_%u.pb", folder, i);
		err = onnx_tensor_read(path, &in[i], text, room);
		if (err)
			return err;
		shape[i].dims = in[i].dims;
		memcpy(shape[i].dim, in[i].dim, sizeof(in[i].dim));
	}
	return 0;
}

/*
 * Up to 1.20 data of QLinearMatMul with s8 were made by a program that wrapped, which ONNX
 * corrected later: what is at the end of the type here may be anything there. The others are equal.
 */
static bool is_end(const struct onnx_tensor *want, const int8_t *got)
{
	bool equal = want->type == XQ_S8;

	for (size_t i = 0; i < want->count && equal; i++)
		equal = ((const int8_t *)want->data)[i] == got[i] || got[i] == -128 ||
			got[i] == 127;
	return equal;
}

static bool compare_output(struct xq_session *s, const char *folder, unsigned int i, bool half,
			   bool saturates, char *text, size_t room)
{
	struct xq_model_tensor is;
	struct onnx_tensor want;
	char path[2048];
	size_t bytes;
	bool equal = false;
	void *got;

	snprintf(path, sizeof(path), "%s/output_%u.pb", folder, i);
	if (onnx_tensor_read(path, &want, text, room) || xq_session_output(s, i, &is))
		return false;
	bytes = xq_model_type_bytes(is.type);
	for (unsigned int d = 0; d < is.dims; d++)
		bytes *= (size_t)is.dim[d];
	got = calloc(1, bytes + 8);
	if (got && !xq_session_read(s, i, got))
		equal = (saturates && is_end(&want, got)) ||
			onnx_tensor_equal(&want, &is, got, half || is.type == XQ_BF16 ? 1e-2 : 1e-3,
					  half ? 1e-3 : 1e-7, text, room);
	free(got);
	onnx_tensor_free(&want);
	return equal;
}

/* 'p' passed, 'f' failed, 'r' refused. */
static char run_set(struct xq_model *model, const char *folder, char *text, size_t room)
{
	unsigned int inputs = xq_model_inputs(model), outputs = xq_model_outputs(model);
	struct xq_session_options options = { 0 };
	struct xq_model_shape shape[OPERANDS] = { 0 };
	struct onnx_tensor in[OPERANDS] = { 0 };
	const void *value[OPERANDS] = { 0 };
	struct xq_session *s = NULL;
	bool half = false, saturates;
	char result = 'f';
	int err;

	if (inputs > OPERANDS)
		return 'f';
	err = read_inputs(folder, inputs, in, shape, text, room);
	options.shape = shape;
	if (!err) {
		err = xq_session_create(model, dev, &options, &s);
		/*
		 * Operands that say where elements lie are inputs in these models: given now if
		 * nothing else helps.
		 */
		for (unsigned int i = 0; err == -EOPNOTSUPP && i < inputs; i++) {
			if (in[i].type == XQ_MODEL_S64 || in[i].type == XQ_S32 ||
			    in[i].type == XQ_MODEL_BOOL || (in[i].dims < 2 && in[i].count <= 8))
				value[i] = in[i].data;
		}
		options.value = value;
		if (err == -EOPNOTSUPP)
			err = xq_session_create(model, dev, &options, &s);
		if (err)
			snprintf(text, room, "%s", xq_model_error(model));
		if (err == -EOPNOTSUPP)
			result = 'r';
	}
	for (unsigned int i = 0; !err && i < inputs; i++) {
		half = half || in[i].type == XQ_F16;
		if (!value[i])
			err = xq_session_write(s, i, in[i].data);
	}
	if (!err && s) {
		err = xq_session_run(s);
		if (err)
			snprintf(text, room, "the run fails: %s", strerror(-err));
	}
	if (!err) {
		result = 'p';
		saturates = strstr(folder, "test_qlinearmatmul") && strstr(folder, "_int8_");
		for (unsigned int i = 0; result == 'p' && i < outputs; i++)
			result = compare_output(s, folder, i, half, saturates, text, room) ? 'p'
											   : 'f';
	}
	xq_session_destroy(s);
	for (unsigned int i = 0; i < inputs; i++)
		onnx_tensor_free(&in[i]);
	return result;
}

/* ---- tests ------------------------------------------------------------------------------- */

/* The operator that a test is about: the only one of its model, else the name in front. */
static void name_of(struct xq_model *model, const char *error, const char *test, char *name,
		    size_t room)
{
	const char *found = strstr(error, "operator ");
	struct xq_model_operator op;

	if (xq_model_operators(model) >= 1 && strstr(test, "_expanded") == NULL &&
	    !xq_model_operator(model, xq_model_operators(model) - 1, &op))
		snprintf(name, room, "%s", op.type);
	else if (found && strstr(error, "is not known"))
		snprintf(name, room, "%.*s", (int)strcspn(found + 9, " "), found + 9);
	else if (strstr(test, "_expanded"))
		snprintf(name, room, "functions, expanded");
	else
		snprintf(name, room, "%.*s..", (int)strcspn(test + 5, "_"), test + 5);
}

static void run_test(const char *folder, const char *test)
{
	char path[1600], name[64], text[512] = "";
	struct xq_model *model;
	struct tally *t;
	char result = 'p';
	unsigned int sets = 0;
	int err;

	if (xq_model_create(&model))
		return;
	snprintf(path, sizeof(path), "%s/%s/model.onnx", folder, test);
	err = xq_model_load(model, path);
	snprintf(text, sizeof(text), "%s", err ? xq_model_error(model) : "");
	name_of(model, text, test, name, sizeof(name));
	t = tally_of(name);
	if (err)
		result = err == -EOPNOTSUPP ? 'r' : 'f';
	for (; result == 'p'; sets++) {
		snprintf(path, sizeof(path), "%s/%s/test_data_set_%u", folder, test, sets);
		DIR *dir = opendir(path);

		if (!dir)
			break;
		closedir(dir);
		result = run_set(model, path, text, sizeof(text));
	}
	if (result == 'p' && !sets) {
		result = 'r';
		snprintf(text, sizeof(text), "it has no data");
	}
	t->passed += result == 'p';
	t->failed += result == 'f';
	t->refused += result == 'r';
	if (result == 'f')
		printf("# %s: %s\n", test, text);
	if (result == 'f' && !*t->failure)
		snprintf(t->failure, sizeof(t->failure), "%s", test);
	if (result == 'r' && !*t->refusal)
		snprintf(t->refusal, sizeof(t->refusal), "%s", text);
	if (result == 'r' && getenv("XQ_VERBOSE"))
		printf("# refused: %s: %s\n", test, text);
	xq_model_destroy(model);
}

static bool must_be_claimed(const char *name)
{
	for (size_t i = 0; i < sizeof(quantization) / sizeof(quantization[0]); i++) {
		if (!strcmp(name, quantization[i]))
			return true;
	}
	return false;
}

static unsigned int report(bool all)
{
	unsigned int passed = 0, failed = 0, refused = 0, bad = 0;

	printf("1..%u\n", operators + 1);
	for (unsigned int i = 0; i < operators; i++) {
		const struct tally *t = &tallies[i];
		bool wrong = t->failed || (must_be_claimed(t->name) && t->refused);

		passed += t->passed;
		failed += t->failed;
		refused += t->refused;
		bad += wrong;
		if (wrong)
			printf("not ok %u %s: %u of %u pass, %u refused\n", i + 1, t->name,
			       t->passed, t->passed + t->failed, t->refused);
		else if (!t->passed)
			printf("ok %u %s: %u tests # SKIP refused: %s\n", i + 1, t->name,
			       t->refused, t->refusal);
		else
			printf("ok %u %s: %u pass, %u refused\n", i + 1, t->name, t->passed,
			       t->refused);
		if (t->passed && t->refused)
			printf("# refused: %s\n", t->refusal);
	}
	printf("# %u node tests: %u claimed, %u passed, %u refused\n", passed + failed + refused,
	       passed + failed, passed, refused);
	if (all && passed < LEAST_CLAIMED)
		bad++;
	printf("%s %u at least %u tests pass\n", all && passed < LEAST_CLAIMED ? "not ok" : "ok",
	       operators + 1, all ? LEAST_CLAIMED : 0);
	return bad;
}

static int chosen(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **list = NULL;
	char folder[1024];
	int count = -1;

	if (argc > 1) {
		snprintf(folder, sizeof(folder), "%s/data/node", argv[1]);
		count = scandir(folder, &list, chosen, alphasort);
	}
	if (count < 0) {
		result_skip_all("onnx nodes", "libonnx-testdata could not be fetched");
		return 0;
	}
	if (xq_device_open(getenv("XQACCEL_DEVICE") ? NULL : "soft", &dev)) {
		printf("Bail out! no device\n");
		return 1;
	}
	printf("KTAP version 1\n");
	for (int i = 0; i < count; i++) {
		if (argc < 3 || strstr(list[i]->d_name, argv[2]))
			run_test(folder, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	xq_device_close(dev);
	return report(argc < 3) != 0;
}
