/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pidfd_open */
#include "scalerd/edge/local_process.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scalerd/edge/proc.h"

enum {
	EXEC_TRIES = 5, /* looks at a process that is just executing */
	EXEC_WAIT_MS = 1,
	ROOM_FIRST = 64,
	PORT_MAX = 65535,
};

/* What looking at one process came to. */
enum look {
	LOOK_OURS,   /* it bears the fleet's mark */
	LOOK_OTHER,  /* it does not, or is not there */
	LOOK_UNSURE, /* it could not be looked at */
};

/* ---- environments ------------------------------------------------------ */

/* The value of `name`; NULL: not set. `size` bytes of NUL-ended entries. */
static const char *
environ_value(const char *text, size_t size, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; at < text + size; at += strlen(at) + 1) {
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

/* Reads up to LOCAL_ENVIRON_MAX bytes and a NUL. -1: errno says why. */
static ssize_t
environ_read(pid_t pid, char *text)
{
	char path[32];
	size_t size = 0;
	ssize_t got;
	int saved;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do {
		got = read(fd, text + size, LOCAL_ENVIRON_MAX - size);
		if (got > 0)
			size += (size_t)got;
	} while (got > 0 && size < LOCAL_ENVIRON_MAX);
	saved = errno;
	close(fd);
	errno = saved;
	text[size] = '\0';
	return got < 0 ? -1 : (ssize_t)size;
}

static void
read_marks(const char *text, size_t size, struct local_process *process)
{
	const char *mark = environ_value(text, size, LOCAL_MARK_OPERATION);
	const char *ip = environ_value(text, size, LOCAL_MARK_ADDRESS);
	const char *port = environ_value(text, size, LOCAL_MARK_PORT);
	struct in6_addr address;
	char *end = NULL;
	long number;

	if (mark && strlen(mark) < sizeof(process->mark))
		memcpy(process->mark, mark, strlen(mark) + 1);
	if (ip && strlen(ip) < sizeof(process->ip) &&
	    (inet_pton(AF_INET, ip, &address) == 1 ||
	     inet_pton(AF_INET6, ip, &address) == 1))
		memcpy(process->ip, ip, strlen(ip) + 1);
	number = port ? strtol(port, &end, 10) : 0;
	if (port && end != port && *end == '\0' && number >= 1 &&
	    number <= PORT_MAX)
		process->port = (int)number;
}

/* ---- one process ------------------------------------------------------- */

/* Fills *process if it is alive and bears the mark. `text` is scratch of
 * LOCAL_ENVIRON_MAX + 1 bytes. */
static enum look
look_at(pid_t pid, const char *fleet, char *text, struct local_process *process)
{
	const struct timespec moment = {.tv_nsec = EXEC_WAIT_MS * 1000000L};
	struct proc_stat stat;
	const char *value;
	ssize_t size = 0;

	for (int i = 0; i < EXEC_TRIES; i++) {
		size = environ_read(pid, text);
		/* EACCES: another program's privileges, so not our child. */
		if (size < 0)
			return errno == EMFILE || errno == ENFILE ||
				       errno == ENOMEM
				   ? LOOK_UNSURE
				   : LOOK_OTHER;
		if (size > 0)
			break;
		/* No environment: a zombie, a kernel thread, one that was
		 * started without any, or one in the middle of execve(2). */
		if (!proc_stat_read(pid, &stat) || stat.ended ||
		    stat.kernel_thread || stat.has_memory_map)
			return LOOK_OTHER;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	}
	if (size == 0)
		return LOOK_UNSURE;
	value = environ_value(text, (size_t)size, LOCAL_MARK_FLEET);
	if (!value || strcmp(value, fleet) != 0)
		return LOOK_OTHER;
	if (!proc_stat_read(pid, &stat) || stat.ended)
		return LOOK_OTHER;
	*process = (struct local_process){.pid = pid,
					  .parent = stat.parent,
					  .leads_session = stat.session == pid,
					  .start_ticks = stat.start_ticks};
	read_marks(text, (size_t)size, process);
	return LOOK_OURS;
}

/* ---- all of them ------------------------------------------------------- */

static int
compare_processes(const void *left, const void *right)
{
	const struct local_process *a = left;
	const struct local_process *b = right;
	int order = strcmp(a->mark, b->mark);

	if (order != 0)
		return order;
	if (a->leads_session != b->leads_session)
		return a->leads_session ? -1 : 1;
	if (a->start_ticks != b->start_ticks)
		return a->start_ticks < b->start_ticks ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static bool
processes_add(struct local_processes *found,
	      const struct local_process *process, struct err *err)
{
	if (found->count == LOCAL_PROCESS_MAX)
		return err_set(err, "more than %d processes bear the mark",
			       LOCAL_PROCESS_MAX);
	if (found->count == found->room) {
		size_t room = found->room ? found->room * 2 : ROOM_FIRST;
		struct local_process *grown =
		    realloc(found->process, room * sizeof(*grown));

		if (!grown)
			return err_set(err, "out of memory");
		found->process = grown;
		found->room = room;
	}
	found->process[found->count++] = *process;
	return true;
}

/* The pid of an entry of /proc that belongs to this user, or 0. */
static pid_t
entry_pid(DIR *proc, const struct dirent *entry)
{
	struct stat st;

	if (!isdigit((unsigned char)entry->d_name[0]))
		return 0;
	if (fstatat(dirfd(proc), entry->d_name, &st, 0) < 0 ||
	    st.st_uid != geteuid())
		return 0;
	return (pid_t)strtol(entry->d_name, NULL, 10);
}

static bool
scan_entries(DIR *proc, struct local_processes *found, const char *fleet,
	     char *text, struct err *err)
{
	for (;;) {
		const struct dirent *entry;
		struct local_process process;
		pid_t pid;

		errno = 0;
		entry = readdir(proc);
		if (!entry)
			return errno == 0 ||
			       err_set(err, "/proc: %s", strerror(errno));
		pid = entry_pid(proc, entry);
		if (pid <= 0 || pid == getpid())
			continue;
		switch (look_at(pid, fleet, text, &process)) {
		case LOOK_OURS:
			if (!processes_add(found, &process, err))
				return false;
			break;
		case LOOK_OTHER:
			break;
		case LOOK_UNSURE:
			return err_set(err,
				       "process %ld can't be looked at now",
				       (long)pid);
		}
	}
}

bool
local_process_scan(struct local_processes *found, const char *fleet,
		   struct err *err)
{
	char *text = malloc(LOCAL_ENVIRON_MAX + 1);
	DIR *proc = opendir("/proc");
	bool complete = false;

	found->count = 0;
	if (!text)
		err_set(err, "out of memory");
	else if (!proc)
		err_set(err, "/proc: %s", strerror(errno));
	else
		complete = scan_entries(proc, found, fleet, text, err);
	if (found->count > 0)
		qsort(found->process, found->count, sizeof(*found->process),
		      compare_processes);
	if (proc)
		closedir(proc);
	free(text);
	return complete;
}

void
local_processes_free(struct local_processes *found)
{
	free(found->process);
	*found = (struct local_processes){0};
}

const struct local_process *
local_processes_of(const struct local_processes *found, const char *mark,
		   size_t *count)
{
	const struct local_process *first = NULL;

	*count = 0;
	for (size_t i = 0; i < found->count; i++) {
		if (strcmp(found->process[i].mark, mark) != 0)
			continue;
		if (!first)
			first = &found->process[i];
		++*count;
	}
	return first;
}

/* ---- signals ----------------------------------------------------------- */

bool
local_process_signal(const struct local_process *process, const char *fleet,
		     int signo, struct err *err)
{
	char *text = malloc(LOCAL_ENVIRON_MAX + 1);
	struct local_process now;
	enum look look;
	bool ok = true;
	int pidfd;

	if (!text)
		return err_set(err, "out of memory");
	/* The descriptor names one process for good; what it names is looked
	 * at before it is signalled. */
	pidfd = pidfd_open(process->pid, 0);
	if (pidfd < 0) {
		if (errno != ESRCH)
			ok = err_set(err, "process %ld: pidfd_open: %s",
				     (long)process->pid, strerror(errno));
		goto out;
	}
	look = look_at(process->pid, fleet, text, &now);
	if (look == LOOK_UNSURE)
		ok = err_set(err, "process %ld can't be looked at now",
			     (long)process->pid);
	else if (look == LOOK_OURS && now.start_ticks == process->start_ticks &&
		 strcmp(now.mark, process->mark) == 0 &&
		 pidfd_send_signal(pidfd, signo, NULL, 0) < 0 && errno != ESRCH)
		ok = err_set(err, "process %ld: signal %d: %s",
			     (long)process->pid, signo, strerror(errno));
	close(pidfd);
out:
	free(text);
	return ok;
}
