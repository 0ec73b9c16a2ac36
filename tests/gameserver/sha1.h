/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 (RFC 3174) of a short text, for the WebSocket handshake, which
 * protects nothing by it. libcrypto would add 3.5 MB to each of the hundreds of
 * gameservers that tests run.
 */
#ifndef GSM_GAMESERVER_SHA1_H
#define GSM_GAMESERVER_SHA1_H

#include <stddef.h>

enum {
	SHA1_SIZE = 20,
	SHA1_TEXT_MAX = 119, /* two blocks, with the padding */
};

/* `size` is at most SHA1_TEXT_MAX. */
void sha1(const char *text, size_t size, unsigned char digest[SHA1_SIZE]);

#endif
