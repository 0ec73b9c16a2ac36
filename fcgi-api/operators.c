/* SPDX-License-Identifier: MIT */
#include "fcgi-api/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi-api/exchange.h"
#include "fcgi-api/route.h"

void
handle_readyz(struct exchange *x)
{
	if (x->age_ms < 0)
		answer_error(&x->answer, ANSWER_UNAVAILABLE,
			     "the state was never read");
	else if (x->ledger == NULL)
		answer_error(&x->answer, ANSWER_UNAVAILABLE,
			     "the seat ledger is not usable");
	else if (x->stale)
		answer_error(&x->answer, ANSWER_UNAVAILABLE,
			     "the state is stale");
	else
		answer_line(
		    &x->answer,
		    "{\"status\": \"ready\", \"state_age_seconds\": %.1f}",
		    (double)x->age_ms / 1000);
}

void
handle_status(struct exchange *x)
{
	struct report_desk *desk = &x->thread->api->reports;
	struct text *body = &x->answer.made;
	const struct report *report = report_begin(desk, instant_boot_ms());
	if (report == NULL || x->age_ms < 0) {
		answer_line(
		    &x->answer,
		    "{\"state_age_seconds\":null,\"stale\":true,\"fleet\":null,"
		    "\"alarms\":[],\"gameservers\":[]}");
	} else {
		text_add(body, "{\"state_age_seconds\":%.1f,\"stale\":%s,",
			 (double)x->age_ms / 1000, x->stale ? "true" : "false");
		text_add_bytes(body, report->status.data, report->status.len);
		answer_made(&x->answer);
	}
	report_end(desk);
}

struct gauge {
	const char *name;
	const char *labels;
	enum fleet_number number;
	const char *help; /* NULL: one more series of the gauge before */
};

static const struct gauge gauges[] = {
    {"gsm_gameservers", "{state=\"launching\"}", FLEET_LAUNCHING,
     "Gameservers by state."},
    {"gsm_gameservers", "{state=\"starting\"}", FLEET_STARTING, NULL},
    {"gsm_gameservers", "{state=\"available\"}", FLEET_AVAILABLE, NULL},
    {"gsm_gameservers", "{state=\"standby\"}", FLEET_STANDBY, NULL},
    {"gsm_gameservers", "{state=\"stopping\"}", FLEET_STOPPING, NULL},
    {"gsm_free_seats", "", FLEET_FREE,
     "Seats that may be granted on available gameservers."},
    {"gsm_coming_seats", "", FLEET_COMING,
     "Seats of gameservers that are launching or starting."},
    {"gsm_upscale_margin_seats", "", FLEET_UPSCALE_MARGIN,
     "Fewer seats than this, free and coming: more is launched."},
    {"gsm_downscale_margin_seats", "", FLEET_DOWNSCALE_MARGIN,
     "More free seats than this: a gameserver goes to standby."},
    {"gsm_server_capacity_seats", "", FLEET_SERVER_CAPACITY,
     "Seats of one gameserver, as configured."},
    {"gsm_min_servers", "", FLEET_MIN_SERVERS, "MIN_SERVERS."},
    {"gsm_max_servers", "", FLEET_MAX_SERVERS, "MAX_SERVERS."},
    {"gsm_panic", "", FLEET_PANIC,
     "1: most gameservers are suspect at once, nothing is stopped."},
};

static void
add_help(struct text *body, const char *name, const char *type,
	 const char *help)
{
	text_add(body, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_number(struct text *body, const char *name, const char *help,
	   int64_t number)
{
	add_help(body, name, "gauge", help);
	text_add(body, "%s %" PRId64 "\n", name, number);
}

static void
add_report(struct text *body, const struct report *report)
{
	add_number(body, "gsm_alarms", "Alarms that are raised.",
		   report->alarms);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		const struct gauge *g = &gauges[i];
		if (g->help != NULL)
			add_help(body, g->name, "gauge", g->help);
		text_add(body, "%s%s %" PRId64 "\n", g->name, g->labels,
			 report->fleet.number[g->number]);
	}
}

static void
add_fleet(struct text *body, struct exchange *x)
{
	struct report_desk *desk = &x->thread->api->reports;
	add_number(body, "gsm_state_stale",
		   "1: scalerd's heartbeat is too old, or nothing was ever "
		   "read, or the seat ledger is not usable.",
		   x->stale);
	add_number(body, "gsm_ledger_usable",
		   "1: the seat ledger of the database is mapped.",
		   x->ledger != NULL);
	if (x->age_ms >= 0) {
		add_help(body, "gsm_state_age_seconds", "gauge",
			 "Time since scalerd's heartbeat.");
		text_add(body, "gsm_state_age_seconds %.3f\n",
			 (double)x->age_ms / 1000);
	}
	const struct report *report = report_begin(desk, instant_boot_ms());
	if (report != NULL)
		add_report(body, report);
	report_end(desk);
}

static void
add_requests(struct text *body, const struct counters *c)
{
	add_help(body, "gsm_requests_total", "counter",
		 "Requests answered by this process.");
	for (int route = 0; route < ROUTE_COUNT; route++) {
		for (int code = 0; code < ANSWER_CODES; code++) {
			uint64_t n = counters_requests(c, (enum route_id)route,
						       (enum answer_code)code);
			/* Most pairs never happen. */
			if (n > 0)
				text_add(body,
					 "gsm_requests_total{path=\"%s\","
					 "code=\"%d\"} %" PRIu64 "\n",
					 route_table[route].path,
					 answer_status((enum answer_code)code),
					 n);
		}
	}
	add_help(body, "gsm_grants_total", "counter",
		 "Addresses given to players by this process.");
	for (int source = 0; source < SOURCE_COUNT; source++)
		text_add(body, "gsm_grants_total{source=\"%s\"} %" PRIu64 "\n",
			 answer_source_name((enum source)source),
			 counters_grants(c, (enum source)source));
	add_help(body, "gsm_refusals_total", "counter",
		 "Requests of players for whom no gameserver had a seat.");
	text_add(body, "gsm_refusals_total %" PRIu64 "\n",
		 counters_refusals(c));
}

static void
add_process(struct text *body, struct api *api)
{
	add_help(body, "gsm_state_reloads_total", "counter",
		 "Readings of what changed in the database by this process.");
	text_add(body, "gsm_state_reloads_total %" PRIu64 "\n",
		 atomic_load(&api->counters.reloads));
	add_help(body, "gsm_state_read_errors_total", "counter",
		 "Attempts of this process to read the database that failed.");
	text_add(body, "gsm_state_read_errors_total %" PRIu64 "\n",
		 atomic_load(&api->counters.read_errors));
	add_number(body, "gsm_api_threads", "Request threads.", API_THREADS);
	add_number(body, "gsm_api_connections",
		   "Request threads that serve a connection.",
		   counters_connected(&api->counters));
	add_help(body, "gsm_api_start_time_seconds", "gauge",
		 "When this process started, in Unix time.");
	text_add(body, "gsm_api_start_time_seconds %.3f\n",
		 (double)api->started_utc_ms / 1000);
}

void
handle_metrics(struct exchange *x)
{
	struct text *body = &x->answer.made;
	struct api *api = x->thread->api;
	x->answer.type = "text/plain; version=0.0.4; charset=utf-8";
	add_fleet(body, x);
	add_requests(body, &api->counters);
	add_process(body, api);
	answer_made(&x->answer);
}
