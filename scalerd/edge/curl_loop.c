/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/curl_loop.h"

#include <stdlib.h>
#include <sys/epoll.h>

struct curl_loop {
	CURLM *multi;
	struct loop *loop;
	struct loop_timer timer;
	curl_loop_done_fn *done;
	void *arg;
};

static void
tell_ended(struct curl_loop *cl)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(cl->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		const CURLcode code = msg->data.result;

		/* This ends the life of msg. */
		curl_multi_remove_handle(cl->multi, easy);
		cl->done(cl->arg, easy, code);
	}
}

static void
drive(struct curl_loop *cl, curl_socket_t fd, int events)
{
	int running;

	/* What goes wrong here is in the result of each transfer. */
	curl_multi_socket_action(cl->multi, fd, events, &running);
	tell_ended(cl);
}

static void
on_timer(void *arg)
{
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void
on_fd(void *arg, int fd, uint32_t events)
{
	/* An error alone is 0 here: libcurl then looks for itself and learns
	 * which one it is; CURL_CSELECT_ERR would hide it. */
	drive(arg, fd,
	      (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		  (events & EPOLLOUT ? CURL_CSELECT_OUT : 0));
}

/* Called by libcurl: wants a socket watched. -1 makes it abort its transfers
 * with CURLE_ABORTED_BY_CALLBACK. */
static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
	       void *per_socket)
{
	struct curl_loop *cl = arg;
	struct err err;

	(void)easy;
	(void)per_socket;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(cl->loop, fd);
		return 0;
	}
	return loop_watch(cl->loop, fd,
			  (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			      (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0),
			  on_fd, cl, &err)
		   ? 0
		   : -1;
}

/* Called by libcurl: wants to be driven in so many ms; -1: no longer. */
static int
on_curl_timer(CURLM *multi, long in_ms, void *arg)
{
	struct curl_loop *cl = arg;

	(void)multi;
	if (in_ms < 0)
		loop_timer_clear(cl->loop, &cl->timer);
	else
		loop_timer_set(cl->loop, &cl->timer, loop_now_ms() + in_ms,
			       on_timer, cl);
	return 0;
}

bool
curl_loop_open(struct curl_loop **curl_loop, struct loop *loop,
	       curl_loop_done_fn *done, void *arg, struct err *err)
{
	struct curl_loop *cl = calloc(1, sizeof(*cl));

	if (!cl)
		return err_set(err, "out of memory");
	*cl = (struct curl_loop){.loop = loop, .done = done, .arg = arg};
	cl->multi = curl_multi_init();
	if (!cl->multi ||
	    curl_multi_setopt(cl->multi, CURLMOPT_SOCKETFUNCTION,
			      on_curl_socket) ||
	    curl_multi_setopt(cl->multi, CURLMOPT_SOCKETDATA, cl) ||
	    curl_multi_setopt(cl->multi, CURLMOPT_TIMERFUNCTION,
			      on_curl_timer) ||
	    curl_multi_setopt(cl->multi, CURLMOPT_TIMERDATA, cl)) {
		curl_loop_close(cl);
		return err_set(err, "can't make a libcurl multi handle");
	}
	*curl_loop = cl;
	return true;
}

void
curl_loop_keep(struct curl_loop *curl_loop, int64_t n)
{
	/* 0 would be libcurl's default. */
	curl_multi_setopt(curl_loop->multi, CURLMOPT_MAXCONNECTS,
			  n > 0 ? (long)n : 1L);
}

bool
curl_loop_add(struct curl_loop *curl_loop, CURL *easy, struct err *err)
{
	const CURLMcode code = curl_multi_add_handle(curl_loop->multi, easy);

	if (code)
		return err_set(err, "%s", curl_multi_strerror(code));
	return true;
}

void
curl_loop_remove(struct curl_loop *curl_loop, CURL *easy)
{
	curl_multi_remove_handle(curl_loop->multi, easy);
}

void
curl_loop_close(struct curl_loop *curl_loop)
{
	if (!curl_loop)
		return;
	curl_multi_cleanup(curl_loop->multi);
	loop_timer_clear(curl_loop->loop, &curl_loop->timer);
	free(curl_loop);
}
