// SPDX-License-Identifier: GPL-2.0
/* Who is next among those who share, and what they are charged. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "fair.h"

static struct xqaccel_fair_group group;
static struct xqaccel_fair_entity entity[3];

static int given_nobody_waiting(struct kunit *test)
{
	unsigned int i;

	xqaccel_fair_group_init(&group);
	for (i = 0; i < 3; i++)
		xqaccel_fair_entity_init(&entity[i]);
	return 0;
}

/* The number of the n-th that waits, or -1. */
static int nth(unsigned int n)
{
	struct xqaccel_fair_entity *e;

	xqaccel_fair_for_each(e, &group)
		if (!n--)
			return e - entity;
	return -1;
}

static void comes_and_goes(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, xqaccel_fair_idle(&group));
	KUNIT_EXPECT_FALSE(test, xqaccel_fair_waits(&entity[0]));
	xqaccel_fair_add(&group, &entity[0]);
	xqaccel_fair_add(&group, &entity[0]);
	KUNIT_EXPECT_TRUE(test, xqaccel_fair_waits(&entity[0]));
	KUNIT_EXPECT_EQ(test, nth(0), 0);
	KUNIT_EXPECT_EQ(test, nth(1), -1);
	xqaccel_fair_remove(&group, &entity[0]);
	xqaccel_fair_remove(&group, &entity[0]);
	KUNIT_EXPECT_FALSE(test, xqaccel_fair_waits(&entity[0]));
	KUNIT_EXPECT_TRUE(test, xqaccel_fair_idle(&group));
}

/* The free among them are in the same order, whatever they are charged, until they go. */
static void free_are_in_order(struct kunit *test)
{
	struct xqaccel_fair_entity *e, *first = NULL, *last = NULL;
	unsigned int i, n = 0;

	for (i = 0; i < 3; i++)
		xqaccel_fair_add(&group, &entity[i]);
	xqaccel_fair_set_free(&group, &entity[2], true);
	xqaccel_fair_set_free(&group, &entity[0], true);
	xqaccel_fair_set_free(&group, &entity[0], true);
	xqaccel_fair_charge(&group, &entity[0], 20);
	xqaccel_fair_charge(&group, &entity[2], 30);
	xqaccel_fair_charge(&group, &entity[1], 10);
	xqaccel_fair_for_each_free(e, &group) {
		first = first ?: e;
		last = e;
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 2U);
	KUNIT_EXPECT_PTR_EQ(test, first, &entity[0]);
	KUNIT_EXPECT_PTR_EQ(test, last, &entity[2]);
	xqaccel_fair_remove(&group, &entity[0]);
	xqaccel_fair_add(&group, &entity[0]);
	xqaccel_fair_set_free(&group, &entity[2], false);
	xqaccel_fair_for_each_free(e, &group)
		n++;
	KUNIT_EXPECT_EQ(test, n, 2U);
}

/* Of equals the free were found in another order; who had something since comes last still. */
static void free_equals_are_charged(struct kunit *test)
{
	struct xqaccel_fair_entity *e, *first = NULL;

	xqaccel_fair_add(&group, &entity[0]);
	xqaccel_fair_add(&group, &entity[1]);
	xqaccel_fair_set_free(&group, &entity[1], true);
	xqaccel_fair_set_free(&group, &entity[0], true);
	xqaccel_fair_charge(&group, &entity[1], 10);
	xqaccel_fair_for_each_free(e, &group)
		first = first ?: e;
	KUNIT_EXPECT_PTR_EQ(test, first, &entity[0]);
}

/* Equals in the order in which they came. */
static void least_is_next(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		xqaccel_fair_add(&group, &entity[i]);
	KUNIT_EXPECT_EQ(test, nth(0), 0);
	xqaccel_fair_charge(&group, &entity[0], 20);
	KUNIT_EXPECT_EQ(test, nth(0), 1);
	KUNIT_EXPECT_EQ(test, nth(2), 0);
	xqaccel_fair_charge(&group, &entity[1], 30);
	KUNIT_EXPECT_EQ(test, nth(0), 2);
	KUNIT_EXPECT_EQ(test, nth(2), 1);
	xqaccel_fair_charge(&group, &entity[2], 20);
	/* As much as the first, which waited longer. */
	KUNIT_EXPECT_EQ(test, nth(0), 0);
	KUNIT_EXPECT_EQ(test, nth(1), 2);
	KUNIT_EXPECT_EQ(test, nth(2), 1);
}

static void charge_refunds(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		xqaccel_fair_add(&group, &entity[i]);
	xqaccel_fair_charge(&group, &entity[0], 100);
	xqaccel_fair_charge(&group, &entity[1], 50);
	xqaccel_fair_charge(&group, &entity[2], 60);
	xqaccel_fair_charge(&group, &entity[0], -90);
	KUNIT_EXPECT_EQ(test, entity[0].vtime, 10ULL);
	KUNIT_EXPECT_EQ(test, nth(0), 0);
	/* One that does not wait is charged, too, and stays away. */
	xqaccel_fair_remove(&group, &entity[1]);
	xqaccel_fair_charge(&group, &entity[1], -20);
	KUNIT_EXPECT_EQ(test, entity[1].vtime, 30ULL);
	KUNIT_EXPECT_FALSE(test, xqaccel_fair_waits(&entity[1]));
}

static void sleeper_saves_nothing(struct kunit *test)
{
	unsigned int i;

	xqaccel_fair_add(&group, &entity[0]);
	for (i = 0; i < 10; i++)
		xqaccel_fair_charge(&group, &entity[0], 100);
	xqaccel_fair_add(&group, &entity[1]);
	/* Next, but after its turn it is even with who was there all the time. */
	KUNIT_EXPECT_EQ(test, nth(0), 1);
	xqaccel_fair_charge(&group, &entity[1], 100);
	KUNIT_EXPECT_EQ(test, entity[1].vtime, entity[0].vtime);
}

/* Going and coming back at once does not wipe out what one has had. */
static void returns_with_its_debt(struct kunit *test)
{
	xqaccel_fair_add(&group, &entity[0]);
	xqaccel_fair_add(&group, &entity[1]);
	xqaccel_fair_charge(&group, &entity[0], 100);
	xqaccel_fair_remove(&group, &entity[0]);
	xqaccel_fair_add(&group, &entity[0]);
	KUNIT_EXPECT_EQ(test, entity[0].vtime, 100ULL);
	KUNIT_EXPECT_EQ(test, nth(0), 1);
}

/* The clock may wrap. */
static void order_survives_a_wrap(struct kunit *test)
{
	unsigned int i;

	group.clock = -50ULL;
	for (i = 0; i < 2; i++)
		xqaccel_fair_add(&group, &entity[i]);
	KUNIT_EXPECT_EQ(test, entity[0].vtime, 0ULL);
	entity[2].vtime = -100ULL;
	xqaccel_fair_add(&group, &entity[2]);
	KUNIT_EXPECT_EQ(test, entity[2].vtime, -50ULL);
	KUNIT_EXPECT_EQ(test, nth(0), 2);
	xqaccel_fair_charge(&group, &entity[2], 60);
	KUNIT_EXPECT_EQ(test, nth(0), 0);
	KUNIT_EXPECT_EQ(test, nth(2), 2);
}

static struct kunit_case fair_cases[] = {
	KUNIT_CASE(comes_and_goes),
	KUNIT_CASE(least_is_next),
	KUNIT_CASE(free_are_in_order),
	KUNIT_CASE(free_equals_are_charged),
	KUNIT_CASE(charge_refunds),
	KUNIT_CASE(sleeper_saves_nothing),
	KUNIT_CASE(returns_with_its_debt),
	KUNIT_CASE(order_survives_a_wrap),
	{}
};

static struct kunit_suite fair_suite = {
	.name = "xqaccel_fair",
	.init = given_nobody_waiting,
	.test_cases = fair_cases,
};
kunit_test_suite(fair_suite);
