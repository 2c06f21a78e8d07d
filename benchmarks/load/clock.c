// Time, processor time and the latency histogram.
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(struct timespec t) { return (double)t.tv_sec + (double)t.tv_nsec / 1e9; }

nanos now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nanos)t.tv_sec * 1000000000u + (nanos)t.tv_nsec;
}

// A process's CPU clock counts user and system time of all its threads, those that have ended, too: what
// /proc/PID/stat has as utime + stime, in nanoseconds instead of ticks of 10 ms.
static double process_cpu(int pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        fail("the process %d, whose CPU time is watched, has ended", pid);
    return seconds(t);
}

struct cpu cpu_now(void) {
    struct cpu cpu = {0};
    struct timespec t;
    for (int i = 0; i < options.watched_count; i++) cpu.server += process_cpu(options.watched[i]);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    cpu.load = seconds(t);
    for (int i = 0; i < options.beside_count; i++) cpu.load += process_cpu(options.beside[i]);
    return cpu;
}

// 64 buckets for each power of two: a value is known to 1.6 %.
static int bucket_of(nanos value) {
    if (value < 64) return (int)value;
    int shift = 63 - __builtin_clzll(value) - 6;
    return (shift + 1) * 64 + (int)((value >> shift) - 64);
}

static nanos bucket_middle(int bucket) {
    if (bucket < 64) return (nanos)bucket;
    int shift = bucket / 64 - 1;
    return ((nanos)(bucket % 64 + 64) << shift) + (((nanos)1 << shift) >> 1);
}

void histogram_add(struct histogram *h, nanos value) {
    h->counts[bucket_of(value)]++;
    h->total++;
    if (value > h->largest) h->largest = value;
}

nanos histogram_at(const struct histogram *h, double share) {
    uint64_t rank = (uint64_t)(share * (double)h->total), seen = 0;
    for (int i = 0; i < 64 * 64; i++)
        if ((seen += h->counts[i]) > rank) return bucket_middle(i);
    return h->largest;
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void fail_errno(const char *what) { fail("%s: %s", what, strerror(errno)); }
