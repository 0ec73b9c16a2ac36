/* SPDX-License-Identifier: MIT */
/*
 * What polling costs: scalerd's poller against many_gameservers (a program
 * beside this one), and beside it a raw epoll client on kept connections, the
 * physical limit. All of them on one processor, as if the gameservers were
 * elsewhere: across two, each question may have to wake an idle one, which on a
 * virtual machine costs anything (35 to 76 us a question instead of 28 to 46).
 *
 *	poll [--raw] --gameservers N [--hung PERCENT] [--rounds N]
 *
 * Prints CPU of this process for one question, the time of a round (until the
 * healthy ones have answered, and until all are done), medians of the rounds
 * (1) with the least and the greatest, and the memory. --raw is that client;
 * it can't do with hung ones.
 */
#define _GNU_SOURCE /* pipe2, sched_setaffinity */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "scalerd/edge/loop.h"
#include "scalerd/edge/poller.h"

enum {
	ROUNDS_MAX = 101,
	GAMESERVERS_MAX = 20000,
	WARM_ROUNDS = 3, /* the first makes the connections */
	TIMEOUT_MS = 2000,
	EVENTS_MAX = 256,
	ASK_PAUSE_MS = 5, /* the poller's queue was full */
};

struct run {
	bool raw;
	int n;
	int hung_percent;
	int rounds;
	int port; /* of the simulated gameservers */
};

struct figures {
	int64_t cpu_us[ROUNDS_MAX], healthy_us[ROUNDS_MAX], all_us[ROUNDS_MAX];
	int64_t bad; /* answers that were not what they should be */
	char first_bad[DETAIL_SIZE];
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(EX_OSERR);
}

static bool
hangs(const struct run *run, int i)
{
	return (i & 0xffff) % 100 < run->hung_percent;
}

static void
address_of(int i, char *text, size_t size)
{
	snprintf(text, size, "127.%d.%d.%d", 1 + i / 65536, i / 256 % 256,
		 i % 256);
}

/* ---- scalerd's poller -------------------------------------------------- */

struct asker {
	const struct run *run;
	struct loop *loop;
	struct prober_port port;
	bool *suspect; /* as the scaler would say it */
	int64_t begin_us, healthy_us;
	int healthy, all;
	struct figures *figures;
};

static void
on_answered(void *arg, const struct answer *answer)
{
	struct asker *a = arg;
	const int i = (int)answer->gameserver - 1;
	const bool good = answer->kind == ANSWER_GOOD;

	a->all++;
	if (good == hangs(a->run, i) && a->figures->bad++ == 0)
		snprintf(a->figures->first_bad, sizeof(a->figures->first_bad),
			 "%s", good ? "good" : answer->detail);
	a->suspect[i] = !good;
	if (!hangs(a->run, i)) {
		a->healthy++;
		a->healthy_us = bench_now_us() - a->begin_us;
	}
}

static void
ask_round(struct asker *a)
{
	struct err err;
	char ip[32];

	a->healthy = a->all = 0;
	a->begin_us = bench_now_us();
	for (int i = 0; i < a->run->n; i++) {
		const struct question q = {.gameserver = i + 1,
					   .ip = ip,
					   .port = a->run->port,
					   .told_state = "available",
					   .suspect = a->suspect[i]};

		address_of(i, ip, sizeof(ip));
		while (!a->port.ask(a->port.self, &q))
			if (!loop_turn(a->loop, ASK_PAUSE_MS, &err))
				die("loop");
	}
	while (a->all < a->run->n)
		if (!loop_turn(a->loop, TIMEOUT_MS, &err))
			die("loop");
}

static void
run_poller(const struct run *run, struct figures *f)
{
	static struct config config = {.health_timeout_ms = TIMEOUT_MS,
				       .health_url =
					   "http://{ip}:{port}/health/"};
	struct asker a = {
	    .run = run, .suspect = calloc((size_t)run->n, 1), .figures = f};
	const struct port_sink sink = {.arg = &a, .answered = on_answered};
	struct poller *poller;
	struct err err;

	config.max_servers = run->n;
	if (!a.suspect || !loop_open(&a.loop, &err) ||
	    !poller_open(&poller, &a.port, &config, a.loop, &sink, &err))
		die("poller");
	memset(a.suspect, true, (size_t)run->n);
	for (int i = -WARM_ROUNDS; i < run->rounds; i++) {
		const int64_t cpu_us = bench_cpu_us();

		ask_round(&a);
		if (i < 0)
			continue;
		f->cpu_us[i] = bench_cpu_us() - cpu_us;
		f->healthy_us[i] = a.healthy_us;
		f->all_us[i] = bench_now_us() - a.begin_us;
	}
}

/* ---- a raw epoll client ------------------------------------------------ */

static const char request[] = "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
			      "X-Gameserver-State: available\r\n\r\n";

static int
connect_to(const struct run *run, int epoll_fd, int i)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)run->port)};
	struct epoll_event event = {.events = EPOLLIN};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	char ip[32];

	address_of(i, ip, sizeof(ip));
	if (inet_pton(AF_INET, ip, &to.sin_addr) != 1 || fd < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	event.data.fd = fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
	return fd;
}

static void
raw_round(const struct run *run, int epoll_fd, const int *fd)
{
	struct epoll_event event[EVENTS_MAX];
	char data[2048];
	int sent = 0;

	for (int done = 0; done < run->n;) {
		int n;

		for (; sent < run->n && sent - done < EVENTS_MAX; sent++)
			if (write(fd[sent], request, sizeof(request) - 1) < 0)
				die("write");
		n = epoll_wait(epoll_fd, event, EVENTS_MAX, -1);
		for (int i = 0; i < n; i++, done++)
			if (read(event[i].data.fd, data, sizeof(data)) <= 0)
				die("read");
	}
}

static void
run_raw(const struct run *run, struct figures *f)
{
	const int epoll_fd = epoll_create1(0);
	int *fd = calloc((size_t)run->n, sizeof(*fd));

	if (!fd || epoll_fd < 0)
		die("epoll");
	for (int i = 0; i < run->n; i++)
		fd[i] = connect_to(run, epoll_fd, i);
	for (int i = -WARM_ROUNDS; i < run->rounds; i++) {
		const int64_t cpu_us = bench_cpu_us();
		const int64_t begin_us = bench_now_us();

		raw_round(run, epoll_fd, fd);
		if (i < 0)
			continue;
		f->cpu_us[i] = bench_cpu_us() - cpu_us;
		f->all_us[i] = f->healthy_us[i] = bench_now_us() - begin_us;
	}
	free(fd);
}

/* ---- runs -------------------------------------------------------------- */

static void
print_times(const char *name, int64_t *us, int rounds)
{
	const int64_t median = bench_median(us, (size_t)rounds);

	printf(",\"%s_ms\":%.1f,\"%s_ms_least\":%.1f,\"%s_ms_most\":%.1f", name,
	       (double)median / 1000, name, (double)us[0] / 1000, name,
	       (double)us[rounds - 1] / 1000);
}

static void
measure(const struct run *run)
{
	static struct figures f;

	if (run->raw)
		run_raw(run, &f);
	else
		run_poller(run, &f);
	printf("{\"name\":\"poll\",\"client\":\"%s\",\"gameservers\":%d,"
	       "\"hung_percent\":%d,\"rounds\":%d,\"cpu_us_per_poll\":%.1f",
	       run->raw ? "raw epoll" : "poller", run->n, run->hung_percent,
	       run->rounds,
	       (double)bench_median(f.cpu_us, (size_t)run->rounds) / run->n);
	print_times("healthy", f.healthy_us, run->rounds);
	print_times("round", f.all_us, run->rounds);
	printf(",\"wrong_answers\":%" PRId64
	       ",\"first_wrong\":\"%s\",\"rss_kb\":%" PRId64 "}\n",
	       f.bad, f.first_bad, bench_rss_kb());
	fflush(stdout);
}

/* Starts the simulated gameservers. They end with our end of their input. */
static pid_t
start_gameservers(const char *program, int hung_percent, int *input, int *port)
{
	int in[2], out[2];
	char percent[16], text[16];
	ssize_t n;
	pid_t pid;

	snprintf(percent, sizeof(percent), "%d", hung_percent);
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(program, program, "--hung", percent, (char *)NULL);
		die(program);
	}
	close(in[0]);
	close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	close(out[0]);
	if (n <= 0)
		exit(EX_UNAVAILABLE);
	text[n] = '\0';
	*port = (int)strtol(text, NULL, 10);
	*input = in[1];
	return pid;
}

static void
stay_on_one_processor(void)
{
	cpu_set_t all, one;
	size_t first = 0;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		die("sched_getaffinity");
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	if (sched_setaffinity(0, sizeof(one), &one) != 0)
		die("sched_setaffinity");
}

static void
run_apart(const char *program, struct run run)
{
	int input;
	const pid_t gameservers =
	    start_gameservers(program, run.hung_percent, &input, &run.port);
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		measure(&run);
		_exit(EX_OK);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		exit(EX_SOFTWARE);
	close(input);
	waitpid(gameservers, &status, 0);
}

static bool
parse_number(const char *text, int least, int most, int *number)
{
	char *end;
	const long value = strtol(text, &end, 10);

	*number = (int)value;
	return *end == '\0' && value >= least && value <= most;
}

static bool
parse(struct run *run, int argc, char **argv)
{
	static const struct option option[] = {
	    {"raw", no_argument, NULL, 'r'},
	    {"gameservers", required_argument, NULL, 'g'},
	    {"hung", required_argument, NULL, 'h'},
	    {"rounds", required_argument, NULL, 'n'},
	    {NULL, 0, NULL, 0}};
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", option, NULL)) != -1) {
		if (c == 'r')
			run->raw = true;
		else if (c == 'g')
			good =
			    parse_number(optarg, 1, GAMESERVERS_MAX, &run->n);
		else if (c == 'h')
			good = parse_number(optarg, 0, 100, &run->hung_percent);
		else
			good = c == 'n' && parse_number(optarg, 1, ROUNDS_MAX,
							&run->rounds);
	}
	return good && optind == argc && run->n > 0 &&
	       !(run->raw && run->hung_percent > 0);
}

int
main(int argc, char **argv)
{
	struct run run = {.rounds = 1};
	const char *slash = strrchr(argv[0], '/');
	struct rlimit limit;
	char program[4096];

	if (!parse(&run, argc, argv)) {
		fputs("usage: poll [--raw] --gameservers N [--hung PERCENT] "
		      "[--rounds N]\n",
		      stderr);
		return EX_USAGE;
	}
	stay_on_one_processor();
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	snprintf(program, sizeof(program), "%.*s/many_gameservers",
		 slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
	run_apart(program, run);
	return EX_OK;
}
