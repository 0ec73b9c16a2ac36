/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/health_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/core/model.h"

enum { PORT_TEXT_SIZE = 12 };

static bool
format_host(const char *ip, char *host, size_t size)
{
	struct in6_addr any;
	int n;

	if (inet_pton(AF_INET, ip, &any) == 1)
		n = snprintf(host, size, "%s", ip);
	else if (inet_pton(AF_INET6, ip, &any) == 1)
		n = snprintf(host, size, "[%s]", ip);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

struct part {
	const char *name;
	const char *value;
};

/* What the template's next piece stands for; *template moves on behind it. */
static const char *
next_piece(const char **template, const struct part *part, size_t npart,
	   size_t *size)
{
	const char *at = *template;

	for (size_t i = 0; i < npart; i++) {
		const size_t n = strlen(part[i].name);

		if (strncmp(at, part[i].name, n) != 0)
			continue;
		*template += n;
		*size = strlen(part[i].value);
		return part[i].value;
	}
	++*template;
	*size = 1;
	return at;
}

bool
health_url(char url[HEALTH_URL_SIZE], const char *template, const char *ip,
	   int port)
{
	char host[IP_SIZE + 2];
	char text[PORT_TEXT_SIZE];
	const struct part part[] = {{"{ip}", host}, {"{port}", text}};
	size_t used = 0;

	if (!format_host(ip, host, sizeof(host)))
		return false;
	snprintf(text, sizeof(text), "%d", port);
	while (*template != '\0') {
		size_t size;
		const char *piece = next_piece(&template, part, 2, &size);

		if (size >= HEALTH_URL_SIZE - used)
			return false;
		memcpy(url + used, piece, size);
		used += size;
	}
	url[used] = '\0';
	return true;
}
