/* SPDX-License-Identifier: MIT */
/*
 * Provider local: gameservers are processes on this machine.
 *
 * Each runs LOCAL_COMMAND in a session of its own, so that it outlives
 * scalerd, and is found again by its environment in /proc:
 *
 *	GAMESERVER_FLEET      FLEET_NAME@<absolute path of the database>
 *	GAMESERVER_OPERATION  the launch operation's id: its mark
 *	GAMESERVER_ADDRESS    where it listens
 *	GAMESERVER_PORT
 *
 * The mark holds the database's path so that two fleets of one name can run
 * side by side. A process with GAMESERVER_FLEET but no GAMESERVER_OPERATION
 * was started by hand: it is listed as not ours.
 */
#ifndef GSM_EDGE_PROVIDER_LOCAL_H
#define GSM_EDGE_PROVIDER_LOCAL_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

/* *port is filled in; it lives until port->close. Answers go to sink from the
 * loop. Takes over SIGCHLD of the loop. */
NODISCARD bool provider_local_open(struct provider_port *port,
				   const struct config *config,
				   struct loop *loop,
				   const struct port_sink *sink,
				   struct err *err);

#endif
