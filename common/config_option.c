/* SPDX-License-Identifier: MIT */
#include "common/config_option.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TARGET(member)                                                         \
	.offset = offsetof(struct config, member),                             \
	.size = sizeof(((struct config *)0)->member)
#define RANGE(from, to) .min = (from), .max = (to)
#define WORDS(...)                                                             \
	.words = (const char *const[])                                         \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

/* A variable of AWS's tools. */
#define AWS(name, member, text)                                                \
	{                                                                      \
		name, &config_kind_text, "", TARGET(member),                   \
		    .flags = CONFIG_RESTART, .help = text                      \
	}
#define AWS_HIDDEN(name, member, text)                                         \
	{                                                                      \
		name, &config_kind_text, "", TARGET(member),                   \
		    .flags = CONFIG_RESTART | CONFIG_SECRET, .help = text      \
	}

/* Names of AWS resources, and their ARNs. */
#define AWS_NAME .allowed = "A-Za-z0-9_.:/()-", RANGE(1, CONFIG_TEXT_SIZE - 1)

enum {
	MARGIN_MAX = 1000000000,
	SEATS_MAX = 1000000,
	DAY_S = 86400,
	YEAR_S = 365 * DAY_S,
	NAME_SIZE = 40,     /* longer names get no guess */
	GUESS_DISTANCE = 2, /* mistyped letters */
};

/* clang-format off */
const struct config_option config_options[] = {
	{"PROVIDER", &config_kind_word, "ecs", TARGET(provider),
	 WORDS("ecs", "local"), .flags = CONFIG_RESTART,
	 .help = "Where gameservers run: ecs (Amazon ECS on EC2 or Fargate) "
		 "or local (processes on this machine)."},
	{"FLEET_NAME", &config_kind_name, "default", TARGET(fleet_name),
	 RANGE(1, 32), .allowed = "A-Za-z0-9_-", .flags = CONFIG_RESTART,
	 .help = "Marks what this fleet launches; another fleet's gameservers "
		 "are left alone."},
	{"DATABASE", &config_kind_path, "/var/lib/gameserver-manager/state.db",
	 TARGET(database), .flags = CONFIG_RESTART | CONFIG_API,
	 .help = "The SQLite database that scalerd writes and fcgi-api reads."},
	{"LEDGER", &config_kind_path, "/run/gameserver-manager/ledger",
	 TARGET(ledger), .flags = CONFIG_RESTART | CONFIG_API,
	 .help = "The file in which fcgi-api counts the seats that it grants; "
		 "best on a tmpfs."},
	{"LOG_LEVEL", &config_kind_word, "info", TARGET(log_level),
	 WORDS("error", "warn", "info", "debug"), .flags = CONFIG_API,
	 .help = "How much is logged on standard error."},

	{"UPSCALE_MARGIN", &config_kind_number, "999", TARGET(upscale_margin),
	 RANGE(0, MARGIN_MAX),
	 .help = "The fleet grows while fewer seats than this are free or "
		 "coming."},
	{"DOWNSCALE_MARGIN", &config_kind_number, "2000",
	 TARGET(downscale_margin), RANGE(0, MARGIN_MAX),
	 .help = "The fleet shrinks while more seats than this are free."},
	{"SERVER_CAPACITY", &config_kind_number, "1000",
	 TARGET(server_capacity), RANGE(1, SEATS_MAX),
	 .help = "Seats of a gameserver; must be less than DOWNSCALE_MARGIN - "
		 "UPSCALE_MARGIN."},
	{"MIN_SERVERS", &config_kind_number, "1", TARGET(min_servers),
	 RANGE(0, 100000),
	 .help = "Gameservers that are kept however many seats are free."},
	{"MAX_SERVERS", &config_kind_number, "20", TARGET(max_servers),
	 RANGE(1, 100000),
	 .help = "No gameserver is launched when this many exist."},
	{"LAUNCHES_PER_TURN", &config_kind_number, "10",
	 TARGET(launches_per_turn), RANGE(1, 1000),
	 .help = "Gameservers that one turn of the loop may launch."},
	{"LAUNCHES_PER_HOUR", &config_kind_number, "600",
	 TARGET(launches_per_hour), RANGE(1, 100000),
	 .help = "Gameservers that may be launched in an hour."},
	{"SCALE_DOWN_DELAY", &config_kind_seconds, "5",
	 TARGET(scale_down_delay_ms), RANGE(0, DAY_S),
	 .help = "How long seats must be in surplus before a gameserver goes "
		 "to standby."},
	{"JOIN_GRACE", &config_kind_seconds, "60", TARGET(join_grace_ms),
	 RANGE(0, 3600),
	 .help = "How long a player who got an address may take to connect; "
		 "no gameserver is stopped sooner after it left rotation."},
	{"DRAIN_DEADLINE", &config_kind_seconds, "86400",
	 TARGET(drain_deadline_ms), RANGE(0, YEAR_S),
	 .help = "A gameserver in standby for longer raises an alarm; 0: "
		 "none does."},

	{"SLEEP_TIME", &config_kind_interval, "60", TARGET(poll_interval_ms),
	 RANGE(0, DAY_S),
	 .help = "Time between two health polls of a gameserver; 0 means "
		 "1 second."},
	{"THREAD_SLEEP_TIME", &config_kind_interval, "60",
	 TARGET(poll_interval_ms), RANGE(0, DAY_S), .flags = CONFIG_OTHER_NAME,
	 .help = "Another name of SLEEP_TIME; when both are set this one "
		 "counts."},
	{"HEALTH_URL", &config_kind_health_url, "http://{ip}:{port}/health/",
	 TARGET(health_url),
	 .help = "Where a gameserver is asked for its health; {ip} and {port} "
		 "are those of its address."},
	{"HEALTH_TIMEOUT_MS", &config_kind_ms, "2000",
	 TARGET(health_timeout_ms), RANGE(100, 60000),
	 .help = "How long a gameserver may take to answer."},
	{"HEALTH_FALL", &config_kind_number, "3", TARGET(health_fall),
	 RANGE(1, 100),
	 .help = "Failed answers in a row that make a gameserver bad."},
	{"HEALTH_RISE", &config_kind_number, "2", TARGET(health_rise),
	 RANGE(1, 100),
	 .help = "Good answers in a row that make it good again."},
	{"LAUNCH_DEADLINE", &config_kind_seconds, "600",
	 TARGET(launch_deadline_ms), RANGE(1, DAY_S),
	 .help = "How long it may take until a launched gameserver runs and "
		 "has an address."},
	{"START_GRACE", &config_kind_seconds, "120", TARGET(start_grace_ms),
	 RANGE(1, DAY_S),
	 .help = "How long a gameserver with an address may take to its first "
		 "good answer."},
	{"DEAD_AFTER", &config_kind_seconds, "600", TARGET(dead_after_ms),
	 RANGE(1, YEAR_S),
	 .help = "A gameserver without an answer for this long is stopped if it "
		 "was proven empty in standby, else kept, with an alarm."},
	{"PANIC_LAUNCH_INTERVAL", &config_kind_seconds, "60",
	 TARGET(panic_launch_interval_ms), RANGE(1, DAY_S),
	 .help = "Time between two launches while most gameservers fail at "
		 "once."},
	{"STALE_AFTER", &config_kind_seconds, "30", TARGET(stale_after_ms),
	 RANGE(2, DAY_S),
	 .help = "The API calls the state stale when scalerd was silent for "
		 "this long."},
	{"HUNG_AFTER", &config_kind_seconds, "120", TARGET(hung_after_ms),
	 RANGE(5, DAY_S),
	 .help = "scalerd --ensure replaces a scalerd that was silent for "
		 "this long."},

	{"BACKUP_GAMESERVER", &config_kind_host_port, "",
	 TARGET(backup_gameserver), .flags = CONFIG_API,
	 .help = "Given to players when no gameserver has a free seat; "
		 "empty: there is none."},
	{"ALLOCATION", &config_kind_word, "spread", TARGET(allocation),
	 WORDS("spread", "pack"),
	 .help = "Which gameserver with free seats a player gets: spread "
		 "(towards the most free) or pack (the fullest)."},
	{"SEAT_HOLD_MS", &config_kind_hold, "", TARGET(seat_hold_ms),
	 RANGE(0, 60000),
	 .help = "How long a granted seat is kept for a player who has not "
		 "connected yet; empty: 1000, or 2000 with ALLOCATION=pack or "
		 "SERVER_CAPACITY up to 10."},

	{"AWS_REGION", &config_kind_region, "ap-south-1", TARGET(aws_region),
	 RANGE(1, 64), .allowed = "a-z0-9-", .flags = CONFIG_RESTART,
	 .help = "The region of the cluster; underscores are read as dashes."},
	{"ECS_CLUSTER", &config_kind_name, "default", TARGET(ecs_cluster),
	 AWS_NAME, .flags = CONFIG_RESTART,
	 .help = "The ECS cluster of the gameservers."},
	{"ECS_INSTANCE_LAUNCH_TEMPLATE", &config_kind_name, "defaultECS",
	 TARGET(ecs_instance_launch_template), AWS_NAME,
	 .help = "The EC2 launch template of a gameserver's instance."},
	{"SERVER_TASK_DEFINITION", &config_kind_name, "LaunchGameserver",
	 TARGET(server_task_definition), AWS_NAME,
	 .help = "The ECS task definition of a gameserver."},
	{"LAUNCH_TYPE", &config_kind_word, "EC2", TARGET(launch_type),
	 WORDS("EC2", "FARGATE"),
	 .help = "Where a gameserver's task runs: on an EC2 instance of its "
		 "own or on Fargate."},
	{"GAMESERVER_CONTAINER", &config_kind_name, "",
	 TARGET(gameserver_container), .allowed = "A-Za-z0-9_-", RANGE(0, 255),
	 .help = "The container of the task definition that is the gameserver; "
		 "empty: its only one."},
	{"GAMESERVER_PORT", &config_kind_port, "", TARGET(gameserver_port),
	 .help = "The port inside the container (containerPort) on which "
		 "players connect; empty: its only tcp port."},
	{"ADDRESS_SOURCE", &config_kind_word, "public", TARGET(address_source),
	 WORDS("public", "private"),
	 .help = "Which address of the instance players get; IPv6 when it has "
		 "no IPv4 of that kind."},
	{"HEALTH_ADDRESS_SOURCE", &config_kind_word, "public",
	 TARGET(health_address_source), WORDS("public", "private"),
	 .help = "Which address of the instance {ip} in HEALTH_URL is."},
	{"ADDRESS_TEMPLATE", &config_kind_template, "",
	 TARGET(address_template),
	 .help = "What players get for an address, such as "
		 "{dashed_ip}.play.example.com:{port}; empty: ip:port."},
	{"ADOPT", &config_kind_word, "serve", TARGET(adopt),
	 WORDS("serve", "off"),
	 .help = "What becomes of running tasks of the family that no manager "
		 "launched: serve (never stopped) or off (ignored)."},
	{"REAP", &config_kind_word, "on", TARGET(reap), WORDS("on", "dry-run"),
	 .help = "What becomes of a launch with this fleet's mark that the "
		 "database does not know and that does not run within "
		 "LAUNCH_DEADLINE: on (stopped) or dry-run (alarm only)."},
	{"LIST_INTERVAL", &config_kind_seconds, "10", TARGET(list_interval_ms),
	 RANGE(1, 3600), .flags = CONFIG_RESTART,
	 .help = "How often ECS and EC2 are asked for the fleet."},
	{"FARGATE_SUBNETS", &config_kind_ids, "", TARGET(fargate_subnets),
	 .allowed = "subnet-",
	 .help = "The subnets of Fargate tasks."},
	{"FARGATE_SECURITY_GROUPS", &config_kind_ids, "",
	 TARGET(fargate_security_groups), .allowed = "sg-",
	 .help = "The security groups of Fargate tasks; empty: the VPC's "
		 "default."},

	AWS("AWS_ACCESS_KEY_ID", aws_access_key_id,
	    "An access key of AWS; best left to the instance's role."),
	AWS_HIDDEN("AWS_SECRET_ACCESS_KEY", aws_secret_access_key,
		   "The secret of that access key."),
	AWS_HIDDEN("AWS_SESSION_TOKEN", aws_session_token,
		   "The session token of a temporary access key."),
	AWS("AWS_PROFILE", aws_profile,
	    "The profile in AWS's credentials and config files; empty: "
	    "default."),
	AWS("AWS_SHARED_CREDENTIALS_FILE", aws_shared_credentials_file,
	    "AWS's credentials file; empty: ~/.aws/credentials."),
	AWS("AWS_CONFIG_FILE", aws_config_file,
	    "AWS's config file; empty: ~/.aws/config."),
	AWS("AWS_ENDPOINT_URL", aws_endpoint_url,
	    "The URL of all of AWS's services; empty: AWS's own."),
	AWS("AWS_ENDPOINT_URL_ECS", aws_endpoint_url_ecs,
	    "The URL of ECS; empty: AWS_ENDPOINT_URL counts."),
	AWS("AWS_ENDPOINT_URL_EC2", aws_endpoint_url_ec2,
	    "The URL of EC2; empty: AWS_ENDPOINT_URL counts."),
	AWS("AWS_CA_BUNDLE", aws_ca_bundle,
	    "A file of certificates that vouch for AWS's servers; empty: the "
	    "system's."),

	{"LOCAL_COMMAND", &config_kind_text, "", TARGET(local_command),
	 .help = "The command of a local gameserver, with {address}, {port} "
		 "and {capacity}; empty: the gameserver beside scalerd."},
	{"LOCAL_ADDRESS", &config_kind_ip, "127.0.0.1", TARGET(local_address),
	 .help = "The address on which local gameservers listen."},
	{"LOCAL_PORTS", &config_kind_ports, "20000-29999",
	 TARGET(local_port_first),
	 .help = "The ports that local gameservers get."},
	{"LOCAL_STOP_TIMEOUT", &config_kind_seconds, "30",
	 TARGET(local_stop_timeout_ms), RANGE(0, 3600),
	 .help = "Time between SIGTERM and SIGKILL for a local gameserver."},

	{"SECRET_KEY", &config_kind_unused, "",
	 .flags = CONFIG_UNUSED | CONFIG_SECRET,
	 .help = "Unused; accepted so that old files keep working."},
	{"DEBUG", &config_kind_unused, "", .flags = CONFIG_UNUSED,
	 .help = "Unused; accepted so that old files keep working."},
};
/* clang-format on */

const size_t config_noptions =
    sizeof(config_options) / sizeof(config_options[0]);
_Static_assert(sizeof(config_options) / sizeof(config_options[0]) <=
		   CONFIG_OPTIONS_MAX,
	       "CONFIG_OPTIONS_MAX is too small");

const struct config_option *
config_option_find(const char *name)
{
	for (size_t i = 0; i < config_noptions; i++)
		if (strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	return NULL;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, delete or replace to turn a into b, ignoring case. Both
 * are shorter than NAME_SIZE. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t
	    row[NAME_SIZE]; /* distances of a's beginning to b's beginnings */
	size_t blen = strlen(b);

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			bool same = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0;
			size_t here = diagonal + (same ? 0 : 1);

			diagonal = row[j];
			row[j] = least(here, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[blen];
}

const struct config_option *
config_option_guess(const char *name)
{
	const struct config_option *best = NULL;
	size_t best_distance = GUESS_DISTANCE + 1;

	if (strlen(name) >= NAME_SIZE || strlen(name) <= GUESS_DISTANCE)
		return NULL;
	for (size_t i = 0; i < config_noptions; i++) {
		size_t distance = edit_distance(name, config_options[i].name);

		if (distance < best_distance) {
			best_distance = distance;
			best = &config_options[i];
		}
	}
	return best;
}

void
config_option_describe(const struct config_option *option,
		       char to[CONFIG_ACCEPTED_SIZE])
{
	if (option->kind->describe != NULL)
		option->kind->describe(option, to, CONFIG_ACCEPTED_SIZE);
	else
		snprintf(to, CONFIG_ACCEPTED_SIZE, "%s",
			 option->kind->accepted);
}

bool
config_option_same(const struct config_option *option, const struct config *a,
		   const struct config *b)
{
	const char *in_a = (const char *)a + option->offset;
	const char *in_b = (const char *)b + option->offset;

	if (option->kind->is_text)
		return strcmp(in_a, in_b) == 0;
	return memcmp(in_a, in_b, option->size) == 0;
}

void
config_print_options(FILE *to)
{
	char accepted[CONFIG_ACCEPTED_SIZE];

	for (size_t i = 0; i < config_noptions; i++) {
		const struct config_option *option = &config_options[i];
		const char *preset = option->preset;

		config_option_describe(option, accepted);
		fprintf(to, "%-29s %s\n", option->name,
			preset[0] == '\0' ? "\"\"" : preset);
		fprintf(to, "    accepted: %s\n", accepted);
		fprintf(to, "    %s%s\n", option->help,
			option->flags & CONFIG_RESTART ? " Needs a restart."
						       : "");
	}
}
