/* SPDX-License-Identifier: MIT */
/*
 * What ECS and EC2 say, as plain data: tasks, container instances (hosts), EC2
 * instances (machines) and network interfaces, each named once. An answer of
 * AWS is read into it (ecs_answer.h, ec2_answer.h); whoever wants to know
 * something names it first with facts_task and its like and asks for what is
 * only named.
 *
 * Texts are NUL-terminated, "" means that AWS did not say. A text that is too
 * long for its member makes the answer malformed: nothing is ever cut.
 */
#ifndef GSM_AWS_FACTS_H
#define GSM_AWS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "scalerd/core/model.h"

enum {
	FACTS_WORD_SIZE = 32,    /* a state, a status, a protocol */
	FACTS_NAME_SIZE = 256,   /* a container, a family, an error code */
	FACTS_REASON_SIZE = 128, /* why something ended, for people: may be
				    cut */
	FACTS_BINDINGS_MAX = 16, /* network bindings of a task; more are
				    malformed */
	FACTS_ID_SIZE = INSTANCE_SIZE, /* i-..., eni-... */
	FACTS_MAX = 1 << 16,           /* things of a kind */
};

/* How much is known about something that was named. */
enum facts_known {
	FACTS_NAMED,   /* nothing: AWS was not asked yet */
	FACTS_ASKED,   /* a question about it is under way */
	FACTS_MISSING, /* AWS says that it does not have it */
	FACTS_SEEN,    /* the members below hold */
};

struct facts_binding {
	char container[FACTS_NAME_SIZE];
	int container_port;
	int host_port;
	bool tcp;
	bool ipv6; /* bindIP is: Docker may give each family its own port */
};

struct facts_task {
	char arn[REF_SIZE];
	enum facts_known known;
	char family[FACTS_NAME_SIZE]; /* of its task definition */
	char last[FACTS_WORD_SIZE];   /* lastStatus: "RUNNING", "STOPPED" */
	bool to_stop;                 /* desiredStatus is STOPPED */
	char stop_code[FACTS_WORD_SIZE];
	char reason[FACTS_REASON_SIZE]; /* stoppedReason, and the first
					   container's reason or exit code */
	char host[REF_SIZE]; /* containerInstanceArn, "" with Fargate */
	char started_by[FACTS_NAME_SIZE];
	char fleet[FACTS_NAME_SIZE]; /* tag gameserver-manager:fleet */
	char mark[MARK_SIZE];        /* tag gameserver-manager:operation */
	char eni[FACTS_ID_SIZE];     /* its own network interface */
	size_t nbinding;
	struct facts_binding binding[FACTS_BINDINGS_MAX];
};

/* A container instance. */
struct facts_host {
	char arn[REF_SIZE];
	enum facts_known known;
	char machine[FACTS_ID_SIZE];  /* ec2InstanceId */
	char status[FACTS_WORD_SIZE]; /* "ACTIVE", "DRAINING", ... */
	bool connected;               /* its agent is */
	int64_t tasks;    /* those that are to run: runningTasksCount and
			     pendingTasksCount */
	bool tasks_asked; /* ListTasks of it was asked */
};

/* An EC2 instance. */
struct facts_machine {
	char id[FACTS_ID_SIZE];
	enum facts_known known;
	char state[FACTS_WORD_SIZE];    /* "pending", "terminated", ... */
	char reason[FACTS_REASON_SIZE]; /* stateReason */
	char public_ip[IP_SIZE];
	char private_ip[IP_SIZE];
	char ipv6[IP_SIZE];
	char fleet[FACTS_NAME_SIZE]; /* its tags */
	char mark[MARK_SIZE];
	bool hosts_asked; /* ListContainerInstances of it was asked */
};

/* A network interface. */
struct facts_eni {
	char id[FACTS_ID_SIZE];
	enum facts_known known;
	char public_ip[IP_SIZE];
	char private_ip[IP_SIZE];
	char ipv6[IP_SIZE];
};

/* The kinds of things in struct facts, for what is done with each of them. */
enum facts_kind {
	FACTS_TASK,
	FACTS_HOST,
	FACTS_MACHINE,
	FACTS_ENI,
	FACTS_KIND_COUNT
};

struct facts;

struct facts *facts_new(void);        /* NULL: out of memory */
void facts_free(struct facts *facts); /* accepts NULL */
/* Forgets everything. */
void facts_clear(struct facts *facts);

/* The one with that name, named now if it was not. The pointer holds good
 * until the next of its kind is named. NULL: out of memory, FACTS_MAX are, or
 * the name is empty or too long. */
struct facts_task *facts_task(struct facts *facts, const char *arn);
struct facts_host *facts_host(struct facts *facts, const char *arn);
struct facts_machine *facts_machine(struct facts *facts, const char *id);
struct facts_eni *facts_eni(struct facts *facts, const char *id);

/* The one with that name if it was seen; NULL: it was not. */
const struct facts_task *facts_find_task(const struct facts *facts,
					 const char *arn);
const struct facts_host *facts_find_host(const struct facts *facts,
					 const char *arn);
const struct facts_machine *facts_find_machine(const struct facts *facts,
					       const char *id);
const struct facts_eni *facts_find_eni(const struct facts *facts,
				       const char *id);

/* All of a kind, in the order in which they were named. */
size_t facts_count(const struct facts *facts, enum facts_kind kind);
const struct facts_task *facts_task_at(const struct facts *facts, size_t i);
const struct facts_host *facts_host_at(const struct facts *facts, size_t i);
const struct facts_machine *facts_machine_at(const struct facts *facts,
					     size_t i);

/* Name and state of the i-th of a kind: what was named but not asked, ... */
const char *facts_name(const struct facts *facts, enum facts_kind kind,
		       size_t i);
enum facts_known facts_known(const struct facts *facts, enum facts_kind kind,
			     size_t i);
void facts_set_known(struct facts *facts, enum facts_kind kind, size_t i,
		     enum facts_known known);

#endif
