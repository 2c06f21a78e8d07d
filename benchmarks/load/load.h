// A WebSocket load generator for one core: what its parts share. README.md beside it tells how it is used.
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

typedef struct ssl_st SSL;

enum deflate { DEFLATE_NONE, DEFLATE_FRESH, DEFLATE_CONTEXT };
enum { MAX_WATCHED = 32, MAX_FILES = 20000, ACCEPT_LENGTH = 28, KEYS = 16 };

struct options {
    const char *mode, *path, *idle_path;
    int port, connections, depth, idle, from, to;
    size_t size;
    bool text, tls, raw;
    enum deflate deflate;
    int warm_ms, window_ms;
    int watched[MAX_WATCHED], watched_count, beside[MAX_WATCHED], beside_count;
};
extern struct options options;

// clock.c: time, CPU, histogram
typedef uint64_t nanos; // of the monotonic clock
nanos now(void);
struct cpu { double server, load; }; // seconds spent so far, by --watch, and by this process and --beside
struct cpu cpu_now(void);

struct histogram { uint64_t counts[64 * 64], total; nanos largest; };
void histogram_add(struct histogram *h, nanos value);
nanos histogram_at(const struct histogram *h, double share);

noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void fail_errno(const char *what);

// message.c: the messages that are sent, framed once before the run
struct message { uint8_t *payload; size_t length; size_t start, end; }; // [start, end) of its frame on the tape
struct tape { uint8_t *bytes; size_t length; struct message *messages; int count, lap; }; // lap: where the cycle begins
struct tape tape_echo(bool deflated, bool context); // frames in the order in which each connection sends them
size_t frame_write(uint8_t *to, uint8_t first, const uint8_t *payload, size_t length, uint32_t key);
size_t frame_size(size_t length, bool masked);
void sequence_write(uint8_t *payload, uint32_t sequence); // eight hexadecimal digits, so that text stays text
bool sequence_read(const uint8_t *payload, size_t length, uint32_t *sequence);
void payload_fill(uint8_t *payload, size_t length, int index);

// dial.c: an open connection after its handshake
struct connection {
    int fd;
    SSL *tls;
    bool deflated, server_context, client_context, writable_wanted, closed;
    // the frame under way
    uint8_t header[14];
    int header_have, header_need;
    uint64_t frame_left;
    bool fin, control, in_message, compressed;
    uint8_t opcode;
    size_t message_have; // bytes of the message so far (as on the wire)
    uint8_t *gathered;   // a compressed message
    size_t gathered_size;
    void *inflater;      // a z_stream, when the server keeps its context
    uint8_t beginning[8]; // of the message's payload
    uint64_t received;   // messages
    // what is still to send
    int to_send, next_frame;
    size_t frame_offset;
    int sending, outstanding, ring_at;
    nanos *sent_at;      // a ring of options.depth
    uint32_t slot;
};

void resources_prepare(void);
int socket_open(unsigned slot, bool blocking); // connecting to the server, from an address of its own for each 64 slots
void dial(struct connection *c, unsigned slot, const char *path);
size_t request_write(char *to, size_t room, const char *path, int key);
// 1: the whole response is there and right (*size is its length); 0: more must come. Fails on anything else.
int response_check(const char *head, size_t length, int key, size_t *size, struct connection *c);
void hello_write(uint8_t to[12], bool room);
enum { HELLO = 12 };
long connection_read(struct connection *c, void *to, size_t room);          // 0 at the end, -1: nothing now
long connection_write(struct connection *c, const void *from, size_t length); // -1: nothing taken now
void write_all(struct connection *c, const void *from, size_t length);      // blocking
void connection_close(struct connection *c);
void close_politely(struct connection *connections, int count); // the closing handshake, in bounded time

// parse.c: what comes back
typedef void (*on_message)(struct connection *c, nanos at, void *state);
typedef const struct message *(*expected)(struct connection *c, void *state);
void parse(struct connection *c, const uint8_t *bytes, size_t length, nanos at, expected expect, on_message done, void *state);
extern uint64_t payload_bytes_received; // as on the wire

// the modes
void run_echo(void);
void run_fanout(void);
void run_capacity(void);
void run_idle(void);
void run_handshakes(void);

#endif
