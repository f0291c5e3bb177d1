// SPDX-License-Identifier: GPL-2.0
/*
 * reload [-n TIMES]: loads and unloads the module so many times, by default 10, with a job in
 * between, every other time one that still runs when its process is killed, which has destroyed
 * a buffer meanwhile: the driver has works under way that come back until the device has forgotten
 * it, and the module must not go before they are done.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"

static int one_job(void)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	int fd, ret;

	fd = device_open();
	if (fd < 0)
		return fd;
	ret = buffer_create(fd, 4096, &buf);
	if (!ret) {
		ret = small_run(fd, &buf, &job, &c);
		/* A mapping holds the file, and the file the module. */
		munmap(buf.map, buf.bytes);
	}
	close(fd);
	return ret;
}

/* A job that runs, and a buffer that it does not use on its way out. */
static int start_and_destroy(void)
{
	struct xqaccel_job_desc job;
	struct buffer large, dead;
	int fd, ret;

	fd = device_open();
	if (fd < 0)
		return fd;
	ret = buffer_create_unmapped(fd, 4096, &dead);
	if (!ret)
		ret = large_job(fd, &large, &job);
	if (!ret)
		ret = submit(fd, &job);
	if (!ret)
		ret = buffer_destroy(fd, dead.handle);
	return ret;
}

/* The process is gone when this returns, but not what the driver does for it. */
static int one_killed(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		const int ret = start_and_destroy();

		if (!ret)
			kill(getpid(), SIGKILL);
		_exit(ret < 0 ? -ret : 1);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (WIFSIGNALED(status))
		return 0;
	return WEXITSTATUS(status) ? -WEXITSTATUS(status) : -EPROTO;
}

/* The module goes once the last client has ended, which may take its job's grace. */
static int unload(void)
{
	const int64_t began = now_ns();
	int ret;

	while ((ret = module_unload()) && !over_limit(began, 20 * SECOND))
		sleep_ms(20);
	return ret;
}

int main(int argc, char **argv)
{
	unsigned int times = 10, done;
	int ret = 0;

	if (argc == 3 && !strcmp(argv[1], "-n"))
		times = atoi(argv[2]);
	printf("TAP version 14\n1..1\n");
	if (host_present())
		inject_nothing();
	for (done = 0; done < times && !ret; done++) {
		ret = unload();
		if (!ret)
			ret = module_load("");
		if (!ret && !node_appears(10000))
			ret = -1;
		if (!ret)
			ret = done & 1 ? one_job() : one_killed();
		if (ret)
			printf("# time %u: %s\n", done + 1,
			       ret < 0 ? strerror(-ret) : "wrong result");
	}
	printf("# loaded %u times\n", done);
	printf("%sok 1 the module comes and goes\n", ret ? "not " : "");
	return !!ret;
}
