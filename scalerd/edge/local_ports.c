/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* getrandom */
#include "scalerd/edge/local_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scalerd/edge/loop.h"

static bool
socket_address(const char *ip, int port, struct sockaddr_storage *address,
	       socklen_t *size)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*size = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*size = sizeof(*v6);
		return true;
	}
	return false;
}

/* 0: somebody could listen there; else the errno of bind. */
static int
port_try(const struct sockaddr_storage *address, socklen_t size)
{
	const int on = 1;
	int error = 0;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)address, size) < 0)
		error = errno;
	close(fd);
	return error;
}

bool
local_ports_choose(const struct local_ports *ports, const struct config *config,
		   int *port, struct err *err)
{
	int first = (int)config->local_port_first;
	int count = (int)config->local_port_last - first + 1;
	int64_t now_ms = loop_now_ms();
	unsigned start = 0;

	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		start = 0; /* good enough: it only spreads the ports */
	for (int i = 0; i < count; i++) {
		int try =
		    first + (int)((start % (unsigned)count + (unsigned)i) %
				  (unsigned)count);
		struct sockaddr_storage address;
		socklen_t size;
		int error;

		if (ports->taken_until_ms[try] > now_ms)
			continue;
		if (!socket_address(config->local_address, try, &address,
				    &size))
			return err_set(err, "LOCAL_ADDRESS=%s: not an address",
				       config->local_address);
		error = port_try(&address, size);
		if (error == EADDRINUSE)
			continue;
		if (error)
			return err_set(
			    err, "LOCAL_ADDRESS=%s port %d can't be used: %s",
			    config->local_address, try, strerror(error));
		*port = try;
		return true;
	}
	return err_set(err, "LOCAL_PORTS=%d-%" PRId64 ": no port is free",
		       first, config->local_port_last);
}

void
local_ports_take(struct local_ports *ports, int port, int64_t for_ms)
{
	int64_t until_ms = loop_now_ms() + for_ms;

	if (ports->taken_until_ms[port] < until_ms)
		ports->taken_until_ms[port] = until_ms;
}
