/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/scalerd/cloud_process.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scalerd/edge/loop.h"
#include "tests/unit/unit.h"

enum {
	START_MS = 40000, /* it imports moto */
	END_MS = 5000,
	REQUEST_MS = 20000,
	LINE_SIZE = 128,
	TURN_MS = 10,
};

#define PYTHON    "build/venv/bin/python"
#define LISTENING "listening "

const char *
cloud_process_missing(void)
{
	/* tests/cloud/venv puts this file there last. */
	return access("build/venv/requirements.txt", R_OK) == 0
		   ? NULL
		   : "build/venv is missing: run tests/cloud/venv";
}

/* ---- its life ---------------------------------------------------------- */

static void
become_cloud(int output, pid_t parent)
{
	char python[] = PYTHON;
	char module[] = "-m";
	char name[] = "tests.cloud";
	char port[] = "--port";
	char any[] = "0";
	char *argv[] = {python, module, name, port, any, NULL};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
	    setenv("PYTHONDONTWRITEBYTECODE", "1", 1) != 0 ||
	    dup2(output, STDOUT_FILENO) < 0)
		_exit(126);
	execv(python, argv);
	_exit(127);
}

/* Its first line. False: it said something else, or nothing. */
static bool
read_url(struct cloud_process *cloud)
{
	const int64_t end_ms = loop_now_ms() + START_MS;
	struct pollfd pfd = {.fd = cloud->output, .events = POLLIN};
	char line[LINE_SIZE];
	size_t used = 0;

	for (;;) {
		const int64_t left_ms = end_ms - loop_now_ms();

		if (left_ms <= 0 || used == sizeof(line) - 1 ||
		    poll(&pfd, 1, (int)left_ms) != 1 ||
		    read(cloud->output, line + used, 1) != 1)
			return false;
		if (line[used++] == '\n')
			break;
	}
	line[used - 1] = '\0';
	if (strncmp(line, LISTENING, strlen(LISTENING)) != 0)
		return false;
	snprintf(cloud->url, sizeof(cloud->url), "http://%.48s",
		 line + strlen(LISTENING));
	return true;
}

void
cloud_process_begin(struct cloud_process *cloud)
{
	const pid_t self = getpid();
	int output[2];

	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	cloud->output = output[0];
	cloud->pid = fork();
	assert_true(cloud->pid >= 0);
	if (cloud->pid == 0)
		become_cloud(output[1], self);
	close(output[1]);
	if (!read_url(cloud)) {
		cloud_process_end(cloud);
		fail_msg("the cloud does not listen");
	}
}

void
cloud_process_end(struct cloud_process *cloud)
{
	const int64_t end_ms = loop_now_ms() + END_MS;
	const struct timespec turn = {.tv_nsec = TURN_MS * 1000000L};

	if (cloud->pid <= 0)
		return;
	kill(cloud->pid, SIGTERM);
	while (waitpid(cloud->pid, NULL, WNOHANG) == 0) {
		if (loop_now_ms() >= end_ms)
			kill(cloud->pid, SIGKILL);
		nanosleep(&turn, NULL);
	}
	cloud->pid = 0;
	close(cloud->output);
	curl_global_cleanup();
}

/* ---- what is said to it ------------------------------------------------ */

/* Posts a body, or gets when there is none. Its answer is to be freed. */
static char *
talk(const struct cloud_process *cloud, const char *path, const char *body)
{
	CURL *curl = curl_easy_init();
	char url[CLOUD_URL_SIZE + LINE_SIZE];
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	CURLcode code;
	long status = 0;

	assert_non_null(curl);
	assert_non_null(file);
	snprintf(url, sizeof(url), "%s%s", cloud->url, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	assert_int_equal(fclose(file), 0);
	if (code != CURLE_OK || status != 200)
		fail_msg("%s: the cloud does not obey: %s, %ld: %s", path,
			 curl_easy_strerror(code), status, text);
	return text;
}

void
cloud_process_reset(const struct cloud_process *cloud)
{
	free(talk(cloud, "/_reset", ""));
}

void
cloud_process_order(const struct cloud_process *cloud, const char *json)
{
	free(talk(cloud, "/_ctl", json));
}

int
cloud_process_count(const struct cloud_process *cloud, const char *text)
{
	char *audit = talk(cloud, "/_audit", NULL);
	int n = 0;

	for (const char *at = audit; (at = strstr(at, text)) != NULL; at++)
		n++;
	free(audit);
	return n;
}
