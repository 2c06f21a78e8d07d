// The floor: what TCP itself costs, without HTTP and without WebSocket. One thread, epoll, blocking nothing.
//
//   floor            prints `listening PORT`, ends with stdin
//
// A connection begins with twelve bytes: `echo` or `room`, then (little-endian, 32 bits) how many bytes a message
// has on its way in and on its way out. They come back as they are. From then on
//   echo: for each message of `in` bytes read, `out` bytes are written (at most `in`): one read, one write, the bytes
//         taken from what was just read. `in` is the size of a client's frame and `out` of a server's, so the socket
//         carries the same number of bytes as with WebSocket, and nothing is parsed, unmasked or copied.
//   room: for each `in` bytes read from one connection, `out` bytes are written to every other connection of the
//         room, each with one call of write. What the kernel does not take waits, bounded by LIMIT; then it is cut.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES = 20000, BUFFER = 1 << 18, EVENTS = 512, HELLO = 12, LIMIT = 1 << 24, MESSAGE_LIMIT = 1 << 25 };

struct connection {
    int fd, room_index; // -1: in no room
    uint32_t in, out, read_of_message, have_hello;
    uint64_t owed; // bytes that the kernel did not take yet
    bool writable_wanted, half_closed;
    uint8_t hello[HELLO];
};

static struct connection *connections[FILES + 1], *room[FILES];
static int room_count, poller;
static uint8_t buffer[BUFFER], owed_bytes[BUFFER];

static void stop(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct connection *c, bool writable) {
    if (c->writable_wanted == writable) return;
    c->writable_wanted = writable;
    // With bytes owed it reads nothing more: backpressure, as a server has it.
    struct epoll_event event = {.events = writable ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void drop(struct connection *c) {
    if (c->room_index >= 0) {
        room[c->room_index] = room[--room_count];
        room[c->room_index]->room_index = c->room_index;
        c->room_index = -1;
    }
    if (c->fd >= 0) {
        connections[c->fd] = NULL;
        close(c->fd);
    }
    c->fd = -1; // freed by the caller, who may still look at it
}

static void send_bytes(struct connection *c, const uint8_t *bytes, size_t length) {
    ssize_t n = c->owed > 0 ? 0 : send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (n < 0) n = 0; // full, or gone: the next read tells which
    if ((size_t)n == length) return;
    c->owed += length - (size_t)n;
    watch(c, true);
}

// How many bytes out belong to so many bytes in.
static uint64_t out_of(const struct connection *c, uint64_t in) {
    uint64_t rest = in % c->in;
    return in / c->in * c->out + (rest < c->out ? rest : c->out);
}

static void publish(struct connection *from, uint64_t messages) {
    for (; messages > 0; messages--)
        for (int i = 0; i < room_count; i++) {
            struct connection *c = room[i];
            if (c == from) continue;
            if (c->owed < LIMIT) send_bytes(c, buffer, from->out);
            else shutdown(c->fd, SHUT_RDWR);
        }
}

static bool greet(struct connection *c, size_t *taken, size_t length) {
    while (c->have_hello < HELLO && *taken < length) c->hello[c->have_hello++] = buffer[(*taken)++];
    if (c->have_hello < HELLO) return true;
    memcpy(&c->in, c->hello + 4, 4);
    memcpy(&c->out, c->hello + 8, 4);
    bool is_room = memcmp(c->hello, "room", 4) == 0;
    if ((!is_room && memcmp(c->hello, "echo", 4) != 0) || c->in == 0 || c->out > c->in || c->in > MESSAGE_LIMIT) return false;
    if (is_room) {
        if (c->out > BUFFER) return false;
        c->room_index = room_count;
        room[room_count++] = c;
    }
    send_bytes(c, c->hello, HELLO);
    return true;
}

// False: the connection has ended.
static bool readable(struct connection *c) {
    ssize_t n = read(c->fd, buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) return false;
    size_t taken = 0;
    if (c->have_hello < HELLO) {
        if (!greet(c, &taken, (size_t)n)) return false;
        if (taken == (size_t)n) return true;
    }
    uint64_t before = c->read_of_message, after = before + ((size_t)n - taken);
    c->read_of_message = (uint32_t)(after % c->in);
    if (c->room_index >= 0) publish(c, after / c->in);
    else send_bytes(c, buffer + taken, out_of(c, after) - out_of(c, before));
    return true;
}

static bool writable(struct connection *c) {
    while (c->owed > 0) {
        ssize_t n = send(c->fd, owed_bytes, c->owed < sizeof owed_bytes ? c->owed : sizeof owed_bytes, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        c->owed -= (uint64_t)n;
    }
    watch(c, false);
    return true;
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0) return;
        struct connection *c = fd < FILES ? calloc(1, sizeof *c) : NULL;
        if (c == NULL) {
            close(fd);
            continue;
        }
        c->fd = fd;
        c->room_index = -1;
        connections[fd] = c;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) stop("epoll_ctl");
    }
}

int main(void) {
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 4096) != 0) stop("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event on_accept = {.events = EPOLLIN, .data.ptr = &on_accept}, on_stdin = {.events = EPOLLIN, .data.ptr = &on_stdin};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &on_accept);
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &on_stdin); // not when it is a file: then only a signal ends it
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if ((void *)c == &on_accept) {
                accept_all(listener);
            } else if ((void *)c == &on_stdin) {
                if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
            } else {
                bool alive = events[i].events & (EPOLLERR | EPOLLHUP) ? false : events[i].events & EPOLLOUT ? writable(c) : readable(c);
                if (alive) continue;
                drop(c);
                free(c);
            }
        }
    }
}
