/* SPDX-License-Identifier: MIT */
/*
 * F_GETLK would need a descriptor of the -shm file, and closing that drops
 * SQLite's own locks on it; so the kernel's list is read instead.
 */
#include "scalerd/edge/store_holder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	WAL_WRITE_LOCK = 120, /* SQLite's file format: byte of -shm */
	LOCKS_MAX = 100000,   /* lines looked at */
};

/* "1: POSIX  ADVISORY  WRITE 123 fd:00:456 120 120" */
static bool
is_writer_lock(const char *line, ino_t shm, int *pid)
{
	uintmax_t ino, first;
	char last[24];
	uintmax_t end = UINTMAX_MAX;

	if (sscanf(line, "%*d: POSIX %*s WRITE %d %*x:%*x:%ju %ju %23s", pid,
		   &ino, &first, last) != 4 ||
	    ino != shm)
		return false;
	if (strcmp(last, "EOF") != 0 && sscanf(last, "%ju", &end) != 1)
		return false;
	return first <= WAL_WRITE_LOCK && end >= WAL_WRITE_LOCK &&
	       *pid != getpid();
}

static void
read_comm(int pid, char *comm, size_t size)
{
	char path[40];
	FILE *file;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(comm, (int)size, file) != NULL)
		comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
}

bool
store_holder_name(ino_t shm, char *name, size_t size)
{
	FILE *file = fopen("/proc/locks", "re");
	char line[256], comm[32];
	bool found = false;
	int pid = 0;

	if (file == NULL)
		return false;
	for (int n = 0;
	     n < LOCKS_MAX && !found && fgets(line, sizeof(line), file) != NULL;
	     n++)
		found = is_writer_lock(line, shm, &pid);
	fclose(file);
	if (!found)
		return false;
	read_comm(pid, comm, sizeof(comm));
	snprintf(name, size, "pid %d (%s)", pid, comm);
	return true;
}
