/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/poller.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "scalerd/edge/lane.h"

enum lane_id { LANE_NORMAL, LANE_SUSPECT, LANE_COUNT };

struct poller {
	struct port_sink sink;
	struct lane *lane[LANE_COUNT];
};

/* ---- how each lane asks ------------------------------------------------ */

/* Three quarters of the descriptors may be kept connections. */
static int64_t
kept_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur > LANE_SHARDS_MAX * LANE_SHARD_SIZE)
		return LANE_SHARDS_MAX * LANE_SHARD_SIZE;
	return (int64_t)(limit.rlim_cur - limit.rlim_cur / 4);
}

static int
count_shards(int64_t max_servers)
{
	if (max_servers <= LANE_SHARD_SIZE)
		return 1;
	if (max_servers > LANE_SHARDS_MAX * LANE_SHARD_SIZE)
		return LANE_SHARDS_MAX;
	return (int)((max_servers - 1) / LANE_SHARD_SIZE + 1);
}

static void
make_rules(struct lane_rule rule[LANE_COUNT], const struct config *config)
{
	rule[LANE_SUSPECT] = (struct lane_rule){
	    .health_url = config->health_url,
	    .timeout_ms = config->health_timeout_ms,
	    .nshard = 1,
	};
	rule[LANE_NORMAL] = (struct lane_rule){
	    .health_url = config->health_url,
	    .timeout_ms = config->health_timeout_ms / POLLER_FIRST_DIV + 1,
	    .nshard = count_shards(config->max_servers),
	    .kept_max = kept_max(),
	};
}

/* ---- answers ----------------------------------------------------------- */

static void
on_answer(void *arg, const struct lane_question *question,
	  const struct answer *answer, bool doubtful)
{
	const struct poller *poller = arg;

	(void)question;
	(void)doubtful;
	poller->sink.answered(poller->sink.arg, answer);
}

/* A timeout here was a short one. */
static void
on_first_answer(void *arg, const struct lane_question *question,
		const struct answer *answer, bool doubtful)
{
	const struct poller *poller = arg;
	struct answer none = *answer;

	if (answer->kind != ANSWER_TIMEOUT && !doubtful) {
		on_answer(arg, question, answer, false);
		return;
	}
	if (lane_ask(poller->lane[LANE_SUSPECT], question))
		return;
	none.kind = ANSWER_LOCAL_ERROR;
	snprintf(none.detail, sizeof(none.detail), "no room to ask again");
	on_answer(arg, question, &none, false);
}

/* ---- the port ---------------------------------------------------------- */

static bool
ask(void *self, const struct question *question)
{
	const struct poller *poller = self;
	struct lane_question q = {.gameserver = question->gameserver,
				  .port = question->port};

	snprintf(q.ip, sizeof(q.ip), "%s", question->ip);
	snprintf(q.told_state, sizeof(q.told_state), "%s",
		 question->told_state);
	return lane_ask(
	    poller->lane[question->suspect ? LANE_SUSPECT : LANE_NORMAL], &q);
}

bool
poller_open(struct poller **out, struct prober_port *port,
	    const struct config *config, struct loop *loop,
	    const struct port_sink *sink, struct err *err)
{
	static lane_ended_fn *const ended[LANE_COUNT] = {
	    [LANE_NORMAL] = on_first_answer,
	    [LANE_SUSPECT] = on_answer,
	};
	struct lane_rule rule[LANE_COUNT];
	struct poller *poller;
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	poller = calloc(1, sizeof(*poller));
	if (!poller) {
		curl_global_cleanup();
		return err_set(err, "out of memory");
	}
	poller->sink = *sink;
	make_rules(rule, config);
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (!lane_open(&poller->lane[i], &rule[i], loop, ended[i],
			       poller, err)) {
			poller_close(poller);
			return false;
		}
	}
	*port = (struct prober_port){.self = poller, .ask = ask};
	*out = poller;
	return true;
}

void
poller_reconfigure(struct poller *poller, const struct config *config)
{
	struct lane_rule rule[LANE_COUNT];

	make_rules(rule, config);
	for (size_t i = 0; i < LANE_COUNT; i++)
		lane_set_rule(poller->lane[i], &rule[i]);
}

void
poller_close(struct poller *poller)
{
	if (!poller)
		return;
	for (size_t i = 0; i < LANE_COUNT; i++)
		lane_close(poller->lane[i]);
	free(poller);
	curl_global_cleanup();
}
