/* SPDX-License-Identifier: MIT */
/*
 * The inside of look.c: what is wanted, and the table of the questions to ECS
 * and EC2 that find it out.
 */
#ifndef GSM_AWS_LOOK_QUERY_H
#define GSM_AWS_LOOK_QUERY_H

#include "common/config.h"
#include "scalerd/aws/ec2_answer.h"
#include "scalerd/aws/ec2_request.h"
#include "scalerd/aws/ecs_answer.h"
#include "scalerd/aws/look.h"

enum {
	LOOK_PAGE_SIZE = ECS_PAGE_SIZE,
	LOOK_BATCH_MAX = EC2_FILTER_MAX,
	LOOK_LISTS = 3, /* of a whole fleet */
};
_Static_assert((int)LOOK_PAGE_SIZE == (int)EC2_PAGE_SIZE, "one size of page");

/* A machine, or those with a mark, and what of them is wanted. */
struct look_machines {
	char machine[FACTS_ID_SIZE]; /* "": those with the mark */
	char mark[MARK_SIZE];
	bool host_tasks;
	bool asked; /* the mark was looked for */
};

struct look_wanted {
	char cluster[CONFIG_TEXT_SIZE];
	bool whole_fleet;
	struct look_fleet fleet;
	bool listed[LOOK_LISTS]; /* of the whole fleet, asked */
	struct look_machines *subject;
	size_t nsubject, subject_size;
	struct facts *facts;
};

void look_wanted_clear(struct look_wanted *wanted);
/* False: out of memory, or a text is too long. */
NODISCARD bool look_wanted_add(struct look_wanted *wanted,
			       const struct look_subject *subject);

/*
 * A question about some of `count` things. take says whether the i-th is to be
 * asked about, and that it is asked about from then on. write makes the
 * request about those with these names; read takes over the answer; settle
 * closes the i-th after its last page.
 */
struct look_query {
	const char *action;
	enum client_service service;
	enum facts_kind kind;
	size_t list;  /* of the whole fleet: which */
	size_t batch; /* asked about at once, at most LOOK_BATCH_MAX */
	size_t (*count)(const struct look_wanted *wanted,
			const struct look_query *query);
	bool (*take)(struct look_wanted *wanted, const struct look_query *query,
		     size_t i);
	const char *(*name)(const struct look_wanted *wanted,
			    const struct look_query *query, size_t i);
	char *(*write)(const struct look_wanted *wanted,
		       const char *const *name, size_t n, const char *page);
	bool (*read)(struct facts *facts, const char *body, size_t size,
		     char page[LOOK_PAGE_SIZE], struct err *err);
	bool (*settle)(struct look_wanted *wanted,
		       const struct look_query *query, size_t i,
		       struct err *err);
};

extern const struct look_query look_queries[];
extern const size_t look_nqueries;

#endif
