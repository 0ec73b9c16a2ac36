/* SPDX-License-Identifier: MIT */
/*
 * What /proc says about a process and about this boot. A pid alone names
 * nothing for long: a process is meant by its pid and its start time, within
 * one boot.
 */
#ifndef GSM_EDGE_PROC_H
#define GSM_EDGE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum { PROC_BOOT_ID_SIZE = 37 }; /* bytes, with NUL */

struct proc_stat {
	bool ended; /* a zombie, or on its way out */
	bool kernel_thread;
	bool has_memory_map; /* its program is loaded: environ is meaningful */
	pid_t parent;
	pid_t session;
	uint64_t start_ticks; /* since boot, of sysconf(_SC_CLK_TCK) */
};

/* False: there is no such process. */
NODISCARD bool proc_stat_read(pid_t pid, struct proc_stat *stat);

/* True if the process is alive and the same that started at start_ticks. */
NODISCARD bool proc_is_alive(pid_t pid, uint64_t start_ticks);

/* The random id of this boot. */
NODISCARD bool proc_boot_id(char id[PROC_BOOT_ID_SIZE], struct err *err);

#endif
