// SPDX-License-Identifier: MIT
/*
 * How far down can the weights of a trained network go?
 *
 * Quantizes the float models of the vectors folder by every scheme of the list, without
 * training, and counts how many test images are still classified right.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infer.h"
#include "report.h"
#include "schemes.h"

#define CALIBRATION_IMAGES 1024

struct subject {
	const char *name, *title;
	float input_scale;		/* what the model's authors multiply pixels by */
	bool cifar;
};

static const struct subject subjects[LAB_MAX_MODELS] = {
	{ "mnist-8", "mnist-8, 10,000 MNIST images", 1, false },
	{ "pretrainedResnet", "ResNet8, 1,000 CIFAR-10 images", 1, true },
	{ "mnist_resnet_f", "MNIST ResNet, 10,000 MNIST images", 1.0f / 255, false },
};

static void progress(const struct subject *s, size_t done, const struct lab_scheme *scheme)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K[%zu/%zu] %s: %s, %u bits", done + 1, lab_scheme_count,
			s->name, scheme->name, scheme->bits);
}

static void progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static const char *load(const struct subject *s, const char *vectors, struct lab_model *m,
			struct lab_images *test, struct lab_images *calibration)
{
	const char *error;

	*test = *calibration = (struct lab_images){ 0 };
	*m = (struct lab_model){ 0 };
	if (!strcmp(s->name, "mnist-8"))
		error = lab_load_mnist8(vectors, m);
	else
		error = lab_load_graph(vectors, s->name, m);
	m->input_scale = s->input_scale;
	if (!error)
		error = s->cifar ? lab_load_cifar(vectors, false, test) :
			lab_load_mnist(vectors, false, 10000, test);
	if (!error)
		error = s->cifar ? lab_load_cifar(vectors, true, calibration) :
			lab_load_mnist(vectors, true, CALIBRATION_IMAGES, calibration);
	return error;
}

static bool measure(const struct lab_scheme *scheme, const struct lab_calibration *c,
		    const struct lab_images *test, struct lab_row *row)
{
	struct lab_model m;
	struct lab_cost cost;
	size_t right;
	bool ok;

	if (!lab_model_copy(c->model, &m))
		return false;
	ok = lab_apply(scheme, c, &m, &cost) && lab_accuracy(&m, test, &right);
	if (ok) {
		uint64_t bits = cost.code_bits + cost.param_bits;

		*row = (struct lab_row){
			.scheme = scheme->name, .bits = scheme->bits,
			.bits_per_weight = (double)bits / (double)cost.weights,
			.bytes = (size_t)((bits + 7) / 8 + cost.bias_bytes),
			.snr_db = 10 * log10(cost.energy / cost.error),
			.accuracy = 100.0 * (double)right / (double)test->n,
		};
	}
	lab_model_free(&m);
	return ok;
}

static bool describe_float(const struct lab_model *m, const struct lab_images *test,
			   struct lab_result *r)
{
	size_t right;

	r->images = test->n;
	for (int i = 0; i < m->ops; i++) {
		r->weights += m->op[i].rows * m->op[i].k;
		r->float_bytes += (m->op[i].rows * m->op[i].k + m->op[i].rows) * sizeof(float);
	}
	if (!lab_accuracy(m, test, &right))
		return false;
	r->float_accuracy = 100.0 * (double)right / (double)test->n;
	return true;
}

static const char *study(const struct subject *s, const char *vectors, unsigned int bits,
			 struct lab_result *r)
{
	struct lab_images test, images;
	struct lab_calibration c = { 0 };
	struct lab_model m;
	const char *error = load(s, vectors, &m, &test, &images);
	double naive = 0;

	*r = (struct lab_result){ .title = s->title };
	if (!error && !lab_calibration_init(&c, &m, &images, CALIBRATION_IMAGES))
		error = "no memory";
	if (!error && !describe_float(&m, &test, r))
		error = "no memory";
	if (!error)
		lab_print_header(r);
	for (size_t i = 0; i < lab_scheme_count && !error && r->rows < LAB_MAX_ROWS; i++) {
		const struct lab_scheme *scheme = &lab_schemes[i];
		struct lab_row *row = &r->row[r->rows];

		if (bits && scheme->bits != bits)
			continue;
		progress(s, i, scheme);
		if (!measure(scheme, &c, &test, row)) {
			error = scheme->name;
			break;
		}
		if (!r->rows || row->bits != row[-1].bits)
			naive = row->accuracy;
		row->gain = row->accuracy - naive;
		progress_clear();
		lab_print_row(r, row);
		r->rows++;
	}
	lab_calibration_free(&c);
	lab_images_free(&test);
	lab_images_free(&images);
	lab_model_free(&m);
	return error;
}

static bool has_models(const char *vectors)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/models/float", vectors);
	return !access(path, R_OK | X_OK);
}

static int usage(void)
{
	fprintf(stderr, "usage: lab [-v VECTORS] [-o FOLDER] [-m MODEL] [-b BITS]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *vectors = getenv("XQ_VECTORS"), *folder = ".", *only = NULL;
	static struct lab_result results[LAB_MAX_MODELS];
	unsigned int bits = 0;
	size_t n = 0;
	int option;

	vectors = vectors ? vectors : "../shared";
	while ((option = getopt(argc, argv, "v:o:m:b:")) != -1) {
		switch (option) {
		case 'v': vectors = optarg; break;
		case 'o': folder = optarg; break;
		case 'm': only = optarg; break;
		case 'b': bits = (unsigned int)atoi(optarg); break;
		default: return usage();
		}
	}
	if (optind < argc)
		return usage();
	if (!has_models(vectors)) {
		fprintf(stderr, "lab: SKIP no models/float below XQ_VECTORS (%s)\n", vectors);
		return 0;
	}
	mkdir(folder, 0777);
	for (size_t i = 0; i < LAB_MAX_MODELS; i++) {
		const char *error;

		if (only && strcmp(only, subjects[i].name))
			continue;
		error = study(&subjects[i], vectors, bits, &results[n]);
		if (error)
			fprintf(stderr, "lab: %s: left out: %s (XQ_VECTORS is %s)\n", subjects[i].name,
				error, vectors);
		else
			n++;
		/* After each model, so that an interrupted run leaves what it has. */
		if (!error && !lab_write(folder, results, n)) {
			fprintf(stderr, "lab: the tables can't be written to %s\n", folder);
			return 1;
		}
	}
	if (!n)
		return 0;
	printf("\n%s/lab.md, lab.csv, lab.svg\n", folder);
	return 0;
}
