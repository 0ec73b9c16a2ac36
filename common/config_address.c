/* SPDX-License-Identifier: MIT */
#include "common/config_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535, PORT_DIGITS = 5, HOST_SIZE = 254 };
enum { EXAMPLE_SIZE = 512 };

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

bool
config_address_is_ip(int family, const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(family, text, address) == 1;
}

bool
config_address_is_port(const char *text)
{
	size_t len = strlen(text);
	long port;

	if (len == 0 || len > PORT_DIGITS || strspn(text, DIGITS) != len)
		return false;
	port = strtol(text, NULL, 10);
	return port >= 1 && port <= PORT_MAX;
}

/* A name of the DNS or an IPv4 address. What looks like an address must be
 * one: 10.0.0.300 is not a name. */
static bool
is_host(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last == NULL ? host : last + 1;
	if (host[strspn(host, LETTERS DIGITS "._-")] != '\0' ||
	    host[0] == '\0' || host[0] == '-' || host[0] == '.' ||
	    strstr(host, "..") != NULL)
		return false;
	return last[strspn(last, DIGITS)] != '\0' ||
	       config_address_is_ip(AF_INET, host);
}

bool
config_address_is_host_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[HOST_SIZE];
	size_t len;

	if (colon == NULL || !config_address_is_port(colon + 1))
		return false;
	len = (size_t)(colon - text);
	if (len == 0 || len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] != '[' || host[len - 1] != ']')
		return is_host(host);
	host[len - 1] = '\0';
	return config_address_is_ip(AF_INET6, host + 1);
}

/* The example of the placeholder with which the text begins; NULL: it begins
 * with none. */
static const char *
find_example(const char *text, size_t *len)
{
	static const char *const examples[][2] = {
	    {"{ip}", "203.0.113.7"},
	    {"{dashed_ip}", "203-0-113-7"},
	    {"{port}", "65535"},
	    {"{instance}", "i-0123456789abcdef0"},
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		*len = strlen(examples[i][0]);
		if (strncmp(text, examples[i][0], *len) == 0)
			return examples[i][1];
	}
	return NULL;
}

bool
config_address_is_template(const char *text)
{
	char filled[EXAMPLE_SIZE];
	size_t n = 0;

	while (*text != '\0') {
		size_t len;
		const char *example = find_example(text, &len);
		const size_t add = example ? strlen(example) : 1;

		if (n + add >= sizeof(filled))
			return false;
		memcpy(filled + n, example ? example : text, add);
		n += add;
		text += example ? len : 1;
	}
	filled[n] = '\0';
	return config_address_is_host_port(filled);
}

/* {ip} at least once, {port} as often as one likes, no other braces. */
static bool
has_placeholders(const char *url)
{
	static const char ip[] = "{ip}", port[] = "{port}";
	bool has_ip = false;

	for (const char *s = url; *s != '\0'; s++) {
		if (strncmp(s, ip, strlen(ip)) == 0) {
			has_ip = true;
			s += strlen(ip) - 1;
		} else if (strncmp(s, port, strlen(port)) == 0) {
			s += strlen(port) - 1;
		} else if (*s == '{' || *s == '}') {
			return false;
		}
	}
	return has_ip;
}

bool
config_address_is_health_url(const char *text)
{
	if (strncmp(text, "http://", 7) != 0 &&
	    strncmp(text, "https://", 8) != 0)
		return false;
	for (const char *s = text; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`|@", *s) != NULL)
			return false;
	return has_placeholders(text);
}
