/* SPDX-License-Identifier: MIT */
/*
 * The bodies of the requests to EC2 (Query protocol, version 2016-11-15) that
 * scalerd sends: pure functions from their parameters to bytes. The same
 * parameters give the same bytes.
 *
 * Every function returns a NUL-terminated text that the caller frees, or NULL:
 * out of memory.
 */
#ifndef GSM_AWS_EC2_REQUEST_H
#define GSM_AWS_EC2_REQUEST_H

#include <stddef.h>

enum {
	EC2_FILTER_MAX = 200, /* values of a filter */
};

/* DescribeInstances with one filter, MaxResults 500 (an instance may be 10 KB
 * of XML): an unknown id is then simply missing from the answer. page:
 * nextToken, NULL for the first. */
char *ec2_describe_machines(const char *const *id, size_t n, const char *page);
/* The same, filter tag:gameserver-manager:fleet, and instance-state-name any
 * but terminated. */
char *ec2_describe_fleet(const char *fleet, const char *page);
/* The same, filter tag:gameserver-manager:operation. */
char *ec2_describe_marked(const char *const *mark, size_t n, const char *page);

/* DescribeNetworkInterfaces, filter network-interface-id. */
char *ec2_describe_enis(const char *const *id, size_t n, const char *page);

/* DescribeLaunchTemplates of one: by id when it begins with "lt-", else by
 * name. */
char *ec2_describe_template(const char *name);

/* RunInstances of one machine. Tags gameserver-manager:fleet and :operation,
 * and Name gameserver-<fleet>, on the instance; the first two on its volumes
 * too. */
struct ec2_run_instances {
	const char *template; /* id, lt-... */
	const char *version;  /* a number: never $Default or $Latest */
	const char *fleet;
	const char *operation; /* the ClientToken too */
};
char *ec2_run_instances(const struct ec2_run_instances *run);

/* TerminateInstances of one machine: with several, one bad id refuses all. */
char *ec2_terminate(const char *id);

#endif
