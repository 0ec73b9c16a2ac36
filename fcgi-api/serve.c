/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2 */
#include "fcgi-api/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "common/log.h"
#include "fcgi-api/exchange.h"
#include "fcgi-api/listener.h"

enum { SHUTDOWN_CHECK_MS = 5 };

struct worker {
	struct exchange_thread thread;
	struct server_state *server;
	_Atomic int connection; /* its descriptor; -1: none */
};

/* Static: threads that outlive SHUTDOWN_MAX_MS still look at it. */
static struct server_state {
	struct listener listener;
	struct refresher *refresher;
	struct worker workers[API_THREADS];
	atomic_bool stopping;
	_Atomic unsigned running; /* request threads */
	int stop_pipe[2];         /* its writing end closed: stop */
} the_server;

static const char *
fastcgi_variable(void *arg, const char *name)
{
	const FCGX_Request *request = arg;
	return FCGX_GetParam(name, request->envp);
}

static void
fastcgi_write(void *arg, const char *bytes, size_t len)
{
	FCGX_Request *request = arg;
	while (len > 0) {
		int part = len > INT_MAX ? INT_MAX : (int)len;
		if (FCGX_PutStr(bytes, part, request->out) != part)
			return; /* nginx went away; libfcgi closes */
		bytes += part;
		len -= (size_t)part;
	}
}

/* Bytes of a body that were left unread would be taken for the connection's
 * next request. */
static void
skip_body(FCGX_Request *request)
{
	char bytes[256];
	size_t skipped = 0;
	int part;
	do {
		part = FCGX_GetStr(bytes, (int)sizeof(bytes), request->in);
		skipped += part > 0 ? (size_t)part : 0;
	} while (part == (int)sizeof(bytes) && skipped < BODY_MAX);
	if (skipped >= BODY_MAX)
		request->keepConnection = 0;
}

/* Answers what comes by one connection, until either side closes it.
 *
 * libfcgi is given connections that are accepted already, by the fields that
 * it uses for one that it kept open, and no listener: FCGX_Accept_r then
 * comes back when the connection has ended. Its own accept gives up on
 * EMFILE, waits on silent clients and can't be stopped for sure. */
static void
serve_connection(struct worker *w, int fd)
{
	FCGX_Request request;
	const struct exchange_port port = {
	    .variable = fastcgi_variable,
	    .write = fastcgi_write,
	    .arg = &request,
	};
	(void)FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	request.ipcFd = fd;
	request.keepConnection = 1;
	atomic_store(&w->connection, fd);
	/* Stopped before the store above: then nobody else shuts it. */
	if (atomic_load(&w->server->stopping))
		(void)shutdown(fd, SHUT_RD);
	while (FCGX_Accept_r(&request) == 0) {
		skip_body(&request);
		exchange_run(&w->thread, &port);
		FCGX_Finish_r(&request);
		if (request.ipcFd < 0)
			break;
	}
	atomic_store(&w->connection, -1);
}

static void *
run_worker(void *arg)
{
	struct worker *w = arg;
	struct api *api = w->thread.api;
	atomic_bool *connected =
	    &api->counters.threads[w->thread.slot].connected;
	int fd;
	while ((fd = listener_accept(&w->server->listener)) >= 0) {
		atomic_store(connected, true);
		serve_connection(w, fd);
		atomic_store(connected, false);
	}
	atomic_fetch_sub(&w->server->running, 1);
	return NULL;
}

static void *
run_refresher(void *arg)
{
	struct server_state *server = arg;
	refresher_run(server->refresher);
}

static bool
start_thread(const pthread_attr_t *attr, void *(*run)(void *), void *arg,
	     struct err *err)
{
	pthread_t id;
	int rc = pthread_create(&id, attr, run, arg);
	return rc == 0 || err_set(err, "thread: %s", strerror(rc));
}

static bool
start_threads(struct server_state *server, struct api *api, struct err *err)
{
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);
	if (rc == 0)
		rc = pthread_attr_setstacksize(&attr, API_STACK_BYTES);
	if (rc == 0)
		rc =
		    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (rc != 0)
		return err_set(err, "thread attributes: %s", strerror(rc));
	bool ok = start_thread(&attr, run_refresher, server, err);
	for (unsigned i = 0; ok && i < API_THREADS; i++) {
		struct worker *w = &server->workers[i];
		w->server = server;
		atomic_store(&w->connection, -1);
		atomic_fetch_add(&server->running, 1);
		ok = exchange_thread_init(&w->thread, api, i, err) &&
		     start_thread(&attr, run_worker, w, err);
	}
	(void)pthread_attr_destroy(&attr);
	return ok;
}

/* Enough open files for a connection in each thread. */
static void
raise_file_limit(void)
{
	struct rlimit limit;
	rlim_t wanted = API_THREADS + API_SPARE_FILES;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
		log_warn("few_files", LOG_NUM("limit", (int64_t)limit.rlim_cur),
			 LOG_NUM("wanted", (int64_t)wanted));
}

/* The signals that end us, blocked in all threads, for sigwait. After
 * FCGX_Init, which installs handlers of its own for PIPE, TERM and USR1. */
static bool
take_signals(sigset_t *end, struct err *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	(void)sigemptyset(end);
	(void)sigaddset(end, SIGTERM);
	(void)sigaddset(end, SIGINT);
	int rc = pthread_sigmask(SIG_BLOCK, end, NULL);
	if (rc != 0)
		return err_set(err, "sigmask: %s", strerror(rc));
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return err_set(err, "sigaction: %s", strerror(errno));
	return true;
}

/* Ends the connections for reading only: what nginx has already sent is still
 * read and answered, then the thread finds the end. A descriptor may have been
 * closed and used again in between; then it is the refresher's, for which
 * shutdown() is nothing, or a connection, for which it is right. */
static void
stop(struct server_state *server)
{
	atomic_store(&server->stopping, true);
	listener_withdraw(&server->listener);
	(void)close(server->stop_pipe[1]);
	for (unsigned i = 0; i < API_THREADS; i++) {
		int fd = atomic_load(&server->workers[i].connection);
		if (fd >= 0)
			(void)shutdown(fd, SHUT_RD);
	}
}

/* False: some had not ended when the time was over. */
static bool
wait_for_threads(struct server_state *server)
{
	for (int waited = 0; atomic_load(&server->running) > 0;
	     waited += SHUTDOWN_CHECK_MS) {
		if (waited >= SHUTDOWN_MAX_MS)
			return false;
		(void)poll(NULL, 0, SHUTDOWN_CHECK_MS);
	}
	return true;
}

static void
finish(struct server_state *server, int signal_number)
{
	log_info("stopping", LOG_TEXT("signal", strsignal(signal_number)));
	stop(server);
	if (!wait_for_threads(server))
		log_warn(
		    "unfinished",
		    LOG_NUM("threads", (int64_t)atomic_load(&server->running)));
	log_info("stopped", LOG_TEXT("program", "fcgi-api"));
}

bool
serve_fastcgi(struct api *api, struct refresher *refresher, const char *path,
	      struct err *err)
{
	struct server_state *server = &the_server;
	sigset_t end;
	int signal_number = 0;
	server->refresher = refresher;
	raise_file_limit();
	if (FCGX_Init() != 0)
		return err_set(err, "FCGX_Init: %s", strerror(errno));
	if (!take_signals(&end, err))
		return false;
	if (pipe2(server->stop_pipe, O_CLOEXEC) != 0)
		return err_set(err, "pipe: %s", strerror(errno));
	/* Before the first request, so that it is not the backup's. */
	refresher_turn(refresher, instant_now());
	if (!listener_open(&server->listener, path, server->stop_pipe[0],
			   err) ||
	    !start_threads(server, api, err))
		return false;
	log_info("serving", LOG_TEXT("socket", path == NULL ? "-" : path),
		 LOG_NUM("threads", API_THREADS));
	if (sigwait(&end, &signal_number) != 0)
		return err_set(err, "sigwait failed");
	finish(server, signal_number);
	return true;
}
