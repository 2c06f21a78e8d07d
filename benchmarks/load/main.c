// The command line. README.md beside it tells what each option does.
#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options options = {
    .mode = "echo", .path = "/echo", .idle_path = "/echo", .connections = 1, .depth = 1, .size = 64, .warm_ms = 500, .window_ms = 2000,
    .from = 1000, .to = 19000};

static const char usage[] =
    "usage: load --mode echo|idle|handshakes|fanout|capacity --port N [--path /echo] [--connections N] [--depth N] [--size N]\n"
    "            [--text] [--tls] [--raw] [--deflate fresh|context] [--warm MS] [--window MS] [--watch PID]... [--beside PID]...\n"
    "            [--idle N] [--idle-path /echo] [--from N] [--to N]\n";

static long number(const char *text, long least, long most, const char *name) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < least || value > most) {
        fprintf(stderr, "load: %s wants a number from %ld to %ld, not '%s'\n", name, least, most, text);
        exit(2);
    }
    return value;
}

static void option(const char *name, const char *value) {
    if (strcmp(name, "--mode") == 0) options.mode = value;
    else if (strcmp(name, "--port") == 0) options.port = (int)number(value, 1, 65535, name);
    else if (strcmp(name, "--path") == 0) options.path = value;
    else if (strcmp(name, "--connections") == 0) options.connections = (int)number(value, 1, MAX_FILES - 50, name);
    else if (strcmp(name, "--depth") == 0) options.depth = (int)number(value, 1, 1024, name);
    else if (strcmp(name, "--size") == 0) options.size = (size_t)number(value, 0, 16 << 20, name);
    else if (strcmp(name, "--warm") == 0) options.warm_ms = (int)number(value, 0, 60000, name);
    else if (strcmp(name, "--window") == 0) options.window_ms = (int)number(value, 10, 60000, name);
    else if (strcmp(name, "--idle") == 0) options.idle = (int)number(value, 0, MAX_FILES - 50, name);
    else if (strcmp(name, "--idle-path") == 0) options.idle_path = value;
    else if (strcmp(name, "--from") == 0) options.from = (int)number(value, 1, MAX_FILES - 50, name);
    else if (strcmp(name, "--to") == 0) options.to = (int)number(value, 1, MAX_FILES - 50, name);
    else if (strcmp(name, "--watch") == 0 && options.watched_count < MAX_WATCHED)
        options.watched[options.watched_count++] = (int)number(value, 1, 1 << 22, name);
    else if (strcmp(name, "--beside") == 0 && options.beside_count < MAX_WATCHED)
        options.beside[options.beside_count++] = (int)number(value, 1, 1 << 22, name);
    else if (strcmp(name, "--deflate") == 0 && strcmp(value, "fresh") == 0) options.deflate = DEFLATE_FRESH;
    else if (strcmp(name, "--deflate") == 0 && strcmp(value, "context") == 0) options.deflate = DEFLATE_CONTEXT;
    else {
        fprintf(stderr, "load: '%s %s' is not understood\n%s", name, value, usage);
        exit(2);
    }
}

static void read_options(int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        if (strcmp(name, "--text") == 0) options.text = true;
        else if (strcmp(name, "--tls") == 0) options.tls = true;
        else if (strcmp(name, "--raw") == 0) options.raw = true;
        else if (i + 1 < count) option(name, arguments[++i]);
        else option(name, "");
    }
    if (options.port == 0) {
        fputs(usage, stderr);
        exit(2);
    }
    if (options.raw && (options.tls || options.deflate != DEFLATE_NONE)) {
        fputs("load: --raw goes with neither --tls nor --deflate\n", stderr);
        exit(2);
    }
}

int main(int count, char **arguments) {
    static const struct { const char *name; void (*run)(void); } modes[] = {
        {"echo", run_echo}, {"idle", run_idle}, {"handshakes", run_handshakes}, {"fanout", run_fanout}, {"capacity", run_capacity}};
    read_options(count, arguments);
    signal(SIGPIPE, SIG_IGN);
    alarm(300); // whatever happens, it ends
    resources_prepare();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(options.mode, modes[i].name) != 0) continue;
        modes[i].run();
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
