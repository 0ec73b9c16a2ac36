/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/websocket.h"

#include <stdint.h>
#include <string.h>

#include "tests/gameserver/sha1.h"

static void
base64_write(const unsigned char *data, size_t size, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < size; at += 3) {
		uint32_t bits = (uint32_t)data[at] << 16;
		if (at + 1 < size)
			bits |= (uint32_t)data[at + 1] << 8;
		if (at + 2 < size)
			bits |= data[at + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = at + 1 < size ? digits[bits >> 6 & 63] : '=';
		*out++ = at + 2 < size ? digits[bits & 63] : '=';
	}
	*out = '\0';
}

void
ws_accept_key(const char key[WS_KEY_SIZE], char accept[WS_ACCEPT_SIZE])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[WS_KEY_SIZE + sizeof(magic)];
	unsigned char digest[SHA1_SIZE];

	memcpy(text, key, WS_KEY_SIZE);
	memcpy(text + WS_KEY_SIZE, magic, sizeof(magic));
	sha1(text, sizeof(text) - 1, digest);
	base64_write(digest, sizeof(digest), accept);
}

static bool
opcode_is_known(int opcode)
{
	return (opcode >= WS_CONTINUATION && opcode <= WS_BINARY) ||
	       (opcode >= WS_CLOSE && opcode <= WS_PONG);
}

enum ws_parse
ws_frame_parse(const unsigned char *data, size_t size, struct ws_frame *frame)
{
	if (size < 2)
		return WS_PARSE_MORE;
	bool control = (data[0] & 0x08) != 0;
	if ((data[0] & 0x70) != 0 || (data[1] & 0x80) == 0 ||
	    !opcode_is_known(data[0] & 0x0f))
		return WS_PARSE_PROTOCOL;
	uint64_t payload = data[1] & 0x7f;
	if (control && ((data[0] & 0x80) == 0 || payload > WS_CONTROL_MAX))
		return WS_PARSE_PROTOCOL;
	size_t length = payload < 126 ? 0 : payload == 126 ? 2 : 8;
	if (size < 2 + length + sizeof(frame->mask))
		return WS_PARSE_MORE;
	if (length > 0)
		payload = 0;
	for (size_t i = 0; i < length; i++)
		payload = payload << 8 | data[2 + i];
	if (payload > WS_PAYLOAD_MAX)
		return WS_PARSE_TOO_LARGE;
	frame->fin = (data[0] & 0x80) != 0;
	frame->opcode = data[0] & 0x0f;
	frame->payload_size = (size_t)payload;
	memcpy(frame->mask, data + 2 + length, sizeof(frame->mask));
	frame->header_size = 2 + length + sizeof(frame->mask);
	return WS_PARSE_FRAME;
}

void
ws_unmask(unsigned char *payload, size_t size, const unsigned char mask[4])
{
	for (size_t i = 0; i < size; i++)
		payload[i] ^= mask[i % 4];
}

size_t
ws_header_write(unsigned char out[WS_SERVER_HEADER_MAX], bool fin,
		enum ws_opcode opcode, size_t payload_size)
{
	size_t length = payload_size < 126 ? 0 : payload_size < 65536 ? 2 : 8;

	out[0] = (unsigned char)((fin ? 0x80 : 0) | (int)opcode);
	out[1] = (unsigned char)(length == 0   ? payload_size
				 : length == 2 ? 126
					       : 127);
	for (size_t i = 0; i < length; i++)
		out[2 + i] = (unsigned char)((uint64_t)payload_size >>
					     8 * (length - 1 - i));
	return 2 + length;
}

bool
ws_close_is_valid(const unsigned char *payload, size_t size)
{
	if (size == 0)
		return true;
	if (size == 1)
		return false;
	int status = payload[0] << 8 | payload[1];
	return (status >= 1000 && status <= 1003) ||
	       (status >= 1007 && status <= 1011) ||
	       (status >= 3000 && status <= 4999);
}
