/* SPDX-License-Identifier: MIT */
/* The body of /available-gameserver-list/, made by the refresher. */
#ifndef GSM_FCGI_API_LIST_H
#define GSM_FCGI_API_LIST_H

#include "fcgi-api/seats.h"
#include "fcgi-api/text.h"

/* The good ones in the order of their slots, or the suspects if none is good.
 * The caller's; NULL: out of memory. */
struct text *list_make(const struct seats *s);

/* Frees a struct text; accepts NULL. */
void list_free(void *list);

#endif
