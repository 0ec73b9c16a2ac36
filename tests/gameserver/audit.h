/* SPDX-License-Identifier: MIT */
/*
 * A gameserver's own testimony. With GAMESERVER_LOG=DIR each appends its
 * lines to DIR/<port>-<pid>.log, so that a test can prove afterwards how many
 * were started and that none was ended with players inside.
 */
#ifndef GSM_GAMESERVER_AUDIT_H
#define GSM_GAMESERVER_AUDIT_H

#include <stdint.h>

/* "started pid=... port=... operation=..." */
void audit_started(int port);
/* "terminating connections=... pid=... port=...", on stderr too. */
void audit_terminating(int port, int64_t connections);

#endif
