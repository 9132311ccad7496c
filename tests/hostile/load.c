/* A crowd of clients, each of which connects, asks, reads to the end and comes again.
 *
 *     load PORT WORKERS COUNT MESSAGE [REPLY]
 *
 * WORKERS clients at a time make COUNT connections in all to 127.0.0.1:PORT. Each connection is one
 * outcome: answered (REPLY and the end of the stream; without REPLY: anything and the end), refused,
 * reset, empty, wrong, or timeout. "done N" is printed at every thousand, and at last the tally, with
 * the longest time in milliseconds that an answer took. One thread; every wait ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 5.0    /* seconds until a connection is a timeout: many times what a restart takes */
#define PAUSE 0.01      /* seconds that a client waits that was refused, so as not to spin */
#define MOST_BYTES 256  /* of a reply */
#define ADDRESSES 200   /* of ours, 127.0.0.2 on: each has ports of its own */

enum outcome { ANSWERED, REFUSED, RESET, EMPTY, WRONG, TIMEOUT, OUTCOMES };
static const char *NAMES[] = {"answered", "refused", "reset", "empty", "wrong", "timeout"};

struct worker {
    int fd;            /* -1: rests until `since` */
    int asked;
    size_t got;
    double since;
    char reply[MOST_BYTES];
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *message, *expected;
static long to_begin, begun, ended, tally[OUTCOMES];
static double worst;
static int epoll;

static void fail(const char *what) {
    perror(what);
    exit(2);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void begin(struct worker *w);

static void end(struct worker *w, enum outcome outcome) {
    double took = now() - w->since;
    close(w->fd);
    w->fd = -1;
    tally[outcome]++;
    if (outcome == ANSWERED && took > worst) worst = took;
    if (++ended % 1000 == 0) printf("done %ld\n", ended);
    w->since = now() + (outcome == REFUSED ? PAUSE : 0);
    if (outcome != REFUSED) begin(w);
}

static void failed(struct worker *w, int error) {
    switch (error) {
    case ECONNREFUSED: end(w, REFUSED); break;
    case ECONNRESET: case EPIPE: end(w, RESET); break;
    case ETIMEDOUT: end(w, TIMEOUT); break;
    default: errno = error; fail("a connection");
    }
}

static void begin(struct worker *w) {
    struct sockaddr_in ours = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = w};
    int yes = 1;
    if (begun == to_begin) return;
    ours.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + begun++ % ADDRESSES);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0) fail("socket");
    w->asked = 0;
    w->got = 0;
    w->since = now();
    setsockopt(w->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(w->fd, (struct sockaddr *)&ours, sizeof ours)) fail("bind");
    if (connect(w->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) {
        failed(w, errno);
        return;
    }
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &event)) fail("epoll_ctl");
}

static void ask(struct worker *w) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
    ssize_t size = strlen(message);
    if (send(w->fd, message, size, MSG_NOSIGNAL) != size) {
        failed(w, errno);
        return;
    }
    w->asked = 1;
    epoll_ctl(epoll, EPOLL_CTL_MOD, w->fd, &event);
}

static void hear(struct worker *w) {
    ssize_t size = recv(w->fd, w->reply + w->got, MOST_BYTES - w->got, 0);
    if (size < 0) {
        if (errno != EAGAIN) failed(w, errno);
    } else if (size > 0) {
        w->got += size;  /* what fills the room reads as an end, and is wrong */
    } else if (w->got == 0) {
        end(w, EMPTY);
    } else if (expected && (w->got != strlen(expected) || memcmp(w->reply, expected, w->got))) {
        end(w, WRONG);
    } else {
        end(w, ANSWERED);
    }
}

static void look(struct worker *w, unsigned events) {
    int error = 0;
    socklen_t size = sizeof error;
    if (w->asked) {
        hear(w);
        return;
    }
    if (events & EPOLLERR) getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) failed(w, error);
    else ask(w);
}

int main(int argc, char **argv) {
    struct epoll_event events[256];
    struct rlimit files;
    long workers, n;
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "load PORT WORKERS COUNT MESSAGE [REPLY]\n");
        return 2;
    }
    server.sin_port = htons(atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    workers = atol(argv[2]);
    to_begin = atol(argv[3]);
    message = argv[4];
    expected = argv[5];
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct worker *crowd = calloc(workers, sizeof *crowd);
    if (epoll < 0 || !crowd) fail("no room");
    for (n = 0; n < workers; n++) crowd[n].fd = -1;
    for (n = 0; n < workers; n++) begin(&crowd[n]);
    double looked = now();
    while (ended < to_begin) {
        int ready = epoll_wait(epoll, events, 256, 10);
        for (n = 0; n < ready; n++) look(events[n].data.ptr, events[n].events);
        if (now() - looked < PAUSE) continue;
        looked = now();
        for (n = 0; n < workers; n++) {
            struct worker *w = &crowd[n];
            if (w->fd < 0 && looked >= w->since) begin(w);
            else if (w->fd >= 0 && looked - w->since > PATIENCE) end(w, TIMEOUT);
        }
    }
    for (n = 0; n < OUTCOMES; n++) printf("%s %ld ", NAMES[n], tally[n]);
    printf("worst_ms %.0f\n", worst * 1000);
    return 0;
}
