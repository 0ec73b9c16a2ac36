/* SPDX-License-Identifier: MIT */
/*
 * The bounds of fcgi-api. The site of nginx/ is checked against API_THREADS:
 * one request thread serves one connection for as long as nginx keeps it, so
 * nginx workers x keepalive and limit_conn must both stay below it, or
 * clients starve.
 */
#ifndef GSM_FCGI_API_LIMITS_H
#define GSM_FCGI_API_LIMITS_H

enum {
	API_THREADS = 256,
	API_STACK_BYTES = 256 * 1024, /* of a thread; only touched pages cost */
	API_BACKLOG = 1024,           /* connections that wait for a thread */
	API_SPARE_FILES = 64,         /* open files besides the connections */

	/* Connections. */
	FIRST_BYTE_MS = 1000, /* a new one that stays silent is closed */
	READ_MAX_MS = 75000,  /* above nginx's keepalive_timeout (60 s) */
	WRITE_MAX_MS = 5000,
	BODY_MAX = 65536,           /* bytes of a request's body thrown away */
	ACCEPT_BACKOFF_MIN_MS = 20, /* after EMFILE and its like */
	ACCEPT_BACKOFF_MAX_MS = 1000,
	SHUTDOWN_MAX_MS = 5000, /* from SIGTERM to the end of the process */

	/* The refresher. */
	REFRESH_WAIT_MS = 250,  /* the longest wait for the ledger's news */
	REFRESH_TICK_MS = 20,   /* between two loads */
	REFRESH_CHECK_MS = 250, /* PRAGMA data_version, without any news */
	REFRESH_FILE_MS = 250, /* has the database, the ledger been replaced? */
	REFRESH_LIST_MS = 250, /* between two lists */
	REFRESH_TRIM_MS = 10000, /* free pages go back to the system */
	REFRESH_COST_SHARE =
	    40,                 /* a load of n us of CPU: the next after 40 n */
	REFRESH_GAP_MS = 60000, /* no turn for so long: everything is read */
	REFRESH_LATE_MS = 2000, /* far more than a turn takes */
	LATE_PAUSE_MS = 5,      /* of a request that waits for a late one */
	LATE_PAUSES = 200,
	STALE_GRACE_MS = 3000, /* for scalerd's heartbeat after a gap */
	REOPEN_MIN_MS = 100,
	REOPEN_MAX_MS = 2000,
	REOPEN_STALE_MS = 5000, /* while the state is stale */
	DATABASE_BUSY_MS = 50,

	/* What operators see. */
	REPORT_KEEP_MS = 1000,    /* who asks within it gets the same */
	REPORT_FORGET_MS = 10000, /* nobody asked: its memory is freed */
	REPORT_WAIT_S = 2,

	/* Answers. */
	ADDRESS_SIZE = 280, /* host name (253) or [IPv6], port, NUL */
	ROWS_MAX = 200000,  /* of one view; more is an error */
	SEATS_MAX = 1000000000,
	STALE_AFTER_DEFAULT_MS = 30000,
	RETRY_AFTER_SECONDS = 2,
	ANSWER_HEAD_SIZE = 1024,
	ANSWER_LINE_SIZE = ADDRESS_SIZE + 64,
};

#endif
