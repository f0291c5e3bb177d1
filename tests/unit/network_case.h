/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random networks for tests. Each operator is given to the library and, with the same step, computed on plain arrays,
 * one element after the other, by the formulas of the headers.
 */
#ifndef XQ_TESTS_NETWORK_CASE_H
#define XQ_TESTS_NETWORK_CASE_H

#include <xqaccel/run.h>

#define CASE_VALUES	96
#define CASE_BLOCKS	1024

/**
 * struct value - a tensor and its elements, with the batch in its shape
 * @id: number in the network
 * @scales: whether it has a scale and zero point
 * @q: elements of an integer type
 * @f: elements of f32
 * @from: the kind of operator that made it
 */
struct value {
	int id;
	enum xq_type type;
	unsigned int dims;
	size_t dim[XQ_NETWORK_DIMS], count;
	bool batched, scales, output;
	float scale;
	int32_t zp;
	int32_t *q;
	float *f;
	const char *from;
};

/**
 * struct network_case - a network
 * @inputs: the first values
 * @blocks: memory to be freed
 */
struct network_case {
	struct xq_network *net;
	size_t batch;
	struct value value[CASE_VALUES];
	unsigned int values, inputs;
	void *block[CASE_BLOCKS];
	unsigned int blocks;
};

/* An empty one with some inputs. */
void case_begin(struct network_case *c, size_t batch);

/* Adds so many random operators, and names outputs. */
void case_grow(struct network_case *c, unsigned int operators);

void case_end(struct network_case *c);

/* Gives a run its inputs. */
void case_write(const struct network_case *c, struct xq_run *run);

/* Whether a run's outputs are right; the first that is not is printed. */
bool case_right(const struct network_case *c, const struct xq_run *run);

/* Operators that were added, by kind, over all cases. */
#define CASE_KINDS	17
extern unsigned int case_kinds[CASE_KINDS];
extern const char *const case_kind_names[CASE_KINDS];

/*
 * Rows of products that have a zero point or a scale each, over all cases: the constants, and those that another operator
 * made. Without case_zero_points none has one, which a device that has to shift the rows does not offer.
 */
extern unsigned int case_row_values[2];
extern bool case_zero_points;

/* Memory that lives as long as the case. */
void *case_memory(struct network_case *c, size_t bytes);

#endif
