/* SPDX-License-Identifier: MIT */
/*
 * A network compiled for a device: memory that is shared by tensors, and steps that read and write it.
 * Internal.
 */
#ifndef XQ_NETWORK_PLAN_H
#define XQ_NETWORK_PLAN_H

#include <xqaccel/pack.h>
#include <xqaccel/program.h>

#include "libxqaccel/src/device/backend.h"
#include "graph.h"

/* Tensors begin at multiples of this, so that vector loads don't cross cache lines; weights in tiles at pages. */
#define XQN_ALIGN		64

enum xqn_region {
	XQN_ARENA,		/* between operators */
	XQN_CONSTANT,
	XQN_SLOT,		/* inputs and outputs */
};

/**
 * struct xqn_storage - memory of one or more tensors
 * @offset: in the arena, or among the constants
 * @slot: number of the input or output
 * @first: @last: steps between which it is in use, -1 for none
 */
struct xqn_storage {
	enum xqn_region region;
	size_t bytes, align, offset;
	unsigned int slot;
	int first, last;
};

/**
 * struct xqn_view - a tensor in its memory
 * @offset: of its first byte
 * @stride: bytes from one index of a dimension to the next; of the last dimension those of an element,
 *	or 0 with rows that are packed
 */
struct xqn_view {
	int storage;
	size_t offset;
	enum xq_type type;
	unsigned int dims;
	size_t dim[XQ_NETWORK_DIMS], stride[XQ_NETWORK_DIMS];
};

/** struct xqn_place - an operand of a step; storage is -1 for none */
struct xqn_place {
	int storage;
	uint64_t offset, stride, batch_stride, plane_stride;
};

/* Operands of a copy that finds scales. */
#define XQN_ROW_SCALE		XQACCEL_Y_SCALE
#define XQN_ROW_ZP		XQACCEL_Y_ZP

enum xqn_step_kind {
	XQN_JOB,		/* as the device does it */
	XQN_FINISH,		/* the epilogue of accumulators that a job has left, on the CPU */
	XQN_CALL,		/* the caller's function */
};

/** struct xqn_call - a custom operator's tensors, all without gaps */
struct xqn_call {
	unsigned int inputs, outputs;
	struct xqn_view view[2 * XQ_NETWORK_OPERANDS];
	int (*compute)(void *arg, const struct xq_network_value *input,
		       const struct xq_network_value *output);
	void *arg;
};

/**
 * struct xqn_step - what is done at once
 * @cpu: by whom
 * @operator: for which operator
 * @work: @place: the job, of a product or convolution. Of a FINISH work has the one whose epilogue it is,
 *	and place[XQACCEL_A] its accumulators, without gaps
 * @pool: and others: the numbers of another job as the kernels take them; those of work are made of them
 */
struct xqn_step {
	enum xqn_step_kind kind;
	bool cpu;
	unsigned int operator;
	struct xqaccel_work work;
	struct xqn_place place[XQ_OPERANDS];
	union {
		struct xq_pool_dims pool;
		struct xq_elementwise elementwise;
		struct xq_softmax_dims softmax;
		struct xq_mean_dims mean;
		struct xq_copy_dims copy;
	};
	struct xqn_call *call;
};

/**
 * struct xqn_slot - an input or output
 * @offset: in a run's own memory
 */
struct xqn_slot {
	int tensor, storage;
	bool input;
	size_t bytes, offset;
};

/**
 * struct xqn_segment - steps of the device with none of the CPU between them
 * @program: these steps, recorded; NULL if the device has no programs, or not with so many slots
 * @slots: a bit for each slot that it uses
 */
struct xqn_segment {
	unsigned int first, count;
	struct xq_program *program;
	uint32_t slots;
};

struct xqn_plan_operator {
	char *name;
	bool device, cpu;
	unsigned int jobs;
};

struct xq_plan {
	struct xq_device *dev;
	struct xqn_storage *storage;
	struct xqn_step *step;
	struct xqn_slot *slot;
	unsigned int *slot_of;		/* of each tensor one more than the number of its slot, or 0 */
	struct xqn_segment *segment;
	struct xqn_plan_operator *operator;
	struct xqn_view *tensor;	/* shapes; number n is tensor[n - 1] */
	unsigned int storages, steps, slots, segments, operators, tensors;
	struct xq_buffer *constants;	/* NULL if there are none */
	struct xq_plan_memory memory;
	size_t io_bytes;
};

/* ---- memory ------------------------------------------------------------------------------------- */

/** struct xqn_extent - memory in use from one step to another */
struct xqn_extent {
	size_t bytes, align, offset;
	int first, last;
};

/*
 * Sets the offsets so that what is in use at the same time does not overlap. Returns the bytes of all; live is
 * set to the most that is in use at once. SIZE_MAX if all take more than there are addresses, or, with live 0, if there is
 * no memory to find out.
 */
size_t xqn_pack_memory(struct xqn_extent *extent, unsigned int count, size_t *live);

/* ---- views -------------------------------------------------------------------------------------- */

/* Strides of a tensor without gaps. Returns its bytes. */
size_t xqn_dense(struct xqn_view *view);

bool xqn_is_dense(const struct xqn_view *view);

/* Whether rows are packed several elements to a byte. */
static inline bool xqn_packed(const struct xqn_view *view)
{
	return xq_type_bits(view->type) < 8;
}

/* Bytes of the last dimension. */
static inline size_t xqn_row_bytes(const struct xqn_view *view)
{
	return xq_row_size(view->type, view->dims ? view->dim[view->dims - 1] : 1);
}

/*
 * Joins the first dimensions of views that have the same sizes, where all of them go on as one would, and where that has
 * at most so many elements; the inner ones first. Returns how many are left, outermost first; of
 * stride[v * XQ_NETWORK_DIMS + i] is that of view v.
 */
unsigned int xqn_join(const struct xqn_view *const *views, unsigned int count, unsigned int dims, size_t most,
		      size_t *dim, size_t *stride);

/* A box of a tensor. False if it does not begin at a byte. */
bool xqn_box(const struct xqn_view *view, const size_t *begin, const size_t *dim, const size_t *step,
	     struct xqn_view *box);

/* ---- jobs ---------------------------------------------------------------------------------------- */

/* A step as a job of the device, with the memory of each of its storages: a handle, and an offset. */
typedef struct xqaccel_operand xqn_memory_of(const void *arg, const struct xqn_storage *storage);

void xqn_make_job(const struct xqn_step *step, const struct xqn_storage *storage, xqn_memory_of *memory,
		  const void *arg, struct xqaccel_job_desc *job);

/* Slots of a program: the arena, then the plan's inputs and outputs. */
#define XQN_PROGRAM_ARENA	0
#define XQN_PROGRAM_SLOT(n)	(1 + (n))

/* Finds the segments and records programs of them; 0 or a negative errno. */
int xqn_record(struct xq_plan *plan);

/* ---- running ------------------------------------------------------------------------------------ */

/* Computes a step on the CPU; memory has an address for each storage that it uses. */
int xqn_compute(const struct xqn_step *step, uint8_t *const *memory);

#endif
