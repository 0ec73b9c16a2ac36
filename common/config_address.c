/* SPDX-License-Identifier: MIT */
#include "common/config_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_MAX = 65535, PORT_DIGITS = 5, HOST_SIZE = 254 };

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
