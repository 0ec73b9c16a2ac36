/* SPDX-License-Identifier: MIT */
/*
 * Reads the bodies of EC2's answers (XML, through expat): DOCTYPE is refused,
 * depth, names and texts are bounded, elements count by their whole path, in
 * any order.
 *
 * False: malformed, incomplete (or out of memory); err says what. Facts may
 * then be half read: throw them away.
 */
#ifndef GSM_AWS_EC2_ANSWER_H
#define GSM_AWS_EC2_ANSWER_H

#include "common/err.h"
#include "scalerd/aws/facts.h"

enum {
	EC2_PAGE_SIZE = 2048,   /* a nextToken */
	EC2_VERSION_SIZE = 24,  /* a launch template's version */
	EC2_CODE_SIZE = 128,    /* an error's code */
	EC2_MESSAGE_SIZE = 512, /* its message; may be cut */
};

/* DescribeInstances: SEEN, each named if it was not. *page is the next
 * nextToken, "": it was the last page. */
NODISCARD bool ec2_read_machines(struct facts *facts, const char *body,
				 size_t size, char page[EC2_PAGE_SIZE],
				 struct err *err);

/* DescribeNetworkInterfaces, likewise. */
NODISCARD bool ec2_read_enis(struct facts *facts, const char *body, size_t size,
			     char page[EC2_PAGE_SIZE], struct err *err);

/* DescribeLaunchTemplates of one; id "": there is none (AWS says that with an
 * error, emulators with an empty list). */
struct ec2_template {
	char id[FACTS_ID_SIZE];         /* lt-... */
	char version[EC2_VERSION_SIZE]; /* defaultVersionNumber */
};
NODISCARD bool ec2_read_template(struct ec2_template *template,
				 const char *body, size_t size,
				 struct err *err);

/* RunInstances: the id of the one machine. */
NODISCARD bool ec2_read_run(char id[FACTS_ID_SIZE], const char *body,
			    size_t size, struct err *err);

/* An error answer: Response/Errors/Error or ErrorResponse/Error. */
NODISCARD bool ec2_read_error(char code[EC2_CODE_SIZE],
			      char message[EC2_MESSAGE_SIZE], const char *body,
			      size_t size);

#endif
