// guard COMMAND ARGUMENT...: runs the command and ends it when stdin ends, so that nothing outlives a run that is cut
// off. Passes SIGTERM on, waits three seconds for the end, then kills; its exit code is the command's.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 3000 };

static volatile sig_atomic_t asked;

static void on_signal(int number) {
    (void)number;
    asked = 1;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fputs("usage: guard COMMAND ARGUMENT...\n", stderr);
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN); // Ctrl+C goes to the whole group; the one who started this decides
    int held[2], parent = getpid();
    if (pipe(held) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        // Its own stdin stays open and empty: some programs end with theirs.
        dup2(held[0], STDIN_FILENO);
        close(held[0]);
        close(held[1]);
        execvp(arguments[1], arguments + 1);
        fprintf(stderr, "guard: cannot start %s: %s\n", arguments[1], strerror(errno));
        _exit(127);
    }
    close(held[0]);
    int ended = (int)syscall(SYS_pidfd_open, child, 0), status = 0;
    struct pollfd both[2] = {{.fd = ended, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char ignored[256];
    while (!asked) {
        if (poll(both, 2, -1) < 0) continue;
        if (both[0].revents != 0) break;
        if (both[1].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) asked = 1;
    }
    if (both[0].revents == 0) {
        kill(child, SIGTERM);
        if (poll(both, 1, PATIENCE_MS) <= 0) kill(child, SIGKILL);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
