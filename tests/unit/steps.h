/* SPDX-License-Identifier: MIT */
/*
 * A function in a process of its own, one machine instruction at a time: after
 * each of them the test may do something else to what both share, and see what
 * comes of it. What races do once in a million runs happens in every one.
 */
#ifndef GSM_TESTS_STEPS_H
#define GSM_TESTS_STEPS_H

#include "tests/unit/unit.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STEPS_MIN = 10,
	STEPS_MAX = 3000,      /* a plain build takes a few hundred */
	STEPS_DONE_CODE = 100, /* exit code: this and the result, 0 .. 99 */
};

typedef int steps_act_fn(void *shared);

/* Memory that the process shares with the test, zeroed. */
static inline void *
steps_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

/* A process that stands before `act`. -1: none may be traced here. */
static inline pid_t
steps_start(steps_act_fn *act, void *shared)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(0);
		raise(SIGSTOP);
		_exit(STEPS_DONE_CODE + act(shared));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSTOPPED(status) ? pid : -1;
}

/* So many instructions. False: it has ended before. */
static inline bool
steps_go(pid_t pid, int steps)
{
	for (int i = 0; i < steps; i++) {
		int status;

		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status))
			return false;
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
	}
	return true;
}

/* To its end: what `act` returned. */
static inline int
steps_finish(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) >= STEPS_DONE_CODE);
	return WEXITSTATUS(status) - STEPS_DONE_CODE;
}

static inline void
steps_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Once for each instruction: `lay_out`, `act` until there, and then `meanwhile`
 * with the process that stands there; it ends it. */
static inline void
steps_each(void (*lay_out)(void *shared), steps_act_fn *act,
	   void (*meanwhile)(void *shared, pid_t pid), void *shared)
{
	int steps = 0;

	for (bool lives = true; lives && steps < STEPS_MAX; steps++) {
		lay_out(shared);
		const pid_t pid = steps_start(act, shared);

		assert_true(pid > 0);
		lives = steps_go(pid, steps);
		if (lives)
			meanwhile(shared, pid);
	}
	assert_in_range(steps, STEPS_MIN, STEPS_MAX - 1);
}

static inline int
steps_nothing(void *shared)
{
	(void)shared;
	return 0;
}

/* Why the tests of a program with steps are skipped; NULL: they are not. */
static inline const char *
steps_missing(void)
{
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	return "not with a sanitizer: it has too many instructions of its own";
#endif
	const pid_t pid = steps_start(steps_nothing, NULL);

	if (pid < 0)
		return "no process may be traced here";
	steps_kill(pid);
	return NULL;
}

#define STEPS_MAIN(...) UNIT_MAIN_IN(steps_missing, NULL, NULL, __VA_ARGS__)

#endif
