/* SPDX-License-Identifier: MIT */
/*
 * From facts to sightings: whose a task is, where its gameserver listens, and
 * whether it is on its way out. Pure.
 */
#ifndef GSM_AWS_ECS_SIGHT_H
#define GSM_AWS_ECS_SIGHT_H

#include "common/err.h"
#include "scalerd/aws/ecs_site.h"
#include "scalerd/aws/facts.h"
#include "scalerd/scaler/ports.h"

enum ecs_address {
	ECS_ADDRESS_KNOWN,   /* ip, port and address are filled in */
	ECS_ADDRESS_NOT_YET, /* AWS does not say all of it yet */
	ECS_ADDRESS_NEVER,   /* can't be told with this configuration; err */
};

/* Where the task's gameserver listens, by the binding of GAMESERVER_PORT on
 * GAMESERVER_CONTAINER and the machine's or network interface's address of
 * ADDRESS_SOURCE, for players, and HEALTH_ADDRESS_SOURCE, for health. Never a
 * guess: of several that fit it is none. */
enum ecs_address ecs_sight_address(const struct ecs_site *site,
				   const struct facts *facts,
				   const struct facts_task *task,
				   struct sighting *sighting, struct err *err);

/* The task as a gameserver. False: it is none of this fleet's business. */
bool ecs_sight_task(const struct ecs_site *site, const struct facts *facts,
		    const struct facts_task *task, struct sighting *sighting);

bool ecs_sight_is_our_task(const struct ecs_site *site,
			   const struct facts_task *task);
/* Whether it surely does not run any more: it stopped, or its machine was
 * terminated or stopped, which ECS never notices when the agent was gone
 * before. */
bool ecs_sight_has_ended(const struct facts *facts,
			 const struct facts_task *task);

/* Whether this machine exists for the fleet, and is not ending. */
bool ecs_sight_is_live(const struct facts_machine *machine);
bool ecs_sight_is_our_machine(const struct ecs_site *site,
			      const struct facts_machine *machine);

/* Everything of the fleet: each task, and each marked machine without one that
 * no known gameserver's task ran on. *sighting is the caller's to free; NULL
 * with false: out of memory. */
bool ecs_sight_fleet(const struct ecs_site *site, const struct facts *facts,
		     const struct known *known, size_t nknown,
		     struct sighting **sighting, size_t *nsighting);

#endif
