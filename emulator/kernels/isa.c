// SPDX-License-Identifier: MIT
/* The dispatch table: instruction sets that this build has, best first. */
#include <stdlib.h>
#include <string.h>

#include "isa.h"

static const struct xqk_isa *const all[] = {
#if defined(__x86_64__)
	&xqk_isa_avx512vnni,
	&xqk_isa_avx2,
#elif defined(__aarch64__)
	&xqk_isa_neoni8mm,
	&xqk_isa_neondot,
	&xqk_isa_neon,
#endif
	&xqk_isa_scalar,
};

#define ALL (sizeof(all) / sizeof(all[0]))

const struct xqk_isa *xqk_isa_select(const char *name)
{
	unsigned int i;

	if (!name)
		name = getenv("XQ_ISA");
	for (i = 0; i < ALL; i++)
		if ((!name || !*name || !strcmp(name, all[i]->name)) && all[i]->available())
			return all[i];
	return NULL;
}

const char *xqk_isa_name(const struct xqk_isa *isa)
{
	return isa->name;
}

const char *xqk_isa_list(unsigned int index)
{
	unsigned int i;

	for (i = 0; i < ALL; i++)
		if (all[i]->available() && !index--)
			return all[i]->name;
	return NULL;
}

/* Every format of B; 8 bits and less. */
#define B_FORMATS	(1U << XQACCEL_FMT_S8 | 1U << XQACCEL_FMT_U8 | 1U << XQACCEL_FMT_S4 | \
			 1U << XQACCEL_FMT_U4 | 1U << XQACCEL_FMT_S2 | 1U << XQACCEL_FMT_U2 | \
			 1U << XQACCEL_FMT_T2 | 1U << XQACCEL_FMT_B1 | 1U << XQACCEL_FMT_C4 | \
			 1U << XQACCEL_FMT_C8)

uint32_t xqk_pairs(uint32_t a_format)
{
	return a_format >= XQACCEL_FMT_S8 && a_format <= XQACCEL_FMT_B1 ? B_FORMATS : 0;
}

uint32_t xqk_tiled(void)
{
	return B_FORMATS;
}
