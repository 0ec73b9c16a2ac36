/* SPDX-License-Identifier: MIT */
/* The handlers of route.c's table. Each fills x->answer. */
#ifndef GSM_FCGI_API_HANDLERS_H
#define GSM_FCGI_API_HANDLERS_H

struct exchange;

/* public.c: for players. */
void handle_available(struct exchange *x);
void handle_list(struct exchange *x);
void handle_healthz(struct exchange *x);
void handle_unknown(struct exchange *x);

/* operators.c */
void handle_readyz(struct exchange *x);
void handle_metrics(struct exchange *x);
void handle_status(struct exchange *x);

#endif
