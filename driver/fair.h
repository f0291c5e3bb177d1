/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fair shares. Those that share something are ordered by the device time that they have had,
 * and whoever had least is next. No locks: the caller's protects a whole tree of them.
 */
#ifndef XQACCEL_FAIR_H
#define XQACCEL_FAIR_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct xqaccel_fair_entity - one of those who share
 * @node: in the group while it has something to run, else empty
 * @free_node: in the group's @free, too, or empty
 * @vtime: device time charged so far, in ns, moved up to the group's clock when it comes back
 *	after a while: who did not want the device saves nothing up
 */
struct xqaccel_fair_entity {
	struct rb_node node;
	struct rb_node free_node;
	u64 vtime;
};

/**
 * struct xqaccel_fair_group - those who share
 * @waiting: entities with something to run, by vtime
 * @free: those of them that have something that may run anywhere, as the caller says, by vtime
 * @clock: largest vtime of an entity that was served
 */
struct xqaccel_fair_group {
	struct rb_root_cached waiting;
	struct rb_root_cached free;
	u64 clock;
};

void xqaccel_fair_group_init(struct xqaccel_fair_group *group);
void xqaccel_fair_entity_init(struct xqaccel_fair_entity *entity);
void xqaccel_fair_add(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity);
void xqaccel_fair_remove(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity);
void xqaccel_fair_set_free(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity,
			   bool free);
void xqaccel_fair_charge(struct xqaccel_fair_group *group, struct xqaccel_fair_entity *entity,
			 s64 ns);

static inline bool xqaccel_fair_waits(const struct xqaccel_fair_entity *entity)
{
	return !RB_EMPTY_NODE(&entity->node);
}

static inline bool xqaccel_fair_idle(const struct xqaccel_fair_group *group)
{
	return RB_EMPTY_ROOT(&group->waiting.rb_root);
}

/* From the one that had least to the one that had most. */
#define xqaccel_fair_for_each(entity, group)						\
	for (struct rb_node *__n = rb_first_cached(&(group)->waiting);			\
	     __n && ((entity) = rb_entry(__n, struct xqaccel_fair_entity, node), true);	\
	     __n = rb_next(__n))

/* The same of those that are free. */
#define xqaccel_fair_for_each_free(entity, group)					\
	for (struct rb_node *__n = rb_first_cached(&(group)->free);			\
	     __n && ((entity) = rb_entry(__n, struct xqaccel_fair_entity, free_node), true); \
	     __n = rb_next(__n))

#endif
