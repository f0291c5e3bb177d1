/* SPDX-License-Identifier: MIT */
/*
 * What bench-models and the process of another runtime share: the inputs of a frame, and what they
 * say to each other.
 */
#ifndef XQ_BENCH_FRAME_H
#define XQ_BENCH_FRAME_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_INPUTS	8
#define FRAME_DIMS	8
#define FRAME_RATE	16000	/* of sound, what integers of 64 bits stand for */

/* A request is how many frames to compute, 0 for the elements of the first output. */
struct frame_reply {
	double cpu, wall;	/* seconds of all frames */
	uint64_t bytes;		/* that follow */
};

/* A shape as text, "1x576"; "" or "-" for the one of the file. */
struct frame_shape {
	unsigned int dims;
	int64_t dim[FRAME_DIMS];
};

static inline void frame_shape(const char *text, struct frame_shape *shape)
{
	char *end;

	shape->dims = 0;
	while (text && *text >= '0' && *text <= '9' && shape->dims < FRAME_DIMS) {
		shape->dim[shape->dims++] = strtoll(text, &end, 10);
		text = *end ? end + 1 : end;
	}
}

/* Random bytes, or floats of 0 to 1; the same for every runtime. */
static inline void frame_fill_bytes(uint8_t *to, size_t bytes)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < bytes; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		to[i] = (uint8_t)(seed >> 56);
	}
}

static inline void frame_fill_floats(float *to, size_t elements)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < elements; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		to[i] = (float)(seed >> 40) / (1 << 24);
	}
}

#endif
