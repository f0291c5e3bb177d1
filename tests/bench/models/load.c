// SPDX-License-Identifier: MIT
/*
 * What models take in memory, and how long a large one is loaded.
 *
 *	bench-model-load [-l FILE] MODEL[:SHAPE]...
 *
 * -l: a file of LAYERS matrices of SIDE x SIDE weights of 8 bits, made by make_models.py: time from
 * the file to a session over that to read it and to pack as much as its matrices. SHAPE: of an
 * input, "1x3x224x224"
 *
 * Every model is a process of its own, and the target is that of the plan: activations over the
 * most that live at once. At the peak is what the resident set has grown by, as the highest that
 * the kernel saw: with the mapped file, packed weights, and more than 1 MiB that any model takes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xqaccel/linear.h>
#include <xqaccel/model.h>

#include "../clock.h"
#include "frame.h"

#define LAYERS		10
#define SIDE		2048
#define TURNS		7
#define LOAD_TARGET	2.0
#define MEMORY_TARGET	1.2

static struct xq_device *dev;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-model-load: %s: %s\n", what, why);
	exit(1);
}

static struct xq_session *open_model(const char *path, const char *shape, struct xq_model **model)
{
	struct xq_model_shape given[FRAME_INPUTS] = { 0 };
	struct xq_session_options options = { .shape = given };
	struct xq_session *session = NULL;
	struct frame_shape parsed;
	struct xq_model_tensor t;

	if (xq_model_create(model))
		die(path, "no memory");
	if (xq_model_load(*model, path))
		die(path, xq_model_error(*model));
	frame_shape(shape, &parsed);
	for (unsigned int i = 0; i < xq_model_inputs(*model) && i < FRAME_INPUTS; i++) {
		xq_model_tensor(*model, xq_model_input(*model, i), &t);
		given[i].dims = i || !parsed.dims ? t.dims : parsed.dims;
		for (unsigned int d = 0; d < given[i].dims; d++)
			given[i].dim[d] = i || !parsed.dims ? (t.dim[d] < 0 ? 1 : t.dim[d])
							    : parsed.dim[d];
	}
	if (xq_session_create(*model, dev, &options, &session))
		die(path, xq_model_error(*model));
	return session;
}

/* ---- memory ------------------------------------------------------------------------------ */

/* Bytes of a line of /proc/self/status. */
static size_t status_of(const char *line)
{
	FILE *f = fopen("/proc/self/status", "r");
	char text[256];
	size_t kib = 0;

	while (f && fgets(text, sizeof(text), f)) {
		if (!strncmp(text, line, strlen(line)))
			kib = strtoul(text + strlen(line) + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

/* A run, with zeros. */
static void memory_of(const char *path, const char *shape)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const size_t before = status_of("VmRSS");
	struct xq_plan_memory m;
	struct xq_session *session;
	struct xq_model *model;
	double ratio;
	size_t after;

	session = open_model(path, shape, &model);
	if (xq_session_run(session))
		die(path, "a run failed");
	after = status_of("VmHWM");
	xq_session_memory(session, &m);
	ratio = m.live ? (double)m.activations / (double)m.live : 1;
	printf("%-36s %9zu %9zu %9zu %6.2f %-9s %9zu\n", name, m.constants / 1024, m.live / 1024,
	       m.activations / 1024, ratio, ratio <= MEMORY_TARGET ? "(met)" : "(missed)",
	       (after - before) / 1024);
}

static void in_a_process(const char *path, const char *shape)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		if (xq_device_open("soft", &dev))
			die("soft", "it can't be opened");
		memory_of(path, shape);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		exit(1);
}

/* ---- time -------------------------------------------------------------------------------- */

static double load_seconds(const char *path)
{
	const double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	struct xq_model *model;
	struct xq_session *session = open_model(path, NULL, &model);
	const double seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start;

	xq_session_destroy(session);
	xq_model_destroy(model);
	return seconds;
}

/* Reads all of the file, and packs matrices of what is at its end. */
static double pack_seconds(const char *path)
{
	const double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	struct xq_linear *layer[LAYERS];
	const int fd = open(path, O_RDONLY);
	const off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint8_t *file = bytes < 0 ? NULL : malloc((size_t)bytes);
	double seconds;

	if (!file || bytes < (off_t)LAYERS * SIDE * SIDE ||
	    pread(fd, file, (size_t)bytes, 0) != bytes)
		die(path, "it can't be read, or is too short");
	for (unsigned int i = 0; i < LAYERS; i++) {
		const struct xq_linear_config config = {
			.inputs = SIDE, .outputs = SIDE, .x_type = XQ_U8, .w_type = XQ_S8,
			.weights = file + bytes - (size_t)(i + 1) * SIDE * SIDE,
		};

		if (xq_linear_create(dev, &config, &layer[i]))
			die(path, "weights can't be packed");
	}
	seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start;
	for (unsigned int i = 0; i < LAYERS; i++)
		xq_linear_destroy(layer[i]);
	free(file);
	close(fd);
	return seconds;
}

static int order(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void load_of(const char *path)
{
	double load[TURNS], pack[TURNS], ratio[TURNS];

	if (xq_device_open("soft", &dev))
		die("soft", "it can't be opened");
	for (unsigned int i = 0; i < TURNS; i++) {
		pack[i] = pack_seconds(path);
		load[i] = load_seconds(path);
		ratio[i] = load[i] / pack[i];
	}
	qsort(load, TURNS, sizeof(*load), order);
	qsort(pack, TURNS, sizeof(*pack), order);
	qsort(ratio, TURNS, sizeof(*ratio), order);
	printf("load of %d MiB of weights: %.1f ms, to read and pack them %.1f ms, ratio %.2f %s\n",
	       LAYERS * (SIDE / 1024) * (SIDE / 1024), 1e3 * load[TURNS / 2],
	       1e3 * pack[TURNS / 2], ratio[TURNS / 2],
	       ratio[TURNS / 2] <= LOAD_TARGET ? "(met)" : "(missed)");
	xq_device_close(dev);
}

int main(int argc, char **argv)
{
	const char *large = NULL;
	int option;

	while ((option = getopt(argc, argv, "l:")) != -1) {
		if (option != 'l')
			return 2;
		large = optarg;
	}
	setenv("XQ_THREADS", "1", 1);
	if (optind < argc)
		printf("%-36s %9s %9s %9s %16s %9s\n", "KiB", "constants", "live", "planned",
		       "planned / live", "at peak");
	for (int i = optind; i < argc; i++) {
		const char *path = strsep(&argv[i], ":");

		in_a_process(path, argv[i] ? strsep(&argv[i], ":") : NULL);
	}
	if (large)
		load_of(large);
	return 0;
}
