/* SPDX-License-Identifier: MIT */
/*
 * The list of the provider ecs: a look at the whole fleet and at what became of
 * the tasks that the scaler knows.
 */
#ifndef GSM_AWS_ECS_LIST_H
#define GSM_AWS_ECS_LIST_H

#include "common/err.h"
#include "scalerd/aws/client.h"
#include "scalerd/aws/ecs_site.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

struct ecs_list;

struct ecs_list_setup {
	const struct ecs_site *site; /* lives until ecs_list_close */
	struct loop *loop;
	struct client *client;
	struct port_sink sink; /* only `listed` is called */
};

NODISCARD bool ecs_list_open(struct ecs_list **list,
			     const struct ecs_list_setup *setup,
			     struct err *err);

/* Asks for it, as provider_port's list: answered once, by the loop; not again
 * before that. `known` is copied. */
void ecs_list_ask(struct ecs_list *list, const struct known *known,
		  size_t nknown);

/* Without an answer. Accepts NULL. */
void ecs_list_close(struct ecs_list *list);

#endif
