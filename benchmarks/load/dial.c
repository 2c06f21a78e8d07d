// Connections: the socket, TLS, the opening and the closing handshake.
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCKING_SECONDS = 15, SLOTS_PER_ADDRESS = 64, CLOSE_MS = 3000 };

static SSL_CTX *tls_context;
static char keys[KEYS][25], accepts[KEYS][ACCEPT_LENGTH + 1];

void resources_prepare(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int i = 0; i < KEYS; i++) {
        uint8_t nonce[16], digest[SHA_DIGEST_LENGTH];
        char joined[64];
        for (int k = 0; k < 16; k++) nonce[k] = (uint8_t)(i * 31 + k * 17 + 5);
        EVP_EncodeBlock((unsigned char *)keys[i], nonce, sizeof nonce);
        int length = snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", keys[i]);
        SHA1((const unsigned char *)joined, (size_t)length, digest);
        EVP_EncodeBlock((unsigned char *)accepts[i], digest, sizeof digest);
    }
    if (!options.tls) return;
    tls_context = SSL_CTX_new(TLS_client_method());
    if (tls_context == NULL) fail("OpenSSL did not start");
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_NONE, NULL); // the run's own certificate; trust is not what is measured
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

int socket_open(unsigned slot, bool blocking) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0) fail_errno("socket");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (blocking) {
        struct timeval limit = {.tv_sec = BLOCKING_SECONDS};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    unsigned address = slot / SLOTS_PER_ADDRESS;
    if (address > 0) { // one address alone has 28,000 ports
        struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u + address * 256)};
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(fd, (struct sockaddr *)&local, sizeof local) != 0) fail_errno("bind to an address of the loopback range");
    }
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) fail_errno("connect");
    return fd;
}

size_t request_write(char *to, size_t room, const char *path, int key) {
    static const char *const offers[] = {
        [DEFLATE_NONE] = "",
        [DEFLATE_FRESH] =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n",
        [DEFLATE_CONTEXT] = "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    };
    int length = snprintf(to, room,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        path, options.port, keys[key % KEYS], offers[options.deflate]);
    if (length < 0 || (size_t)length >= room) fail("the path is too long");
    return (size_t)length;
}

static const char *field(const char *head, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = head; line < end;) {
        const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (next == NULL) return NULL;
        if ((size_t)(next - line) > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            line += length + 1;
            while (line < next && *line == ' ') line++;
            return line;
        }
        line = next + 2;
    }
    return NULL;
}

static bool has(const char *value, const char *end, const char *word) {
    const char *line_end = memmem(value, (size_t)(end - value), "\r\n", 2);
    return memmem(value, (size_t)((line_end ? line_end : end) - value), word, strlen(word)) != NULL;
}

int response_check(const char *head, size_t length, int key, size_t *size, struct connection *c) {
    const char *end = memmem(head, length, "\r\n\r\n", 4);
    if (end == NULL) return length < 8192 ? 0 : (fail("the server's response has no end"), 0);
    end += 2;
    *size = (size_t)(end + 2 - head);
    if (strncmp(head, "HTTP/1.1 101", 12) != 0)
        fail("the handshake was refused: %.*s", (int)strcspn(head, "\r\n"), head);
    const char *accept = field(head, end, "Sec-WebSocket-Accept");
    if (accept == NULL || strncmp(accept, accepts[key % KEYS], ACCEPT_LENGTH) != 0) fail("wrong Sec-WebSocket-Accept");
    const char *extensions = field(head, end, "Sec-WebSocket-Extensions");
    c->deflated = extensions != NULL && has(extensions, end, "permessage-deflate");
    if (c->deflated != (options.deflate != DEFLATE_NONE)) fail("the server did not agree to permessage-deflate");
    if (c->deflated) {
        c->server_context = !has(extensions, end, "server_no_context_takeover");
        c->client_context = options.deflate == DEFLATE_CONTEXT && !has(extensions, end, "client_no_context_takeover");
    }
    return 1;
}

void hello_write(uint8_t to[HELLO], bool room) {
    uint32_t in = (uint32_t)frame_size(options.size, true), out = (uint32_t)frame_size(options.size, false);
    memcpy(to, room ? "room" : "echo", 4);
    memcpy(to + 4, &in, 4);
    memcpy(to + 8, &out, 4);
}

static void hello(struct connection *c, const char *path) {
    uint8_t sent[HELLO], back[HELLO];
    hello_write(sent, strstr(path, "room") != NULL);
    write_all(c, sent, HELLO);
    for (size_t have = 0; have < HELLO;) {
        long n = connection_read(c, back + have, HELLO - have);
        if (n <= 0) fail("no answer to the hello of a bare connection");
        have += (size_t)n;
    }
    if (memcmp(sent, back, HELLO) != 0) fail("a wrong answer to the hello of a bare connection");
}

void dial(struct connection *c, unsigned slot, const char *path) {
    *c = (struct connection){.fd = socket_open(slot, true), .slot = slot, .header_need = 2};
    if (options.depth > 0) c->sent_at = calloc((size_t)options.depth, sizeof *c->sent_at);
    if (options.tls) {
        c->tls = SSL_new(tls_context);
        SSL_set_fd(c->tls, c->fd);
        if (SSL_connect(c->tls) != 1) fail("the TLS handshake failed");
    }
    if (options.raw) {
        hello(c, path);
    } else {
        char text[8193];
        size_t size = 0, have = request_write(text, sizeof text, path, (int)slot);
        write_all(c, text, have);
        have = 0;
        do { // byte by byte towards the end, so that nothing behind the response is taken
            long n = connection_read(c, text + have, 1);
            if (n <= 0) fail("the server closed during the handshake, after %zu bytes", have);
            have += (size_t)n;
            text[have] = 0;
        } while (text[have - 1] != '\n' || !response_check(text, have, (int)slot, &size, c));
    }
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

long connection_read(struct connection *c, void *to, size_t room) {
    if (c->tls != NULL) {
        int n = SSL_read(c->tls, to, (int)(room > 1 << 30 ? 1 << 30 : room));
        if (n > 0) return n;
        int error = SSL_get_error(c->tls, n);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
    }
    ssize_t n = read(c->fd, to, room);
    if (n >= 0) return n;
    return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

long connection_write(struct connection *c, const void *from, size_t length) {
    if (c->tls != NULL) {
        int n = SSL_write(c->tls, from, (int)(length > 1 << 30 ? 1 << 30 : length));
        if (n > 0) return n;
        int error = SSL_get_error(c->tls, n);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
        fail("writing through TLS failed");
    }
    ssize_t n = send(c->fd, from, length, MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EINTR) return -1;
    fail_errno("write");
}

void write_all(struct connection *c, const void *from, size_t length) {
    nanos limit = now() + (nanos)BLOCKING_SECONDS * 1000000000u;
    for (size_t done = 0; done < length;) {
        long n = connection_write(c, (const uint8_t *)from + done, length - done);
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        struct pollfd wanted = {.fd = c->fd, .events = POLLOUT};
        if (now() > limit || poll(&wanted, 1, 1000) < 0) fail("the server takes nothing");
    }
}

void connection_close(struct connection *c) {
    if (c->tls != NULL) SSL_free(c->tls);
    if (c->fd >= 0) close(c->fd);
    free(c->sent_at);
    free(c->gathered);
    c->fd = -1;
    c->tls = NULL;
    c->sent_at = NULL;
    c->gathered = NULL;
    c->closed = true;
}

void close_politely(struct connection *connections, int count) {
    static const uint8_t close_frame[8] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
    static uint8_t discarded[65536];
    nanos limit = now() + (nanos)CLOSE_MS * 1000000u;
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        if (c->closed) continue;
        // A frame cut in two by the end of the run cannot be closed behind; the socket can.
        if (options.raw || c->frame_offset > 0) shutdown(c->fd, SHUT_WR);
        else if (c->tls != NULL) SSL_write(c->tls, close_frame, sizeof close_frame);
        else send(c->fd, close_frame, sizeof close_frame, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        while (!c->closed && now() < limit) {
            struct pollfd readable = {.fd = c->fd, .events = POLLIN};
            if (poll(&readable, 1, 100) <= 0) break;
            if (recv(c->fd, discarded, sizeof discarded, MSG_DONTWAIT) <= 0 && errno != EAGAIN) break;
        }
        if (!c->closed) connection_close(c);
    }
}
