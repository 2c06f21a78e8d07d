// Echo: a number of messages in flight on each connection, for a while.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

enum { BUFFER = 1 << 18, EVENTS = 512, STALL_MS = 10000, DRAIN_MS = 2000 };

static struct tape tape_standalone, tape_context;
static struct histogram latencies;
static uint64_t messages;
static bool counting, draining;
static int outstanding, poller;

static const struct tape *tape_of(const struct connection *c) { return c->client_context ? &tape_context : &tape_standalone; }

static int frame_after(const struct tape *tape, int frame) { return frame + 1 < tape->count ? frame + 1 : tape->lap; }

// With context the second lap's messages are the first's, so the count of messages alone says which comes back.
static const struct message *expected_echo(struct connection *c, void *state) {
    (void)state;
    if (options.raw) return NULL;
    const struct tape *tape = tape_of(c);
    int distinct = tape->count - tape->lap;
    return &tape->messages[c->received % (uint64_t)distinct];
}

static void want_writable(struct connection *c, bool wanted) {
    if (c->writable_wanted == wanted) return;
    struct epoll_event event = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event) != 0) fail_errno("epoll_ctl");
    c->writable_wanted = wanted;
}

// As many of the frames to send as lie in one piece of the tape, each time.
static void send_pending(struct connection *c) {
    const struct tape *tape = tape_of(c);
    while (c->to_send > 0) {
        int first = c->next_frame, last = first;
        for (int more = c->to_send - 1; more > 0 && last + 1 < tape->count; more--) last++;
        size_t start = tape->messages[first].start + c->frame_offset, end = tape->messages[last].end;
        if (end - start > BUFFER * 4) end = start + BUFFER * 4;
        long n = connection_write(c, tape->bytes + start, end - start);
        if (n < 0) return want_writable(c, true);
        for (size_t at = start + (size_t)n; c->to_send > 0;) {
            const struct message *m = &tape->messages[c->next_frame];
            if (at < m->end) {
                c->frame_offset = at - m->start;
                break;
            }
            bool more = at > m->end;
            c->frame_offset = 0;
            c->next_frame = frame_after(tape, c->next_frame);
            c->to_send--;
            if (!more) break;
        }
    }
    want_writable(c, false);
}

static void queue_message(struct connection *c, nanos at) {
    c->sent_at[(c->ring_at + c->outstanding) % options.depth] = at;
    c->outstanding++;
    outstanding++;
    c->to_send++;
}

static void echoed(struct connection *c, nanos at, void *state) {
    (void)state;
    if (c->outstanding == 0) fail("a message came that nobody sent");
    nanos sent = c->sent_at[c->ring_at];
    c->ring_at = (c->ring_at + 1) % options.depth;
    c->outstanding--;
    outstanding--;
    if (counting) {
        messages++;
        histogram_add(&latencies, at - sent);
    }
    if (!draining) queue_message(c, at);
}

// A bare server returns a number of bytes for each message, and nothing to parse.
static void count_raw(struct connection *c, size_t length, nanos at) {
    const size_t whole = frame_size(options.size, false);
    if (counting) payload_bytes_received += length;
    c->message_have += length;
    while (c->message_have >= whole) {
        c->message_have -= whole;
        echoed(c, at, NULL);
    }
}

static void receive(struct connection *c) {
    static uint8_t buffer[BUFFER];
    for (;;) {
        long n = connection_read(c, buffer, sizeof buffer);
        if (n < 0) break;
        if (n == 0) fail("the server hung up on connection %u", c->slot);
        nanos at = now();
        if (options.raw) count_raw(c, (size_t)n, at);
        else parse(c, buffer, (size_t)n, at, expected_echo, echoed, NULL);
        if (c->tls == NULL && (size_t)n < sizeof buffer) break;
    }
    send_pending(c);
}

static bool turn(void) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, 20);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) send_pending(c);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
    }
    return n > 0;
}

static void run_until(nanos end) {
    nanos alive = now();
    for (nanos at = alive; at < end; at = now()) {
        if (turn()) alive = at;
        else if (at - alive > (nanos)STALL_MS * 1000000u) fail("nothing came back for %d s", STALL_MS / 1000);
    }
}

void run_echo(void) {
    tape_standalone = tape_echo(options.deflate != DEFLATE_NONE, false);
    if (options.deflate == DEFLATE_CONTEXT) tape_context = tape_echo(true, true);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct connection *connections = calloc((size_t)options.connections, sizeof *connections);
    if (connections == NULL) fail("out of memory");
    for (int i = 0; i < options.connections; i++) {
        dial(&connections[i], (unsigned)i, options.path);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) fail_errno("epoll_ctl");
    }
    for (int i = 0; i < options.connections; i++) {
        for (int d = 0; d < options.depth; d++) queue_message(&connections[i], now());
        send_pending(&connections[i]);
    }
    run_until(now() + (nanos)options.warm_ms * 1000000u);

    counting = true;
    payload_bytes_received = 0;
    struct cpu before = cpu_now();
    nanos begin = now();
    run_until(begin + (nanos)options.window_ms * 1000000u);
    nanos limit = now() + (nanos)STALL_MS * 1000000u;
    while (messages == 0 && now() < limit) turn(); // a short window on a busy machine
    struct cpu after = cpu_now();
    double seconds = (double)(now() - begin) / 1e9;
    counting = false;
    if (messages == 0) fail("not one message came back");
    printf("{\"mode\":\"echo\",\"count\":%llu,\"seconds\":%.6f,\"server_cpu\":%.6f,\"load_cpu\":%.6f,\"p50_us\":%.1f,"
           "\"p99_us\":%.1f,\"p999_us\":%.1f,\"bytes_back\":%.1f}\n",
        (unsigned long long)messages, seconds, after.server - before.server, after.load - before.load,
        (double)histogram_at(&latencies, 0.5) / 1e3, (double)histogram_at(&latencies, 0.99) / 1e3,
        (double)histogram_at(&latencies, 0.999) / 1e3, (double)payload_bytes_received / (double)messages);
    fflush(stdout);

    draining = true;
    limit = now() + (nanos)DRAIN_MS * 1000000u;
    while (outstanding > 0 && now() < limit) turn();
    close_politely(connections, options.connections);
}
