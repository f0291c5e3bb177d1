// SPDX-License-Identifier: MIT
/*
 * The speed of whole models, frame by frame, on the software device beside TensorFlow Lite
 * (.tflite) and ONNX Runtime (.onnx), on one thread.
 *
 *	bench-models [-p FOLDER] [-r ROUNDS] MODEL[:SHAPE]...
 *
 * -p: the folder of the other runtimes' process -r: rounds SHAPE: of an input, "1x576"; "-" for
 * that of the file
 *
 * Both take turns of several frames, ratios are taken within a round, and the median over the
 * rounds is shown: of CPU time, and of the time that passed. First outputs for one random input are
 * compared. Rows are rows of a batch of one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xqaccel/model.h>

#include "../clock.h"
#include "frame.h"

#define TURN_SECONDS	0.02
#define MAX_ROUNDS	64
#define TARGET		1.2

/* Another runtime's process with one model. */
struct other {
	pid_t process;
	int to, from;
};

struct bench {
	const char *path, *shape[FRAME_INPUTS];
	struct xq_model *model;
	struct xq_session *session;
	struct other other;
};

/* Seconds of CPU and by the clock. */
struct spent {
	double cpu, wall;
};

static struct xq_device *dev;
static const char *folder = "build/bench/runtimes";
static unsigned int rounds = 15;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-models: %s: %s\n", what, why);
	exit(1);
}

static void need(int err, const struct bench *b)
{
	if (err)
		die(b->path, b->model && *xq_model_error(b->model) ? xq_model_error(b->model)
								   : strerror(-err));
}

/* ---- ours -------------------------------------------------------------------------------- */

static size_t elements_of(const struct xq_model_tensor *t)
{
	size_t n = 1;

	for (unsigned int d = 0; d < t->dims; d++)
		n *= t->dim[d] > 0 ? (size_t)t->dim[d] : 1;
	return n;
}

static void open_session(struct bench *b)
{
	static const int64_t rate = FRAME_RATE;
	struct xq_model_shape shape[FRAME_INPUTS] = { 0 };
	const void *value[FRAME_INPUTS] = { NULL };
	const struct xq_session_options options = { .shape = shape, .value = value };
	struct xq_model_tensor t;
	unsigned int inputs;

	need(xq_model_create(&b->model), b);
	need(xq_model_load(b->model, b->path), b);
	inputs = xq_model_inputs(b->model);
	for (unsigned int i = 0; i < inputs && i < FRAME_INPUTS; i++) {
		struct frame_shape given;

		frame_shape(b->shape[i], &given);
		xq_model_tensor(b->model, xq_model_input(b->model, i), &t);
		for (unsigned int d = 0; !given.dims && t.known && d < t.dims; d++)
			given.dim[d] = t.dim[d] < 0 ? 1 : t.dim[d];
		shape[i].dims = given.dims ? given.dims : t.known ? t.dims : 0;
		memcpy(shape[i].dim, given.dim, sizeof(given.dim));
		if (t.type == XQ_MODEL_S64)
			value[i] = &rate;
	}
	need(xq_session_create(b->model, dev, &options, &b->session), b);
	for (unsigned int i = 0; i < inputs && i < FRAME_INPUTS; i++) {
		void *data;

		xq_session_input(b->session, i, &t);
		data = calloc(elements_of(&t) + 1, 4);
		if (!data)
			die(b->path, "no memory");
		if (t.type == XQ_F32)
			frame_fill_floats(data, elements_of(&t));
		else
			frame_fill_bytes(data, elements_of(&t));
		if (!value[i])
			need(xq_session_write(b->session, i, data), b);
		free(data);
	}
}

static struct spent run_ours(struct bench *b, uint32_t runs)
{
	const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < runs; i++)
		need(xq_session_run(b->session), b);
	return (struct spent){ seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu,
				seconds_of(CLOCK_MONOTONIC) - wall };
}

/* ---- the other runtime ------------------------------------------------------------------- */

static bool get(const struct bench *b, void *to, size_t bytes)
{
	while (bytes) {
		const ssize_t n = read(b->other.from, to, bytes);

		if (n <= 0)
			return false;
		to = (char *)to + n;
		bytes -= (size_t)n;
	}
	return true;
}

static bool ask(struct bench *b, uint32_t runs, struct frame_reply *reply)
{
	return write(b->other.to, &runs, sizeof(runs)) == (ssize_t)sizeof(runs) &&
	       get(b, reply, sizeof(*reply));
}

static struct spent run_other(struct bench *b, uint32_t runs)
{
	struct frame_reply reply;

	if (!ask(b, runs, &reply))
		die(b->path, "the other runtime ended");
	return (struct spent){ reply.cpu, reply.wall };
}

static void stop(struct bench *b)
{
	if (!b->other.process)
		return;
	close(b->other.to);
	close(b->other.from);
	waitpid(b->other.process, NULL, 0);
	b->other.process = 0;
}

/* b->other.process is 0 afterwards if there is no other runtime, or it does not take the model. */

static void start(struct bench *b)
{
	char program[4096];
	const char *words[FRAME_INPUTS + 3] = { program, b->path };
	struct frame_reply reply;
	int to[2], from[2];

	snprintf(program, sizeof(program), "%s/server.sh", folder);
	if (access(program, X_OK))
		return;
	for (unsigned int i = 0; i < FRAME_INPUTS && b->shape[i]; i++)
		words[2 + i] = b->shape[i];
	if (pipe2(to, 0) || pipe2(from, 0))
		die("pipe", strerror(errno));
	b->other.process = fork();
	if (!b->other.process) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execv(program, (char *const *)words);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	b->other.to = to[1];
	b->other.from = from[0];
	if (!ask(b, 2, &reply))
		stop(b);
}

/* ---- the table --------------------------------------------------------------------------- */

/* How the first outputs of both differ. */
static void compare(struct bench *b, char text[64])
{
	struct xq_model_tensor t;
	struct frame_reply reply;
	size_t bytes, differ = 0;
	uint8_t *theirs, *ours;
	double most = 0;

	if (!ask(b, 0, &reply))
		die(b->path, "the other runtime ended");
	xq_session_output(b->session, 0, &t);
	bytes = elements_of(&t) * xq_model_type_bytes(t.type);
	theirs = malloc(reply.bytes + 1);
	ours = malloc(bytes + 1);
	if (!theirs || !ours)
		die(b->path, "no memory");
	if (!get(b, theirs, reply.bytes))
		die(b->path, "the other runtime ended");
	need(xq_session_read(b->session, 0, ours), b);
	if (reply.bytes != bytes)
		die(b->path, "outputs have different sizes");
	for (size_t i = 0; i < elements_of(&t); i++) {
		const double d = t.type == XQ_F32
					 ? (double)((float *)theirs)[i] - (double)((float *)ours)[i]
				 : t.type == XQ_U8 ? theirs[i] - ours[i]
						   : ((int8_t *)theirs)[i] - ((int8_t *)ours)[i];

		differ += d != 0;
		most = d > most ? d : -d > most ? -d : most;
	}
	snprintf(text, 64, differ ? "%zu of %zu differ, by at most %.2g" : "equal", differ,
		 elements_of(&t), most);
	free(theirs);
	free(ours);
}

static int order(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list)
{
	qsort(list, rounds, sizeof(*list), order);
	return list[rounds / 2];
}

static uint32_t frames_of_a_turn(struct bench *b)
{
	double seconds;

	run_ours(b, 1);
	seconds = run_ours(b, 1).cpu;
	return seconds > TURN_SECONDS
		       ? 1
		       : (uint32_t)(TURN_SECONDS / (seconds > 1e-6 ? seconds : 1e-6)) + 1;
}

static void row(struct bench *b)
{
	double ours[MAX_ROUNDS], theirs[MAX_ROUNDS], cpu[MAX_ROUNDS], wall[MAX_ROUNDS];
	const char *name = strrchr(b->path, '/') ? strrchr(b->path, '/') + 1 : b->path;
	char difference[64] = "";
	uint32_t runs;

	open_session(b);
	runs = frames_of_a_turn(b);
	start(b);
	for (unsigned int i = 0; i < rounds; i++) {
		const struct spent a = run_ours(b, runs),
				   o = b->other.process ? run_other(b, runs) : a;

		ours[i] = a.cpu / runs;
		theirs[i] = o.cpu / runs;
		cpu[i] = o.cpu / a.cpu;
		wall[i] = o.wall / a.wall;
	}
	if (b->other.process)
		compare(b, difference);
	printf("%-36s %9.1f ", name, 1e6 * median(ours));
	if (b->other.process) {
		const double ratio = median(cpu);

		printf("%9.1f %6.2f %-9s %6.2f  %s", 1e6 * median(theirs), ratio,
		       ratio >= TARGET ? "(met)" : "(missed)", median(wall), difference);
	} else {
		printf("%9s", "-");
	}
	putchar('\n');
	fflush(stdout);
	stop(b);
	xq_session_destroy(b->session);
	xq_model_destroy(b->model);
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "p:r:")) != -1) {
		if (option == 'p')
			folder = optarg;
		else if (option == 'r')
			rounds = (unsigned int)atoi(optarg);
		else
			rounds = 0;
	}
	if (!rounds || rounds > MAX_ROUNDS || optind == argc) {
		fprintf(stderr, "usage: %s [-p FOLDER] [-r ROUNDS up to %d] MODEL[:SHAPE]...\n",
			argv[0], MAX_ROUNDS);
		return 2;
	}
	setenv("XQ_THREADS", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	if (xq_device_open("soft", &dev))
		die("soft", "it can't be opened");
	printf("%-36s %9s %9s %16s %6s  first output\n", "a frame", "us", "other us",
	       "other / ours", "passed");
	for (int i = optind; i < argc; i++) {
		struct bench b = { .path = strsep(&argv[i], ":") };

		for (unsigned int k = 0; k < FRAME_INPUTS && argv[i]; k++)
			b.shape[k] = strsep(&argv[i], ":");
		row(&b);
	}
	xq_device_close(dev);
	return 0;
}
