// Idle connections: opened, held, and used once when asked.
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 10000 };

static const struct message *expected_idle(struct connection *c, void *state) {
    (void)c;
    return &((struct tape *)state)->messages[0];
}

static void ignore(struct connection *c, nanos at, void *state) {
    (void)c, (void)at, (void)state;
}

// One message there and back on a connection, whatever its size.
static void exchange(struct connection *c, struct tape *tape) {
    uint8_t bytes[65536];
    const struct message *m = &tape->messages[0];
    uint64_t before = c->received;
    size_t raw_left = frame_size(options.size, false);
    nanos limit = now() + (nanos)ANSWER_MS * 1000000u;
    write_all(c, tape->bytes + m->start, m->end - m->start);
    c->received = 0;
    while (c->received == 0) {
        long n = connection_read(c, bytes, sizeof bytes);
        if (n == 0) fail("the server closed an idle connection");
        if (n < 0) {
            if (now() > limit) fail("no answer on an idle connection");
            usleep(20);
        } else if (options.raw) {
            raw_left -= (size_t)n < raw_left ? (size_t)n : raw_left;
            if (raw_left == 0) c->received = 1;
        } else {
            parse(c, bytes, (size_t)n, 0, expected_idle, ignore, tape);
        }
    }
    c->received += before;
}

// Opens, tells so, and does what is asked on stdin: `message` exchanges one on each, anything else is the end.
void run_idle(void) {
    struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
    struct tape tape = tape_echo(false, false);
    char line[64];
    if (connections == NULL) fail("out of memory");
    options.depth = 0; // no ring of times
    struct cpu before = cpu_now();
    nanos begin = now();
    for (int i = 0; i < options.connections; i++) dial(&connections[i], (unsigned)i, options.path);
    struct cpu after = cpu_now();
    printf("{\"mode\":\"idle\",\"count\":%d,\"seconds\":%.6f,\"server_cpu\":%.6f,\"load_cpu\":%.6f}\n", options.connections,
        (double)(now() - begin) / 1e9, after.server - before.server, after.load - before.load);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "message\n") == 0) {
        for (int i = 0; i < options.connections; i++) exchange(&connections[i], &tape);
        printf("{\"mode\":\"used\",\"count\":%d}\n", options.connections);
        fflush(stdout);
    }
    close_politely(connections, options.connections);
}
