// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "peer_client.h"
#include "xq_kernels.h"

/* A, B and C of the largest shape: 512 x 4096 x 4096, or 12544 x 64 of C. */
#define MEMORY_BYTES	(64UL << 20)

struct peer_client {
	pid_t process;
	int to, from;
	uint8_t *memory;
	struct {
		bool present;
		char status[112];
	} peer[PEER_COUNT];
};

static const char *const names[PEER_COUNT] = {
	[PEER_ONEDNN_U8S8] = "oneDNN u8s8s32",
	[PEER_XNNPACK_QC8W] = "XNNPACK qs8-qc8w",
	[PEER_XNNPACK_QC4W] = "XNNPACK qd8-f32-qc4w",
	[PEER_OPENBLAS_F32] = "OpenBLAS sgemm",
	[PEER_ONEDNN_CONV] = "oneDNN u8s8s32 convolution",
	[PEER_XNNPACK_CONV] = "XNNPACK qs8-qc8w convolution",
	[PEER_GGML_Q4_0] = "ggml q4_0",
};

static char no_process[112] = "the peer process could not be started";

const char *peer_name(enum peer_id peer)
{
	return names[peer];
}

static bool ask(struct peer_client *client, const struct peer_request *request,
		struct peer_reply *reply)
{
	if (write(client->to, request, sizeof(*request)) != (ssize_t)sizeof(*request) ||
	    read(client->from, reply, sizeof(*reply)) != (ssize_t)sizeof(*reply))
		*reply = (struct peer_reply){ .text = "the peer process ended" };
	return reply->ok;
}

/* oneDNN and the C library size their thread pools by these; one thread is what is compared. */
static void exec_peer(const char *folder, int memory, int in, int out)
{
	char path[4096], number[16];

	snprintf(path, sizeof(path), "%s/peer.sh", folder);
	snprintf(number, sizeof(number), "%d", memory);
	setenv("OMP_NUM_THREADS", "1", 1);
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	/* Peers have what our kernels have. */
	if (!strcmp(xqk_isa_name(xqk_isa_select(NULL)), "amx"))
		setenv("XQ_BENCH_TILES", "1", 1);
	/* Large blocks of malloc() in huge pages, as ours are. */
	setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
	dup2(in, 0);
	dup2(out, 1);
	execl(path, path, number, (char *)NULL);
	_exit(127);
}

static bool spawn(struct peer_client *client, const char *folder)
{
	const int memory = memfd_create("xq-bench", 0);
	int request[2], reply[2];

	if (memory < 0 || ftruncate(memory, MEMORY_BYTES) < 0 || pipe2(request, O_CLOEXEC) < 0 ||
	    pipe2(reply, O_CLOEXEC) < 0)
		return false;
	client->memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (client->memory == MAP_FAILED)
		return false;
	client->process = fork();
	if (client->process == 0)
		exec_peer(folder, memory, request[0], reply[1]);
	close(memory);
	close(request[0]);
	close(reply[1]);
	client->to = request[1];
	client->from = reply[0];
	return client->process > 0;
}

/* The reason that the build left, if there is no process. */
static void read_reason(const char *folder)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/missing", folder);
	file = fopen(path, "r");
	if (file && fgets(no_process, sizeof(no_process), file))
		no_process[strcspn(no_process, "\n")] = '\0';
	if (file)
		fclose(file);
}

struct peer_client *peer_client_start(const char *folder)
{
	struct peer_client *client = calloc(1, sizeof(*client));
	char path[4096];

	snprintf(path, sizeof(path), "%s/peer.sh", folder);
	signal(SIGPIPE, SIG_IGN);
	if (!client || access(path, X_OK) < 0 || !spawn(client, folder)) {
		read_reason(folder);
		free(client);
		return NULL;
	}
	for (unsigned int i = 0; i < PEER_COUNT; i++) {
		const struct peer_request request = { .op = PEER_QUERY, .peer = i };
		struct peer_reply reply;

		client->peer[i].present = ask(client, &request, &reply);
		memcpy(client->peer[i].status, reply.text, sizeof(reply.text));
	}
	return client;
}

void peer_client_stop(struct peer_client *client)
{
	if (!client)
		return;
	close(client->to);
	close(client->from);
	waitpid(client->process, NULL, 0);
	munmap(client->memory, MEMORY_BYTES);
	free(client);
}

const char *peer_client_status(struct peer_client *client, enum peer_id peer)
{
	return client ? client->peer[peer].status : no_process;
}

bool peer_client_has(struct peer_client *client, enum peer_id peer)
{
	return client && client->peer[peer].present;
}

/* Runs once; the result is at request->c. */
static const char *first_result(struct peer_client *client, struct peer_request *request,
				struct peer_reply *reply)
{
	request->op = PEER_RUN;
	if (!ask(client, request, reply))
		return reply->text;
	request->op = PEER_RESULT;
	return ask(client, request, reply) ? NULL : reply->text;
}

static const char *check_result(struct peer_client *client, struct peer_request *request,
				const struct operand *a, const struct operand *b,
				struct peer_reply *reply)
{
	const int32_t *c = (const int32_t *)(client->memory + request->c);
	const char *error = first_result(client, request, reply);

	return error ? error : check_rounded(a, b, c, reply->unit,
			     request->peer == PEER_XNNPACK_QC8W ? 127 : INT32_MAX);
}

/* Copies A and B to where the request says, behind which there is C of 4 bytes an element. */
static bool place_product(struct peer_client *client, struct peer_request *request,
			  const struct operand *a, const struct operand *b)
{
	const size_t bytes_a = (size_t)a->rows * a->columns, bytes_b = (size_t)b->rows * b->columns;

	request->b = (bytes_a + 63) & ~63UL;
	request->c = (request->b + bytes_b + 63) & ~63UL;
	if (request->c + sizeof(int32_t) * a->rows * b->rows > MEMORY_BYTES)
		return false;
	for (size_t i = 0; i < bytes_a; i++)
		client->memory[i] = (uint8_t)a->values[i];
	for (size_t i = 0; i < bytes_b; i++)
		client->memory[request->b + i] = (uint8_t)b->values[i];
	return true;
}

const char *peer_client_open_groups(struct peer_client *client, enum peer_id peer, const struct operand *a,
				    const struct operand *b, const float **c)
{
	struct peer_request request = { .op = PEER_OPEN, .peer = peer, .m = a->rows, .n = b->rows,
					.k = a->columns, .runs = 1 };
	static struct peer_reply reply;
	const char *error;

	if (!place_product(client, &request, a, b))
		return "the shape is too large";
	*c = (const float *)(client->memory + request.c);
	if (!ask(client, &request, &reply))
		return reply.text;
	error = first_result(client, &request, &reply);
	if (error)
		peer_client_close(client, peer);
	return error;
}

const char *peer_client_open(struct peer_client *client, enum peer_id peer,
			     const struct operand *a, const struct operand *b)
{
	struct peer_request request = { .op = PEER_OPEN, .peer = peer, .m = a->rows, .n = b->rows,
					.k = a->columns, .runs = 1 };
	static struct peer_reply reply;
	const char *error;

	if (!place_product(client, &request, a, b))
		return "the shape is too large";
	if (!ask(client, &request, &reply))
		return reply.text;
	error = check_result(client, &request, a, b, &reply);
	if (error)
		peer_client_close(client, peer);
	return error;
}

const char *peer_client_open_layer(struct peer_client *client, enum peer_id peer,
				   const struct peer_layer *layer, const uint8_t *x, const uint8_t *w,
				   size_t outputs, const int32_t **y, float *unit)
{
	const size_t bytes_x = (size_t)layer->size * layer->size * layer->in_c;
	const size_t bytes_w = (size_t)layer->out_c * layer->kernel * layer->kernel *
			       (layer->in_c / layer->groups);
	struct peer_request request = { .op = PEER_OPEN, .peer = peer, .layer = *layer, .runs = 1 };
	static struct peer_reply reply;

	request.b = (bytes_x + 63) & ~63UL;
	request.c = (request.b + bytes_w + 63) & ~63UL;
	if (request.c + sizeof(int32_t) * outputs > MEMORY_BYTES)
		return "the layer is too large";
	memcpy(client->memory, x, bytes_x);
	memcpy(client->memory + request.b, w, bytes_w);
	if (!ask(client, &request, &reply))
		return reply.text;
	request.op = PEER_RUN;
	if (ask(client, &request, &reply)) {
		request.op = PEER_RESULT;
		if (ask(client, &request, &reply)) {
			*y = (const int32_t *)(client->memory + request.c);
			*unit = reply.unit;
			return NULL;
		}
	}
	peer_client_close(client, peer);
	return reply.text;
}

void peer_client_close(struct peer_client *client, enum peer_id peer)
{
	const struct peer_request request = { .op = PEER_CLOSE, .peer = peer };
	struct peer_reply reply;

	ask(client, &request, &reply);
}

double peer_client_run(struct peer_client *client, enum peer_id peer, uint32_t runs)
{
	const struct peer_request request = { .op = PEER_RUN, .peer = peer, .runs = runs };
	struct peer_reply reply;

	return ask(client, &request, &reply) ? reply.seconds : -1;
}
