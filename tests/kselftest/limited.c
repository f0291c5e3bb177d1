// SPDX-License-Identifier: GPL-2.0
/*
 * limited SECONDS COMMAND [ARGUMENT...]: runs a command and kills it when it takes longer, by
 * the time of a machine that has nothing else to do. Exit status: the command's, 128 and the
 * number of the signal that ended it, 127 if it can't be run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "guest.h"

int main(int argc, char **argv)
{
	const struct timespec second = { .tv_sec = 1 };
	const int64_t began = now_ns();
	sigset_t chld, before;
	int status = 0;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: limited SECONDS COMMAND [ARGUMENT...]\n");
		return 2;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	while (pid > 0 && !waitpid(pid, &status, WNOHANG)) {
		if (sigtimedwait(&chld, NULL, &second) < 0 && errno == EAGAIN &&
		    over_limit(began, atoi(argv[1]) * SECOND))
			kill(pid, SIGKILL);
	}
	if (pid < 0)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
