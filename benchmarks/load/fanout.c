// Fan-out: one publisher, many members of its room, and how long a broadcast takes to the last of them.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    BUFFER = 1 << 16, EVENTS = 512, PROBES = 40, PROBE_MS = 500, BROADCAST_MS = 20000, SEQUENCES = 1 << 16,
    LATE_MS = 500, INTERVAL_MS = 250, BROADCASTS = 10, IN_TIME_PERCENT = 95, FIRST = 1
};

static struct connection publisher, *members, *idlers;
static int member_count, member_room, poller;
static uint32_t sequence = FIRST - 1;
static uint8_t *payload, *frame;
static nanos published[SEQUENCES];
static int delivered[SEQUENCES];
static uint64_t deliveries, in_time;
static bool counting;
static struct histogram each, last;

static void add(struct connection *c, unsigned slot, const char *path) {
    dial(c, slot, path);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0) fail_errno("epoll_ctl");
}

static void publish(void) {
    sequence++;
    published[sequence % SEQUENCES] = now();
    delivered[sequence % SEQUENCES] = 0;
    sequence_write(payload, sequence);
    size_t length = frame_write(frame, 0x80 | (options.text ? 1 : 2), payload, options.size, 0x5bd1e995 * sequence);
    write_all(&publisher, frame, length);
}

static void delivered_to(nanos at, uint32_t number) {
    if (sequence - number >= SEQUENCES) fail("a message that was not published, or long ago");
    nanos took = at > published[number % SEQUENCES] ? at - published[number % SEQUENCES] : 0;
    delivered[number % SEQUENCES]++;
    if (!counting) return;
    deliveries++;
    if (took < (nanos)LATE_MS * 1000000u) in_time++;
    histogram_add(&each, took);
    if (delivered[number % SEQUENCES] == member_count) histogram_add(&last, took);
}

static void on_delivery(struct connection *c, nanos at, void *state) {
    uint32_t number;
    (void)state;
    if (c->message_have != options.size || !sequence_read(c->beginning, options.size, &number))
        fail("a member received %zu bytes that were not published", c->message_have);
    delivered_to(at, number);
}

static const struct message *nothing_expected(struct connection *c, void *state) {
    (void)c, (void)state;
    return NULL;
}

// On a bare connection there is nothing to read the sequence from: what comes first was published first.
static void on_raw(struct connection *c, size_t length, nanos at) {
    const size_t whole = frame_size(options.size, false);
    for (c->message_have += length; c->message_have >= whole; c->message_have -= whole)
        delivered_to(at, (uint32_t)(FIRST + c->received++));
}

static void turn(int timeout_ms) {
    static uint8_t buffer[BUFFER];
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        long got = connection_read(c, buffer, sizeof buffer);
        if (got == 0) fail("the server hung up on a member of the room");
        if (got < 0) continue;
        if (options.raw) on_raw(c, (size_t)got, now());
        else parse(c, buffer, (size_t)got, now(), nothing_expected, on_delivery, NULL);
    }
}

static bool complete(uint32_t number) { return delivered[number % SEQUENCES] >= member_count; }

static void wait_complete(int most_ms) {
    for (nanos limit = now() + (nanos)most_ms * 1000000u; !complete(sequence) && now() < limit;) turn(20);
}

// A member may not be in the room yet when it reads the 101: ask until a broadcast reaches all.
static void probe(void) {
    for (int i = 0; i < PROBES; i++) {
        publish();
        wait_complete(i == PROBES - 1 ? BROADCAST_MS : PROBE_MS);
        if (complete(sequence)) return;
    }
    fail("of %d members only %d get what is published", member_count, delivered[sequence % SEQUENCES]);
}

static void open_members(int count) {
    for (; member_count < count; member_count++) {
        add(&members[member_count], (unsigned)(1 + options.idle + member_count), options.path);
        members[member_count].received = sequence + 1 - FIRST; // only a bare connection counts from here
    }
}

static void close_members(int count) {
    if (count >= member_count) return;
    close_politely(members + count, member_count - count);
    member_count = count;
}

static void prepare(int most_members) {
    if (options.size < 8) fail("a broadcast needs eight bytes for its number");
    member_room = most_members;
    poller = epoll_create1(EPOLL_CLOEXEC);
    members = calloc((size_t)member_room, sizeof *members);
    idlers = calloc((size_t)options.idle + 1, sizeof *idlers);
    payload = malloc(options.size);
    frame = malloc(frame_size(options.size, true));
    if (members == NULL || idlers == NULL || payload == NULL || frame == NULL) fail("out of memory");
    options.depth = 0;
    payload_fill(payload, options.size, 0);
    for (int i = 0; i < options.idle; i++) dial(&idlers[i], (unsigned)(1 + i), options.idle_path);
    add(&publisher, 0, options.path);
}

static void finish(void) {
    close_politely(&publisher, 1);
    close_members(0);
    close_politely(idlers, options.idle);
}

static void broadcast_until(nanos end) {
    while (now() < end) {
        publish();
        wait_complete(BROADCAST_MS);
        if (!complete(sequence)) fail("a broadcast was not with all members after %d s", BROADCAST_MS / 1000);
    }
}

// The next broadcast follows when the last member has the one before.
void run_fanout(void) {
    prepare(options.connections);
    open_members(options.connections);
    probe();
    broadcast_until(now() + (nanos)options.warm_ms * 1000000u);
    counting = true;
    struct cpu before = cpu_now();
    nanos begin = now();
    broadcast_until(begin + (nanos)options.window_ms * 1000000u);
    struct cpu after = cpu_now();
    double seconds = (double)(now() - begin) / 1e9;
    counting = false;
    printf("{\"mode\":\"fanout\",\"count\":%llu,\"seconds\":%.6f,\"server_cpu\":%.6f,\"load_cpu\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
           "\"p999_us\":%.1f,\"last_us\":%.1f}\n",
        (unsigned long long)deliveries, seconds, after.server - before.server, after.load - before.load, (double)histogram_at(&each, 0.5) / 1e3,
        (double)histogram_at(&each, 0.99) / 1e3, (double)histogram_at(&each, 0.999) / 1e3, (double)histogram_at(&last, 0.5) / 1e3);
    fflush(stdout);
    finish();
}

// Whether 95 % of the deliveries of four broadcasts a second come within half a second.
static bool holds(int count) {
    open_members(count);
    close_members(count);
    probe();
    deliveries = in_time = 0;
    memset(&each, 0, sizeof each);
    counting = true;
    uint32_t first = sequence + 1;
    nanos begin = now();
    for (int i = 0; i < BROADCASTS; i++) {
        publish();
        for (nanos next = begin + (nanos)(i + 1) * INTERVAL_MS * 1000000u, at = now(); at < next; at = now())
            turn((int)((next - at) / 1000000u) + 1);
    }
    for (nanos limit = now() + (nanos)LATE_MS * 1000000u; now() < limit && !complete(sequence);) turn(20);
    counting = false;
    bool good = in_time * 100 >= (uint64_t)IN_TIME_PERCENT * (uint64_t)count * (sequence + 1 - first);
    wait_complete(BROADCAST_MS); // what is late must not count in the next attempt
    return good;
}

// Doubles until it fails or there are no more files, then halves the gap a few times.
void run_capacity(void) {
    int good = 0, bad = 0;
    prepare(options.to);
    nanos begin = now();
    struct cpu before = cpu_now();
    for (int count = options.from < options.to ? options.from : options.to;;) {
        if (!holds(count)) {
            bad = count;
            break;
        }
        good = count;
        if (count == options.to) break;
        count = count > options.to / 2 ? options.to : count * 2;
    }
    for (int i = 0; i < 3 && bad > 0; i++) {
        int middle = (good + bad) / 2;
        if (middle == good) break;
        if (holds(middle)) good = middle;
        else bad = middle;
    }
    struct cpu after = cpu_now();
    printf("{\"mode\":\"capacity\",\"count\":%d,\"seconds\":%.3f,\"server_cpu\":%.6f,\"load_cpu\":%.6f,\"at_limit\":%s,\"p99_us\":%.1f}\n", good,
        (double)(now() - begin) / 1e9, after.server - before.server, after.load - before.load, bad == 0 ? "true" : "false",
        (double)histogram_at(&each, 0.99) / 1e3);
    fflush(stdout);
    finish();
}
