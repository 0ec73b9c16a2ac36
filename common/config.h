/* SPDX-License-Identifier: MIT */
/*
 * The configuration of both programs: one file in the .env format and the
 * environment over it. Every option is one row of the table in
 * config_option.c (name, type, range, default, help); the manual and the sample
 * file are checked against that table.
 *
 * struct config is plain data: copy it, compare it, keep two of them.
 */
#ifndef GSM_COMMON_CONFIG_H
#define GSM_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/log.h"

enum {
	CONFIG_TEXT_SIZE = 256,     /* bytes of a text option, with NUL */
	CONFIG_COMMAND_SIZE = 2048, /* bytes of LOCAL_COMMAND, with NUL */
	CONFIG_LIST_SIZE = 512,     /* bytes of a list of ids, with NUL */
	CONFIG_IDS_MAX = 16,        /* ids in such a list */
	CONFIG_KEY_SIZE = 129,    /* bytes of a part of AWS's keys, with NUL */
	CONFIG_TOKEN_SIZE = 8193, /* bytes of AWS_SESSION_TOKEN, with NUL */
	CONFIG_FILE_MAX = 65536,  /* bytes of a configuration file */
};

enum config_provider { CONFIG_PROVIDER_ECS, CONFIG_PROVIDER_LOCAL };

enum config_launch_type { CONFIG_LAUNCH_EC2, CONFIG_LAUNCH_FARGATE };

/* Which address of an instance or a Fargate task: IPv4, or IPv6 when it has no
 * IPv4 of that kind. */
enum config_address_source {
	CONFIG_ADDRESS_PUBLIC,
	CONFIG_ADDRESS_PRIVATE,
};

/* What becomes of the family's tasks that no manager launched. */
enum config_adopt { CONFIG_ADOPT_SERVE, CONFIG_ADOPT_OFF };

/* What becomes of a marked gameserver that no row knows and that does not come
 * to run within LAUNCH_DEADLINE. */
enum config_reap { CONFIG_REAP_ON, CONFIG_REAP_DRY_RUN };

/* Which gameserver with free seats a player gets. */
enum config_allocation {
	CONFIG_ALLOCATION_SPREAD, /* towards the most free */
	CONFIG_ALLOCATION_PACK,   /* the fullest */
};

struct config {
	/* The fleet's identity: a change needs a restart. */
	enum config_provider provider;     /* PROVIDER, default ecs */
	char fleet_name[CONFIG_TEXT_SIZE]; /* FLEET_NAME, [A-Za-z0-9_-]{1,32} */
	char aws_region[CONFIG_TEXT_SIZE]; /* AWS_REGION */
	char ecs_cluster[CONFIG_TEXT_SIZE]; /* ECS_CLUSTER */
	char database[CONFIG_TEXT_SIZE];    /* DATABASE, a path */
	char ledger[CONFIG_TEXT_SIZE];      /* LEDGER, a path */

	/* Capacity, in seats and gameservers. */
	int64_t upscale_margin;
	int64_t downscale_margin;
	int64_t server_capacity;
	int64_t min_servers;
	int64_t max_servers;
	int64_t launches_per_turn;
	int64_t launches_per_hour;

	/* Time. Seconds in the file, milliseconds here, but for *_MS. */
	int64_t poll_interval_ms;  /* SLEEP_TIME, THREAD_SLEEP_TIME; >= 1000 */
	int64_t health_timeout_ms; /* HEALTH_TIMEOUT_MS */
	int64_t start_grace_ms;
	int64_t launch_deadline_ms;
	int64_t join_grace_ms;
	int64_t scale_down_delay_ms;
	int64_t drain_deadline_ms; /* 0: no alarm */
	int64_t dead_after_ms;
	int64_t panic_launch_interval_ms;
	int64_t stale_after_ms;
	int64_t hung_after_ms;

	/* Health. */
	char health_url[CONFIG_TEXT_SIZE]; /* {ip} and {port} are filled in */
	int64_t health_fall;
	int64_t health_rise;

	/* The API. */
	enum config_allocation allocation;
	int64_t seat_hold_ms; /* SEAT_HOLD_MS, or what fits when not set */
	char backup_gameserver[CONFIG_TEXT_SIZE]; /* host:port, "": none */

	/* Provider ecs. */
	char ecs_instance_launch_template[CONFIG_TEXT_SIZE];
	char server_task_definition[CONFIG_TEXT_SIZE];
	enum config_launch_type launch_type;         /* LAUNCH_TYPE */
	char gameserver_container[CONFIG_TEXT_SIZE]; /* "": the only one */
	int64_t gameserver_port; /* containerPort, 0: the only tcp port */
	enum config_address_source address_source;        /* of players */
	enum config_address_source health_address_source; /* of {ip} */
	char address_template[CONFIG_TEXT_SIZE];          /* "": ip:port */
	enum config_adopt adopt;
	enum config_reap reap;
	int64_t list_interval_ms;
	char fargate_subnets[CONFIG_LIST_SIZE];         /* "a,b", no blanks */
	char fargate_security_groups[CONFIG_LIST_SIZE]; /* likewise */

	/* What AWS's tools read from the environment; see config_aws_variable.
	 * A change needs a restart. */
	char aws_access_key_id[CONFIG_KEY_SIZE];
	char aws_secret_access_key[CONFIG_KEY_SIZE];
	char aws_session_token[CONFIG_TOKEN_SIZE];
	char aws_profile[CONFIG_TEXT_SIZE];
	char aws_shared_credentials_file[CONFIG_TEXT_SIZE];
	char aws_config_file[CONFIG_TEXT_SIZE];
	char aws_endpoint_url[CONFIG_TEXT_SIZE];
	char aws_endpoint_url_ecs[CONFIG_TEXT_SIZE];
	char aws_endpoint_url_ec2[CONFIG_TEXT_SIZE];
	char aws_ca_bundle[CONFIG_TEXT_SIZE];

	/* Provider local. */
	char local_command[CONFIG_COMMAND_SIZE]; /* "": the gameserver that
						    lies beside scalerd */
	char local_address[CONFIG_TEXT_SIZE];    /* an IPv4 or IPv6 address */
	int64_t local_port_first;                /* LOCAL_PORTS, "first-last" */
	int64_t local_port_last;
	int64_t local_stop_timeout_ms; /* between SIGTERM and SIGKILL */

	enum log_level log_level;
};

/* Which program reads it. fcgi-api checks only DATABASE, LEDGER,
 * BACKUP_GAMESERVER and LOG_LEVEL and warns of nothing else but broken lines,
 * so that a mistake in the scaler's options can't keep the API from starting;
 * the other members of struct config have their defaults. */
enum config_reader { CONFIG_SCALERD, CONFIG_FCGI_API };

/* Is told every warning (unknown name, double assignment, ...). The text
 * names file, line, option and value. */
typedef void config_warn_fn(void *arg, const char *text);

/* Reads `path` (NULL: /etc/gameserver-manager.env if it exists, else ./.env if
 * that exists, else no file), then the environment over it, and checks every
 * value and the options against each other. `config` is written only on
 * success. False: err says file and line (or "environment"), option, value and
 * what is accepted. Values of secrets (SECRET_KEY, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN) are never quoted in a message. */
NODISCARD bool config_load(struct config *config, enum config_reader reader,
			   const char *path, config_warn_fn *warn, void *arg,
			   struct err *err);

/* The name of the first option that differs between the two and can't be
 * changed without a restart (PROVIDER, FLEET_NAME, DATABASE, LEDGER,
 * ECS_CLUSTER, LIST_INTERVAL and every AWS_...); NULL if none does. */
const char *config_needs_restart(const struct config *now,
				 const struct config *next);

/* A variable that AWS's tools read: the option of that name when there is one,
 * else the environment's. NULL: not set or, an option, empty. `config` is a
 * struct config (a credentials_env_fn takes void). */
const char *config_aws_variable(void *config, const char *name);

/* Prints the option table for people: name, range, default, help. */
void config_print_options(FILE *to);

#endif
