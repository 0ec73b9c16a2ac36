/* SPDX-License-Identifier: MIT */
/*
 * The rows that scalerd keeps: what the database stores, as plain data.
 *
 * Times ending in utc_ms are UTC for people (milliseconds since 1970); times
 * ending in _ms alone are CLOCK_BOOTTIME and live only in memory. Texts are
 * NUL-terminated, "" means unknown.
 */
#ifndef GSM_CORE_MODEL_H
#define GSM_CORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalerd/core/lifecycle.h"

enum {
	MARK_SIZE = 33,      /* 32 hex digits and NUL: an operation's id, which
				is the idempotency token and the mark too */
	REF_SIZE = 400,      /* a provider's name of a gameserver (task ARN) */
	INSTANCE_SIZE = 32,  /* an EC2 instance id */
	IP_SIZE = 48,        /* numeric IPv4 or IPv6 */
	ADDRESS_SIZE = 272,  /* what players get: host:port, [v6]:port */
	PHASE_SIZE = 24,     /* a provider's word for an operation's step */
	REQUEST_SIZE = 8192, /* the exact bytes of one request */
	DETAIL_SIZE = 200,   /* a sentence beside an event or an operation */
};

struct gameserver {
	int64_t id; /* > 0, never used again */
	enum state state;
	enum reason reason;   /* why it is in this state */
	int64_t since_utc_ms; /* since when */
	enum origin origin;
	bool ours;            /* bears this fleet's mark */
	char mark[MARK_SIZE]; /* the operation that launched it, or "" */
	char ref[REF_SIZE];
	char instance[INSTANCE_SIZE];
	char ip[IP_SIZE]; /* where its health is asked */
	int port;         /* 1 .. 65535, 0 unknown */
	char address[ADDRESS_SIZE];
	int score;           /* core/health.h */
	bool heard;          /* gave a good answer at least once */
	int64_t seats;       /* available_capacity of the last good answer */
	int64_t most_seats;  /* the most it ever reported */
	bool ready_to_close; /* of the last good answer */
	int64_t answered_utc_ms; /* last good answer, 0 never */
	bool host_leaving;       /* its host or task is going away by itself */
	int64_t slot;        /* of the seat ledger; -1: none (gone, not yet) */
	int64_t generation;  /* of the slot */
	int64_t grant_limit; /* granted of the cell may reach it */
};

enum op_kind { OP_LAUNCH, OP_STOP, OP_KIND_COUNT };

enum op_result {
	OP_PENDING, /* not finished; what went out may or may not have acted */
	OP_DONE,
	OP_REFUSED,   /* surely did not and will not act */
	OP_ABANDONED, /* given up; a stop looks for what it may have made */
	OP_RESULT_COUNT
};

/* One recorded intent. It is committed before its request goes out. */
struct operation {
	char id[MARK_SIZE]; /* also the idempotency token */
	enum op_kind kind;
	int64_t gameserver; /* the row that it is about */
	enum reason reason;
	enum op_result result;
	char phase[PHASE_SIZE];     /* the provider's step */
	char request[REQUEST_SIZE]; /* exact bytes of that step, NUL-ended */
	char detail[DETAIL_SIZE];   /* what came of the last attempt */
	int64_t attempts;
	int64_t created_utc_ms;
	int64_t finished_utc_ms; /* 0: pending */
};

/* One line of history. */
struct event {
	int64_t at_utc_ms;
	int64_t gameserver; /* 0: the fleet */
	const char *kind;   /* "state", "health", "operation", "alarm", ... */
	const char *from;   /* static text, NULL: none */
	const char *to;
	const char *reason;
	char detail[DETAIL_SIZE];
};

const char *op_kind_name(enum op_kind kind);
const char *op_result_name(enum op_result result);
bool op_kind_parse(const char *name, enum op_kind *kind);
bool op_result_parse(const char *name, enum op_result *result);

#endif
