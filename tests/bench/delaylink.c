/* delaylink: two network namespaces with a line between them that delays every packet.
 *
 *     delaylink            (root; /dev/net/tun)
 *
 * Prints "CLIENT-PID SERVER-PID SERVER-ADDRESS": `nsenter -t PID -n` runs a program on that side. The address belongs to
 * the server's side, is in 127.0.0.0/8 (the stand-in serves nothing else), and the client's side reaches it over the
 * line. "delay MS" on standard input sets how long a packet takes one way (fractions allowed); the end of standard input
 * ends everything: the namespaces have no names and go with their last process.
 *
 * It works on packets, not on bytes of a connection, so handshakes, slow start and acknowledgements take their real
 * time. netem does the same in kernels that have it; this needs TUN devices only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_ADDRESS "10.139.77.1"
#define SERVER_ADDRESS "127.139.77.2"
#define DEVICE         "eepbench"

enum { PACKET_MAX = 65536, QUEUE_MAX = 1 << 16 };

struct packet {
    int64_t due; /* ns of the steady clock */
    size_t len;
    char *data;
};

/* Packets on their way in one direction: a ring, in order, for all take equally long. */
struct way {
    struct packet ring[QUEUE_MAX];
    unsigned first;
    unsigned end;
};

struct side {
    pid_t pid; /* keeps the namespace */
    int tun;
};

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "delaylink: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* -- A side: a namespace with one TUN device ---------------------------------------------------- */

static void set_address(int control, unsigned long request, const char *address, const char *what)
{
    struct ifreq device = {0};
    struct sockaddr_in *to = (struct sockaddr_in *)(void *)&device.ifr_addr;
    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", DEVICE);
    to->sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &to->sin_addr) != 1) die(address);
    if (ioctl(control, request, &device) != 0) die(what);
}

static void bring_up(int control, const char *name)
{
    struct ifreq device = {.ifr_flags = IFF_UP | IFF_RUNNING};
    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", name);
    if (ioctl(control, SIOCSIFFLAGS, &device) != 0) die(name);
}

/* Addresses of 127.0.0.0/8 on a wire: refused unless asked for. */
static void allow_loopback_addresses(void)
{
    static const char path[] = "/proc/sys/net/ipv4/conf/all/route_localnet";
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1) die(path);
    close(fd);
}

static int open_tun(void)
{
    struct ifreq device = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) die("/dev/net/tun");
    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", DEVICE);
    if (ioctl(fd, TUNSETIFF, &device) != 0) die("cannot make a TUN device");
    return fd;
}

static int configure(const char *own, const char *other)
{
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    allow_loopback_addresses();
    int tun = open_tun();
    bring_up(control, "lo");
    set_address(control, SIOCSIFADDR, own, "cannot set the address");
    set_address(control, SIOCSIFDSTADDR, other, "cannot set the other end's address");
    set_address(control, SIOCSIFNETMASK, "255.255.255.255", "cannot set the mask");
    bring_up(control, DEVICE);
    close(control);
    return tun;
}

static void send_descriptor(int socket, int fd)
{
    char space[CMSG_SPACE(sizeof(int))] = {0};
    char x = 'x';
    struct iovec byte = {.iov_base = &x, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(socket, &message, 0) != 1) die("sendmsg");
}

static int receive_descriptor(int socket)
{
    int fd = -1;
    char byte;
    char space[CMSG_SPACE(sizeof(int))];
    struct iovec into = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &into, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) exit(1); /* the other side has said why */
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static struct side make_side(const char *own, const char *other)
{
    int pair[2];
    struct side side;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) die("socketpair");
    side.pid = fork();
    if (side.pid < 0) die("fork");
    if (side.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]); /* so that the parent's end is seen below */
        if (unshare(CLONE_NEWNET) != 0) die("cannot make a network namespace");
        send_descriptor(pair[1], configure(own, other));
        char byte;
        while (read(pair[1], &byte, 1) < 0 && errno == EINTR)
            continue;
        _exit(0);
    }
    close(pair[1]);
    side.tun = receive_descriptor(pair[0]); /* pair[0] stays open: the child waits for its end */
    return side;
}

/* -- The line ----------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void take_packets(struct way *way, int from, int64_t delay)
{
    static char data[PACKET_MAX];
    ssize_t len;
    while (way->end - way->first < QUEUE_MAX && (len = read(from, data, sizeof data)) > 0) {
        struct packet *packet = &way->ring[way->end++ % QUEUE_MAX];
        packet->due = now_ns() + delay;
        packet->len = (size_t)len;
        packet->data = malloc(packet->len);
        if (packet->data == NULL) die("out of memory");
        memcpy(packet->data, data, packet->len);
    }
}

/* Delivers what is due. Returns when the next one is; 0 = there is none. */
static int64_t deliver(struct way *way, int to)
{
    for (; way->first != way->end; way->first++) {
        struct packet *packet = &way->ring[way->first % QUEUE_MAX];
        if (packet->due > now_ns()) return packet->due;
        if (write(to, packet->data, packet->len) < 0 && errno != EINVAL && errno != EIO && errno != EAGAIN)
            die("write");
        free(packet->data);
    }
    return 0;
}

static void set_timer(int timer, int64_t a, int64_t b)
{
    int64_t due = a == 0 || (b != 0 && b < a) ? b : a;
    struct itimerspec when = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* false = the end of input. */
static bool take_order(int64_t *delay)
{
    char line[64];
    double ms;
    if (fgets(line, sizeof line, stdin) == NULL) return false;
    if (sscanf(line, "delay %lf", &ms) == 1 && ms >= 0 && ms <= 10000) {
        *delay = (int64_t)(ms * 1e6);
        printf("delay %g\n", ms);
    } else {
        printf("not understood\n");
    }
    fflush(stdout);
    return true;
}

static void run(int client, int server)
{
    static struct way there;
    static struct way back;
    int64_t delay = 0;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    for (;;) {
        set_timer(timer, deliver(&there, server), deliver(&back, client));
        struct pollfd watched[] = {{.fd = client, .events = POLLIN},
                                   {.fd = server, .events = POLLIN},
                                   {timer, POLLIN, 0},
                                   {0, POLLIN, 0}};
        if (poll(watched, 4, -1) < 0 && errno != EINTR) die("poll");
        uint64_t ticks;
        if (watched[2].revents != 0 && read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) die("timer");
        if (watched[0].revents != 0) take_packets(&there, client, delay);
        if (watched[1].revents != 0) take_packets(&back, server, delay);
        if (watched[3].revents != 0 && !take_order(&delay)) return;
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "usage: delaylink   (as root; see the top of delaylink.c)\n");
        return 2;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* poll must see what there is */
    prctl(PR_SET_TIMERSLACK, 1);
    struct side client = make_side(CLIENT_ADDRESS, SERVER_ADDRESS);
    struct side server = make_side(SERVER_ADDRESS, CLIENT_ADDRESS);
    printf("%d %d %s\n", (int)client.pid, (int)server.pid, SERVER_ADDRESS);
    fflush(stdout);
    run(client.tun, server.tun);
    kill(client.pid, SIGKILL);
    kill(server.pid, SIGKILL);
    return 0;
}
