// SPDX-License-Identifier: MIT
/*
 * What is to be known of a plan.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

void xq_plan_destroy(struct xq_plan *plan)
{
	unsigned int i;

	if (!plan)
		return;
	for (i = 0; i < plan->segments; i++)
		xq_program_destroy(plan->segment[i].program);
	xq_buffer_destroy(plan->constants);
	for (i = 0; i < plan->operators && plan->operator; i++)
		free(plan->operator[i].name);
	for (i = 0; i < plan->steps; i++)
		free(plan->step[i].call);
	free(plan->storage);
	free(plan->step);
	free(plan->slot);
	free(plan->slot_of);
	free(plan->segment);
	free(plan->operator);
	free(plan->tensor);
	free(plan);
}

void xq_plan_memory(const struct xq_plan *plan, struct xq_plan_memory *memory)
{
	*memory = plan->memory;
}

unsigned int xq_plan_operators(const struct xq_plan *plan)
{
	return plan->operators;
}

int xq_plan_operator(const struct xq_plan *plan, unsigned int number, struct xq_plan_operator *op)
{
	const struct xqn_plan_operator *from;

	if (number >= plan->operators)
		return -EINVAL;
	from = &plan->operator[number];
	*op = (struct xq_plan_operator){
		.name = from->name, .jobs = from->jobs,
		.where = from->device ? from->cpu ? XQ_ON_BOTH : XQ_ON_DEVICE : from->cpu ? XQ_ON_CPU : XQ_NOWHERE,
	};
	return 0;
}

size_t xq_plan_value(const struct xq_plan *plan, int tensor, struct xq_network_value *value)
{
	struct xqn_view dense;

	if (tensor < 1 || (unsigned int)tensor > plan->tensors)
		return 0;
	dense = plan->tensor[tensor - 1];
	*value = (struct xq_network_value){ .type = dense.type, .dims = dense.dims };
	memcpy(value->dim, dense.dim, sizeof(value->dim));
	return xqn_dense(&dense);
}
