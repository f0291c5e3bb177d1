// SPDX-License-Identifier: GPL-2.0
/*
 * What SUBMIT says of a device that can't be resumed, on the host: no machine that the tests boot
 * has a bus that refuses. Runtime power management is what a test says.
 */
#include <linux/pm_runtime.h>

#include "device.h"
#include "tests/unit/ktap.h"

unsigned long jiffies;

static struct {
	int resume;		/* what pm_runtime_resume() returns */
	bool killed;
	bool lost;		/* by the attempt */
	unsigned int resumes;
	int locked;
} given;

static struct xqaccel_device xq;

int down_read_killable(struct rw_semaphore *lock)
{
	(void)lock;
	if (given.killed)
		return -EINTR;
	given.locked++;
	return 0;
}

void up_read(struct rw_semaphore *lock)
{
	(void)lock;
	given.locked--;
}

int pm_runtime_resume(struct device *dev)
{
	(void)dev;
	given.resumes++;
	xq.lost = given.lost;
	return given.resume;
}

static void expect_resume(int expected, unsigned int resumes)
{
	const int ret = xqaccel_power_resume(&xq);

	EXPECT(ret == expected, "%d and not %d", ret, expected);
	EXPECT(given.resumes == resumes, "resumed %u times", given.resumes);
	EXPECT(!given.locked, "gone_lock is held");
	memset(&given, 0, sizeof(given));
	memset(&xq, 0, sizeof(xq));
}

static void resumed(void)
{
	expect_resume(0, 1);
	/* It was on. */
	given.resume = 1;
	expect_resume(0, 1);
}

static void nothing_gives_it_power(void)
{
	static const int errors[] = { -EBUSY, -EINVAL, -EACCES, -EAGAIN, -EIO };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		given.resume = errors[i];
		expect_resume(-EIO, 1);
	}
}

static void gone(void)
{
	xq.gone = true;
	expect_resume(-ENODEV, 0);
	given.resume = -ENODEV;
	expect_resume(-ENODEV, 1);
	/* It did not come back, whatever else is said of that. */
	given.lost = true;
	expect_resume(-ENODEV, 1);
	given.resume = -EBUSY;
	given.lost = true;
	expect_resume(-ENODEV, 1);
}

static void killed(void)
{
	given.killed = true;
	expect_resume(-EINTR, 0);
}

KTAP_MAIN({ "resumed", resumed }, { "nothing_gives_it_power", nothing_gives_it_power },
	  { "gone", gone }, { "killed", killed })
