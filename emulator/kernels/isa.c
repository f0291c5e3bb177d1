// SPDX-License-Identifier: MIT
/* The dispatch table: instruction sets that this build has, best first. */
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "isa.h"

static bool always(void)
{
	return true;
}

#if defined(__x86_64__)
/* Leaf 7, EDX */
#define CPUID_AMX_TILE		(1U << 24)
#define CPUID_AMX_INT8		(1U << 25)

#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM	0x1023
#endif
#define XFEATURE_XTILEDATA	18

static bool has_avx512vnni(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("popcnt") &&
	       __builtin_cpu_supports("bmi2");
}

/* A process has to ask for tiles, which are large. Asking again does no harm. */
static bool find_amx(void)
{
	unsigned int a, b, c, d;

	return has_avx512vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & CPUID_AMX_TILE &&
	       d & CPUID_AMX_INT8 &&
	       !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA);
}

/* Once: a virtual machine's host answers CPUID, which takes it tens of microseconds. */
static bool has_amx(void)
{
	static int known; /* 0: not yet; who is early in another thread finds the same */
	int now = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (!now) {
		now = find_amx() ? 1 : -1;
		__atomic_store_n(&known, now, __ATOMIC_RELAXED);
	}
	return now > 0;
}

static bool has_avx2(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
	       __builtin_cpu_supports("fma");
}
#elif defined(__aarch64__)
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP	(1UL << 20)
#endif
#ifndef HWCAP2_I8MM
#define HWCAP2_I8MM	(1UL << 13)
#endif

static bool has_dot_product(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}

static bool has_i8mm(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_I8MM;
}
#endif

static const struct xqk_operators portable = {
	.epilogue = &xqk_epilogue_scalar,
	.pooling = &xqk_pooling_scalar,
	.elementwise = &xqk_elementwise_scalar,
	.copy = &xqk_copy_scalar,
};

#if defined(__x86_64__)
static const struct xqk_operators avx512 = {
	.epilogue = &xqk_epilogue_avx512,
	.pooling = &xqk_pooling_avx512,
	.elementwise = &xqk_elementwise_avx512,
	.copy = &xqk_copy_avx512,
};

static const struct xqk_operators avx2 = {
	.epilogue = &xqk_epilogue_avx2,
	.pooling = &xqk_pooling_avx2,
	.elementwise = &xqk_elementwise_avx2,
	.copy = &xqk_copy_avx2,
};
#elif defined(__aarch64__)
/* What compilers make of the portable loops is NEON, too, but for epilogues. */
static const struct xqk_operators neon = {
	.epilogue = &xqk_epilogue_neon,
	.pooling = &xqk_pooling_scalar,
	.elementwise = &xqk_elementwise_scalar,
	.copy = &xqk_copy_scalar,
};
#endif

/* Plain NEON is part of the architecture. */
static const struct xqk_isa all[] = {
#if defined(__x86_64__)
	{ "amx", has_amx, &xqk_product_amx, &xqk_depthwise_avx512, &xqk_direct_avx512, &avx512 },
	{ "avx512vnni", has_avx512vnni, &xqk_product_avx512vnni, &xqk_depthwise_avx512,
	  &xqk_direct_avx512, &avx512 },
	{ "avx2", has_avx2, &xqk_product_avx2, &xqk_depthwise_avx2, NULL, &avx2 },
#elif defined(__aarch64__)
	{ "neoni8mm", has_i8mm, &xqk_product_neoni8mm, &xqk_depthwise_neon, NULL, &neon },
	{ "neondot", has_dot_product, &xqk_product_neondot, &xqk_depthwise_neon, NULL, &neon },
	{ "neon", always, &xqk_product_neon, &xqk_depthwise_neon, NULL, &neon },
#endif
	{ "scalar", always, &xqk_product_scalar, &xqk_depthwise_scalar, NULL, &portable },
};

#define ALL (sizeof(all) / sizeof(all[0]))

const struct xqk_isa *xqk_isa_select(const char *name)
{
	unsigned int i;

	if (!name)
		name = getenv("XQ_ISA");
	for (i = 0; i < ALL; i++)
		if ((!name || !*name || !strcmp(name, all[i].name)) && all[i].available())
			return &all[i];
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
		if (all[i].available() && !index--)
			return all[i].name;
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
