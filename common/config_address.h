/* SPDX-License-Identifier: MIT */
/* What counts as an address in an option. */
#ifndef GSM_COMMON_CONFIG_ADDRESS_H
#define GSM_COMMON_CONFIG_ADDRESS_H

#include <stdbool.h>

/* A numeric address of the family (AF_INET, AF_INET6), without brackets. */
bool config_address_is_ip(int family, const char *text);

/* Decimal digits only, 1 to 65535. */
bool config_address_is_port(const char *text);

/* host:port, where host is a DNS name, an IPv4 address or an IPv6 address in
 * brackets. */
bool config_address_is_host_port(const char *text);

/* The same with {ip}, {dashed_ip}, {port} and {instance} as placeholders. */
bool config_address_is_template(const char *text);

/* A URL of http or https with {ip}, {port} as often as one likes,
 * and no user. */
bool config_address_is_health_url(const char *text);

#endif
