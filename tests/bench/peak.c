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

#define TMM_DOT(i)	"tdpbssd %%tmm4, %%tmm5, %%tmm" #i "\n\t"

/* Tiles 0 to 3 are sums, as in the kernels; 16 x 16 x 64 multiply-accumulates an instruction. */
__attribute__((target("amx-tile,amx-int8"))) static void dot_amx(uint64_t iterations)
{
	static const struct {
		uint8_t palette, row, reserved[14];
		uint16_t row_bytes[16];
		uint8_t rows[16];
	} shape = { 1, 0, { 0 }, { 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16 } };
	uint64_t operand[128];

	for (unsigned int i = 0; i < 128; i++)
		operand[i] = noise[i % 16];
	__asm__ volatile("ldtilecfg %2\n\t"
			 "tileloadd (%1,%3,1), %%tmm4\n\ttileloadd (%1,%3,1), %%tmm5\n"
			 LOOP_START TMM_DOT(0) TMM_DOT(1) TMM_DOT(2) TMM_DOT(3) LOOP_END
			 "tilerelease"
			 : "+r"(iterations) : "r"(operand), "m"(shape), "r"(64L) : "cc", "memory");
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

#define AVX2_LOOP(name, body)									\
	__attribute__((target("avx2"))) static void name(uint64_t iterations)			\
	{											\
		__asm__ volatile("vmovdqa (%1), %%ymm14\n\tvmovdqa 64(%1), %%ymm15\n"		\
				 LOOP_START body LOOP_END "vzeroupper"				\
				 : "+r"(iterations) : "r"(noise) : "cc", XMM_LOW);		\
	}
#define YMM_TO_12(op)	op " %%ymm14, %%ymm15, %%ymm12\n\t"
#define YMM_TO_13(op)	op " %%ymm14, %%ymm15, %%ymm13\n\t"
#define YMM_ADD(op, x, sum) op " %%ymm" #x ", %%ymm" #sum ", %%ymm" #sum "\n\t"

/* Exact products on AVX2 without a trick: those of 16-bit numbers, 16 for each two instructions. */
#define YMM_PLAIN(i)	YMM_TO_12("vpmaddwd") YMM_ADD("vpaddd", 12, i)

AVX2_LOOP(plain_dot_avx2, LINES_0(YMM_PLAIN) YMM_PLAIN(8) YMM_PLAIN(9) YMM_PLAIN(10) YMM_PLAIN(11))

/* Differing bits likewise, by two look-ups a byte: 256 products of bits. */
#define YMM_BITS(i)	YMM_TO_12("vpxor") "vpsrlw $4, %%ymm12, %%ymm13\n\t" \
			"vpand %%ymm12, %%ymm15, %%ymm12\n\tvpand %%ymm13, %%ymm15, %%ymm13\n\t" \
			"vpshufb %%ymm12, %%ymm14, %%ymm12\n\tvpshufb %%ymm13, %%ymm14, %%ymm13\n\t" \
			YMM_ADD("vpaddb", 13, 12) YMM_ADD("vpaddb", 12, i)

AVX2_LOOP(plain_popcount_avx2, LINES_0(YMM_BITS))

/*
 * Exact products on AVX2: half of them on 16 bits, the others by sums, see the kernel; 32 for
 * each four instructions.
 */
#define YMM_MADD(i)	YMM_TO_12("vpaddw") YMM_TO_13("vpaddw") \
			"vpmaddwd %%ymm12, %%ymm13, %%ymm12\n\t" YMM_ADD("vpaddd", 12, i)

AVX2_LOOP(dot_avx2, LINES_0(YMM_MADD) YMM_MADD(8) YMM_MADD(9) YMM_MADD(10) YMM_MADD(11))

/* With B of 4 bits: eight times 32 products in 16 bits, which are then widened. */
#define YMM_FIRST(i)	"vpmaddubsw %%ymm14, %%ymm15, %%ymm" #i "\n\t"
#define YMM_NEXT(i)	YMM_TO_12("vpmaddubsw") YMM_ADD("vpaddw", 12, i)
#define YMM_WIDEN(i, sum) "vpmaddwd %%ymm14, %%ymm" #i ", %%ymm12\n\t" YMM_ADD("vpaddd", 12, sum)
#define YMM_STEP(op)	op(0) op(1) op(2) op(3) op(4) op(5)

AVX2_LOOP(narrow_avx2, YMM_STEP(YMM_FIRST) YMM_STEP(YMM_NEXT) YMM_STEP(YMM_NEXT)
	  YMM_STEP(YMM_NEXT) YMM_STEP(YMM_NEXT) YMM_STEP(YMM_NEXT) YMM_STEP(YMM_NEXT)
	  YMM_STEP(YMM_NEXT) YMM_WIDEN(0, 6) YMM_WIDEN(1, 7) YMM_WIDEN(2, 8) YMM_WIDEN(3, 9)
	  YMM_WIDEN(4, 10) YMM_WIDEN(5, 11))

/*
 * Differing bits counted for two rows at once, see the kernel: three look-ups of nibbles, added
 * up, and the second row's counts once more, 768 products of bits; the tables of three bytes
 * of both rows for every four of these.
 */
#define YMM_COUNT(i, j)	YMM_TO_12("vpshufb") YMM_TO_13("vpshufb") YMM_ADD("vpaddb", 13, 12) \
			YMM_TO_13("vpshufb") YMM_ADD("vpaddb", 13, 12) YMM_ADD("vpaddb", 12, i) \
			"vpsrlw $4, %%ymm12, %%ymm12\n\tvpand %%ymm12, %%ymm15, %%ymm12\n\t" \
			YMM_ADD("vpaddb", 12, j)
#define YMM_TABLE	"vpsllw $4, %%ymm14, %%ymm12\n\tvpor %%ymm12, %%ymm15, %%ymm12\n\t"

AVX2_LOOP(popcount_avx2, YMM_TABLE YMM_TABLE YMM_TABLE YMM_COUNT(0, 1) YMM_COUNT(2, 3)
	  YMM_COUNT(4, 5) YMM_COUNT(6, 7))

static const struct peak peaks[] = {
	{ "avx512vnni", PEAK_DOT, "vpdpbusd zmm", 24 * 64, dot_avx512 },
	{ "avx512vnni", PEAK_POPCOUNT, "vpxorq + vpopcntq + vpaddq zmm", 16 * 512, popcount_avx512 },
	{ "amx", PEAK_DOT, "tdpbssd", 4 * 16 * 16 * 64, dot_amx },
	{ "amx", PEAK_POPCOUNT, "vpxorq + vpopcntq + vpaddq zmm", 16 * 512, popcount_avx512 },
	{ "avx2", PEAK_DOT, "2 vpaddw + vpmaddwd + vpaddd ymm", 12 * 32, dot_avx2 },
	{ "avx2", PEAK_PLAIN_DOT, "vpmaddwd + vpaddd ymm", 12 * 16, plain_dot_avx2 },
	{ "avx2", PEAK_PLAIN_POPCOUNT, "vpxor + 2 vpshufb + 2 vpaddb ymm", 8 * 256, plain_popcount_avx2 },
	{ "avx2", PEAK_NARROW, "vpmaddubsw + vpaddw ymm, widened", 6 * 8 * 32, narrow_avx2 },
	{ "avx2", PEAK_POPCOUNT, "vpshufb + 2 others for 2 rows ymm", 4 * 768, popcount_avx2 },
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
