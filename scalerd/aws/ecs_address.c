/* SPDX-License-Identifier: MIT */
/* Where a task's gameserver listens. */
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ecs_sight.h"

/* The addresses of a machine or a network interface. */
struct addresses {
	const char *public_ip;
	const char *private_ip;
	const char *ipv6;
};

static bool
fits(const struct config *config, const struct facts_binding *binding)
{
	return binding->tcp &&
	       (config->gameserver_container[0] == '\0' ||
		strcmp(config->gameserver_container, binding->container) ==
		    0) &&
	       (config->gameserver_port == 0 ||
		config->gameserver_port == binding->container_port);
}

/* IPv4 and IPv6 have a binding each, and maybe a host port each. */
static bool
is_same_port(const struct facts_binding *a, const struct facts_binding *b)
{
	return a->container_port == b->container_port &&
	       (a->host_port == b->host_port || a->ipv6 != b->ipv6) &&
	       strcmp(a->container, b->container) == 0;
}

static enum ecs_address
find_port(const struct config *config, const struct facts_task *task, bool ipv6,
	  int *port, struct err *err)
{
	const struct facts_binding *found = NULL;

	for (size_t i = 0; i < task->nbinding; i++) {
		const struct facts_binding *binding = &task->binding[i];

		if (!fits(config, binding))
			continue;
		if (found && !is_same_port(found, binding)) {
			err_set(err,
				"ports %d of container %.60s and %d of %.60s: "
				"set GAMESERVER_CONTAINER and GAMESERVER_PORT",
				found->container_port, found->container,
				binding->container_port, binding->container);
			return ECS_ADDRESS_NEVER;
		}
		if (!found || binding->ipv6 == ipv6)
			found = binding;
	}
	if (found) {
		*port = found->host_port;
		return ECS_ADDRESS_KNOWN;
	}
	if (task->nbinding == 0)
		return ECS_ADDRESS_NOT_YET;
	err_set(err, "no container of it has the port that "
		     "GAMESERVER_CONTAINER and GAMESERVER_PORT say");
	return ECS_ADDRESS_NEVER;
}

/* With awsvpc a task has a network interface and its containers' own ports. */
static enum ecs_address
find_port_of_eni(const struct config *config, int *port, struct err *err)
{
	if (config->gameserver_port == 0) {
		err_set(err, "it has a network interface of its own: set "
			     "GAMESERVER_PORT");
		return ECS_ADDRESS_NEVER;
	}
	*port = (int)config->gameserver_port;
	return ECS_ADDRESS_KNOWN;
}

static bool
find_addresses(const struct facts *facts, const struct facts_task *task,
	       struct addresses *addresses)
{
	const struct facts_eni *eni = facts_find_eni(facts, task->eni);
	const struct facts_host *host = facts_find_host(facts, task->host);
	const struct facts_machine *machine =
	    host ? facts_find_machine(facts, host->machine) : NULL;

	if (eni) {
		*addresses = (struct addresses){.public_ip = eni->public_ip,
						.private_ip = eni->private_ip,
						.ipv6 = eni->ipv6};
		return true;
	}
	if (task->eni[0] != '\0' || !machine)
		return false;
	*addresses = (struct addresses){.public_ip = machine->public_ip,
					.private_ip = machine->private_ip,
					.ipv6 = machine->ipv6};
	return true;
}

/* "" while there is none. */
static const char *
choose_ip(const struct addresses *addresses, enum config_address_source source)
{
	const char *ip = source == CONFIG_ADDRESS_PUBLIC
			     ? addresses->public_ip
			     : addresses->private_ip;

	return ip[0] != '\0' ? ip : addresses->ipv6;
}

static void
append(char *to, size_t size, const char *text)
{
	const size_t used = strlen(to);

	snprintf(to + used, size - used, "%s", text);
}

/* 203-0-113-7, 2001-db8--1: as it can be part of a host's name. */
static void
dash(char to[IP_SIZE], const char *ip)
{
	snprintf(to, IP_SIZE, "%s", ip);
	for (char *c = to; *c != '\0'; c++)
		if (*c == '.' || *c == ':')
			*c = '-';
}

/* ADDRESS_TEMPLATE, whose placeholders the configuration has checked. */
static void
fill_template(char to[ADDRESS_SIZE], const char *template, const char *ip,
	      const char *port, const char *instance)
{
	char dashed[IP_SIZE];
	char bracketed[IP_SIZE + 2];
	const struct {
		const char *name;
		const char *value;
	} places[] = {{"{ip}", bracketed},
		      {"{dashed_ip}", dashed},
		      {"{port}", port},
		      {"{instance}", instance}};
	const size_t n = sizeof(places) / sizeof(places[0]);

	dash(dashed, ip);
	snprintf(bracketed, sizeof(bracketed), strchr(ip, ':') ? "[%s]" : "%s",
		 ip);
	to[0] = '\0';
	while (*template != '\0') {
		size_t i = 0;

		while (i < n && strncmp(template, places[i].name,
					strlen(places[i].name)) != 0)
			i++;
		append(to, ADDRESS_SIZE,
		       i < n ? places[i].value : (char[2]){*template, '\0'});
		template += i < n ? strlen(places[i].name) : 1;
	}
}

static void
write_address(const struct config *config, const char *ip,
	      struct sighting *sighting)
{
	const char *usual = "{ip}:{port}";
	const char *template = config->address_template;
	char port[8];

	snprintf(port, sizeof(port), "%d", sighting->port);
	fill_template(sighting->address, template[0] != '\0' ? template : usual,
		      ip, port, sighting->instance);
}

enum ecs_address
ecs_sight_address(const struct ecs_site *site, const struct facts *facts,
		  const struct facts_task *task, struct sighting *sighting,
		  struct err *err)
{
	const struct config *config = &site->config;
	struct addresses addresses;
	enum ecs_address result;
	const char *players;
	const char *health;

	if (!find_addresses(facts, task, &addresses))
		return ECS_ADDRESS_NOT_YET;
	players = choose_ip(&addresses, config->address_source);
	health = choose_ip(&addresses, config->health_address_source);
	if (players[0] == '\0' || health[0] == '\0')
		return ECS_ADDRESS_NOT_YET;
	result = task->eni[0] != '\0'
		     ? find_port_of_eni(config, &sighting->port, err)
		     : find_port(config, task, strchr(players, ':') != NULL,
				 &sighting->port, err);
	if (result != ECS_ADDRESS_KNOWN)
		return result;
	snprintf(sighting->ip, sizeof(sighting->ip), "%s", health);
	write_address(config, players, sighting);
	return ECS_ADDRESS_KNOWN;
}
