// SPDX-License-Identifier: MIT
/*
 * Issue rates, by loops of the kernels' instructions on registers with no dependency but the
 * accumulators'. The operands are random, because idle wires would let a core clock higher.
 */
#include <stdbool.h>
#include <string.h>

#include "peak.h"

static const uint64_t noise[16] __attribute__((aligned(64))) = {
	0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0x2545f4914f6cdd1d,
	0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3,
	0x589965cc75374cc3, 0x1d8e4e27c47d124f, 0xeb44accab455d165, 0x9c6e6877736c46e3,
	0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53, 0x87c37b91114253d5, 0x4cf5ad432745937f,
};

/* The same line for registers 0..7, 8..15 or 16..23. */
#define LINES_0(op)	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)
#define LINES_8(op)	op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LINES_16(op)	op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23)

#ifdef __x86_64__

#include <immintrin.h>

#define LOOP_START	"1:\n"
#define LOOP_END	"sub $1, %0\n\tjnz 1b\n"
#define XMM_LOW		"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
			"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define XMM_HIGH	"xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", \
			"xmm24", "xmm25", "xmm30", "xmm31"

#define ZMM_DOT(i)	"vpdpbusd %%zmm30, %%zmm31, %%zmm" #i "\n\t"

/* 24 accumulators, as the kernels have; 64 multiply-accumulates an instruction. */
__attribute__((target("avx512f,avx512vnni"))) static void dot_avx512(uint64_t iterations)
{
	__asm__ volatile("vmovdqa64 (%1), %%zmm30\n\tvmovdqa64 64(%1), %%zmm31\n"
			 LOOP_START LINES_0(ZMM_DOT) LINES_8(ZMM_DOT) LINES_16(ZMM_DOT) LOOP_END
			 "vzeroupper"
			 : "+r"(iterations) : "r"(noise) : "cc", XMM_LOW, XMM_HIGH);
}

#define ZMM_XOR(i)	"vpxorq %%zmm30, %%zmm" #i ", %%zmm24\n\tvpopcntq %%zmm24, %%zmm25\n\t" \
			"vpaddq %%zmm25, %%zmm" #i ", %%zmm" #i "\n\t"

/* 512 products of bits for each three instructions. */
__attribute__((target("avx512f,avx512vpopcntdq"))) static void popcount_avx512(uint64_t iterations)
{
	__asm__ volatile("vmovdqa64 (%1), %%zmm30\n"
			 LOOP_START LINES_0(ZMM_XOR) LINES_8(ZMM_XOR) LOOP_END
			 "vzeroupper"
			 : "+r"(iterations) : "r"(noise) : "cc", XMM_LOW, XMM_HIGH);
}

#define YMM_MADD(i)	"vpmaddwd %%ymm14, %%ymm15, %%ymm12\n\t" \
			"vpaddd %%ymm12, %%ymm" #i ", %%ymm" #i "\n\t"

/* Exact on AVX2: products of 16-bit numbers, 16 for each two instructions. */
__attribute__((target("avx2"))) static void dot_avx2(uint64_t iterations)
{
	__asm__ volatile("vmovdqa (%1), %%ymm14\n\tvmovdqa 64(%1), %%ymm15\n"
			 LOOP_START LINES_0(YMM_MADD) YMM_MADD(8) YMM_MADD(9) YMM_MADD(10)
			 YMM_MADD(11) LOOP_END
			 "vzeroupper"
			 : "+r"(iterations) : "r"(noise) : "cc", XMM_LOW);
}

/* Bits counted by two table look-ups a byte, then summed: 256 products of bits. */
#define YMM_COUNT(i)	"vpxor %%ymm14, %%ymm" #i ", %%ymm8\n\tvpsrlw $4, %%ymm8, %%ymm9\n\t" \
			"vpand %%ymm15, %%ymm8, %%ymm8\n\tvpand %%ymm15, %%ymm9, %%ymm9\n\t" \
			"vpshufb %%ymm8, %%ymm13, %%ymm8\n\tvpshufb %%ymm9, %%ymm13, %%ymm9\n\t" \
			"vpaddb %%ymm8, %%ymm9, %%ymm8\n\tvpaddb %%ymm8, %%ymm" #i ", %%ymm" #i "\n\t"

__attribute__((target("avx2"))) static void popcount_avx2(uint64_t iterations)
{
	__asm__ volatile("vmovdqa (%1), %%ymm14\n\tvmovdqa 64(%1), %%ymm15\n\t"
			 "vmovdqa 32(%1), %%ymm13\n"
			 LOOP_START LINES_0(YMM_COUNT) LOOP_END
			 "vzeroupper"
			 : "+r"(iterations) : "r"(noise) : "cc", XMM_LOW);
}

static const struct peak peaks[] = {
	{ "avx512vnni", PEAK_DOT, "vpdpbusd zmm", 24 * 64, dot_avx512 },
	{ "avx512vnni", PEAK_POPCOUNT, "vpxorq + vpopcntq + vpaddq zmm", 16 * 512, popcount_avx512 },
	{ "avx2", PEAK_DOT, "vpmaddwd + vpaddd ymm", 12 * 16, dot_avx2 },
	{ "avx2", PEAK_POPCOUNT, "vpxor + 2 vpshufb + 2 vpaddb ymm", 8 * 256, popcount_avx2 },
};

/*
 * Loads alone, of so many streams at once, so many lines of each in turn, each stream through `part`
 * bytes. All but the memory is constant where it is called, so that nothing else is in the loop.
 */
static inline __attribute__((always_inline)) void
read_streams(const uint8_t *memory, size_t bytes, size_t part, const unsigned int streams,
	     const unsigned int lines, const bool wide)
{
	for (size_t start = 0; start < bytes; start += streams * part) {
		for (const uint8_t *p = memory + start; p < memory + start + part; p += 64 * lines) {
#pragma GCC unroll 8
			for (unsigned int s = 0; s < streams; s++) {
#pragma GCC unroll 8
				for (unsigned int l = 0; l < lines; l++) {
					const uint8_t *at = p + s * part + 64 * l;

					if (wide)
						__asm__ volatile("vmovdqa64 (%0), %%zmm0"
								 : : "r"(at) : "xmm0");
					else
						__asm__ volatile("vmovdqa (%0), %%ymm0\n\t"
								 "vmovdqa 32(%0), %%ymm0"
								 : : "r"(at) : "xmm0");
				}
			}
		}
	}
	__asm__ volatile("vzeroupper" : : : "xmm0");
}

/* Fetching ahead by instructions was slower than each of these wherever it was tried. */
static inline __attribute__((always_inline)) void
read_way(const uint8_t *memory, size_t bytes, unsigned int way, const bool wide)
{
	const size_t part = 64 << 10;

	switch (way) {
	case 0:
		read_streams(memory, bytes, bytes, 1, 8, wide);
		break;
	case 1:
		read_streams(memory, bytes, bytes / 2, 2, 4, wide);
		break;
	case 2:
		read_streams(memory, bytes, bytes / 4, 4, 1, wide);
		break;
	case 3:
		read_streams(memory, bytes, bytes / 4, 4, 4, wide);
		break;
	case 4:
		read_streams(memory, bytes, bytes / 8, 8, 2, wide);
		break;
	default:
		read_streams(memory, bytes, bytes % (4 * part) ? bytes / 4 : part, 4, 2, wide);
		break;
	}
}

void peak_read(const void *memory, size_t bytes, unsigned int way)
{
	if (__builtin_cpu_supports("avx512f"))
		read_way(memory, bytes, way, true);
	else
		read_way(memory, bytes, way, false);
}

#elif defined(__aarch64__)

#define LOOP_START	"1:\n"
#define LOOP_END	"subs %0, %0, #1\n\tb.ne 1b\n"
#define VECTORS		"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", \
			"v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", \
			"v22", "v23", "v28", "v29", "v30", "v31"

#define NEON_LOOP(name, extension, line)							\
	static void name(uint64_t iterations)							\
	{											\
		__asm__ volatile(extension "ldp q30, q31, [%1]\n"				\
				 LOOP_START LINES_0(line) LINES_8(line) LINES_16(line) LOOP_END	\
				 : "+r"(iterations) : "r"(noise) : "cc", VECTORS);		\
	}

#define NEON_MULL(i)	"smull v28.8h, v30.8b, v31.8b\n\tsadalp v" #i ".4s, v28.8h\n\t"
#define NEON_DOT(i)	"sdot v" #i ".4s, v30.16b, v31.16b\n\t"
#define NEON_MMLA(i)	"smmla v" #i ".4s, v30.16b, v31.16b\n\t"
#define NEON_COUNT(i)	"eor v28.16b, v30.16b, v31.16b\n\tcnt v28.16b, v28.16b\n\t" \
			"add v" #i ".16b, v" #i ".16b, v28.16b\n\t"

NEON_LOOP(dot_neon, "", NEON_MULL)
NEON_LOOP(dot_sdot, ".arch armv8.2-a+dotprod\n\t", NEON_DOT)
NEON_LOOP(dot_i8mm, ".arch armv8.2-a+i8mm\n\t", NEON_MMLA)
NEON_LOOP(popcount_neon, "", NEON_COUNT)

static const struct peak peaks[] = {
	{ "neon", PEAK_DOT, "smull + sadalp", 24 * 8, dot_neon },
	{ "neondot", PEAK_DOT, "sdot", 24 * 16, dot_sdot },
	{ "neoni8mm", PEAK_DOT, "smmla", 24 * 32, dot_i8mm },
	{ "neon", PEAK_POPCOUNT, "eor + cnt + add", 24 * 128, popcount_neon },
	{ "neondot", PEAK_POPCOUNT, "eor + cnt + add", 24 * 128, popcount_neon },
	{ "neoni8mm", PEAK_POPCOUNT, "eor + cnt + add", 24 * 128, popcount_neon },
};

void peak_read(const void *memory, size_t bytes, unsigned int way)
{
	const uint8_t *p = memory;
	const size_t part = way & 1 ? bytes / 4 : bytes;

	for (size_t at = 0; at < part; at += 64)
		for (size_t s = 0; s < bytes; s += part)
			__asm__ volatile("ldp q0, q1, [%0]\n\tldp q2, q3, [%0, #32]"
					 : : "r"(p + s + at) : "v0", "v1", "v2", "v3");
}

#endif

const struct peak *peak_find(const char *isa, enum peak_kind kind)
{
	for (unsigned int i = 0; i < sizeof(peaks) / sizeof(peaks[0]); i++)
		if (!strcmp(peaks[i].isa, isa) && peaks[i].kind == kind)
			return &peaks[i];
	return NULL;
}
