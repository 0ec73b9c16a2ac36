/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scalerd/aws/client_call.h"
#include "scalerd/edge/clock.h"
#include "scalerd/edge/curl_loop.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	REGION_SIZE = 64,
	PATH_SIZE = 4096,
};

struct client {
	struct loop *loop;
	struct clock_port clock;
	struct curl_loop *curl;
	struct credentials *credentials;
	struct endpoint endpoint[CLIENT_SERVICE_COUNT];
	char region[REGION_SIZE];
	char ca_file[PATH_SIZE]; /* "": the system's */
	struct client_times times;
	struct client_rate rate;
	struct client_budget budget;
	int64_t offset_ms;        /* AWS's clock less ours */
	struct client_calls open; /* not answered yet */
	struct client_calls done; /* to be told */
	size_t ncalls;            /* in both */
	int sent;
	struct loop_timer timer; /* of the next turn */
};

/* One look at all calls. */
struct turn {
	int64_t now_ms;
	int64_t next_ms; /* of the turn after it */
	enum credentials_state have;
	struct aws_keys keys;
	struct err err; /* why there are none */
};

const struct client_times client_times_usual = {
    .connect_ms = 3000,
    .read_ms = 15000,
    .change_ms = 60000,
    .call_ms = 120000,
    .second_ms = 1000,
};

static void on_turn(void *arg);

static void
want_turn(struct client *client)
{
	loop_timer_set(client->loop, &client->timer, loop_now_ms(), on_turn,
		       client);
}

/* ---- the end of an attempt --------------------------------------------- */

static int64_t
utc_ms(const struct client *client)
{
	return client->clock.now(client->clock.self).utc_ms;
}

static void
finish(struct client *client, struct client_call *call)
{
	client_calls_remove(call);
	client_calls_append(&client->done, call);
}

/* What was wrong is put right: the call can go out again at once. */
static bool
put_right(struct client *client, struct client_call *call)
{
	struct err why;

	if (call->retry.attempts >= CLIENT_ATTEMPTS_MAX)
		return false;
	if (client_call_corrects_clock(call, utc_ms(client),
				       &client->offset_ms))
		return true;
	if (!client_call_renews_keys(call))
		return false;
	(void)aws_error_say(&call->error, &why);
	credentials_refused(client->credentials, call->key_id, &why);
	return true;
}

static bool
try_later(struct client *client, struct client_call *call,
	  const struct client_result *result)
{
	int64_t pause_ms = 0;

	if (result->too_long)
		return false;
	if (!put_right(client, call) &&
	    !client_retry_after(&call->retry, &client->budget,
				call->error.class, result->timed_out,
				client->clock.random(client->clock.self),
				client->times.second_ms, &pause_ms))
		return false;
	call->not_before_ms = loop_now_ms() + pause_ms;
	return true;
}

static void
on_done(void *arg, CURL *easy, CURLcode code)
{
	struct client *client = arg;
	struct client_call *call = NULL;
	struct client_result result;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	client->sent--;
	call->sent = false;
	client_transfer_read(&call->transfer, code, &result);
	call->error = result.error;
	if (result.error.class == AWS_ERROR_NONE)
		client_retry_success(&call->retry, &client->budget);
	if (result.error.class == AWS_ERROR_TRANSIENT && result.sent)
		call->unclear = true;
	if (result.error.class == AWS_ERROR_THROTTLED)
		client_rate_empty(&client->rate,
				  client_rate_bucket(&call->request),
				  loop_now_ms());
	if (result.error.class != AWS_ERROR_NONE &&
	    try_later(client, call, &result))
		client_transfer_close(&call->transfer);
	else
		finish(client, call);
	want_turn(client);
}

/* ---- sending ----------------------------------------------------------- */

static bool
begin_attempt(struct client *client, struct client_call *call,
	      const struct turn *turn, struct err *err)
{
	const int64_t attempt_ms = call->request.changes
				       ? client->times.change_ms
				       : client->times.read_ms;
	const int64_t left_ms = call->deadline_ms - turn->now_ms;
	const struct client_order order = {
	    .request = &call->request,
	    .endpoint = &client->endpoint[call->request.service],
	    .region = client->region,
	    .ca_file = client->ca_file[0] != '\0' ? client->ca_file : NULL,
	    .utc_ms = utc_ms(client) + client->offset_ms,
	    .connect_ms = client->times.connect_ms,
	    .timeout_ms = attempt_ms < left_ms ? attempt_ms : left_ms,
	    .arg = call,
	};

	call->offset_ms = client->offset_ms;
	memcpy(call->key_id, turn->keys.id, sizeof(call->key_id));
	return client_transfer_open(&call->transfer, &order, &turn->keys,
				    err) &&
	       curl_loop_add(client->curl, call->transfer.transfer.easy, err);
}

/* 0: it was sent, or failed. Otherwise when to try again, at the latest. */
static int64_t
try_send(struct client *client, struct client_call *call, struct turn *turn)
{
	int64_t wait_ms;
	struct err err;

	if (turn->have == CREDENTIALS_FAILED) {
		/* What AWS says of the keys says more. */
		if (call->error.class != AWS_ERROR_CREDENTIALS)
			client_call_fail(call, AWS_ERROR_CREDENTIALS,
					 turn->err.msg);
		finish(client, call);
		return 0;
	}
	if (turn->have == CREDENTIALS_NOT_YET ||
	    client->sent >= CLIENT_TRANSFERS_MAX)
		return call->deadline_ms;
	wait_ms = client_rate_take(
	    &client->rate, client_rate_bucket(&call->request), turn->now_ms);
	if (wait_ms > 0)
		return turn->now_ms + wait_ms;
	if (!begin_attempt(client, call, turn, &err)) {
		client_call_fail(call, AWS_ERROR_TRANSIENT, err.msg);
		finish(client, call);
		return 0;
	}
	call->sent = true;
	call->retry.attempts++;
	client->sent++;
	return 0;
}

/* Of one that was sent, the last error says more. */
static void
expire(struct client *client, struct client_call *call, const struct turn *turn)
{
	if (call->retry.attempts == 0 && turn->have == CREDENTIALS_NOT_YET)
		client_call_fail(call, AWS_ERROR_CREDENTIALS,
				 "no AWS keys in time");
	else if (call->retry.attempts == 0)
		client_call_fail(call, AWS_ERROR_THROTTLED,
				 "not sent in time: too many calls of AWS");
	finish(client, call);
}

static void
look_at(struct client *client, struct client_call *call, struct turn *turn)
{
	int64_t again_ms = call->not_before_ms;

	if (call->sent)
		return;
	if (turn->now_ms >= call->deadline_ms) {
		expire(client, call, turn);
		return;
	}
	if (turn->now_ms >= call->not_before_ms)
		again_ms = try_send(client, call, turn);
	if (again_ms == 0)
		return;
	if (again_ms > call->deadline_ms)
		again_ms = call->deadline_ms;
	if (again_ms < turn->next_ms)
		turn->next_ms = again_ms;
}

static void
tell(struct client *client)
{
	struct client_call *call;

	while ((call = client->done.first) != NULL) {
		const struct client_answer answer = {
		    .outcome = client_call_outcome(call),
		    .error = call->error,
		    .body = call->transfer.transfer.body
				? call->transfer.transfer.body
				: "",
		    .size = call->transfer.transfer.body_size,
		};

		client_calls_remove(call);
		client->ncalls--;
		call->answered(call->arg, &answer);
		client_call_free(call);
	}
}

static void
on_turn(void *arg)
{
	struct client *client = arg;
	struct turn turn = {.now_ms = loop_now_ms(), .next_ms = INT64_MAX};
	struct client_call *next;

	if (client->open.first)
		turn.have = credentials_get(client->credentials,
					    utc_ms(client) + client->offset_ms,
					    &turn.keys, &turn.err);
	for (struct client_call *c = client->open.first; c; c = next) {
		next = c->next;
		look_at(client, c, &turn);
	}
	OPENSSL_cleanse(&turn.keys, sizeof(turn.keys));
	if (turn.next_ms < INT64_MAX)
		loop_timer_set(client->loop, &client->timer, turn.next_ms,
			       on_turn, client);
	tell(client);
}

/* ---- calls ------------------------------------------------------------- */

struct client_call *
client_call(struct client *client, const struct client_request *request,
	    client_answered_fn *answered, void *arg, struct err *err)
{
	struct client_call *call;

	if (client->ncalls >= CLIENT_WAITING_MAX) {
		err_set(err, "%d calls of AWS are waiting already",
			CLIENT_WAITING_MAX);
		return NULL;
	}
	call = client_call_new(request);
	if (!call) {
		err_set(err, "out of memory");
		return NULL;
	}
	call->answered = answered;
	call->arg = arg;
	call->deadline_ms = loop_now_ms() + client->times.call_ms;
	client_calls_append(&client->open, call);
	client->ncalls++;
	want_turn(client);
	return call;
}

void
client_cancel(struct client *client, struct client_call *call)
{
	if (call->sent) {
		curl_loop_remove(client->curl, call->transfer.transfer.easy);
		client->sent--;
	}
	client_calls_remove(call);
	client->ncalls--;
	client_call_free(call);
	want_turn(client);
}

/* ---- the client -------------------------------------------------------- */

static bool
read_settings(struct client *client, const struct client_setup *setup,
	      struct err *err)
{
	static const char *const services[] = {
	    [CLIENT_ECS] = "ecs", [CLIENT_EC2] = "ec2"};
	const char *ca_file = setup->env(setup->env_arg, "AWS_CA_BUNDLE");

	if (ca_file && strlen(ca_file) >= sizeof(client->ca_file))
		return err_set(err, "AWS_CA_BUNDLE is too long");
	if (ca_file && ca_file[0] != '\0' && access(ca_file, R_OK) != 0)
		return err_set(err, "AWS_CA_BUNDLE: can't read \"%.200s\": %s",
			       ca_file, strerror(errno));
	snprintf(client->ca_file, sizeof(client->ca_file), "%s",
		 ca_file ? ca_file : "");
	for (size_t i = 0; i < COUNT(services); i++)
		if (!endpoint_resolve(&client->endpoint[i], services[i],
				      setup->region, setup->env, setup->env_arg,
				      err))
			return false;
	snprintf(client->region, sizeof(client->region), "%s", setup->region);
	return true;
}

static void
on_keys_changed(void *arg)
{
	want_turn(arg);
}

bool
client_open(struct client **out, const struct client_setup *setup,
	    struct err *err)
{
	struct client *client = calloc(1, sizeof(*client));
	const struct credentials_setup credentials = {
	    .loop = setup->loop,
	    .env = setup->env,
	    .env_arg = setup->env_arg,
	    .changed = on_keys_changed,
	    .changed_arg = client,
	    .pace = setup->pace,
	};

	if (!client)
		return err_set(err, "out of memory");
	client->loop = setup->loop;
	client->clock = clock_system();
	client->times = setup->times;
	client->budget.left = CLIENT_BUDGET;
	client_rate_init(&client->rate, loop_now_ms());
	if (!read_settings(client, setup, err) ||
	    !curl_loop_open(&client->curl, setup->loop, on_done, client, err) ||
	    !credentials_open(&client->credentials, &credentials, err)) {
		client_close(client);
		return false;
	}
	*out = client;
	return true;
}

void
client_close(struct client *client)
{
	if (!client)
		return;
	credentials_close(client->credentials);
	curl_loop_close(client->curl);
	loop_timer_clear(client->loop, &client->timer);
	free(client);
}
