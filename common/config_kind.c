/* SPDX-License-Identifier: MIT */
#include "common/config_option.h"

#include <sys/socket.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>

#include "common/config_address.h"
#include "common/config_aws.h"
#include "common/config_path.h"

enum { MS_PER_S = 1000 };

static void *
target(const struct config_option *option, struct config *config)
{
	return (char *)config + option->offset;
}

static bool
write_text(const struct config_option *option, const char *value,
	   struct config *config)
{
	size_t len = strlen(value);

	if (len >= option->size)
		return false;
	memcpy(target(option, config), value, len + 1);
	return true;
}

/* Decimal digits with an optional sign, nothing else. */
static bool
read_integer(const char *text, int64_t *number)
{
	const char *digits = text + (text[0] == '-' || text[0] == '+');
	long long n;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0)
		return false;
	*number = n;
	return true;
}

static bool
read_number(const struct config_option *option, const char *value,
	    struct config *config)
{
	int64_t *number = target(option, config);

	return read_integer(value, number) && *number >= option->min &&
	       *number <= option->max;
}

static bool
read_seconds(const struct config_option *option, const char *value,
	     struct config *config)
{
	int64_t *ms = target(option, config);

	if (!read_number(option, value, config))
		return false;
	*ms *= MS_PER_S;
	return true;
}

static bool
read_interval(const struct config_option *option, const char *value,
	      struct config *config)
{
	int64_t *ms = target(option, config);

	if (!read_seconds(option, value, config))
		return false;
	if (*ms == 0)
		*ms = MS_PER_S;
	return true;
}

static bool
read_hold(const struct config_option *option, const char *value,
	  struct config *config)
{
	int64_t *ms = target(option, config);

	*ms = CONFIG_HOLD_UNSET;
	return value[0] == '\0' || read_number(option, value, config);
}

/* True if `c` is in a set such as "A-Za-z0-9_-". */
static bool
is_in_set(char c, const char *set)
{
	for (; *set != '\0'; set++) {
		if (set[1] == '-' && set[2] != '\0') {
			if (c >= set[0] && c <= set[2])
				return true;
			set += 2;
		} else if (c == *set) {
			return true;
		}
	}
	return false;
}

static bool
read_name(const struct config_option *option, const char *value,
	  struct config *config)
{
	int64_t len = (int64_t)strlen(value);

	if (len < option->min || len > option->max)
		return false;
	for (const char *s = value; *s != '\0'; s++)
		if (!is_in_set(*s, option->allowed))
			return false;
	return write_text(option, value, config);
}

static bool
read_region(const struct config_option *option, const char *value,
	    struct config *config)
{
	char region[CONFIG_TEXT_SIZE];

	if (strlen(value) >= sizeof(region))
		return false;
	memcpy(region, value, strlen(value) + 1);
	for (char *s = region; *s != '\0'; s++)
		if (*s == '_')
			*s = '-';
	return read_name(option, region, config);
}

_Static_assert(sizeof(enum config_provider) == sizeof(int),
	       "read_word writes the enum as an int");

static bool
read_word(const struct config_option *option, const char *value,
	  struct config *config)
{
	for (int i = 0; option->words[i] != NULL; i++) {
		if (strcasecmp(option->words[i], value) != 0)
			continue;
		memcpy(target(option, config), &i, sizeof(i));
		return true;
	}
	return false;
}

static bool
read_host_port(const struct config_option *option, const char *value,
	       struct config *config)
{
	if (value[0] != '\0' && !config_address_is_host_port(value))
		return false;
	return write_text(option, value, config);
}

static bool
read_ip(const struct config_option *option, const char *value,
	struct config *config)
{
	if (!config_address_is_ip(AF_INET, value) &&
	    !config_address_is_ip(AF_INET6, value))
		return false;
	return write_text(option, value, config);
}

static bool
read_ports(const struct config_option *option, const char *value,
	   struct config *config)
{
	const char *dash = strchr(value, '-');
	char first[8];

	(void)option;
	if (dash == NULL || (size_t)(dash - value) >= sizeof(first))
		return false;
	memcpy(first, value, (size_t)(dash - value));
	first[dash - value] = '\0';
	return config_address_is_port(first) &&
	       config_address_is_port(dash + 1) &&
	       read_integer(first, &config->local_port_first) &&
	       read_integer(dash + 1, &config->local_port_last) &&
	       config->local_port_first <= config->local_port_last;
}

static bool
read_port(const struct config_option *option, const char *value,
	  struct config *config)
{
	int64_t *port = target(option, config);

	*port = 0;
	if (value[0] == '\0' || strcmp(value, "0") == 0)
		return true;
	return config_address_is_port(value) && read_integer(value, port);
}

static bool
read_template(const struct config_option *option, const char *value,
	      struct config *config)
{
	if (value[0] != '\0' && !config_address_is_template(value))
		return false;
	return write_text(option, value, config);
}

/* Blanks around the commas are left out. */
static bool
read_ids(const struct config_option *option, const char *value,
	 struct config *config)
{
	char ids[CONFIG_LIST_SIZE];
	size_t n = 0;

	for (const char *s = value; *s != '\0'; s++) {
		if (*s == ' ' || *s == '\t')
			continue;
		if (n == sizeof(ids) - 1)
			return false;
		ids[n++] = *s;
	}
	ids[n] = '\0';
	if (n > 0 &&
	    !config_aws_is_id_list(ids, option->allowed, CONFIG_IDS_MAX))
		return false;
	return write_text(option, ids, config);
}

static bool
read_health_url(const struct config_option *option, const char *value,
		struct config *config)
{
	return config_address_is_health_url(value) &&
	       write_text(option, value, config);
}

static bool
has_control(const char *text)
{
	for (const char *s = text; *s != '\0'; s++)
		if ((*s > 0 && *s < ' ') || *s == 0x7f)
			return true;
	return false;
}

static bool
read_path(const struct config_option *option, const char *value,
	  struct config *config)
{
	char path[PATH_MAX];
	struct stat st;

	return !has_control(value) &&
	       config_path_absolute(value, path, sizeof(path)) &&
	       (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) &&
	       write_text(option, path, config);
}

static bool
read_text(const struct config_option *option, const char *value,
	  struct config *config)
{
	return !has_control(value) && write_text(option, value, config);
}

static bool
read_unused(const struct config_option *option, const char *value,
	    struct config *config)
{
	(void)option;
	(void)value;
	(void)config;
	return true;
}

static void
describe_range(const struct config_option *option, const char *what, char *to,
	       size_t size)
{
	snprintf(to, size, "%s from %" PRId64 " to %" PRId64, what, option->min,
		 option->max);
}

static void
describe_number(const struct config_option *option, char *to, size_t size)
{
	describe_range(option, "a whole number", to, size);
}

static void
describe_seconds(const struct config_option *option, char *to, size_t size)
{
	describe_range(option, "a whole number of seconds", to, size);
}

static void
describe_ms(const struct config_option *option, char *to, size_t size)
{
	describe_range(option, "a whole number of milliseconds", to, size);
}

static void
describe_hold(const struct config_option *option, char *to, size_t size)
{
	snprintf(to, size,
		 "a whole number of milliseconds from %" PRId64 " to %" PRId64
		 ", or nothing",
		 option->min, option->max);
}

static void
describe_name(const struct config_option *option, char *to, size_t size)
{
	snprintf(to, size, "%" PRId64 " to %" PRId64 " characters of [%s]",
		 option->min, option->max, option->allowed);
}

static void
describe_words(const struct config_option *option, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (int i = 0; option->words[i] != NULL && used < size; i++) {
		const bool last = option->words[i + 1] == NULL;
		const char *between = i == 0 ? "" : last ? " or " : ", ";

		used += (size_t)snprintf(to + used, size - used, "%s%s",
					 between, option->words[i]);
	}
}

static void
describe_text(const struct config_option *option, char *to, size_t size)
{
	snprintf(to, size,
		 "at most %zu bytes without control characters, or nothing",
		 option->size - 1);
}

static void
describe_ids(const struct config_option *option, char *to, size_t size)
{
	snprintf(to, size,
		 "up to %d ids such as %s0123abcd, with commas between them, "
		 "or nothing",
		 CONFIG_IDS_MAX, option->allowed);
}

const struct config_kind config_kind_number = {.read = read_number,
					       .describe = describe_number};
const struct config_kind config_kind_seconds = {.read = read_seconds,
						.describe = describe_seconds};
const struct config_kind config_kind_interval = {.read = read_interval,
						 .describe = describe_seconds};
const struct config_kind config_kind_ms = {.read = read_number,
					   .describe = describe_ms};
const struct config_kind config_kind_hold = {.read = read_hold,
					     .describe = describe_hold};
const struct config_kind config_kind_name = {
    .read = read_name, .describe = describe_name, .is_text = true};
const struct config_kind config_kind_region = {
    .read = read_region, .describe = describe_name, .is_text = true};
const struct config_kind config_kind_word = {.read = read_word,
					     .describe = describe_words};
const struct config_kind config_kind_text = {
    .read = read_text, .describe = describe_text, .is_text = true};
const struct config_kind config_kind_host_port = {
    .read = read_host_port,
    .accepted = "host:port, [IPv6 address]:port, or nothing",
    .is_text = true};
const struct config_kind config_kind_ip = {
    .read = read_ip, .accepted = "an IPv4 or IPv6 address", .is_text = true};
const struct config_kind config_kind_ports = {
    .read = read_ports,
    .accepted = "first-last, ports from 1 to 65535, first not above last"};
const struct config_kind config_kind_port = {
    .read = read_port, .accepted = "a port from 1 to 65535, 0 or nothing"};
const struct config_kind config_kind_template = {
    .read = read_template,
    .accepted = "host:port with {ip}, {dashed_ip}, {port} and {instance} as "
		"wanted, at most 255 bytes, or nothing",
    .is_text = true};
const struct config_kind config_kind_ids = {
    .read = read_ids, .describe = describe_ids, .is_text = true};
const struct config_kind config_kind_health_url = {
    .read = read_health_url,
    .accepted = "a URL with http:// or https:// and {ip}, {port} if wanted, "
		"no user or password, at most 255 bytes",
    .is_text = true};
const struct config_kind config_kind_path = {
    .read = read_path,
    .accepted = "the path of a file, at most 255 bytes when absolute",
    .is_text = true};
const struct config_kind config_kind_unused = {.read = read_unused,
					       .accepted = "anything"};
