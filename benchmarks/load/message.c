// The messages that are sent: made, masked and, when asked, compressed once before the run.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t random_state = 0x2545F491;

static uint32_t random_next(void) { // xorshift: the same messages in each run
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

size_t frame_size(size_t length, bool masked) {
    return 2 + (length < 126 ? 0 : length < 65536 ? 2 : 8) + (masked ? 4 : 0) + length;
}

size_t frame_write(uint8_t *to, uint8_t first, const uint8_t *payload, size_t length, uint32_t key) {
    size_t at = 0;
    to[at++] = first;
    int extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
    to[at++] = 0x80 | (uint8_t)(extended == 0 ? length : extended == 2 ? 126 : 127);
    for (int i = extended - 1; i >= 0; i--) to[at++] = (uint8_t)((uint64_t)length >> (8 * i));
    uint8_t mask[4];
    memcpy(mask, &key, 4);
    memcpy(to + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++) to[at + i] = payload[i] ^ mask[i & 3];
    return at + length;
}

void sequence_write(uint8_t *payload, uint32_t sequence) {
    for (int i = 7; i >= 0; i--, sequence >>= 4) payload[i] = (uint8_t)"0123456789abcdef"[sequence & 15];
}

bool sequence_read(const uint8_t *payload, size_t length, uint32_t *sequence) {
    *sequence = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i >= length) return false;
        const char *digit = memchr("0123456789abcdef", payload[i], 16);
        if (digit == NULL) return false;
        *sequence = *sequence << 4 | (uint32_t)(digit - "0123456789abcdef");
    }
    return true;
}

void payload_fill(uint8_t *payload, size_t length, int index) {
    for (size_t i = 0; i < length; i++)
        payload[i] = options.text ? (uint8_t)('a' + (i + (size_t)index) % 26) : (uint8_t)(random_next() >> 11);
}

// Records as an API would send them: keys that come again, values that do not.
static void json_fill(uint8_t *payload, size_t length, int index) {
    char text[512];
    size_t at = 0;
    for (int record = 0; at < length; record++) {
        int n = snprintf(text, sizeof text,
            "%s{\"id\":%u,\"time\":\"2025-03-%02uT%02u:%02u:%02u.%03uZ\",\"sensor\":\"room-%u\",\"temperature\":%u.%02u,"
            "\"humidity\":%u,\"open\":%s,\"note\":\"%08x\"}",
            record == 0 ? "[" : ",", random_next() % 1000000, 1 + random_next() % 28, random_next() % 24, random_next() % 60,
            random_next() % 60, random_next() % 1000, (unsigned)(index * 7 + record) % 40, 15 + random_next() % 15,
            random_next() % 100, 20 + random_next() % 60, random_next() % 2 ? "true" : "false", random_next());
        size_t take = (size_t)n < length - at ? (size_t)n : length - at;
        memcpy(payload + at, text, take);
        at += take;
    }
    payload[length - 1] = ']';
}

// One message of permessage-deflate: flushed, without the empty block's four bytes (RFC 7692 §7.2.1).
static size_t compress_one(z_stream *z, const uint8_t *from, size_t length, uint8_t *to, size_t room) {
    z->next_in = (uint8_t *)from;
    z->avail_in = (unsigned)length;
    z->next_out = to;
    z->avail_out = (unsigned)room;
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in != 0 || z->avail_out == 0) fail("zlib did not compress a message");
    return room - z->avail_out - 4;
}

static int count_for(size_t size) {
    // Enough different messages that a window of 32 KiB never sees the same one again, within a bounded memory.
    if (options.deflate != DEFLATE_NONE) return (int)(65536 / (size < 512 ? 512 : size)) + 2;
    return size <= 4096 ? 64 : size <= 65536 ? 8 : 2;
}

struct tape tape_echo(bool deflated, bool context) {
    int distinct = count_for(options.size);
    // With context the second lap refers to the first, and every later one is the same bytes as the second.
    int laps = deflated && context ? 2 : 1;
    struct tape tape = {.count = distinct * laps, .lap = distinct * (laps - 1)};
    size_t room = frame_size(options.size, true) + 512;
    tape.messages = calloc((size_t)tape.count, sizeof *tape.messages);
    tape.bytes = malloc((size_t)tape.count * room);
    uint8_t *packed = malloc(options.size + 512);
    if (tape.messages == NULL || tape.bytes == NULL || packed == NULL) fail("out of memory");
    z_stream z = {0};
    if (deflated && deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) fail("zlib did not start");
    for (int i = 0; i < tape.count; i++) {
        struct message *m = &tape.messages[i];
        m->length = options.size;
        if (i < distinct) {
            m->payload = malloc(options.size + 1);
            if (m->payload == NULL) fail("out of memory");
            if (options.deflate != DEFLATE_NONE && options.size > 0) json_fill(m->payload, options.size, i);
            else payload_fill(m->payload, options.size, i);
        } else {
            m->payload = tape.messages[i - distinct].payload;
        }
        uint8_t first = 0x80 | (options.text ? 1 : 2);
        m->start = tape.length;
        if (deflated) {
            if (!context) deflateReset(&z);
            size_t length = compress_one(&z, m->payload, m->length, packed, options.size + 512);
            tape.length += frame_write(tape.bytes + tape.length, first | 0x40, packed, length, random_next());
        } else {
            tape.length += frame_write(tape.bytes + tape.length, first, m->payload, m->length, random_next());
        }
        m->end = tape.length;
    }
    if (deflated) deflateEnd(&z);
    free(packed);
    return tape;
}
