/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	STAT_SIZE = 2048, /* bytes of /proc/PID/stat */
	STAT_FIELDS = 51, /* fields of proc(5) up to env_end */
};

/* Fields of proc(5), which counts from 1. */
enum {
	FIELD_PARENT = 4,
	FIELD_SESSION = 6,
	FIELD_FLAGS = 9,
	FIELD_START = 22,
	FIELD_ENV_END = 51,
};

/* Bits of field 9, the kernel's PF_EXITING and PF_KTHREAD. */
#define FLAG_EXITING       UINT64_C(0x00000004)
#define FLAG_KERNEL_THREAD UINT64_C(0x00200000)

static ssize_t
read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	int saved;

	if (fd < 0)
		return -1;
	got = read(fd, text, size - 1);
	saved = errno;
	close(fd);
	errno = saved;
	if (got >= 0)
		text[got] = '\0';
	return got;
}

bool
proc_stat_read(pid_t pid, struct proc_stat *stat)
{
	uint64_t field[STAT_FIELDS + 1] = {0};
	bool has_memory_map, exiting;
	char path[32];
	char text[STAT_SIZE];
	char state;
	char *at;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_text(path, text, sizeof(text)) <= 0)
		return false;
	/* The name may hold anything, ')' and blanks too: the last one ends it.
	 */
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || at[2] == '\0')
		return false;
	state = at[2];
	at += 3;
	for (int i = FIELD_PARENT; i <= STAT_FIELDS && *at == ' '; i++)
		field[i] = strtoull(at, &at, 10);
	has_memory_map = field[FIELD_ENV_END] != 0;
	exiting = (field[FIELD_FLAGS] & FLAG_EXITING) != 0;
	*stat = (struct proc_stat){
	    .ended = state == 'Z' || state == 'X' || state == 'x' ||
		     (exiting && !has_memory_map),
	    .kernel_thread = (field[FIELD_FLAGS] & FLAG_KERNEL_THREAD) != 0,
	    .has_memory_map = has_memory_map,
	    .parent = (pid_t)field[FIELD_PARENT],
	    .session = (pid_t)field[FIELD_SESSION],
	    .start_ticks = field[FIELD_START],
	};
	return true;
}

bool
proc_is_alive(pid_t pid, uint64_t start_ticks)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) && !stat.ended &&
	       stat.start_ticks == start_ticks;
}

bool
proc_boot_id(char id[PROC_BOOT_ID_SIZE], struct err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	ssize_t size = read_text(path, id, PROC_BOOT_ID_SIZE);

	if (size < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (size != PROC_BOOT_ID_SIZE - 1)
		return err_set(err, "%s: unexpected content", path);
	return true;
}
