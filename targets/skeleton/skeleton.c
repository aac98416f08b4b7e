/* SPDX-License-Identifier: Apache-2.0
 * An adapter to copy (docs/plugins.md goes through it): it loads, and its stack does nothing yet. Fill in what stands
 * behind STACK. Build it with
 *   cc -shared -fPIC -I INCLUDE -o mystack.so skeleton.c ...
 * where INCLUDE is the folder of tcpassay_plugin.h, and look at it with `tcpassay plugin-check ./mystack.so`. */
#include <stdlib.h>
#include <string.h>

#include "tcpassay_plugin.h"

#define ENDPOINTS 256

/* One socket of the application. Most stacks tell by callbacks what happens to a connection: note it here, so that
 * status() can tell it. */
struct endpoint {
  int used;
  uint32_t phase; /* enum tcpassay_phase */
  int32_t error;  /* why the connection ended: TCPASSAY_RESET ... */
  uint8_t eof;    /* the peer's FIN has come */
  uint16_t local_port, remote_port;
  void* connection; /* STACK: its control block */
};

struct adapter {
  struct tcpassay_host host;
  struct tcpassay_config config;
  uint64_t now_ns;
  struct endpoint endpoints[ENDPOINTS];
};

static struct endpoint* endpoint_of(void* t, int32_t number) {
  struct adapter* a = t;
  return number >= 0 && number < ENDPOINTS && a->endpoints[number].used ? &a->endpoints[number] : NULL;
}

/* STACK: its interface sends a packet: call this with the whole IP packet, without a frame around it. */
void skeleton_output(struct adapter* a, const uint8_t* packet, size_t length) {
  a->host.emit(a->host.ctx, packet, length);
}

/* STACK: its random source, its source of initial sequence numbers. */
uint32_t skeleton_random(struct adapter* a) {
  return a->host.random(a->host.ctx);
}

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  struct adapter* a = calloc(1, sizeof *a);
  if (a == NULL) return NULL;
  a->host = *host;
  a->config = *config;
  /* STACK: start it, with one interface that is up: address config->local, /24, mtu config->mtu, no ARP. */
  return a;
}

static void destroy(void* t) {
  /* STACK: end it. */
  free(t);
}

static int reset(void* t, int ip_version) {
  struct adapter* a = t;
  (void)ip_version; /* without TCPASSAY_IPV6 always 4 */
  /* STACK: as after create(). If it cannot be undone, leave TCPASSAY_EXACT_RESET out: then this is called once. */
  memset(a->endpoints, 0, sizeof a->endpoints);
  a->now_ns = 0;
  return 0;
}

static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t, (void)packet, (void)length; /* STACK: the packet arrives at its interface; it may be damaged. */
  return 0;
}

static int advance(void* t, uint64_t now_ns) {
  struct adapter* a = t;
  a->now_ns = now_ns; /* STACK: its clock reads a->now_ns; it runs the timers that are due. */
  return 0;
}

static uint64_t next_deadline(void* t) {
  (void)t;
  return UINT64_MAX; /* STACK: when its next timer is due; with a tick of 250 ms, the next multiple of 250000000. */
}

static int32_t open_endpoint(void* t) {
  struct adapter* a = t;
  for (int32_t i = 0; i < ENDPOINTS; ++i) {
    if (a->endpoints[i].used) continue;
    memset(&a->endpoints[i], 0, sizeof a->endpoints[i]);
    a->endpoints[i].used = 1;
    /* STACK: make a control block, so that options can be set before it is used. */
    return i;
  }
  return -TCPASSAY_NO_BUFFERS;
}

static int listen_at(void* t, int32_t number, uint16_t port, uint32_t backlog) {
  struct endpoint* e = endpoint_of(t, number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  (void)backlog; /* STACK: a passive OPEN; -TCPASSAY_ADDRESS_IN_USE when the port is taken. */
  e->phase = TCPASSAY_LISTENING;
  e->local_port = port;
  return 0;
}

static int connect_to(void* t, int32_t number, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  struct endpoint* e = endpoint_of(t, number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  (void)remote; /* STACK: an active OPEN; local_port 0 leaves the port to the stack: note which it took. */
  e->phase = TCPASSAY_OPENING;
  e->local_port = local_port;
  e->remote_port = remote_port;
  return 0;
}

static int32_t accept_from(void* t, int32_t listener) {
  if (endpoint_of(t, listener) == NULL) return -TCPASSAY_BAD_HANDLE;
  return -TCPASSAY_WOULD_BLOCK; /* STACK: open_endpoint() for the oldest connection that nobody has accepted. */
}

static int64_t send_octets(void* t, int32_t number, const uint8_t* octets, size_t length, uint32_t flags) {
  if (endpoint_of(t, number) == NULL) return -TCPASSAY_BAD_HANDLE;
  (void)octets, (void)length, (void)flags;
  return -TCPASSAY_WOULD_BLOCK; /* STACK: how many octets it took. */
}

static int64_t receive_octets(void* t, int32_t number, uint8_t* octets, size_t room) {
  struct endpoint* e = endpoint_of(t, number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  (void)octets, (void)room; /* STACK: copy out what has arrived in order; only this opens the window. */
  return e->eof ? 0 : -TCPASSAY_WOULD_BLOCK;
}

static int close_endpoint(void* t, int32_t number) {
  struct endpoint* e = endpoint_of(t, number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  /* STACK: CLOSE. The connection goes on without its application. */
  e->used = 0;
  return 0;
}

static int status(void* t, int32_t number, struct tcpassay_status* out) {
  const struct endpoint* e = endpoint_of(t, number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  out->phase = e->phase;
  out->error = e->error;
  out->eof = e->eof;
  out->local_port = e->local_port;
  out->remote_port = e->remote_port;
  /* STACK: out->readable, out->writable, and of a listener out->acceptable. */
  return 0;
}

static const struct tcpassay_adapter table = {
    .abi = TCPASSAY_ABI,
    .size = sizeof(struct tcpassay_adapter),
    .name = "skeleton",
    .version = "1",
    /* What is true of your stack: more of enum tcpassay_ability as you go on. */
    .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_PASSIVE_OPEN |
                 TCPASSAY_ACTIVE_OPEN,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .input = input,
    .advance = advance,
    .next_deadline = next_deadline,
    .open = open_endpoint,
    .listen = listen_at,
    .connect = connect_to,
    .accept = accept_from,
    .send = send_octets,
    .receive = receive_octets,
    .close = close_endpoint,
    .status = status,
};

const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  return &table;
}
