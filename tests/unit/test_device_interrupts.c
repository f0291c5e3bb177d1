// SPDX-License-Identifier: MIT
/*
 * Interrupts of the device model that wait for more than one completion.
 */
#include "ktap.h"
#include "program_case.h"

static void submit_jobs(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		fake_put(&h, 0, &part[i].desc);
	fake_doorbell(&h, 0);
}

static void reap_jobs(unsigned int count)
{
	struct xq_hw_completion c;

	while (count--)
		EXPECT(fake_wait(&h, 0, &c) && !c.status, "no completion");
}

static void interrupts_coalesce(void)
{
	begin_programs();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(100) | XQ_Q_COALESCE_US(60000));
	submit_jobs(10);
	reap_jobs(10);
	EXPECT(h.interrupts[1] == 1, "%u for a batch", h.interrupts[1]);
	submit_jobs(1);
	reap_jobs(1);
	EXPECT(h.interrupts[1] == 2, "%u with a lone job", h.interrupts[1]);
	/* One that goes on: nothing is due before the count is reached. */
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(5) | XQ_Q_COALESCE_US(60000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &part[2].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	reap_jobs(2);
	EXPECT(h.interrupts[1] == 2, "%u while the queue is busy", h.interrupts[1]);
	fake_write(&h, Q_COALESCE, 0);
	fake_write(&h, Q_CTRL, Q_ON | XQ_Q_CTRL_ABORT);
	expect_end(XQACCEL_STATUS_CANCELED, 0);
	EXPECT(h.interrupts[1] == 3, "%u at the end", h.interrupts[1]);
	end_programs();
}

static void interrupts_wait_no_longer(void)
{
	int i;

	begin_programs();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(100) | XQ_Q_COALESCE_US(20000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	for (i = 0; i < 1000 && !h.interrupts[1]; i++)
		fake_serve(&h, 10);
	EXPECT(h.interrupts[1] == 1, "%u in time", h.interrupts[1]);
	reap_jobs(1);
	end_programs();
}

static void interrupts_by_count(void)
{
	begin_programs();
	fake_write(&h, Q_COALESCE, XQ_Q_COALESCE_COUNT(3) | XQ_Q_COALESCE_US(60000));
	put_long(0, 1U << 22, 0);
	fake_put(&h, 0, &part[1].desc);
	fake_put(&h, 0, &part[2].desc);
	fake_put(&h, 0, &part[3].desc);
	fake_put(&h, 0, &program);
	fake_doorbell(&h, 0);
	for (int i = 0; i < 1000 && !h.interrupts[1]; i++)
		fake_serve(&h, 10);
	EXPECT(h.interrupts[1] == 1, "%u", h.interrupts[1]);
	reap_jobs(3);
	end_programs();
}

KTAP_MAIN(
	{ "interrupts_coalesce", interrupts_coalesce },
	{ "interrupts_wait_no_longer", interrupts_wait_no_longer },
	{ "interrupts_by_count", interrupts_by_count },
)
