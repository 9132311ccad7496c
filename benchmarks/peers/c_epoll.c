/* The kernel's limit: what accepting, reading and sending cost when nothing else is done.

   Answers +PONG for every line end; a line is not kept, and how it was cut into reads is no
   matter. Reads 16 KiB at a time and sends once a read. A connection whose peer does not take
   its replies is closed. */

#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 128, BYTES = 16384 };
static const char reply[] = "+PONG\r\n";
enum { REPLY = sizeof reply - 1 };

static char received[BYTES], replies[BYTES * REPLY];

static void answer(int peer)
{
    ssize_t size = recv(peer, received, BYTES, 0);
    if (size <= 0) {
        close(peer);
        return;
    }
    ssize_t owed = 0;
    for (ssize_t at = 0; at < size; at++)
        if (received[at] == '\n') {
            memcpy(replies + owed, reply, REPLY);
            owed += REPLY;
        }
    if (owed && send(peer, replies, owed, MSG_NOSIGNAL) != owed)
        close(peer);
}

int main(int count, char **words)
{
    if (count != 2)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, port = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
    setsockopt(port, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(port, (struct sockaddr *)&address, sizeof address) || listen(port, 4096))
        return 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = port}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, port, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int n = 0; n < ready; n++) {
            if (events[n].data.fd != port) {
                answer(events[n].data.fd);
                continue;
            }
            int peer = accept4(port, NULL, NULL, SOCK_NONBLOCK);
            if (peer < 0)
                continue;
            setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.fd = peer;
            epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &event);
        }
    }
}
