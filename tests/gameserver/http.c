/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "tests/gameserver/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Copies a piece of text; false: it does not fit. */
static bool
copy_text(char *to, size_t room, const char *from, size_t size)
{
	if (size >= room)
		return false;
	memcpy(to, from, size);
	to[size] = '\0';
	return true;
}

/* Whether a comma-separated list holds the token, in any case. */
static bool
list_has(const char *list, const char *token)
{
	size_t size = strlen(token);

	while (*list != '\0') {
		list += strspn(list, ", \t");
		size_t item = strcspn(list, ", \t");
		if (item == size && strncasecmp(list, token, size) == 0)
			return true;
		list += item;
	}
	return false;
}

static bool
take_connection(struct http_request *request, const char *value)
{
	if (list_has(value, "close"))
		request->keep_alive = false;
	if (list_has(value, "keep-alive"))
		request->keep_alive = true;
	if (list_has(value, "upgrade"))
		request->upgrade = true;
	return true;
}

static bool
take_upgrade(struct http_request *request, const char *value)
{
	request->websocket = list_has(value, "websocket");
	return true;
}

static bool
take_version(struct http_request *request, const char *value)
{
	request->version_13 = strcmp(value, "13") == 0;
	return true;
}

static bool
take_key(struct http_request *request, const char *value)
{
	if (strlen(value) == WS_KEY_SIZE)
		memcpy(request->key, value, WS_KEY_SIZE + 1);
	return true;
}

static bool
take_state(struct http_request *request, const char *value)
{
	size_t size = strspn(value, "abcdefghijklmnopqrstuvwxyz");

	return value[size] == '\0' &&
	       copy_text(request->state, sizeof(request->state), value, size);
}

static bool
take_length(struct http_request *request, const char *value)
{
	char *end = NULL;

	if (!isdigit((unsigned char)value[0]))
		return false;
	request->body_size = strtoul(value, &end, 10);
	return *end == '\0';
}

static bool
refuse(struct http_request *request, const char *value)
{
	(void)request;
	(void)value;
	return false;
}

static const struct {
	const char *name;
	bool (*take)(struct http_request *request, const char *value);
} known_headers[] = {
    {"Connection", take_connection},         {"Upgrade", take_upgrade},
    {"Sec-WebSocket-Version", take_version}, {"Sec-WebSocket-Key", take_key},
    {"X-Gameserver-State", take_state},      {"Content-Length", take_length},
    {"Transfer-Encoding", refuse},
};

static bool
parse_header(struct http_request *request, char *line)
{
	char *colon = strchr(line, ':');

	if (colon == NULL || colon == line)
		return false;
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");
	size_t size = strlen(value);
	while (size > 0 && strchr(" \t", value[size - 1]) != NULL)
		value[--size] = '\0';
	size_t nknown = sizeof(known_headers) / sizeof(known_headers[0]);
	for (size_t i = 0; i < nknown; i++)
		if (strcasecmp(line, known_headers[i].name) == 0)
			return known_headers[i].take(request, value);
	return true;
}

static bool
parse_request_line(struct http_request *request, const char *line)
{
	const char *target = strchr(line, ' ');
	if (target == NULL)
		return false;
	const char *version = strchr(target + 1, ' ');
	if (version == NULL || target[1] != '/')
		return false;
	request->keep_alive = strcmp(version + 1, "HTTP/1.1") == 0;
	if (!request->keep_alive && strcmp(version + 1, "HTTP/1.0") != 0)
		return false;
	return copy_text(request->method, sizeof(request->method), line,
			 (size_t)(target - line)) &&
	       copy_text(request->path, sizeof(request->path), target + 1,
			 strcspn(target + 1, "? "));
}

/* `head` ends in CR LF, without the empty line, and is torn to pieces. */
static bool
parse_head(struct http_request *request, char *head)
{
	for (char *line = head, *end; *line != '\0'; line = end + 2) {
		end = strstr(line, "\r\n");
		if (end == NULL)
			return false;
		*end = '\0';
		if (line == head ? !parse_request_line(request, line)
				 : !parse_header(request, line))
			return false;
	}
	return true;
}

enum http_parse
http_request_parse(const unsigned char *data, size_t size,
		   struct http_request *request)
{
	static const char empty_line[] = "\r\n\r\n";
	static char head[HTTP_HEAD_MAX + 1];

	size_t looked = size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX;
	const unsigned char *end =
	    memmem(data, looked, empty_line, sizeof(empty_line) - 1);
	if (end == NULL)
		return size < HTTP_HEAD_MAX ? HTTP_PARSE_MORE
					    : HTTP_PARSE_TOO_LARGE;
	size_t head_size = (size_t)(end - data) + sizeof(empty_line) - 1;
	if (memchr(data, '\0', head_size) != NULL)
		return HTTP_PARSE_BAD;
	memcpy(head, data, head_size - 2);
	head[head_size - 2] = '\0';
	*request = (struct http_request){.head_size = head_size};
	if (!parse_head(request, head))
		return HTTP_PARSE_BAD;
	if (request->body_size > HTTP_BODY_MAX)
		return HTTP_PARSE_TOO_LARGE;
	return size - head_size < request->body_size ? HTTP_PARSE_MORE
						     : HTTP_PARSE_DONE;
}
