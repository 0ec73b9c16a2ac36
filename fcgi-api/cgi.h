/* SPDX-License-Identifier: MIT */
/* Plain CGI: one process per request. */
#ifndef GSM_FCGI_API_CGI_H
#define GSM_FCGI_API_CGI_H

#include "common/err.h"
#include "fcgi-api/api.h"
#include "fcgi-api/refresher.h"

/* Reads the database once and answers the request of the environment on
 * standard output. False: standard output can't be written, or no random
 * numbers. A database that can't be read is no failure: the backup then. */
NODISCARD bool cgi_answer(struct api *api, struct refresher *refresher,
			  struct err *err);

#endif
