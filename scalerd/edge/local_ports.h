/* SPDX-License-Identifier: MIT */
/*
 * Which port of LOCAL_PORTS the next gameserver gets. A port is free when bind
 * accepts it and nobody took it a short time ago: a process that was just
 * started, or is just about to be, does not listen yet.
 */
#ifndef GSM_EDGE_LOCAL_PORTS_H
#define GSM_EDGE_LOCAL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"

enum { LOCAL_PORT_COUNT = 65536 };

struct local_ports {
	int64_t taken_until_ms[LOCAL_PORT_COUNT]; /* CLOCK_BOOTTIME */
};

/* A free port, searched from a random one on. False: there is none, or
 * LOCAL_ADDRESS can't be listened on. */
NODISCARD bool local_ports_choose(const struct local_ports *ports,
				  const struct config *config, int *port,
				  struct err *err);

/* Keeps the port (0 .. 65535) from being chosen for so long. */
void local_ports_take(struct local_ports *ports, int port, int64_t for_ms);

#endif
