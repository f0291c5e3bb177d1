// SPDX-License-Identifier: GPL-2.0
/* Fair shares of device time, see fair.h. */
#include <linux/minmax.h>

#include "fair.h"

void xqaccel_fair_group_init(struct xqaccel_fair_group *group)
{
	group->waiting = RB_ROOT_CACHED;
	group->free = RB_ROOT_CACHED;
	group->clock = 0;
}

void xqaccel_fair_entity_init(struct xqaccel_fair_entity *entity)
{
	RB_CLEAR_NODE(&entity->node);
	RB_CLEAR_NODE(&entity->free_node);
	entity->vtime = 0;
}

static bool had_less(struct rb_node *a, const struct rb_node *b)
{
	const u64 va = rb_entry(a, struct xqaccel_fair_entity, node)->vtime;
	const u64 vb = rb_entry(b, struct xqaccel_fair_entity, node)->vtime;

	return (s64)(va - vb) < 0;
}

static bool free_had_less(struct rb_node *a, const struct rb_node *b)
{
	const u64 va = rb_entry(a, struct xqaccel_fair_entity, free_node)->vtime;
	const u64 vb = rb_entry(b, struct xqaccel_fair_entity, free_node)->vtime;

	return (s64)(va - vb) < 0;
}

/* The entity has something to run; nothing happens if it is there already. */
void xqaccel_fair_add(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity)
{
	if (xqaccel_fair_waits(entity))
		return;
	if ((s64)(group->clock - entity->vtime) > 0)
		entity->vtime = group->clock;
	rb_add_cached(&entity->node, &group->waiting, had_less);
}

void xqaccel_fair_remove(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity)
{
	if (!xqaccel_fair_waits(entity))
		return;
	xqaccel_fair_set_free(group, entity, false);
	rb_erase_cached(&entity->node, &group->waiting);
	RB_CLEAR_NODE(&entity->node);
}

/* Whether some of what an entity that waits has to run may run anywhere; not, when it comes. */
void xqaccel_fair_set_free(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity,
			   bool free)
{
	if (free == !RB_EMPTY_NODE(&entity->free_node))
		return;
	if (free) {
		rb_add_cached(&entity->free_node, &group->free, free_had_less);
	} else {
		rb_erase_cached(&entity->free_node, &group->free);
		RB_CLEAR_NODE(&entity->free_node);
	}
}

/*
 * Whether an entity certainly keeps its place in a tree with so much more virtual time. @offset: of
 * its node there.
 */
static bool keeps_place(const struct rb_root_cached *tree, const struct rb_node *node,
			size_t offset, s64 ns)
{
	const struct xqaccel_fair_entity *entity = (const void *)node - offset, *next;
	const struct rb_node *after = rb_next(node);

	if (ns < 0 && rb_first_cached(tree) != node)
		return false;
	if (!after)
		return true;
	next = (const void *)after - offset;
	return (s64)(entity->vtime + ns - next->vtime) < 0;
}

/* Device time that the entity had, or gets back. Those that waited meanwhile come before it. */
void xqaccel_fair_charge(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity,
			 s64 ns)
{
	const bool moves = xqaccel_fair_waits(entity) &&
			   !keeps_place(&group->waiting, &entity->node,
					offsetof(struct xqaccel_fair_entity, node), ns);
	/* Of equals the free may be in another order: in that of when they were found to be. */
	const bool free_moves = !RB_EMPTY_NODE(&entity->free_node) &&
				!keeps_place(&group->free, &entity->free_node,
					     offsetof(struct xqaccel_fair_entity, free_node), ns);

	if (free_moves)
		xqaccel_fair_set_free(group, entity, false);
	if (ns > 0 && (s64)(entity->vtime - group->clock) > 0)
		group->clock = entity->vtime;
	if (moves)
		rb_erase_cached(&entity->node, &group->waiting);
	entity->vtime += ns;
	if (moves)
		rb_add_cached(&entity->node, &group->waiting, had_less);
	if (free_moves)
		xqaccel_fair_set_free(group, entity, true);
}
