/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP behind tcpassay's plugin interface: the raw interface (tcp_new, tcp_write ...), virtual time, IPv4 and IPv6. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "targets/common/snapshot.h"
#include "tcpassay_plugin.h"

enum { ENDPOINTS_MAX = 256, OPTIONS = TCPASSAY_TIME_TO_LIVE + 1 };
#define NS_PER_MS 1000000u
/* The machine has been up for a while when a scenario begins. */
#define MS_SINCE_BOOT 100000u

struct endpoint {
  int used;
  struct tcp_pcb* pcb; /* NULL: lwIP has freed it */
  uint32_t phase;
  int32_t error;
  int eof;
  int listener;        /* of a connection that nobody has accepted yet: its listener, else -1 */
  unsigned order;      /* accepts are handed out in this order */
  struct pbuf* unread; /* what the application has not read: lwIP leaves that queue to its user */
  uint16_t local_port, remote_port;
  uint32_t options_set; /* bits */
  int64_t options[OPTIONS];
};

static struct lwip {
  struct tcpassay_host host;
  struct netif netif;
  struct endpoint* endpoints; /* ENDPOINTS_MAX, not part of the snapshot; those from `opened` on are all zero */
  int opened;
  int ip_version;
  int quiet; /* nothing goes out while everything is torn down */
  unsigned accepts;
  uint64_t now_ns;
  uint64_t tick_ns; /* when tcp_tmr() is due; UINT64_MAX while the timer is stopped */
  uint64_t isn_secret;
} lwip;
static struct snapshot snapshot;

/* ---- what lwIP asks of its platform ---- */

u32_t sys_now(void) {
  return (u32_t)(lwip.now_ns / NS_PER_MS) + MS_SINCE_BOOT;
}

unsigned int lwip_plugin_random(void) {
  return lwip.host.random(lwip.host.ctx);
}

static uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static uint64_t mixed_address(uint64_t sum, const ip_addr_t* address) {
  if (!IP_IS_V6(address)) return mixed(sum ^ ip_2_ip4(address)->addr);
  for (int i = 0; i < 4; ++i) sum = mixed(sum ^ ip_2_ip6(address)->addr[i]);
  return sum;
}

/* RFC 6528: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M counts every 4 microseconds. */
uint32_t lwip_plugin_isn(const ip_addr_t* local, uint16_t local_port, const ip_addr_t* remote, uint16_t remote_port) {
  if (lwip.isn_secret == 0) lwip.isn_secret = (uint64_t)lwip_plugin_random() << 32 | lwip_plugin_random() | 1;
  uint64_t f = mixed(lwip.isn_secret ^ ((uint64_t)local_port << 16 | remote_port));
  f = mixed_address(mixed_address(f, local), remote);
  return (uint32_t)(f + lwip.now_ns / 4000);
}

/* lwIP runs its timer only while there are connections (tcpip_tcp_timer of lwIP's timeouts.c). */
void tcp_timer_needed(void) {
  if (lwip.tick_ns == UINT64_MAX) lwip.tick_ns = lwip.now_ns + (uint64_t)TCP_TMR_INTERVAL * NS_PER_MS;
}

static void tick(void) {
  tcp_tmr();
  const int needed = tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
  lwip.tick_ns = needed ? lwip.now_ns + (uint64_t)TCP_TMR_INTERVAL * NS_PER_MS : UINT64_MAX;
}

/* ---- the interface ---- */

static err_t emit(struct pbuf* packet) {
  if (lwip.quiet) return ERR_OK;
  if (packet->next == NULL) {
    lwip.host.emit(lwip.host.ctx, packet->payload, packet->len);
    return ERR_OK;
  }
  uint8_t octets[2048];
  const u16_t length = pbuf_copy_partial(packet, octets, sizeof octets, 0);
  lwip.host.emit(lwip.host.ctx, octets, length);
  return ERR_OK;
}

static err_t emit_ip4(struct netif* netif, struct pbuf* packet, const ip4_addr_t* to) {
  (void)netif, (void)to;
  return emit(packet);
}

static err_t emit_ip6(struct netif* netif, struct pbuf* packet, const ip6_addr_t* to) {
  (void)netif, (void)to;
  return emit(packet);
}

static err_t set_up_netif(struct netif* netif) {
  netif->name[0] = 't';
  netif->name[1] = 'a';
  netif->output = emit_ip4;
  netif->output_ip6 = emit_ip6;
  return ERR_OK;
}

/* ---- endpoints ---- */

static struct endpoint* at(int32_t number) {
  if (number < 0 || number >= lwip.opened || !lwip.endpoints[number].used) return NULL;
  return &lwip.endpoints[number];
}

static int number_of(const struct endpoint* e) {
  return (int)(e - lwip.endpoints);
}

static struct endpoint* unused_endpoint(void) {
  for (int i = 0; i < ENDPOINTS_MAX; ++i) {
    struct endpoint* const e = &lwip.endpoints[i];
    if (e->used) continue;
    memset(e, 0, sizeof *e);
    e->used = 1;
    e->listener = -1;
    if (i >= lwip.opened) lwip.opened = i + 1;
    return e;
  }
  return NULL;
}

static void forget(struct endpoint* e) {
  if (e->unread != NULL) pbuf_free(e->unread);
  memset(e, 0, sizeof *e);
}

static int listed(const struct tcp_pcb* list, const struct tcp_pcb* pcb) {
  for (; list != NULL; list = list->next) {
    if (list == pcb) return 1;
  }
  return 0;
}

/* lwIP frees a control block at the end of TIME-WAIT without telling its user. */
static struct tcp_pcb* pcb_of(struct endpoint* e) {
  if (e->pcb == NULL || e->phase < TCPASSAY_CONNECTED) return e->pcb;
  if (!listed(tcp_active_pcbs, e->pcb) && !listed(tcp_tw_pcbs, e->pcb)) {
    e->pcb = NULL;
    e->phase = TCPASSAY_ENDED;
  }
  return e->pcb;
}

static int error_of(err_t error) {
  switch (error) {
    case ERR_OK:
      return TCPASSAY_OK;
    case ERR_MEM:
    case ERR_BUF:
      return -TCPASSAY_NO_BUFFERS;
    case ERR_RTE:
      return -TCPASSAY_UNREACHABLE;
    case ERR_USE:
      return -TCPASSAY_ADDRESS_IN_USE;
    case ERR_CONN:
    case ERR_CLSD:
      return -TCPASSAY_NOT_CONNECTED;
    case ERR_ISCONN:
      return -TCPASSAY_IS_CONNECTED;
    case ERR_ARG:
    case ERR_VAL:
      return -TCPASSAY_INVALID;
    default:
      return -TCPASSAY_OTHER;
  }
}

static void apply_option(struct tcp_pcb* pcb, int option, int64_t value) {
  switch (option) {
    case TCPASSAY_NO_DELAY:
      if (value) {
        tcp_nagle_disable(pcb);
      } else {
        tcp_nagle_enable(pcb);
      }
      break;
    case TCPASSAY_KEEP_ALIVE:
      if (value) {
        ip_set_option(pcb, SOF_KEEPALIVE);
      } else {
        ip_reset_option(pcb, SOF_KEEPALIVE);
      }
      break;
    case TCPASSAY_KEEP_IDLE:
      pcb->keep_idle = (u32_t)value * 1000;
      break;
    case TCPASSAY_KEEP_INTERVAL:
      pcb->keep_intvl = (u32_t)value * 1000;
      break;
    case TCPASSAY_KEEP_COUNT:
      pcb->keep_cnt = (u32_t)value;
      break;
    case TCPASSAY_TYPE_OF_SERVICE:
      pcb->tos = (u8_t)value;
      break;
    case TCPASSAY_TIME_TO_LIVE:
      pcb->ttl = (u8_t)value;
      break;
    default:
      break;
  }
}

static void apply_options(struct tcp_pcb* pcb, const struct endpoint* e) {
  for (int option = 0; option < OPTIONS; ++option) {
    if (e->options_set & 1u << option) apply_option(pcb, option, e->options[option]);
  }
}

/* ---- what lwIP tells its user ---- */

static err_t received(void* arg, struct tcp_pcb* pcb, struct pbuf* text, err_t error) {
  (void)pcb, (void)error;
  struct endpoint* const e = arg;
  if (text == NULL) {
    e->eof = 1;
  } else if (e->unread == NULL) {
    e->unread = text;
  } else {
    pbuf_cat(e->unread, text);
  }
  return ERR_OK;
}

/* The control block is already gone, or goes when this returns. */
static void ended(void* arg, err_t error) {
  struct endpoint* const e = arg;
  e->pcb = NULL;
  if (error == ERR_RST) {
    e->error = e->phase == TCPASSAY_OPENING ? TCPASSAY_REFUSED : TCPASSAY_RESET;
    /* RFC 9293 section 3.10.7.4: "All segment queues should be flushed." This queue is ours. */
    if (e->unread != NULL) pbuf_free(e->unread);
    e->unread = NULL;
  } else if (error == ERR_ABRT) {
    e->error = TCPASSAY_TIMED_OUT; /* lwIP gave up: retransmissions, SYN, keep-alive, FIN-WAIT-2 */
  }
  e->phase = TCPASSAY_ENDED;
}

static void remember_ports(struct endpoint* e) {
  e->local_port = e->pcb->local_port;
  e->remote_port = e->pcb->remote_port;
}

static void attach(struct endpoint* e, struct tcp_pcb* pcb) {
  e->pcb = pcb;
  tcp_arg(pcb, e);
  tcp_recv(pcb, received);
  tcp_err(pcb, ended);
}

static err_t connected(void* arg, struct tcp_pcb* pcb, err_t error) {
  (void)pcb, (void)error;
  struct endpoint* const e = arg;
  e->phase = TCPASSAY_CONNECTED;
  return ERR_OK;
}

static err_t accepted(void* arg, struct tcp_pcb* pcb, err_t error) {
  (void)error;
  struct endpoint* const listener = arg;
  struct endpoint* const e = pcb == NULL ? NULL : unused_endpoint();
  if (e == NULL) return ERR_MEM;
  attach(e, pcb);
  remember_ports(e);
  e->phase = TCPASSAY_CONNECTED;
  e->listener = number_of(listener);
  e->order = ++lwip.accepts;
  tcp_backlog_delayed(pcb);
  apply_options(pcb, listener);
  return ERR_OK;
}

/* ---- the plugin's functions ---- */

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  lwip.host = *host;
  lwip.ip_version = 4;
  lwip.tick_ns = UINT64_MAX;
  if (lwip.endpoints == NULL) lwip.endpoints = calloc(ENDPOINTS_MAX, sizeof *lwip.endpoints);
  if (lwip.endpoints == NULL) return NULL;
  lwip_init();
  ip4_addr_t address, mask, gateway;
  memcpy(&address, config->local.octets, 4);
  memcpy(&gateway, config->peer.octets, 4);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  if (netif_add(&lwip.netif, &address, &mask, &gateway, NULL, set_up_netif, ip_input) == NULL) return NULL;
  lwip.netif.mtu = (u16_t)config->mtu;
  lwip.netif.mtu6 = (u16_t)config->mtu;
  netif_set_default(&lwip.netif);
  netif_set_link_up(&lwip.netif);
  netif_set_up(&lwip.netif);
  ip6_addr_t address_v6;
  memset(&address_v6, 0, sizeof address_v6);
  memcpy(address_v6.addr, config->local_v6.octets, 16);
  netif_ip6_addr_set(&lwip.netif, 1, &address_v6);
  netif_ip6_addr_set_state(&lwip.netif, 1, IP6_ADDR_PREFERRED);
  snapshot_take(&snapshot);
  return &lwip;
}

static int reset(void* t, int ip_version) {
  (void)t;
  lwip.quiet = 1;
  while (tcp_active_pcbs != NULL) tcp_abort(tcp_active_pcbs);
  while (tcp_tw_pcbs != NULL) tcp_abort(tcp_tw_pcbs);
  while (tcp_bound_pcbs != NULL) tcp_abort(tcp_bound_pcbs);
  while (tcp_listen_pcbs.pcbs != NULL) tcp_close(tcp_listen_pcbs.pcbs);
  for (int i = 0; i < lwip.opened; ++i) {
    struct endpoint* const e = &lwip.endpoints[i];
    if (e->used && e->pcb != NULL && e->phase == TCPASSAY_UNCONNECTED) tcp_abort(e->pcb); /* on no list */
    forget(e);
  }
  const struct snapshot again = snapshot;
  snapshot_restore(&again);
  lwip.ip_version = ip_version;
  return TCPASSAY_OK;
}

static void destroy(void* t) {
  reset(t, 4);
}

static int input(void* t, const uint8_t* octets, size_t length) {
  (void)t;
  if (length == 0 || length > 65535) return TCPASSAY_OK; /* no packet */
  struct pbuf* const packet = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
  if (packet == NULL) return -TCPASSAY_NO_BUFFERS;
  memcpy(packet->payload, octets, length);
  if (lwip.netif.input(packet, &lwip.netif) != ERR_OK) pbuf_free(packet);
  return TCPASSAY_OK;
}

static int advance(void* t, uint64_t now_ns) {
  (void)t;
  while (lwip.tick_ns <= now_ns) {
    lwip.now_ns = lwip.tick_ns;
    tick();
  }
  lwip.now_ns = now_ns;
  return TCPASSAY_OK;
}

static uint64_t next_deadline(void* t) {
  (void)t;
  return lwip.tick_ns;
}

static int32_t open_endpoint(void* t) {
  (void)t;
  struct endpoint* const e = unused_endpoint();
  if (e == NULL) return -TCPASSAY_NO_BUFFERS;
  struct tcp_pcb* const pcb = tcp_new_ip_type(lwip.ip_version == 6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
  if (pcb == NULL) {
    e->used = 0;
    return -TCPASSAY_NO_BUFFERS;
  }
  ip_set_option(pcb, SOF_REUSEADDR);
  attach(e, pcb);
  return number_of(e);
}

static const ip_addr_t* any_address(void) {
  return lwip.ip_version == 6 ? IP6_ADDR_ANY : IP4_ADDR_ANY;
}

static int listen_on(void* t, int32_t number, uint16_t port, uint32_t backlog) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->phase != TCPASSAY_UNCONNECTED) return -TCPASSAY_INVALID;
  err_t error = tcp_bind(e->pcb, any_address(), port);
  if (error != ERR_OK) return error_of(error);
  const uint8_t most = backlog < 1 ? 1 : backlog > 255 ? 255 : (uint8_t)backlog;
  struct tcp_pcb* const listening = tcp_listen_with_backlog_and_err(e->pcb, most, &error);
  if (listening == NULL) return error_of(error);
  e->pcb = listening;
  tcp_arg(listening, e);
  tcp_accept(listening, accepted);
  e->phase = TCPASSAY_LISTENING;
  e->local_port = port;
  return TCPASSAY_OK;
}

static int connect_to(void* t, int32_t number, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL || e->phase != TCPASSAY_UNCONNECTED) return -TCPASSAY_INVALID;
  ip_addr_t to;
  memset(&to, 0, sizeof to);
  if (remote->family == 6) {
    IP_SET_TYPE_VAL(to, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(&to)->addr, remote->octets, 16);
  } else {
    IP_SET_TYPE_VAL(to, IPADDR_TYPE_V4);
    memcpy(&ip_2_ip4(&to)->addr, remote->octets, 4);
  }
  err_t error = local_port == 0 ? ERR_OK : tcp_bind(e->pcb, any_address(), local_port);
  if (error == ERR_OK) error = tcp_connect(e->pcb, &to, remote_port, connected);
  if (error != ERR_OK) return error_of(error);
  e->phase = TCPASSAY_OPENING;
  remember_ports(e);
  return TCPASSAY_OK;
}

static struct endpoint* waiting_on(int32_t listener, uint32_t* count) {
  struct endpoint* first = NULL;
  for (int i = 0; i < lwip.opened; ++i) {
    struct endpoint* const e = &lwip.endpoints[i];
    if (!e->used || e->listener != listener) continue;
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
  if (pcb_of(e) != NULL) tcp_backlog_accepted(e->pcb);
  return number_of(e);
}

static int64_t send_text(void* t, int32_t number, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  struct endpoint* const e = at(number);
  struct tcp_pcb* const pcb = e == NULL ? NULL : pcb_of(e);
  if (pcb == NULL) return -TCPASSAY_NOT_CONNECTED;
  size_t taken = length < tcp_sndbuf(pcb) ? length : tcp_sndbuf(pcb);
  if (taken > 65535) taken = 65535;
  if (taken == 0) return -TCPASSAY_WOULD_BLOCK;
  err_t error = tcp_write(pcb, octets, (u16_t)taken, TCP_WRITE_FLAG_COPY);
  /* As lwIP's own applications do where small segments use up the queue. */
  for (; error == ERR_MEM && taken > 1; error = tcp_write(pcb, octets, (u16_t)taken, TCP_WRITE_FLAG_COPY)) taken /= 2;
  if (error == ERR_MEM) return -TCPASSAY_WOULD_BLOCK;
  if (error == ERR_CONN) return -TCPASSAY_PIPE;
  if (error != ERR_OK) return error_of(error);
  tcp_output(pcb);
  return (int64_t)taken;
}

static int64_t receive_text(void* t, int32_t number, uint8_t* octets, size_t room) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  if (e->unread == NULL) return e->eof || e->phase == TCPASSAY_ENDED ? 0 : -TCPASSAY_WOULD_BLOCK;
  const u16_t most = room > 65535 ? 65535 : (u16_t)room;
  const u16_t taken = pbuf_copy_partial(e->unread, octets, most, 0);
  e->unread = pbuf_free_header(e->unread, taken);
  if (pcb_of(e) != NULL) tcp_recved(e->pcb, taken);
  return taken;
}

static int shutdown_sending(void* t, int32_t number) {
  (void)t;
  struct endpoint* const e = at(number);
  struct tcp_pcb* const pcb = e == NULL ? NULL : pcb_of(e);
  return pcb == NULL ? -TCPASSAY_NOT_CONNECTED : error_of(tcp_shutdown(pcb, 0, 1));
}

static void let_go(struct tcp_pcb* pcb) {
  tcp_arg(pcb, NULL);
  tcp_recv(pcb, NULL);
  tcp_err(pcb, NULL);
}

static int close_listener(struct endpoint* e) {
  for (struct endpoint* waiting; (waiting = waiting_on(number_of(e), NULL)) != NULL; forget(waiting)) {
    struct tcp_pcb* const pcb = pcb_of(waiting);
    if (pcb == NULL) continue;
    let_go(pcb);
    tcp_abort(pcb);
  }
  const err_t error = tcp_close(e->pcb);
  forget(e);
  return error_of(error);
}

static int close_endpoint(void* t, int32_t number) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  if (e->phase == TCPASSAY_LISTENING) return close_listener(e);
  struct tcp_pcb* const pcb = pcb_of(e);
  err_t error = ERR_OK;
  if (pcb != NULL) {
    let_go(pcb);
    error = tcp_close(pcb);
  }
  forget(e);
  return error_of(error);
}

static int abort_endpoint(void* t, int32_t number) {
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  if (e->phase == TCPASSAY_LISTENING) return close_endpoint(t, number);
  struct tcp_pcb* const pcb = pcb_of(e);
  if (pcb != NULL) {
    let_go(pcb);
    tcp_abort(pcb);
  }
  forget(e);
  return TCPASSAY_OK;
}

static int may_send(const struct tcp_pcb* pcb) {
  return pcb->state >= SYN_SENT && pcb->state <= CLOSE_WAIT && pcb->state != FIN_WAIT_1 && pcb->state != FIN_WAIT_2;
}

static int status_of(void* t, int32_t number, struct tcpassay_status* status) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  struct tcp_pcb* const pcb = pcb_of(e);
  status->phase = e->phase;
  status->error = e->error;
  status->readable = e->unread == NULL ? 0 : e->unread->tot_len;
  status->eof = (uint8_t)e->eof;
  status->local_port = e->local_port;
  status->remote_port = e->remote_port;
  if (e->phase == TCPASSAY_LISTENING) waiting_on(number, &status->acceptable);
  const int connection = pcb != NULL && (e->phase == TCPASSAY_OPENING || e->phase == TCPASSAY_CONNECTED);
  if (connection && may_send(pcb) && tcp_sndqueuelen(pcb) < TCP_SND_QUEUELEN) status->writable = tcp_sndbuf(pcb);
  return TCPASSAY_OK;
}

static const uint32_t kOptions = 1u << TCPASSAY_NO_DELAY | 1u << TCPASSAY_KEEP_ALIVE | 1u << TCPASSAY_KEEP_IDLE |
                                 1u << TCPASSAY_KEEP_INTERVAL | 1u << TCPASSAY_KEEP_COUNT |
                                 1u << TCPASSAY_TYPE_OF_SERVICE | 1u << TCPASSAY_TIME_TO_LIVE;

static int set_option(void* t, int32_t number, int option, int64_t value) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  if (option < 0 || option >= OPTIONS || !(kOptions & 1u << option)) return -TCPASSAY_NO_PROTOCOL_OPTION;
  e->options_set |= 1u << option;
  e->options[option] = value;
  struct tcp_pcb* const pcb = pcb_of(e);
  if (pcb != NULL && e->phase != TCPASSAY_LISTENING) apply_option(pcb, option, value);
  return TCPASSAY_OK;
}

static int get_option(void* t, int32_t number, int option, int64_t* value) {
  (void)t;
  struct endpoint* const e = at(number);
  if (e == NULL) return -TCPASSAY_BAD_HANDLE;
  if (option < 0 || option >= OPTIONS || !(e->options_set & 1u << option)) return -TCPASSAY_NO_PROTOCOL_OPTION;
  *value = e->options[option];
  return TCPASSAY_OK;
}

static const struct tcp_pcb* find(const struct tcp_pcb* list, uint16_t local_port, uint16_t remote_port) {
  for (; list != NULL; list = list->next) {
    if (list->local_port == local_port && list->remote_port == remote_port) return list;
  }
  return NULL;
}

static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  static const uint32_t kStates[] = {
      [CLOSED] = TCPASSAY_CLOSED,         [LISTEN] = TCPASSAY_LISTEN,           [SYN_SENT] = TCPASSAY_SYN_SENT,
      [SYN_RCVD] = TCPASSAY_SYN_RECEIVED, [ESTABLISHED] = TCPASSAY_ESTABLISHED, [FIN_WAIT_1] = TCPASSAY_FIN_WAIT_1,
      [FIN_WAIT_2] = TCPASSAY_FIN_WAIT_2, [CLOSE_WAIT] = TCPASSAY_CLOSE_WAIT,   [CLOSING] = TCPASSAY_CLOSING,
      [LAST_ACK] = TCPASSAY_LAST_ACK,     [TIME_WAIT] = TCPASSAY_TIME_WAIT};
  const struct tcp_pcb* pcb = find(tcp_active_pcbs, local_port, remote_port);
  if (pcb == NULL) pcb = find(tcp_tw_pcbs, local_port, remote_port);
  if (pcb == NULL) return 0;
  const int opening = pcb->state == SYN_SENT;
  state->state = kStates[pcb->state];
  state->known = TCPASSAY_KNOWS_SND_UNA | TCPASSAY_KNOWS_SND_NXT | TCPASSAY_KNOWS_SND_WND;
  state->snd_una = pcb->lastack + (opening ? 1 : 0); /* tcp_connect() sets lastack to ISS - 1 */
  state->snd_nxt = pcb->snd_nxt;
  state->snd_wnd = pcb->snd_wnd;
  if (opening) return 1;
  state->known |= TCPASSAY_KNOWS_RCV_NXT | TCPASSAY_KNOWS_RCV_WND;
  state->rcv_nxt = pcb->rcv_nxt;
  state->rcv_wnd = pcb->rcv_wnd;
  return 1;
}

__attribute__((visibility("default"))) const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  static struct tcpassay_adapter adapter = {
      .abi = TCPASSAY_ABI,
      .size = sizeof(struct tcpassay_adapter),
      .name = LWIP_PLUGIN_NAME,
      .version = LWIP_VERSION_STRING,
      .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_FORKABLE |
                   TCPASSAY_STATE | TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN | TCPASSAY_IPV6 | TCPASSAY_HALF_CLOSE |
                   TCPASSAY_ABORT | TCPASSAY_ISN_FROM_HOST,
      .msl_ms = TCP_MSL,
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
      .set_option = set_option,
      .get_option = get_option,
      .state = state_of,
  };
  adapter.options = kOptions;
  return &adapter;
}
