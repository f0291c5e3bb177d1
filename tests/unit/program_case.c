// SPDX-License-Identifier: MIT
#include "ktap.h"
#include "program_case.h"

struct fake_host h;
struct device_job part[PARTS];
struct xq_hw_descriptor program;

void put_part(uint32_t index, const struct xq_hw_descriptor *desc)
{
	fake_store(&h, CONTEXT, LIST_VA + index * sizeof(*desc), desc, sizeof(*desc));
}

void begin_parts(uint32_t parts)
{
	uint32_t i;

	fake_start(&h, NULL);
	fake_enable(&h);
	fake_queue(&h, 0, 4);
	fake_map(&h, CONTEXT, LIST_VA, 4096 * sizeof(program), XQ_PTE_READ);
	fake_map(&h, CONTEXT, PROFILE_VA, 4096 * sizeof(struct xqaccel_profile),
		 XQ_PTE_READ | XQ_PTE_WRITE);
	program = (struct xq_hw_descriptor){ .id = htole64(77), .context = htole32(CONTEXT) };
	desc_work(&program)->op = XQACCEL_OP_PROGRAM;
	desc_work(&program)->words[0] = parts;
	program.operand[XQ_PROGRAM_LIST].address = htole64(LIST_VA);
	program.operand[XQACCEL_PROGRAM_PROFILE].address = htole64(PROFILE_VA);
	for (i = 0; i < PARTS; i++) {
		part[i] = job_s8(3 + i % 4, 5, 40 + i);
		job_build(&h, &part[i], CONTEXT);
		job_spoil(&h, &part[i]);
		put_part(i, &part[i].desc);
	}
}

void begin_programs(void)
{
	begin_parts(PARTS);
}

void end_programs(void)
{
	uint32_t i;
	long left;

	for (i = 0; i < PARTS; i++)
		job_free(&part[i]);
	left = fake_stop(&h);
	EXPECT(!left, "%ld mappings left", left);
}

struct xq_hw_descriptor long_desc(uint32_t rows, uint32_t k)
{
	struct xq_hw_descriptor d = part[0].desc;

	job_make_long(&h, &d, CONTEXT, LONG_VA, rows, k);
	return d;
}

void put_long(uint32_t at, uint32_t k, uint32_t flags)
{
	struct xq_hw_descriptor d = long_desc(512, k);

	desc_work(&d)->flags |= flags;
	put_part(at, &d);
}

bool untouched(const struct device_job *job)
{
	const uint64_t c = le64toh(job->desc.operand[XQACCEL_C].address);
	uint32_t value;

	fake_load(&h, CONTEXT, c, &value, 4);
	return value == 0x5a5a5a5a;
}

void expect_parts(uint32_t first)
{
	uint32_t i;

	for (i = 0; i < first && i < PARTS; i++)
		EXPECT(job_right(&h, &part[i]), "part %u", i);
	for (i = first; i < PARTS; i++)
		EXPECT(untouched(&part[i]), "part %u has run", i);
}

struct xq_hw_completion expect_end(uint16_t status, uint64_t step)
{
	struct xq_hw_completion c = { 0 };

	if (!EXPECT(fake_wait(&h, 0, &c), "no completion"))
		return c;
	EXPECT(c.status == htole16(status), "status %u, not %u", c.status, status);
	EXPECT(c.id == program.id, "id");
	if (status)
		EXPECT(c.macs == htole64(step), "step %lu, not %lu", (long)le64toh(c.macs),
		       (long)step);
	return c;
}

void still_works(void)
{
	struct xq_hw_completion c;

	job_spoil(&h, &part[0]);
	fake_submit(&h, 0, &part[0].desc);
	EXPECT(fake_wait(&h, 0, &c) && !c.status && c.id == part[0].desc.id, "no job any more");
	EXPECT(job_right(&h, &part[0]), "wrong");
	EXPECT(!h.mappings, "%ld mappings", h.mappings);
}

void wait_step(uint32_t step)
{
	int i;

	for (i = 0; i < 2000 && fake_read(&h, Q_STEP) < step; i++)
		fake_serve(&h, 5);
	EXPECT(fake_read(&h, Q_STEP) == step, "at %u, not %u", fake_read(&h, Q_STEP), step);
}
