// SPDX-License-Identifier: MIT
#include "rows.h"

#define ONEDNN		(1U << PEER_ONEDNN_U8S8)
#define QC8W		(1U << PEER_XNNPACK_QC8W)
#define QC4W		(1U << PEER_XNNPACK_QC4W)
#define OPENBLAS	(1U << PEER_OPENBLAS_F32)

#define FORMATS(a, b)	.a_format = XQACCEL_FMT_##a, .b_format = XQACCEL_FMT_##b
#define SHAPE(M, N, K)	.m = (M), .n = (N), .k = (K)
#define TILED		.order = ORDER_TILED, .threads = 1

/* The shapes that every pair of formats is measured on. */
#define LARGE_SHAPES(row)									\
	row(128, 768, 768), row(128, 3072, 768), row(512, 4096, 4096), row(196, 256, 2304),	\
	row(1024, 1024, 1024)

#define S8(M, N, K)										\
	{ .section = "8-bit weights", FORMATS(S8, S8), SHAPE(M, N, K), TILED,			\
	  .share = (M) == 128 && (N) == 768 ? 0.85 : 0.90, .ratio = 1,				\
	  .peers = ONEDNN | QC8W | ((M) <= 128 ? OPENBLAS : 0), .target_peers = ONEDNN }
#define U8(M, N, K)										\
	{ .section = "8-bit weights", FORMATS(U8, S8), SHAPE(M, N, K), TILED,			\
	  .share = (M) == 128 && (N) == 768 ? 0.85 : 0.90, .ratio = 1, .peers = ONEDNN,		\
	  .target_peers = ONEDNN }
#define NARROW(B, M, N, K, others)								\
	{ .section = "narrow weights", FORMATS(S8, B), SHAPE(M, N, K), TILED, .share = 0.85,	\
	  .ratio = 1, .peers = QC4W | (others), .target_peers = QC4W }
#define S4(M, N, K)	NARROW(S4, M, N, K, ONEDNN)
#define S2(M, N, K)	NARROW(S2, M, N, K, 0)
#define T2(M, N, K)	NARROW(T2, M, N, K, 0)
#define C4(M, N, K)	NARROW(C4, M, N, K, 0)
#define B1(M, N, K)	NARROW(B1, M, N, K, 0)

#define BITS(M, N, K)										\
	{ .section = "bits", FORMATS(B1, B1), SHAPE(M, N, K), TILED, .limit = LIMIT_POPCOUNT,	\
	  .share = 0.70, .baseline = BASELINE_S8, .gain = 4 }

#define GEMV(B, other)										\
	{ .section = "vector", FORMATS(S8, B), SHAPE(1, 4096, 4096), TILED,			\
	  .limit = LIMIT_READ, .share = 0.90, .ratio = 1, .peers = ONEDNN | (other),		\
	  .target_peers = ONEDNN }

#define ODD(A, B, M, N, K, share_)								\
	{ .section = "odd shapes", FORMATS(A, B), SHAPE(M, N, K), TILED, .share = (share_),	\
	  .ratio = 1, .peers = ONEDNN, .target_peers = ONEDNN }

#define PLAIN(B, M, N, K)									\
	{ .section = "weights not packed", FORMATS(S8, B), SHAPE(M, N, K), .order = ORDER_ROWS,	\
	  .threads = 1 }
#define SCATTERED(B, M, N, K, share_)								\
	{ .section = "weights in scattered pages", FORMATS(S8, B), SHAPE(M, N, K),		\
	  .order = ORDER_SCATTERED, .threads = 1, .share = (share_) }

#define GROUPED(M, N, K)									\
	{ .section = "groups of 32 with integer scales", FORMATS(S8, S4), SHAPE(M, N, K),	\
	  TILED, .group = 32, .share = 0.60 }

#define AVX2(A, B, M, N, K, limit_)								\
	{ .section = "AVX2 path", FORMATS(A, B), SHAPE(M, N, K), TILED, .isa = "avx2",		\
	  .limit = (limit_), .baseline = BASELINE_PLAIN, .gain = 0.85 }

#define TWO(A, B, M, N, K, limit_)								\
	{ .section = "two threads", FORMATS(A, B), SHAPE(M, N, K), .order = ORDER_TILED,	\
	  .threads = 2, .limit = (limit_), .baseline = BASELINE_ONE_THREAD, .gain = 1.8 }

const struct bench_row bench_rows[] = {
	LARGE_SHAPES(S8),
	LARGE_SHAPES(U8),
	LARGE_SHAPES(S4),
	LARGE_SHAPES(S2),
	LARGE_SHAPES(T2),
	LARGE_SHAPES(C4),
	LARGE_SHAPES(B1),
	NARROW(C8, 512, 4096, 4096, 0),
	{ .section = "narrow weights", FORMATS(S4, S4), SHAPE(512, 4096, 4096), TILED, .share = 0.85 },
	BITS(1024, 1024, 1024),
	BITS(4096, 4096, 4096),
	GEMV(S8, QC8W),
	GEMV(S4, QC4W),
	GEMV(T2, 0),
	GEMV(B1, 0),
	ODD(S8, S8, 65, 512, 1536, 0.75),
	ODD(S8, S8, 65, 1024, 512, 0.75),
	ODD(S8, T2, 65, 3200, 8640, 0.75),
	ODD(S8, T2, 1, 3200, 8640, 0),
	ODD(S8, S8, 35, 700, 2048, 0.75),
	ODD(S8, S8, 12544, 64, 9, 0),
	ODD(S8, S8, 12544, 32, 27, 0),
	PLAIN(S8, 128, 3072, 768),
	PLAIN(S4, 128, 3072, 768),
	PLAIN(T2, 512, 4096, 4096),
	SCATTERED(S8, 512, 4096, 4096, 0.90),
	SCATTERED(S4, 512, 4096, 4096, 0.85),
	GROUPED(128, 3072, 768),
	GROUPED(512, 4096, 4096),
	GROUPED(1024, 1024, 1024),
	AVX2(S8, S8, 128, 768, 768, LIMIT_DOT),
	AVX2(S8, S8, 1024, 1024, 1024, LIMIT_DOT),
	AVX2(S8, S4, 1024, 1024, 1024, LIMIT_NARROW),
	AVX2(B1, B1, 1024, 1024, 1024, LIMIT_POPCOUNT),
	TWO(S8, S8, 512, 4096, 4096, LIMIT_DOT),
	TWO(S8, S4, 512, 4096, 4096, LIMIT_DOT),
	TWO(S8, S8, 1024, 1024, 1024, LIMIT_DOT),
	TWO(S8, S8, 128, 3072, 768, LIMIT_DOT),
	TWO(B1, B1, 4096, 4096, 4096, LIMIT_POPCOUNT),
};

const unsigned int bench_row_count = sizeof(bench_rows) / sizeof(bench_rows[0]);
