// Handshakes: connections opened and closed as fast as they go.
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 32, ADDRESSES = 200, SLOT_MS = 10000, HEAD = 8192 };

struct slot {
    struct connection c;
    char head[HEAD];
    size_t have, sent;
    nanos since;
    enum { CONNECTING, HANDSHAKE, CLOSING } state;
    unsigned key;
};

static uint64_t opened;
static bool counting;
static struct histogram durations;

static void slot_begin(struct slot *s, int poller) {
    static unsigned counter;
    unsigned number = counter++;
    // Each attempt from the next of the addresses, so that ports in TIME_WAIT do not stop the run.
    s->c = (struct connection){.fd = socket_open((1 + number % ADDRESSES) * 64, false)};
    s->key = number;
    s->have = 0;
    s->state = CONNECTING;
    s->since = now();
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = s};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, s->c.fd, &event) != 0) fail_errno("epoll_ctl");
}

static void slot_send(struct slot *s, const void *bytes, size_t length) {
    if (send(s->c.fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) fail_errno("sending a handshake");
}

static void slot_connected(struct slot *s, int poller) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(s->c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) fail("connect: %s", strerror(error));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, s->c.fd, &event) != 0) fail_errno("epoll_ctl");
    if (options.raw) {
        uint8_t hello[HELLO];
        hello_write(hello, false);
        slot_send(s, hello, HELLO);
    } else {
        char request[1024];
        slot_send(s, request, request_write(request, sizeof request, options.path, (int)(s->key % KEYS)));
    }
    s->state = HANDSHAKE;
}

// False: the connection has ended, as it should.
static bool slot_readable(struct slot *s) {
    static const uint8_t close_frame[8] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
    ssize_t n = read(s->c.fd, s->head + s->have, sizeof s->head - s->have);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (s->state == CLOSING) {
        if (n > 0) s->have = 0; // the close frame; the end of the stream is what counts
        return n > 0;
    }
    if (n <= 0) fail("the server hung up during a handshake");
    s->have += (size_t)n;
    size_t size = HELLO;
    if (options.raw ? s->have < HELLO : !response_check(s->head, s->have, (int)(s->key % KEYS), &size, &s->c)) return true;
    if (counting) {
        opened++;
        histogram_add(&durations, now() - s->since);
    }
    s->have = 0;
    s->state = CLOSING;
    if (options.raw) shutdown(s->c.fd, SHUT_WR);
    else slot_send(s, close_frame, sizeof close_frame);
    return true;
}

static void run_until(struct slot *slots, int poller, nanos end) {
    struct epoll_event events[SLOTS];
    for (nanos at = now(); at < end; at = now()) {
        int n = epoll_wait(poller, events, SLOTS, 20);
        for (int i = 0; i < n; i++) {
            struct slot *s = events[i].data.ptr;
            if (s->state == CONNECTING) {
                slot_connected(s, poller);
            } else if (!slot_readable(s)) {
                close(s->c.fd);
                slot_begin(s, poller);
            }
        }
        for (int i = 0; i < SLOTS; i++)
            if (at > slots[i].since && at - slots[i].since > (nanos)SLOT_MS * 1000000u)
                fail(slots[i].state == CLOSING ? "a connection was not closed for %d s" : "a handshake took more than %d s", SLOT_MS / 1000);
    }
}

void run_handshakes(void) {
    struct slot *slots = calloc(SLOTS, sizeof *slots);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (slots == NULL) fail("out of memory");
    for (int i = 0; i < SLOTS; i++) slot_begin(&slots[i], poller);
    run_until(slots, poller, now() + (nanos)options.warm_ms * 1000000u);
    counting = true;
    struct cpu before = cpu_now();
    nanos begin = now();
    run_until(slots, poller, begin + (nanos)options.window_ms * 1000000u);
    while (opened == 0) run_until(slots, poller, now() + 1000000u); // a short window on a busy machine
    struct cpu after = cpu_now();
    double seconds = (double)(now() - begin) / 1e9;
    printf("{\"mode\":\"handshakes\",\"count\":%llu,\"seconds\":%.6f,\"server_cpu\":%.6f,\"load_cpu\":%.6f,\"p50_us\":%.1f,"
           "\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
        (unsigned long long)opened, seconds, after.server - before.server, after.load - before.load,
        (double)histogram_at(&durations, 0.5) / 1e3, (double)histogram_at(&durations, 0.99) / 1e3, (double)histogram_at(&durations, 0.999) / 1e3);
}
