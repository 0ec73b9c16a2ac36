/* SPDX-License-Identifier: MIT */
/*
 * Looks at what is there: gathers facts about many subjects with as few calls
 * as ECS and EC2 allow (lists by page, descriptions by the hundred), wave by
 * wave, until nothing that was named is unknown. All or nothing: one call
 * that fails, one page that is malformed, and there are no facts.
 */
#ifndef GSM_AWS_LOOK_H
#define GSM_AWS_LOOK_H

#include "common/err.h"
#include "scalerd/aws/client.h"
#include "scalerd/aws/facts.h"

enum {
	LOOK_PAGES_MAX = 1000, /* of one list */
	LOOK_WAVES_MAX = 12,   /* each asks for what the last one named */
};

/* Something to look at; "": that part is not known. */
struct look_subject {
	char machine[FACTS_ID_SIZE]; /* looked at, with its host */
	char task[REF_SIZE];
	char mark[MARK_SIZE]; /* when no machine is: looked for by their tag */
	bool host_tasks; /* the tasks on that machine or those machines too */
};

/* A whole fleet; texts live until the look is done. */
struct look_fleet {
	const char *name; /* FLEET_NAME */
	const char *family;
	const char *started_by;
};

/* facts: until this returns; NULL: there are none, `why` says why. */
typedef void look_done_fn(void *arg, const struct facts *facts,
			  const struct err *why);

struct look;

/* Texts are copied. `done` is called by the loop. */
NODISCARD bool look_open(struct look **look, struct loop *loop,
			 struct client *client, const char *cluster,
			 look_done_fn *done, void *arg, struct err *err);

/* Begins a new one: forgets the subjects and facts of the last. Not while one
 * is under way. */
void look_begin(struct look *look);
/* Adds to it. False: no room, or a name is too long. */
NODISCARD bool look_at(struct look *look, const struct look_subject *subject);
void look_at_fleet(struct look *look, const struct look_fleet *fleet);
/* Looks; done is called once, never from inside this call. */
void look_go(struct look *look);

bool look_is_busy(const struct look *look);
/* Drops what is under way. Accepts NULL. */
void look_close(struct look *look);

#endif
