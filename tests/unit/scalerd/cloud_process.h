/* SPDX-License-Identifier: MIT */
/*
 * The test cloud (tests/cloud) as a process that a test program starts, and
 * what is said to it beside AWS's calls. It fails the test when it can't do
 * what is asked. Tests run in the project's root directory.
 */
#ifndef GSM_TESTS_CLOUD_PROCESS_H
#define GSM_TESTS_CLOUD_PROCESS_H

#include <sys/types.h>

enum { CLOUD_URL_SIZE = 64 };

/* As in tests/cloud/running.py. */
#define CLOUD_REGION "eu-central-1"
#define CLOUD_KEY    "AKIAMANAGER000000001"
#define CLOUD_SECRET "manager/secret+key"

struct cloud_process {
	pid_t pid;
	int output; /* the read end of its output */
	char url[CLOUD_URL_SIZE];
};

/* What a cloud needs and is missing here; NULL: nothing. */
const char *cloud_process_missing(void);

/* Returns when it serves. It ends with this process at the latest. Also inits
 * libcurl. */
void cloud_process_begin(struct cloud_process *cloud);
/* One that has ended, or never began and is all zero, stays as it is. */
void cloud_process_end(struct cloud_process *cloud);

/* Everything as at its start. */
void cloud_process_reset(const struct cloud_process *cloud);
/* Orders, as JSON: see Cloud.control in tests/cloud/cloud.py. */
void cloud_process_order(const struct cloud_process *cloud, const char *json);
/* How often the text is in the log of all that happened there (JSON). */
int cloud_process_count(const struct cloud_process *cloud, const char *text);

#endif
