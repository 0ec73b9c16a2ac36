/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/ecs_world.h"

#include <stdlib.h>

#include "scalerd/aws/client.h"
#include "scalerd/aws/provider_ecs.h"
#include "tests/unit/unit.h"

enum { WAIT_MAX_MS = 50, RUN_MAX = 10, BODY_SIZE = 1024 };

#define SOON                                                                   \
	"{\"settings\":{\"gameservers\":false,\"boot_s\":0.05,"                \
	"\"address_s\":0.02,\"join_s\":0.05,\"shutting_down_s\":0.05,"         \
	"\"provisioning_s\":0.02,\"pending_s\":0.02,\"stopping_s\":0.02,"      \
	"\"association_s\":0.02}}"
#define RUN_TASKS                                                              \
	"{\"cluster\":\"default\",\"count\":%d,\"launchType\":\"FARGATE\","    \
	"\"taskDefinition\":\"gameserver-fargate\","                           \
	"\"startedBy\":\"gsm/test\",\"networkConfiguration\":"                 \
	"{\"awsvpcConfiguration\":{\"subnets\":[\"%s\"]}},\"tags\":"           \
	"[{\"key\":\"gameserver-manager:fleet\",\"value\":\"test\"}]}"

struct ecs_world *
ecs_world_of(const struct conformance *c)
{
	return c->world;
}

int
ecs_world_begin(void **state)
{
	struct cloud_process *cloud = calloc(1, sizeof(*cloud));

	assert_non_null(cloud);
	*state = cloud;
	cloud_process_begin(cloud);
	return 0;
}

int
ecs_world_end(void **state)
{
	struct cloud_process *cloud = *state;

	if (cloud)
		cloud_process_end(cloud);
	free(cloud);
	return 0;
}

static void
open_provider(struct conformance *c)
{
	struct ecs_world *w = c->world;
	struct err err = {""};

	if (!provider_ecs_open(&c->port, &w->config, w->loop, &c->sink, &err))
		fail_msg("open: %s", err.msg);
}

/* Closed already is closed. */
static void
close_provider(struct conformance *c)
{
	c->port.close(c->port.self);
	c->port.self = NULL;
}

static void
pass(struct conformance *c, int64_t ms)
{
	struct err err;

	assert_true(loop_turn(ecs_world_of(c)->loop, ms, &err));
}

static void
set(char *option, size_t size, const char *value)
{
	snprintf(option, size, "%s", value);
}

#define SET(option, value) set((option), sizeof(option), (value))

static void
configure(struct config *config, const struct cloud_process *cloud)
{
	SET(config->fleet_name, "test");
	SET(config->aws_region, CLOUD_REGION);
	SET(config->ecs_cluster, "default");
	SET(config->ecs_instance_launch_template, "gameserver");
	SET(config->server_task_definition, "gameserver");
	config->list_interval_ms = 10000;
	SET(config->aws_access_key_id, CLOUD_KEY);
	SET(config->aws_secret_access_key, CLOUD_SECRET);
	/* Over whatever this machine's environment says. */
	SET(config->aws_endpoint_url, cloud->url);
	SET(config->aws_endpoint_url_ecs, cloud->url);
	SET(config->aws_endpoint_url_ec2, cloud->url);
}

int
ecs_world_setup(void **state)
{
	struct conformance *c = calloc(1, sizeof(*c));
	struct ecs_world *w = calloc(1, sizeof(*w));
	struct err err;

	assert_non_null(c);
	assert_non_null(w);
	w->cloud = *state;
	configure(&w->config, w->cloud);
	assert_true(loop_open(&w->loop, &err));
	c->world = w;
	c->open = open_provider;
	c->close = close_provider;
	c->pass = pass;
	c->wait_max_ms = WAIT_MAX_MS;
	cloud_process_reset(w->cloud);
	cloud_process_order(w->cloud, SOON);
	conformance_begin(c);
	*state = c;
	return 0;
}

int
ecs_world_teardown(void **state)
{
	struct conformance *c = *state;
	struct ecs_world *w = c->world;

	close_provider(c);
	loop_close(w->loop);
	free(w);
	free(c);
	return 0;
}

void
ecs_world_order(const struct conformance *c, const char *json)
{
	cloud_process_order(ecs_world_of(c)->cloud, json);
}

int
ecs_world_count(const struct conformance *c, const char *text)
{
	return cloud_process_count(ecs_world_of(c)->cloud, text);
}

/* ---- Fargate ----------------------------------------------------------- */

struct asked {
	bool answered;
	char subnet[64]; /* the first that is named */
};

static void
on_answered(void *arg, const struct client_answer *answer)
{
	struct asked *asked = arg;
	const char *subnet;

	asked->answered = true;
	if (answer->outcome != CLIENT_ANSWERED)
		fail_msg("%s: %s", answer->error.code, answer->error.message);
	subnet = strstr(answer->body, "<subnetId>");
	if (subnet)
		sscanf(subnet, "<subnetId>%63[^<]", asked->subnet);
}

static void
ask(struct conformance *c, struct client *client,
    const struct client_request *request, struct asked *asked)
{
	const int64_t end_ms = loop_now_ms() + ECS_WORLD_DEADLINE_MS;
	struct err err;

	asked->answered = false;
	assert_non_null(client_call(client, request, on_answered, asked, &err));
	while (!asked->answered) {
		assert_true(loop_now_ms() < end_ms);
		pass(c, WAIT_MAX_MS);
	}
}

static struct client *
open_client(struct conformance *c)
{
	struct ecs_world *w = c->world;
	const struct client_setup setup = {.loop = w->loop,
					   .region = CLOUD_REGION,
					   .env = config_aws_variable,
					   .env_arg = &w->config,
					   .pace = credentials_pace_usual,
					   .times = client_times_usual};
	struct client *client;
	struct err err;

	if (!client_open(&client, &setup, &err))
		fail_msg("client: %s", err.msg);
	return client;
}

static void
find_subnet(struct conformance *c, struct client *client, struct asked *asked)
{
	static const struct client_request subnets = {
	    .service = CLIENT_EC2,
	    .action = "DescribeSubnets",
	    .body = "Action=DescribeSubnets&Version=2016-11-15"};

	ask(c, client, &subnets, asked);
	assert_true(asked->subnet[0] != '\0');
}

void
ecs_world_run_tasks(struct conformance *c, int n)
{
	struct client *client = open_client(c);
	struct asked asked = {.answered = false};
	char body[BODY_SIZE];
	const struct client_request run = {.service = CLIENT_ECS,
					   .action = "RunTask",
					   .body = body,
					   .changes = true};

	find_subnet(c, client, &asked);
	snprintf(body, sizeof(body), RUN_TASKS, RUN_MAX, asked.subnet);
	for (int i = 0; i < n; i += RUN_MAX)
		ask(c, client, &run, &asked);
	client_close(client);
}

int
ecs_world_setup_fargate(void **state)
{
	struct asked asked = {.answered = false};
	struct conformance *c;
	struct client *client;
	struct ecs_world *w;

	if (ecs_world_setup(state) != 0)
		return -1;
	c = *state;
	w = c->world;
	client = open_client(c);
	find_subnet(c, client, &asked);
	client_close(client);
	w->config.launch_type = CONFIG_LAUNCH_FARGATE;
	SET(w->config.fargate_subnets, asked.subnet);
	w->config.gameserver_port = 8888;
	SET(w->config.server_task_definition, "gameserver-fargate");
	SET(w->config.ecs_instance_launch_template, "");
	conformance_reopen(c);
	return 0;
}
