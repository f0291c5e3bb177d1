// SPDX-License-Identifier: GPL-2.0-or-later
/* Fault injection as properties, on the command line and at run time (qom-set). */
#include "qemu/osdep.h"
#include "hw/qdev-core.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "xqaccel.h"

struct fault {
	const char *name, *description;
	size_t offset;
	bool wide;
};

#define FAULT(name, member, description)					\
	{ name, description, offsetof(struct xqdev_faults, member),		\
	  sizeof(((struct xqdev_faults *)0)->member) == 8 }

static const struct fault faults[] = {
	FAULT("hang-jobs", hang_jobs, "so many next jobs never end"),
	FAULT("slow-ns", slow_ns, "every job takes at least so long"),
	FAULT("drop-interrupts", drop_interrupts, "so many next interrupts are not raised"),
	FAULT("duplicate-interrupts", duplicate_interrupts,
	      "so many next interrupts are raised twice"),
	FAULT("wrong-id", wrong_id, "so many next completions carry an id of no job"),
	FAULT("wrong-phase", wrong_phase, "so many next completions have the wrong phase"),
	FAULT("dma-errors", dma_errors, "so many next jobs fail as if the bus refused them"),
	FAULT("translation-faults", translation_faults,
	      "so many next jobs fail as if an address had no translation"),
	FAULT("refused-jobs", refused_jobs, "so many next jobs fail as if they made no sense"),
	FAULT("stuck-reset", stuck_reset, "resets are never acknowledged while this is not 0"),
	FAULT("coarse-inval", coarse_inval,
	      "invalidations wait for all jobs of the context while this is not 0"),
};

static void get_fault(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	XqaccelCore *core = xqaccel_core(obj);
	const struct fault *fault = opaque;
	struct xqdev_faults now = core->faults;
	uint8_t *member = (uint8_t *)&now + fault->offset;
	uint64_t value;

	if (core->device)
		xqdev_injected(core->device, &now);
	value = fault->wide ? *(uint64_t *)member : *(uint32_t *)member;
	visit_type_uint64(v, name, &value, errp);
}

static void set_fault(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	XqaccelCore *core = xqaccel_core(obj);
	const struct fault *fault = opaque;
	uint8_t *member = (uint8_t *)&core->faults + fault->offset;
	uint64_t value;

	if (!visit_type_uint64(v, name, &value, errp))
		return;
	if (!fault->wide && value > UINT32_MAX) {
		error_setg(errp, "%s must fit in 32 bits", name);
		return;
	}
	if (core->device)
		xqdev_injected(core->device, &core->faults);
	if (fault->wide)
		*(uint64_t *)member = value;
	else
		*(uint32_t *)member = value;
	if (!core->device)
		return;
	core->busy = true;
	xqdev_inject(core->device, &core->faults);
	core->busy = false;
}

static bool get_removed(Object *obj, Error **errp)
{
	return xqaccel_core(obj)->removed;
}

/* As if the board was pulled: running jobs stop, everything reads all ones. */
static void set_removed(Object *obj, bool value, Error **errp)
{
	XqaccelCore *core = xqaccel_core(obj);

	core->removed = value;
	if (!core->device)
		return;
	core->bus->follow(core->dev);
	if (!value)
		device_cold_reset(core->dev);
}

static bool get_unreachable(Object *obj, Error **errp)
{
	return xqaccel_core(obj)->unreachable;
}

/* As of a board whose bus interface hangs: nobody can ask or stop it, but it goes on. */
static void set_unreachable(Object *obj, bool value, Error **errp)
{
	xqaccel_core(obj)->unreachable = value;
}

void xqaccel_add_fault_properties(ObjectClass *class)
{
	size_t i;

	object_class_property_add_bool(class, "removed", get_removed, set_removed);
	object_class_property_set_description(class, "removed",
					      "the function answers no more, as if pulled out");
	object_class_property_add_bool(class, "unreachable", get_unreachable, set_unreachable);
	object_class_property_set_description(class, "unreachable",
					      "registers read all ones, but jobs and DMA go on");
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		object_class_property_add(class, faults[i].name, "uint64", get_fault, set_fault,
					  NULL, (void *)&faults[i]);
		object_class_property_set_description(class, faults[i].name,
						      faults[i].description);
	}
}
