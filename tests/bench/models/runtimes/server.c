// SPDX-License-Identifier: MIT
/*
 * server MODEL SHAPE...: computes frames of a model by another runtime, as often as standard input
 * says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../clock.h"
#include "../frame.h"
#include "runtime.h"

void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void put(const void *data, size_t bytes)
{
	while (bytes) {
		const ssize_t n = write(1, data, bytes);

		if (n <= 0)
			exit(1);
		data = (const char *)data + n;
		bytes -= (size_t)n;
	}
}

int main(int argc, char **argv)
{
	const char *suffix = argc > 1 ? strrchr(argv[1], '.') : NULL;
	const struct runtime *runtime = suffix && !strcmp(suffix, ".tflite") ? &tflite
									     : &onnxruntime;
	uint32_t runs;

	if (!suffix)
		fail("usage", "server MODEL SHAPE...");
	runtime->load(argv[1], argv + 2, argc - 2);
	while (read(0, &runs, sizeof(runs)) == (ssize_t)sizeof(runs)) {
		const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
			     wall = seconds_of(CLOCK_MONOTONIC);
		struct frame_reply reply = { 0 };
		const void *data = NULL;
		size_t bytes = 0;

		if (!runs)
			data = runtime->result(&bytes);
		for (uint32_t i = 0; i < runs; i++)
			runtime->run();
		reply.cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		reply.wall = seconds_of(CLOCK_MONOTONIC) - wall;
		reply.bytes = bytes;
		put(&reply, sizeof(reply));
		put(data, bytes);
	}
	return 0;
}
