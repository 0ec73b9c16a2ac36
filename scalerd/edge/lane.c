/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "scalerd/edge/curl_loop.h"
#include "scalerd/edge/health_url.h"
#include "scalerd/edge/probe.h"

/* Room for one open question. */
struct slot {
	struct probe *probe;
	struct curl_loop *curl; /* where it is open */
	struct lane_question question;
	int64_t asked_ms;
	bool young;
	struct slot *prev, *next; /* of the open ones, or next of the idle */
};

struct lane {
	struct loop *loop;
	lane_ended_fn *ended;
	void *arg;
	struct lane_rule rule;
	char health_url[CONFIG_TEXT_SIZE];
	struct curl_loop *shard[LANE_SHARDS_MAX]; /* made at first use */
	struct loop_timer begin;

	struct slot *oldest, *newest; /* open, in the order of asking */
	struct slot *oldest_young;    /* NULL: none is young */
	struct slot *idle;
	size_t nopen, nyoung, nidle;

	size_t first, nqueued; /* of a ring */
	struct lane_question queue[LANE_QUEUE_MAX];
};

/* ---- slots ------------------------------------------------------------- */

static void
slot_free(struct slot *slot)
{
	probe_free(slot->probe);
	free(slot);
}

static struct slot *
take_slot(struct lane *lane, struct err *err)
{
	struct slot *slot = lane->idle;

	if (slot) {
		lane->idle = slot->next;
		lane->nidle--;
		return slot;
	}
	slot = calloc(1, sizeof(*slot));
	if (!slot) {
		err_set(err, "out of memory");
		return NULL;
	}
	if (probe_new(&slot->probe, lane->rule.kept_max > 0, slot, err))
		return slot;
	free(slot);
	return NULL;
}

static void
put_slot(struct lane *lane, struct slot *slot)
{
	if (lane->nidle == LANE_IDLE_MAX) {
		slot_free(slot);
		return;
	}
	slot->next = lane->idle;
	lane->idle = slot;
	lane->nidle++;
}

static void
link_open(struct lane *lane, struct slot *slot)
{
	slot->young = true;
	slot->next = NULL;
	slot->prev = lane->newest;
	if (lane->newest)
		lane->newest->next = slot;
	else
		lane->oldest = slot;
	lane->newest = slot;
	if (!lane->oldest_young)
		lane->oldest_young = slot;
	lane->nopen++;
	lane->nyoung++;
}

static void
unlink_open(struct lane *lane, struct slot *slot)
{
	if (lane->oldest_young == slot)
		lane->oldest_young = slot->next;
	if (slot->prev)
		slot->prev->next = slot->next;
	else
		lane->oldest = slot->next;
	if (slot->next)
		slot->next->prev = slot->prev;
	else
		lane->newest = slot->prev;
	lane->nopen--;
	lane->nyoung -= slot->young;
}

static void
note_age(struct lane *lane, int64_t now_ms)
{
	struct slot *slot = lane->oldest_young;

	for (; slot && now_ms - slot->asked_ms >= LANE_YOUNG_MS;
	     slot = slot->next) {
		slot->young = false;
		lane->nyoung--;
	}
	lane->oldest_young = slot;
}

/* ---- questions --------------------------------------------------------- */

static void begin_queued(void *arg);

static void
on_done(void *arg, CURL *easy, CURLcode code)
{
	struct lane *lane = arg;
	struct slot *slot = probe_slot(easy);
	const struct lane_question question = slot->question;
	struct answer answer = {
	    .gameserver = question.gameserver,
	    .asked_ms = slot->asked_ms,
	};
	bool doubtful;

	probe_read(slot->probe, code, &answer);
	doubtful = answer.kind != ANSWER_GOOD &&
		   answer.kind != ANSWER_LOCAL_ERROR &&
		   probe_reused(slot->probe);
	unlink_open(lane, slot);
	put_slot(lane, slot);
	lane->ended(lane->arg, &question, &answer, doubtful);
	begin_queued(lane);
}

/* The multi handle of a gameserver. NULL: it can't be made. */
static struct curl_loop *
shard_of(struct lane *lane, int64_t gameserver, struct err *err)
{
	const struct lane_rule *rule = &lane->rule;
	struct curl_loop **shard = &lane->shard[gameserver % rule->nshard];

	if (!*shard) {
		if (!curl_loop_open(shard, lane->loop, on_done, lane, err))
			return NULL;
		if (rule->kept_max > 0)
			curl_loop_keep(*shard, rule->kept_max / rule->nshard);
	}
	return *shard;
}

static bool
slot_begin(struct lane *lane, struct slot *slot, struct err *err)
{
	const struct lane_question *q = &slot->question;
	char url[HEALTH_URL_SIZE];

	if (!health_url(url, lane->health_url, q->ip, q->port))
		return err_set(err, "can't make a URL from HEALTH_URL");
	slot->curl = shard_of(lane, q->gameserver, err);
	return slot->curl &&
	       probe_prepare(slot->probe, url, q->told_state,
			     lane->rule.timeout_ms, err) &&
	       curl_loop_add(slot->curl, probe_easy(slot->probe), err);
}

static void
tell_local_error(const struct lane *lane, const struct lane_question *question,
		 int64_t now_ms, const struct err *err)
{
	struct answer answer = {
	    .gameserver = question->gameserver,
	    .kind = ANSWER_LOCAL_ERROR,
	    .asked_ms = now_ms,
	};

	snprintf(answer.detail, sizeof(answer.detail), "%.*s",
		 (int)sizeof(answer.detail) - 1, err->msg);
	lane->ended(lane->arg, question, &answer, false);
}

static void
begin(struct lane *lane, const struct lane_question *question, int64_t now_ms)
{
	struct err err;
	struct slot *slot = take_slot(lane, &err);

	if (slot) {
		slot->question = *question;
		slot->asked_ms = now_ms;
		if (slot_begin(lane, slot, &err)) {
			link_open(lane, slot);
			return;
		}
		put_slot(lane, slot);
	}
	tell_local_error(lane, question, now_ms, &err);
}

static struct lane_question
take_queued(struct lane *lane)
{
	const struct lane_question q = lane->queue[lane->first];

	lane->first = (lane->first + 1) % LANE_QUEUE_MAX;
	if (--lane->nqueued == 0)
		lane->first = 0; /* touches no more of the ring than needed */
	return q;
}

static void
begin_queued(void *arg)
{
	struct lane *lane = arg;
	const int64_t now_ms = loop_now_ms();

	note_age(lane, now_ms);
	while (lane->nqueued > 0 && lane->nopen < LANE_OPEN_MAX &&
	       lane->nyoung < LANE_YOUNG_MAX) {
		const struct lane_question q = take_queued(lane);

		begin(lane, &q, now_ms);
	}
	/* Without a young one the next end goes on. */
	if (lane->nqueued > 0 && lane->oldest_young)
		loop_timer_set(lane->loop, &lane->begin,
			       lane->oldest_young->asked_ms + LANE_YOUNG_MS,
			       begin_queued, lane);
}

/* ---- life -------------------------------------------------------------- */

bool
lane_open(struct lane **out, const struct lane_rule *rule, struct loop *loop,
	  lane_ended_fn *ended, void *arg, struct err *err)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return err_set(err, "out of memory");
	lane->loop = loop;
	lane->ended = ended;
	lane->arg = arg;
	lane_set_rule(lane, rule);
	*out = lane;
	return true;
}

void
lane_set_rule(struct lane *lane, const struct lane_rule *rule)
{
	lane->rule = *rule;
	snprintf(lane->health_url, sizeof(lane->health_url), "%s",
		 rule->health_url);
	lane->rule.health_url = lane->health_url;
	for (size_t i = 0; i < LANE_SHARDS_MAX; i++)
		if (lane->shard[i] && rule->kept_max > 0)
			curl_loop_keep(lane->shard[i],
				       rule->kept_max / rule->nshard);
}

bool
lane_ask(struct lane *lane, const struct lane_question *question)
{
	if (lane->nqueued == LANE_QUEUE_MAX)
		return false;
	lane->queue[(lane->first + lane->nqueued) % LANE_QUEUE_MAX] = *question;
	lane->nqueued++;
	if (!lane->begin.set)
		loop_timer_set(lane->loop, &lane->begin, loop_now_ms(),
			       begin_queued, lane);
	return true;
}

void
lane_close(struct lane *lane)
{
	if (!lane)
		return;
	for (struct slot *slot = lane->oldest, *next; slot; slot = next) {
		next = slot->next;
		curl_loop_remove(slot->curl, probe_easy(slot->probe));
		slot_free(slot);
	}
	for (struct slot *slot = lane->idle, *next; slot; slot = next) {
		next = slot->next;
		slot_free(slot);
	}
	for (size_t i = 0; i < LANE_SHARDS_MAX; i++)
		curl_loop_close(lane->shard[i]);
	loop_timer_clear(lane->loop, &lane->begin);
	free(lane);
}
