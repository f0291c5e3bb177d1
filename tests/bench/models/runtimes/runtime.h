/* SPDX-License-Identifier: MIT */
/* Another runtime, on one thread. Functions end the process with a sentence if it fails. */
#ifndef XQ_BENCH_RUNTIME_H
#define XQ_BENCH_RUNTIME_H

#include <stddef.h>

struct runtime {
	const char *name;
	/* Reads a file, and gives inputs their elements; shapes as in frame.h. */
	void (*load)(const char *path, char **shapes, int count);
	void (*run)(void);
	/* Elements of the first output. */
	const void *(*result)(size_t *bytes);
};

void fail(const char *what, const char *why) __attribute__((noreturn));

extern const struct runtime tflite, onnxruntime;

#endif
