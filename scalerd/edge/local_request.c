/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/local_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

enum {
	WORD_SIZE = 2 * CONFIG_COMMAND_SIZE, /* bytes of one word, filled in */
	PORT_MAX = 65535,
};

/* LOCAL_COMMAND "", after the path of the program. */
#define DEFAULT_ARGUMENTS                                                      \
	"--address {address} --port {port} --capacity {capacity}"

#define BLANKS " \t"

/* ---- JSON -------------------------------------------------------------- */

/* Adds and takes over `value`. False: out of memory. */
static bool
add_member(struct json_object *object, const char *name,
	   struct json_object *value)
{
	if (value && json_object_object_add(object, name, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool
add_word(struct json_object *array, const char *word)
{
	struct json_object *value = json_object_new_string(word);

	if (value && json_object_array_add(array, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool
write_json(char request[REQUEST_SIZE], struct json_object *object,
	   struct err *err)
{
	const char *text = json_object_to_json_string_ext(
	    object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return err_set(err, "request: out of memory");
	if (strlen(text) >= REQUEST_SIZE)
		return err_set(err, "request: too long");
	memcpy(request, text, strlen(text) + 1);
	return true;
}

/* The text of a member, "" if it is missing or does not fit. */
static void
read_text(char *text, size_t size, struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	text[0] = '\0';
	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return;
	if ((size_t)json_object_get_string_len(value) < size)
		snprintf(text, size, "%s", json_object_get_string(value));
}

static int64_t
read_number(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_int64(value);
}

/* ---- LOCAL_COMMAND -> words -------------------------------------------- */

struct placeholder {
	const char *name;
	const char *value;
};

enum { PLACEHOLDER_COUNT = 3 };

/* One word of the template, `length` bytes, with the placeholders filled in. */
static bool
fill_in(char word[WORD_SIZE], const char *template, size_t length,
	const struct placeholder placeholder[PLACEHOLDER_COUNT],
	struct err *err)
{
	const char *end = template + length;
	size_t used = 0;

	while (template <end) {
		const char *piece = template;
		size_t size = 1;

		for (size_t i = 0; i < PLACEHOLDER_COUNT; i++) {
			size_t name = strlen(placeholder[i].name);

			if (strncmp(template, placeholder[i].name, name) != 0)
				continue;
			piece = placeholder[i].value;
			size = strlen(piece);
			template += name - 1;
			break;
		}
		if (used + size >= WORD_SIZE)
			return err_set(err,
				       "LOCAL_COMMAND: a word is too long");
		memcpy(word + used, piece, size);
		used += size;
		template ++;
	}
	word[used] = '\0';
	return true;
}

static bool
add_words(struct json_object *argv, const char *template,
	  const struct placeholder placeholder[PLACEHOLDER_COUNT],
	  struct err *err)
{
	char word[WORD_SIZE];

	for (;;) {
		size_t length;

		template += strspn(template, BLANKS);
		length = strcspn(template, BLANKS);
		if (length == 0)
			return true;
		if (json_object_array_length(argv) >= LOCAL_ARGV_MAX)
			return err_set(err, "LOCAL_COMMAND: more than %d words",
				       LOCAL_ARGV_MAX);
		if (!fill_in(word, template, length, placeholder, err))
			return false;
		if (!add_word(argv, word))
			return err_set(err, "request: out of memory");
		template += length;
	}
}

/* The reference gameserver lies beside scalerd. */
static bool
add_default_program(struct json_object *argv, struct err *err)
{
	static const char name[] = "gameserver";
	char path[WORD_SIZE];
	ssize_t size =
	    readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
	char *slash;

	if (size < 0)
		return err_set(err, "/proc/self/exe: %s", strerror(errno));
	path[size] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return err_set(err, "/proc/self/exe: not a path");
	memcpy(slash + 1, name, sizeof(name));
	return add_word(argv, path) || err_set(err, "request: out of memory");
}

static bool
make_argv(struct json_object *argv, const struct config *config, int port,
	  struct err *err)
{
	char port_text[16];
	char capacity[24];
	const struct placeholder placeholder[PLACEHOLDER_COUNT] = {
	    {"{address}", config->local_address},
	    {"{port}", port_text},
	    {"{capacity}", capacity},
	};
	const char *template = config->local_command;

	snprintf(port_text, sizeof(port_text), "%d", port);
	snprintf(capacity, sizeof(capacity), "%" PRId64,
		 config->server_capacity);
	if (template[0] == '\0') {
		if (!add_default_program(argv, err))
			return false;
		template = DEFAULT_ARGUMENTS;
	}
	if (!add_words(argv, template, placeholder, err))
		return false;
	return json_object_array_length(argv) > 0 ||
	       err_set(err, "LOCAL_COMMAND holds no word");
}

/* ---- launch ------------------------------------------------------------ */

bool
local_launch_write(char request[REQUEST_SIZE], const struct config *config,
		   int port, struct err *err)
{
	struct json_object *object = json_object_new_object();
	struct json_object *argv = json_object_new_array();
	bool ok = false;

	if (!object || !argv) {
		err_set(err, "request: out of memory");
		goto out;
	}
	if (!make_argv(argv, config, port, err))
		goto out;
	if (!add_member(object, "address",
			json_object_new_string(config->local_address)) ||
	    !add_member(object, "port", json_object_new_int(port)) ||
	    !add_member(object, "argv", json_object_get(argv))) {
		err_set(err, "request: out of memory");
		goto out;
	}
	ok = write_json(request, object, err);
out:
	json_object_put(argv);
	json_object_put(object);
	return ok;
}

static char **
read_argv(struct json_object *object)
{
	struct json_object *array = NULL;
	size_t count;
	char **argv;

	if (!json_object_object_get_ex(object, "argv", &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	count = json_object_array_length(array);
	if (count == 0 || count > LOCAL_ARGV_MAX)
		return NULL;
	argv = calloc(count + 1, sizeof(*argv));
	for (size_t i = 0; argv && i < count; i++) {
		const char *word =
		    json_object_get_string(json_object_array_get_idx(array, i));

		argv[i] = word ? strdup(word) : NULL;
		if (!argv[i]) {
			while (i > 0)
				free(argv[--i]);
			free(argv);
			return NULL;
		}
	}
	return argv;
}

bool
local_launch_read(struct local_launch *launch, const char *request,
		  struct err *err)
{
	struct json_object *object = json_tokener_parse(request);
	int64_t port = read_number(object, "port");

	*launch = (struct local_launch){0};
	read_text(launch->ip, sizeof(launch->ip), object, "address");
	if (launch->ip[0] != '\0' && port >= 1 && port <= PORT_MAX) {
		launch->port = (int)port;
		launch->argv = read_argv(object);
	}
	json_object_put(object);
	return launch->argv || err_set(err, "the recorded launch is unusable");
}

void
local_launch_free(struct local_launch *launch)
{
	for (size_t i = 0; launch->argv && launch->argv[i]; i++)
		free(launch->argv[i]);
	free(launch->argv);
	*launch = (struct local_launch){0};
}

/* ---- stop -------------------------------------------------------------- */

bool
local_stop_write(char request[REQUEST_SIZE], const struct local_stop *stop,
		 struct err *err)
{
	struct json_object *object = json_object_new_object();
	bool ok = false;

	if (object &&
	    add_member(object, "mark", json_object_new_string(stop->mark)) &&
	    add_member(object, "ref", json_object_new_string(stop->ref)) &&
	    add_member(object, "boot_id",
		       json_object_new_string(stop->boot_id)) &&
	    add_member(object, "term_ms", json_object_new_int64(stop->term_ms)))
		ok = write_json(request, object, err);
	else
		err_set(err, "request: out of memory");
	json_object_put(object);
	return ok;
}

bool
local_stop_read(struct local_stop *stop, const char *request, struct err *err)
{
	struct json_object *object = json_tokener_parse(request);

	read_text(stop->mark, sizeof(stop->mark), object, "mark");
	read_text(stop->ref, sizeof(stop->ref), object, "ref");
	read_text(stop->boot_id, sizeof(stop->boot_id), object, "boot_id");
	stop->term_ms = read_number(object, "term_ms");
	json_object_put(object);
	if (stop->mark[0] == '\0' && stop->ref[0] == '\0')
		return err_set(err, "the recorded stop is unusable");
	return true;
}
