// What the server sends: frames (in fragments, too), checked against what was sent.
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ALWAYS_COMPARED = 1024, COMPARED_EVERY = 16, ROOM = 1 << 21 };

uint64_t payload_bytes_received;
static uint8_t *inflated; // one message; the process has one thread

static z_stream *inflater_new(void) {
    z_stream *z = calloc(1, sizeof *z);
    if (z == NULL || inflateInit2(z, -15) != Z_OK) fail("zlib did not start");
    return z;
}

// RFC 7692 §7.2.2: the empty block's end goes behind the message.
static void check_compressed(struct connection *c, const struct message *sent) {
    static z_stream *shared;
    z_stream *z;
    if (c->server_context) {
        if (c->inflater == NULL) c->inflater = inflater_new();
        z = c->inflater;
    } else {
        if (c->received % COMPARED_EVERY != 0) return; // any message can be looked at alone
        if (shared == NULL) shared = inflater_new();
        z = shared;
        inflateReset(z);
    }
    if (inflated == NULL && (inflated = malloc(ROOM)) == NULL) fail("out of memory");
    memcpy(c->gathered + c->message_have, "\x00\x00\xff\xff", 4);
    z->next_in = c->gathered;
    z->avail_in = (unsigned)c->message_have + 4;
    z->next_out = inflated;
    z->avail_out = ROOM;
    int result = inflate(z, Z_SYNC_FLUSH);
    if ((result != Z_OK && result != Z_BUF_ERROR) || z->avail_in != 0) fail("a compressed message does not inflate");
    if (ROOM - z->avail_out != sent->length || memcmp(inflated, sent->payload, sent->length) != 0)
        fail("a compressed message inflates to something else than was sent");
}

static void gather(struct connection *c, const uint8_t *bytes, size_t length) {
    size_t need = c->message_have + length + 4;
    if (need > ROOM) fail("a compressed message is longer than %d bytes", ROOM);
    if (need > c->gathered_size) {
        c->gathered_size = need * 2 > 4096 ? need * 2 : 4096;
        c->gathered = realloc(c->gathered, c->gathered_size);
        if (c->gathered == NULL) fail("out of memory");
    }
    memcpy(c->gathered + c->message_have, bytes, length);
}

static void take_payload(struct connection *c, const uint8_t *bytes, size_t length, const struct message *sent) {
    if (c->control) return;
    payload_bytes_received += length;
    if (c->compressed) {
        gather(c, bytes, length);
    } else {
        if (sent != NULL) {
            if (c->message_have + length > sent->length) fail("a message is longer than the one that was sent");
            if ((sent->length <= ALWAYS_COMPARED || c->received % COMPARED_EVERY == 0) &&
                memcmp(bytes, sent->payload + c->message_have, length) != 0)
                fail("a message came back changed");
        }
        for (size_t i = 0; i < length && c->message_have + i < sizeof c->beginning; i++)
            c->beginning[c->message_have + i] = bytes[i];
    }
    c->message_have += length;
}

static void begin_frame(struct connection *c) {
    const uint8_t *h = c->header;
    uint64_t length = h[1] & 0x7f;
    if (length == 126) length = (uint64_t)h[2] << 8 | h[3];
    else if (length == 127) {
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | h[i];
    }
    c->frame_left = length;
    c->fin = (h[0] & 0x80) != 0;
    uint8_t opcode = h[0] & 0x0f;
    c->control = opcode >= 8;
    if (opcode == 8) fail("the server closed the connection");
    if (c->control) return; // a ping or pong: neither counted nor answered, the run is shorter than any patience
    if ((opcode == 0) != c->in_message) fail("a continuation frame in the wrong place");
    if (opcode != 0) {
        if (opcode != (options.text ? 1 : 2)) fail("a message with opcode %d came back", opcode);
        c->compressed = (h[0] & 0x40) != 0;
        if (c->compressed && !c->deflated) fail("a compressed message without an agreement");
        c->in_message = true;
        c->message_have = 0;
    }
}

void parse(struct connection *c, const uint8_t *bytes, size_t length, nanos at, expected expect, on_message done, void *state) {
    while (length > 0) {
        if (c->header_have < c->header_need) {
            c->header[c->header_have++] = *bytes++;
            length--;
            if (c->header_have == 2) {
                if (c->header[1] & 0x80) fail("the server masked a frame");
                c->header_need = (c->header[1] & 0x7f) == 126 ? 4 : (c->header[1] & 0x7f) == 127 ? 10 : 2;
            }
            if (c->header_have < c->header_need) continue;
            begin_frame(c);
        }
        size_t take = c->frame_left < length ? (size_t)c->frame_left : length;
        const struct message *sent = c->control ? NULL : expect(c, state);
        if (take > 0) take_payload(c, bytes, take, sent);
        bytes += take;
        length -= take;
        c->frame_left -= take;
        if (c->frame_left > 0) return;
        c->header_have = 0;
        c->header_need = 2;
        if (c->control || !c->fin) continue;
        c->in_message = false;
        if (sent != NULL && c->compressed) check_compressed(c, sent);
        else if (sent != NULL && c->message_have != sent->length) fail("a message came back shorter than it was sent");
        done(c, at, state);
        c->received++;
    }
}
