/* SPDX-License-Identifier: Apache-2.0 */
/* libslirp behind tcpassay's plugin interface: the TCP that a guest of QEMU or a rootless container talks to.
 *
 * slirp relays: the peer is its guest, the application is a program on the host. So the application's calls are made on
 * the host's sockets over the loopback interface of a network namespace of our own: what listens there is what slirp
 * connects its guest to, and a connection to a forwarded port makes slirp open one to the guest. Time is virtual. The
 * states come from slirp_connection_info(), a text. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpassay_plugin.h"

enum { ENDPOINTS_MAX = 256, ROWS_MAX = 256, POLLED_MAX = 512, TURNS_MAX = 16, ETHERNET_HEADER = 14 };
enum { SLOW_MS = 499, FAST_MS = 2, DEFAULT_MS = 1000 }; /* slirp.c: TIMEOUT_SLOW, TIMEOUT_FAST, TIMEOUT_DEFAULT */
#define MS ((uint64_t)1000000)
/* slirp takes a time of zero for a timer that is not set. */
#define NS_SINCE_BOOT (100000 * MS)

struct endpoint {
  int used, fd; /* fd: the application's socket, or -1 */
  uint32_t phase;
  int32_t error;
  int listener; /* of a connection that nobody has accepted: its listener, else -1 */
  unsigned order;
  uint16_t local_port, remote_port;
};

struct row { /* a connection as slirp reports it */
  uint32_t state;
  uint16_t local_port, remote_port;
  uint16_t relay_port; /* of slirp's own socket on the host, to find the application's by */
};

static struct {
  struct tcpassay_host host;
  struct tcpassay_config config;
  Slirp* slirp;
  uint64_t now_ns;
  uint64_t slow_ns, fast_ns; /* when slirp's timers are due; UINT64_MAX: not set */
  uint64_t last_slow_ns;
  uint16_t peer_ports[ENDPOINTS_MAX * 4]; /* by slirp's descriptor: the host forgets the port when the end is near */
  struct endpoint endpoints[ENDPOINTS_MAX];
  int opened; /* endpoints from here on have never been used since the reset */
  unsigned accepts;
  struct pollfd polled[POLLED_MAX];
  int polled_count;
  int emitted;
  struct row rows[ROWS_MAX];
  int row_count, rows_known;
  uint16_t next_forwarded;
} self;

static const uint8_t kGuestMac[6] = {0x52, 0x54, 0, 0x77, 0, 2};

/* ---- what slirp asks for ---- */

static ssize_t send_packet(const void* frame, size_t length, void* opaque) {
  (void)opaque;
  const uint8_t* const octets = frame;
  const bool ip = length > ETHERNET_HEADER && octets[12] == 0x08 && octets[13] == 0x00;
  if (ip) self.host.emit(self.host.ctx, octets + ETHERNET_HEADER, length - ETHERNET_HEADER);
  self.emitted += ip;
  return (ssize_t)length;
}
static void guest_error(const char* why, void* opaque) {
  (void)opaque;
  self.host.log(self.host.ctx, why);
}
static int64_t clock_get_ns(void* opaque) {
  (void)opaque;
  return (int64_t)(self.now_ns + NS_SINCE_BOOT);
}
static void* timer_new(SlirpTimerId id, void* of, void* opaque) {
  (void)id, (void)of, (void)opaque;
  return malloc(1); /* router advertisements only: there is no IPv6 here */
}
static void timer_free(void* timer, void* opaque) {
  (void)opaque;
  free(timer);
}
static void timer_mod(void* timer, int64_t at_ms, void* opaque) {
  (void)timer, (void)at_ms, (void)opaque;
}
static void nothing_fd(int fd, void* opaque) {
  (void)fd, (void)opaque;
}
static void nothing(void* opaque) {
  (void)opaque;
}
static const SlirpCb kCallbacks = {.send_packet = send_packet,
                                   .guest_error = guest_error,
                                   .clock_get_ns = clock_get_ns,
                                   .timer_free = timer_free,
                                   .timer_mod = timer_mod,
                                   .register_poll_fd = nothing_fd,
                                   .unregister_poll_fd = nothing_fd,
                                   .notify = nothing,
                                   .timer_new_opaque = timer_new};

static int add_poll(int fd, int events, void* opaque) {
  (void)opaque;
  if (self.polled_count == POLLED_MAX) return -1;
  struct pollfd* const one = &self.polled[self.polled_count];
  one->fd = fd;
  one->events = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                        (events & SLIRP_POLL_PRI ? POLLPRI : 0));
  one->revents = 0;
  return self.polled_count++;
}
static int get_revents(int index, void* opaque) {
  (void)opaque;
  if (index < 0) return 0;
  const int got = self.polled[index].revents;
  return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
         (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
         (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* ---- endpoints ---- */

static struct endpoint* at(int32_t number) {
  if (number < 0 || number >= self.opened || !self.endpoints[number].used) return NULL;
  return &self.endpoints[number];
}
static int number_of(const struct endpoint* e) {
  return (int)(e - self.endpoints);
}
static struct endpoint* unused_endpoint(void) {
  for (int i = 0; i < ENDPOINTS_MAX; ++i) {
    struct endpoint* const e = &self.endpoints[i];
    if (e->used) continue;
    memset(e, 0, sizeof *e);
    e->used = 1;
    if (i >= self.opened) self.opened = i + 1;
    e->fd = -1;
    e->listener = -1;
    return e;
  }
  return NULL;
}

static uint16_t port_of(int fd, int (*get)(int, struct sockaddr*, socklen_t*)) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  if (get(fd, (struct sockaddr*)&address, &size) != 0) return 0;
  return ntohs(address.sin_port);
}
static int get_own(int fd, struct sockaddr* address, socklen_t* size) {
  return getsockname(fd, address, size);
}
static int get_peer(int fd, struct sockaddr* address, socklen_t* size) {
  return getpeername(fd, address, size);
}

static void close_at_once(int fd) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  if (fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* ---- the states, from slirp's text ---- */

static uint16_t peer_port_of(int fd) {
  if (fd < 0 || fd >= ENDPOINTS_MAX * 4) return 0;
  const uint16_t port = port_of(fd, get_peer);
  if (port != 0) self.peer_ports[fd] = port;
  return self.peer_ports[fd];
}

static uint32_t state_named(const char* name) {
  static const struct {
    const char* name;
    uint32_t state;
  } kStates[] = {
      {"SYN_SENT", TCPASSAY_SYN_SENT},     {"SYN_RCVD", TCPASSAY_SYN_RECEIVED}, {"ESTABLISHED", TCPASSAY_ESTABLISHED},
      {"CLOSE_WAIT", TCPASSAY_CLOSE_WAIT}, {"FIN_WAIT_1", TCPASSAY_FIN_WAIT_1}, {"CLOSING", TCPASSAY_CLOSING},
      {"LAST_ACK", TCPASSAY_LAST_ACK},     {"FIN_WAIT_2", TCPASSAY_FIN_WAIT_2}, {"TIME_WAIT", TCPASSAY_TIME_WAIT}};
  for (size_t i = 0; i < sizeof kStates / sizeof kStates[0]; ++i) {
    if (strcmp(name, kStates[i].name) == 0) return kStates[i].state;
  }
  return TCPASSAY_CLOSED;
}

static void learn_rows(void) {
  if (self.rows_known) return;
  self.row_count = 0;
  self.rows_known = 1;
  char* const text = slirp_connection_info(self.slirp);
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
    char state[32], source[32], destination[32];
    int fd, source_port, destination_port;
    if (sscanf(line, " TCP[%31[^]]] %d %31s %d %31s %d", state, &fd, source, &source_port, destination,
               &destination_port) != 6)
      continue;
    if (self.row_count == ROWS_MAX || strcmp(state, "HOST_FORWARD") == 0) continue;
    const bool towards_guest = strcmp(source, "127.0.0.1") == 0; /* a forwarded connection: the source is the host's */
    self.rows[self.row_count++] =
        (struct row){.state = state_named(state),
                     .local_port = towards_guest ? peer_port_of(fd) : (uint16_t)destination_port,
                     .remote_port = (uint16_t)(towards_guest ? destination_port : source_port),
                     .relay_port = fd < 0 ? 0 : port_of(fd, get_own)};
  }
  g_free(text);
}

static const struct row* row_of(uint16_t local_port, uint16_t remote_port) {
  learn_rows();
  for (int i = 0; i < self.row_count; ++i) {
    if (self.rows[i].local_port == local_port && self.rows[i].remote_port == remote_port) return &self.rows[i];
  }
  return NULL;
}

static const struct row* row_of_relay(uint16_t relay_port) {
  learn_rows();
  for (int i = 0; i < self.row_count; ++i) {
    if (self.rows[i].relay_port == relay_port) return &self.rows[i];
  }
  return NULL;
}

/* ---- turns ---- */

static void take_connections(struct endpoint* listener) {
  for (int fd; (fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    struct endpoint* const e = unused_endpoint();
    const struct row* const row = row_of_relay(port_of(fd, get_peer));
    if (e == NULL || row == NULL) {
      close_at_once(fd);
      if (e != NULL) e->used = 0;
      continue;
    }
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    e->fd = fd;
    e->phase = TCPASSAY_OPENING; /* slirp has not answered its guest yet */
    e->listener = number_of(listener);
    e->order = ++self.accepts;
    e->local_port = row->local_port;
    e->remote_port = row->remote_port;
  }
}

static void follow(struct endpoint* e, bool by_time) {
  if (e->phase != TCPASSAY_OPENING && e->phase != TCPASSAY_CONNECTED) return;
  const struct row* const row = row_of(e->local_port, e->remote_port);
  if (row != NULL && row->state > TCPASSAY_SYN_RECEIVED) e->phase = TCPASSAY_CONNECTED;
  if (row != NULL && row->state != TCPASSAY_CLOSED) return;
  /* A program on the host was connected to slirp before slirp was to its guest: it can only see an end. */
  if (e->phase == TCPASSAY_OPENING) e->error = by_time ? TCPASSAY_TIMED_OUT : TCPASSAY_REFUSED;
  e->phase = TCPASSAY_ENDED;
}

/* Nothing comes from the host's sockets while only time passes: each call settles what it has brought about. */
static void one_turn(bool by_time) {
  uint32_t wait_ms = DEFAULT_MS;
  self.polled_count = 0;
  slirp_pollfds_fill(self.slirp, &wait_ms, add_poll, NULL);
  const int ready = self.polled_count == 0 || by_time ? 0 : poll(self.polled, (nfds_t)self.polled_count, 0);
  slirp_pollfds_poll(self.slirp, ready < 0, get_revents, NULL);
  const uint64_t now = self.now_ns / MS * MS; /* slirp counts milliseconds */
  const bool connections = wait_ms < DEFAULT_MS;
  if (connections && now + NS_SINCE_BOOT - self.last_slow_ns >= SLOW_MS * MS) self.last_slow_ns = now + NS_SINCE_BOOT;
  self.slow_ns = connections ? self.last_slow_ns + SLOW_MS * MS - NS_SINCE_BOOT : UINT64_MAX;
  self.fast_ns = wait_ms <= FAST_MS ? now + FAST_MS * MS : UINT64_MAX;
  self.rows_known = 0;
}

/* The host's loopback delivers at once: turns until nothing happens any more. */
static int settle(bool by_time) {
  const int first = self.emitted;
  for (int quiet = by_time ? 1 : 0, turns = 0; quiet < 2 && turns < TURNS_MAX; ++turns) {
    const int before = self.emitted;
    one_turn(by_time);
    for (int i = 0; i < self.opened && !by_time; ++i) {
      struct endpoint* const e = &self.endpoints[i];
      if (e->used && e->phase == TCPASSAY_LISTENING) take_connections(e);
    }
    quiet = self.emitted == before ? quiet + 1 : 0;
  }
  /* What ends in silence while time passes, status_of() finds when it is asked. */
  for (int i = 0; i < self.opened && (!by_time || self.emitted != first); ++i) {
    struct endpoint* const e = &self.endpoints[i];
    if (e->used) follow(e, by_time);
  }
  return TCPASSAY_OK;
}

/* ---- the plugin's functions ---- */

static void frame(const uint8_t* packet, size_t length, uint8_t type_high, uint8_t type_low, const uint8_t* to) {
  uint8_t* const octets = malloc(ETHERNET_HEADER + length);
  if (octets == NULL) return;
  memcpy(octets, to, 6);
  memcpy(octets + 6, kGuestMac, 6);
  octets[12] = type_high;
  octets[13] = type_low;
  memcpy(octets + ETHERNET_HEADER, packet, length);
  slirp_input(self.slirp, octets, (int)(ETHERNET_HEADER + length));
  free(octets);
}

static struct in_addr address_of(const struct tcpassay_address* address, int host_part) {
  struct in_addr result;
  memcpy(&result, address->octets, 4);
  if (host_part >= 0) result.s_addr = (result.s_addr & htonl(0xffffff00)) | htonl((uint32_t)host_part);
  return result;
}

static void begin(void) {
  const struct tcpassay_address* const local = &self.config.local;
  const SlirpConfig config = {.version = 4,
                              .in_enabled = true,
                              .vnetwork = address_of(local, 0),
                              .vnetmask.s_addr = htonl(0xffffff00),
                              .vhost = address_of(local, -1),
                              .vdhcp_start = address_of(local, 15),
                              .vnameserver = address_of(local, 3),
                              .if_mtu = self.config.mtu,
                              .if_mru = self.config.mtu,
                              .disable_dns = true,
                              .disable_dhcp = true};
  self.slirp = slirp_new(&config, &kCallbacks, NULL);
  if (self.slirp == NULL) return;
  /* The guest announces its address, so that slirp need not ask for it. */
  static const uint8_t kEverybody[6] = {255, 255, 255, 255, 255, 255};
  uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, 1};
  memcpy(arp + 8, kGuestMac, 6);
  memcpy(arp + 14, self.config.peer.octets, 4);
  memcpy(arp + 24, self.config.peer.octets, 4);
  frame(arp, sizeof arp, 0x08, 0x06, kEverybody);
}

static void bring_loopback_up(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq lo = {.ifr_flags = IFF_UP};
  strcpy(lo.ifr_name, "lo");
  if (fd < 0) return;
  ioctl(fd, SIOCSIFFLAGS, &lo);
  close(fd);
}

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  self.host = *host;
  self.config = *config;
  self.next_forwarded = 30000;
  self.slow_ns = self.fast_ns = UINT64_MAX;
  /* The ports of scenarios must be free: a loopback interface of our own. Without root, a user namespace gives one. */
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    host->log(host->ctx, "slirp needs a network namespace of its own: run as root or allow user namespaces");
    return NULL;
  }
  signal(SIGPIPE, SIG_IGN); /* as QEMU does: slirp writes to sockets that the host may have closed */
  bring_loopback_up();
  begin();
  return self.slirp == NULL ? NULL : &self;
}

static int reset(void* t, int ip_version) {
  (void)t;
  if (ip_version != 4) return -TCPASSAY_NOT_SUPPORTED;
  for (int i = 0; i < self.opened; ++i) {
    if (self.endpoints[i].used) close_at_once(self.endpoints[i].fd);
  }
  memset(self.endpoints, 0, sizeof self.endpoints);
  self.opened = 0;
  slirp_cleanup(self.slirp);
  self.now_ns = self.last_slow_ns = 0;
  self.slow_ns = self.fast_ns = UINT64_MAX;
  memset(self.peer_ports, 0, sizeof self.peer_ports);
  self.accepts = 0;
  self.rows_known = 0;
  begin();
  return self.slirp == NULL ? -TCPASSAY_OTHER : TCPASSAY_OK;
}

static void destroy(void* t) {
  reset(t, 4);
  slirp_cleanup(self.slirp);
  self.slirp = NULL;
}

static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t;
  if (length == 0 || length > 65535) return TCPASSAY_OK; /* no packet */
  const uint8_t* const ip = self.config.local.octets;
  const uint8_t to[6] = {0x52, 0x55, ip[0], ip[1], ip[2], ip[3]}; /* slirp's own address on its wire */
  const bool v6 = packet[0] >> 4 == 6;
  frame(packet, length, v6 ? 0x86 : 0x08, v6 ? 0xdd : 0x00, to);
  return settle(false);
}

static uint64_t next_deadline(void* t) {
  (void)t;
  return self.fast_ns < self.slow_ns ? self.fast_ns : self.slow_ns;
}

static int advance(void* t, uint64_t now_ns) {
  for (uint64_t due; (due = next_deadline(t)) <= now_ns;) {
    if (due > self.now_ns) self.now_ns = due;
    settle(true);
  }
  self.now_ns = now_ns;
  return TCPASSAY_OK;
}

static int new_socket(void) {
  const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); /* RFC 6093 section 6 */
  return fd;
}

static int32_t open_endpoint(void* t) {
  (void)t;
  struct endpoint* const e = unused_endpoint();
  if (e == NULL) return -TCPASSAY_NO_BUFFERS;
  e->fd = new_socket();
  return number_of(e);
}

static int bind_to(int fd, uint16_t port) {
  const struct sockaddr_in address = loopback(port);
  return bind(fd, (const struct sockaddr*)&address, sizeof address) == 0 ? 0 : -TCPASSAY_ADDRESS_IN_USE;
}

static int listen_on(void* t, int32_t number, uint16_t port, uint32_t backlog) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->phase != TCPASSAY_UNCONNECTED) return -TCPASSAY_INVALID;
  if (bind_to(e->fd, port) != 0 || listen(e->fd, (int)(backlog > 4096 ? 4096 : backlog)) != 0)
    return -TCPASSAY_ADDRESS_IN_USE;
  e->phase = TCPASSAY_LISTENING;
  e->local_port = port;
  return TCPASSAY_OK;
}

static int connect_to(void* t, int32_t number, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->phase != TCPASSAY_UNCONNECTED) return -TCPASSAY_INVALID;
  if (remote->family != 4 || memcmp(remote->octets, self.config.peer.octets, 4) != 0) return -TCPASSAY_UNREACHABLE;
  for (int tries = 0; local_port == 0 && tries < 64; ++tries) {
    const uint16_t chosen = (uint16_t)(49152 + self.host.random(self.host.ctx) % 16384);
    if (bind_to(e->fd, chosen) == 0) local_port = chosen;
  }
  if (local_port == 0 || (port_of(e->fd, get_own) == 0 && bind_to(e->fd, local_port) != 0))
    return -TCPASSAY_ADDRESS_IN_USE;
  const struct in_addr host = loopback(0).sin_addr, guest = address_of(remote, -1);
  uint16_t forwarded = 0;
  for (int tries = 0; forwarded == 0 && tries < 1000; ++tries) {
    self.next_forwarded = self.next_forwarded >= 45000 ? 30000 : (uint16_t)(self.next_forwarded + 1);
    if (slirp_add_hostfwd(self.slirp, 0, host, self.next_forwarded, guest, remote_port) == 0)
      forwarded = self.next_forwarded;
  }
  if (forwarded == 0) return -TCPASSAY_NO_BUFFERS;
  const struct sockaddr_in to = loopback(forwarded);
  const int rc = connect(e->fd, (const struct sockaddr*)&to, sizeof to);
  if (rc != 0 && errno != EINPROGRESS) {
    slirp_remove_hostfwd(self.slirp, 0, host, forwarded);
    return -TCPASSAY_ADDRESS_IN_USE;
  }
  e->local_port = local_port;
  e->remote_port = remote_port;
  for (int i = 0; i < 4; ++i) one_turn(false);
  slirp_remove_hostfwd(self.slirp, 0, host, forwarded);
  e->phase = TCPASSAY_OPENING;
  return settle(false);
}

static struct endpoint* waiting_on(int32_t listener, uint32_t* count) {
  struct endpoint* first = NULL;
  for (int i = 0; i < self.opened; ++i) {
    struct endpoint* const e = &self.endpoints[i];
    if (!e->used || e->listener != listener || e->phase < TCPASSAY_CONNECTED) continue;
    if (e->phase == TCPASSAY_ENDED && e->error != 0) continue; /* never was one */
    if (count != NULL) ++*count;
    if (first == NULL || e->order < first->order) first = e;
  }
  return first;
}

static int32_t accept_from(void* t, int32_t listener) {
  (void)t;
  struct endpoint* const e = waiting_on(listener, NULL);
  if (e == NULL) return -TCPASSAY_WOULD_BLOCK;
  e->listener = -1;
  return number_of(e);
}

static int error_of(int error) {
  switch (error) {
    case EAGAIN:
      return TCPASSAY_WOULD_BLOCK;
    case EPIPE:
      return TCPASSAY_PIPE;
    case ECONNRESET:
      return TCPASSAY_RESET;
    case ENOTCONN:
      return TCPASSAY_NOT_CONNECTED;
    case ECONNREFUSED:
      return TCPASSAY_REFUSED;
    default:
      return TCPASSAY_OTHER;
  }
}

static int64_t send_text(void* t, int32_t number, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  struct endpoint* const e = at(number);
  if (e == NULL || e->fd < 0) return -TCPASSAY_BAD_HANDLE;
  const ssize_t taken = send(e->fd, octets, length, MSG_NOSIGNAL);
  if (taken < 0) return -error_of(errno);
  settle(false);
  return taken;
}

static int64_t receive_text(void* t, int32_t number, uint8_t* octets, size_t room) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->fd < 0) return -TCPASSAY_BAD_HANDLE;
  const ssize_t got = recv(e->fd, octets, room, 0);
  if (got < 0) return -error_of(errno);
  settle(false);
  return got;
}

static int shutdown_sending(void* t, int32_t number) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->fd < 0) return -TCPASSAY_BAD_HANDLE;
  if (shutdown(e->fd, SHUT_WR) != 0) return -TCPASSAY_NOT_CONNECTED;
  return settle(false);
}

static int close_with(int32_t number, void (*how)(int)) {
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  for (int i = 0; e->phase == TCPASSAY_LISTENING && i < self.opened; ++i) {
    struct endpoint* const waiting = &self.endpoints[i];
    if (!waiting->used || waiting->listener != number) continue;
    close_at_once(waiting->fd);
    waiting->used = 0;
  }
  if (e->fd >= 0) how(e->fd);
  e->used = 0;
  return settle(false);
}
static void close_orderly(int fd) {
  close(fd);
}
static int close_endpoint(void* t, int32_t number) {
  (void)t;
  return close_with(number, close_orderly);
}
static int abort_endpoint(void* t, int32_t number) {
  (void)t;
  return close_with(number, close_at_once);
}

static int status_of(void* t, int32_t number, struct tcpassay_status* status) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  follow(e, true);
  status->phase = e->phase;
  status->error = e->error;
  status->local_port = e->local_port;
  status->remote_port = e->remote_port;
  if (e->phase == TCPASSAY_LISTENING) waiting_on(number, &status->acceptable);
  if (e->phase < TCPASSAY_OPENING || e->fd < 0) return TCPASSAY_OK;
  int unread = 0;
  if (ioctl(e->fd, FIONREAD, &unread) == 0) status->readable = (uint32_t)unread;
  struct pollfd one = {.fd = e->fd, .events = POLLIN | POLLOUT | POLLRDHUP};
  if (poll(&one, 1, 0) <= 0) return TCPASSAY_OK;
  status->eof = (one.revents & POLLRDHUP) != 0;
  status->writable = e->phase != TCPASSAY_ENDED && (one.revents & POLLOUT) ? 1 : 0;
  return TCPASSAY_OK;
}

static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  const struct row* const row = row_of(local_port, remote_port);
  if (row == NULL || row->state == TCPASSAY_CLOSED) return 0;
  state->state = row->state;
  return 1;
}

__attribute__((visibility("default"))) const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  static struct tcpassay_adapter adapter = {
      .abi = TCPASSAY_ABI,
      .size = sizeof(struct tcpassay_adapter),
      .name = "slirp",
      .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_STATE |
                   TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN | TCPASSAY_HALF_CLOSE | TCPASSAY_ABORT,
      .msl_ms = 5000, /* TCPTV_MSL */
      .create = create,
      .destroy = destroy,
      .reset = reset,
      .input = input,
      .advance = advance,
      .next_deadline = next_deadline,
      .open = open_endpoint,
      .listen = listen_on,
      .connect = connect_to,
      .accept = accept_from,
      .send = send_text,
      .receive = receive_text,
      .shutdown = shutdown_sending,
      .close = close_endpoint,
      .abort = abort_endpoint,
      .status = status_of,
      .state = state_of,
  };
  adapter.version = slirp_version_string();
  return &adapter;
}
