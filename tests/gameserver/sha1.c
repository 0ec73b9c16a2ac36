/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/sha1.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 64, ROUNDS = 80, WORDS = 5 };

static uint32_t
rotate(uint32_t word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t
mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (round < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
add_block(uint32_t state[WORDS], const unsigned char *block)
{
	uint32_t w[ROUNDS];
	uint32_t s[WORDS];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 |
		       (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < ROUNDS; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t next =
		    rotate(s[0], 5) + mix(i, s[1], s[2], s[3]) + s[4] + w[i];
		s[4] = s[3];
		s[3] = s[2];
		s[2] = rotate(s[1], 30);
		s[1] = s[0];
		s[0] = next;
	}
	for (int i = 0; i < WORDS; i++)
		state[i] += s[i];
}

void
sha1(const char *text, size_t size, unsigned char digest[SHA1_SIZE])
{
	uint32_t state[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
				 0xc3d2e1f0};
	unsigned char padded[2 * BLOCK] = {0};

	assert(size <= SHA1_TEXT_MAX);
	size_t total = size < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	memcpy(padded, text, size);
	padded[size] = 0x80;
	padded[total - 2] = (unsigned char)(size * 8 >> 8);
	padded[total - 1] = (unsigned char)(size * 8);
	for (size_t at = 0; at < total; at += BLOCK)
		add_block(state, padded + at);
	for (int i = 0; i < SHA1_SIZE; i++)
		digest[i] = (unsigned char)(state[i / 4] >> (24 - i % 4 * 8));
}
