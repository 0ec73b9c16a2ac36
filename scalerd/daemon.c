/* SPDX-License-Identifier: MIT */
#include "scalerd/daemon.h"

#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "common/version.h"
#include "scalerd/aws/provider_ecs.h"
#include "scalerd/edge/clock.h"
#include "scalerd/edge/descriptors.h"
#include "scalerd/edge/ledger_file.h"
#include "scalerd/edge/loop.h"
#include "scalerd/edge/notify.h"
#include "scalerd/edge/pages.h"
#include "scalerd/edge/poller.h"
#include "scalerd/edge/provider_local.h"
#include "scalerd/edge/store.h"
#include "scalerd/scaler/scaler.h"
#include "scalerd/settings.h"

struct daemon {
	const char *path;
	struct config config;
	struct lock *lock;
	struct notify notify;
	bool notify_failed;
	struct loop *loop;
	struct store *store;
	struct ledger_file *ledger;
	struct poller *poller;
	struct provider_port provider;
	struct scaler *scaler;
	struct loop_timer turn;
	int64_t turned_ms; /* end of the last turn */
	int64_t beat_ms;   /* the lock's last beat */
	bool ready;
};

/* ---- turns ------------------------------------------------------------- */

/* At once and without putting anything in order: database and lock may be
 * another process's by now. */
static _Noreturn void
end_now(const char *event, const struct err *err)
{
	log_error(event, LOG_TEXT("error", err->msg));
	_exit(EX_SOFTWARE);
}

static void
tell_manager(struct daemon *d, const char *state)
{
	struct err err;
	const bool failed = !notify_send(&d->notify, state, &err);

	if (failed && !d->notify_failed)
		log_warn("notify", LOG_TEXT("error", err.msg));
	d->notify_failed = failed;
}

static void on_turn(void *arg);

/* When the scaler wants the next turn, but not within TURN_GAP_MS of the last
 * one. */
static void
plan_turn(struct daemon *d)
{
	const int64_t earliest_ms = d->turned_ms + TURN_GAP_MS;
	int64_t due_ms = scaler_due_ms(d->scaler);

	if (due_ms < earliest_ms)
		due_ms = earliest_ms;
	if (!d->turn.set || d->turn.due_ms != due_ms)
		loop_timer_set(d->loop, &d->turn, due_ms, on_turn, d);
}

static void
on_turn(void *arg)
{
	struct daemon *d = arg;
	struct err err;

	if (loop_now_ms() - d->beat_ms >= TURN_INTERVAL_MS / 2) {
		if (!lock_beat(d->lock, &err))
			end_now("lock_lost", &err);
		d->beat_ms = loop_now_ms();
	}
	switch (scaler_turn(d->scaler, &err)) {
	case TURN_OK:
		break;
	case TURN_LOST:
		end_now("writer_lost", &err);
	case TURN_BROKEN:
		end_now("store_broken", &err);
	}
	d->turned_ms = loop_now_ms();
	plan_turn(d);
	tell_manager(d, d->ready ? "WATCHDOG=1" : "READY=1\nWATCHDOG=1");
	if (!d->ready)
		pages_give_back();
	d->ready = true;
}

static void
on_answered(void *arg, const struct answer *answer)
{
	struct daemon *d = arg;

	scaler_answered(d->scaler, answer);
	plan_turn(d);
}

static void
on_listed(void *arg, const struct listing *listing)
{
	struct daemon *d = arg;

	scaler_listed(d->scaler, listing);
	plan_turn(d);
}

static void
on_stepped(void *arg, const struct step *step)
{
	struct daemon *d = arg;

	scaler_stepped(d->scaler, step);
	plan_turn(d);
}

static void
on_nudged(void *arg)
{
	struct daemon *d = arg;

	scaler_nudged(d->scaler);
	plan_turn(d);
}

/* ---- signals ----------------------------------------------------------- */

static void
on_stop(void *arg, int signo)
{
	struct daemon *d = arg;

	log_info("stop",
		 LOG_TEXT("signal", signo == SIGINT ? "SIGINT" : "SIGTERM"));
	loop_stop(d->loop);
}

static void
on_reload(void *arg, int signo)
{
	struct daemon *d = arg;
	struct settings next;
	const char *name = NULL;
	struct err err;
	bool ok;

	(void)signo;
	ok = settings_load(&next, d->path, &err);
	settings_log_warnings(&next);
	if (ok)
		name = config_needs_restart(&d->config, &next.config);
	if (name)
		ok = err_set(&err, "%s needs a restart", name);
	if (!ok) {
		log_error("reload_refused", LOG_TEXT("reason", err.msg));
		return;
	}
	d->config = next.config;
	log_set_level(next.config.log_level);
	poller_reconfigure(d->poller, &next.config);
	d->provider.reconfigure(d->provider.self, &next.config);
	store_reconfigure(d->store, &next.config);
	scaler_reconfigure(d->scaler, &next.config);
	log_info("reload", LOG_TEXT("file", d->path ? d->path : "default"));
	plan_turn(d);
}

static bool
watch_signals(struct daemon *d, struct err *err)
{
	return loop_signal(d->loop, SIGTERM, on_stop, d, err) &&
	       loop_signal(d->loop, SIGINT, on_stop, d, err) &&
	       loop_signal(d->loop, SIGHUP, on_reload, d, err);
}

/* ---- life -------------------------------------------------------------- */

typedef bool provider_open_fn(struct provider_port *port,
			      const struct config *config, struct loop *loop,
			      const struct port_sink *sink, struct err *err);

/* How each opens, and the exit code of its failure. */
static const struct {
	provider_open_fn *open;
	int failed;
} providers[] = {
    [CONFIG_PROVIDER_ECS] = {provider_ecs_open, EX_CONFIG},
    [CONFIG_PROVIDER_LOCAL] = {provider_local_open, EX_OSERR},
};

/* Each part with the exit code of its failure. */
static int
start(struct daemon *d, struct err *err)
{
	const struct port_sink sink = {
	    .arg = d,
	    .answered = on_answered,
	    .listed = on_listed,
	    .stepped = on_stepped,
	    .nudged = on_nudged,
	};
	struct ports ports = {.clock = clock_system()};
	struct fleet_row fleet;

	if (!loop_open(&d->loop, err) || !watch_signals(d, err))
		return EX_OSERR;
	if (!store_open(&d->store, &ports.store, &d->config, err))
		return EX_CONFIG;
	if (!store_get_fleet(d->store, &fleet, err))
		return EX_SOFTWARE;
	if (!ledger_file_open(&d->ledger, &ports.ledger, d->config.ledger,
			      (uint64_t)fleet.ledger_epoch, err))
		return EX_CONFIG;
	/* Before the provider: it has libcurl initialised. */
	if (!poller_open(&d->poller, &ports.prober, &d->config, d->loop, &sink,
			 err))
		return EX_OSERR;
	if (!providers[d->config.provider].open(&d->provider, &d->config,
						d->loop, &sink, err))
		return providers[d->config.provider].failed;
	ports.provider = d->provider;
	d->scaler = scaler_new(&ports, &d->config);
	if (!d->scaler) {
		err_set(err, "out of memory");
		return EX_OSERR;
	}
	if (!scaler_load(d->scaler, err))
		return EX_SOFTWARE;
	return EX_OK;
}

/* The gameservers live on. */
static void
stop(struct daemon *d)
{
	scaler_free(d->scaler);
	if (d->provider.close)
		d->provider.close(d->provider.self);
	poller_close(d->poller);
	ledger_file_close(d->ledger);
	store_close(d->store);
	loop_close(d->loop);
	notify_close(&d->notify);
}

int
daemon_run(const struct config *config, const char *path, struct lock *lock)
{
	struct daemon d = {.config = *config, .path = path, .lock = lock};
	struct err err;
	int code;

	if (!notify_open(&d.notify, &err))
		log_warn("notify", LOG_TEXT("error", err.msg));
	log_info("start", LOG_TEXT("version", GSM_VERSION),
		 LOG_TEXT("database", config->database));
	if (!descriptors_raise(config->max_servers, &err))
		log_warn("descriptors", LOG_TEXT("error", err.msg));
	code = start(&d, &err);
	if (code == EX_OK) {
		loop_timer_set(d.loop, &d.turn, loop_now_ms(), on_turn, &d);
		if (!loop_run(d.loop, &err))
			code = EX_OSERR;
	}
	if (code != EX_OK)
		log_error("failed", LOG_TEXT("error", err.msg));
	stop(&d);
	return code;
}
