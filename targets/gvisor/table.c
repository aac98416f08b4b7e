/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter's table: what tcpassay calls, in terms of what plugin.go exports. */
#include "_cgo_export.h"
#include "tcpassay_plugin.h"

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  return gvisor_create((struct tcpassay_host*)host, (struct tcpassay_config*)config) == 0 ? &gvisor_create : NULL;
}
static void destroy(void* t) {
  (void)t;
  gvisor_reset(4);
}
static int reset(void* t, int ip_version) {
  (void)t;
  gvisor_reset(ip_version);
  return 0;
}
static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t;
  if (length > 0) gvisor_input((void*)packet, length);
  return 0;
}
static int advance(void* t, uint64_t now_ns) {
  (void)t;
  gvisor_advance(now_ns);
  return 0;
}
static uint64_t next_deadline(void* t) {
  (void)t;
  return gvisor_next_deadline();
}
static int32_t open_endpoint(void* t) {
  (void)t;
  return gvisor_open();
}
static int listen_on(void* t, int32_t endpoint, uint16_t port, uint32_t backlog) {
  (void)t;
  return gvisor_listen(endpoint, port, backlog);
}
static int connect_to(void* t, int32_t endpoint, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  return gvisor_connect(endpoint, local_port, (struct tcpassay_address*)remote, remote_port);
}
static int32_t accept_from(void* t, int32_t listener) {
  (void)t;
  return gvisor_accept(listener);
}
static int64_t send_text(void* t, int32_t endpoint, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  return gvisor_send(endpoint, (void*)octets, length);
}
static int64_t receive_text(void* t, int32_t endpoint, uint8_t* octets, size_t room) {
  (void)t;
  return room == 0 ? 0 : gvisor_receive(endpoint, octets, room);
}
static int shutdown_sending(void* t, int32_t endpoint) {
  (void)t;
  return gvisor_shutdown(endpoint);
}
static int close_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return gvisor_close(endpoint, 0);
}
static int abort_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return gvisor_close(endpoint, 1);
}
static int status_of(void* t, int32_t endpoint, struct tcpassay_status* status) {
  (void)t;
  return gvisor_status(endpoint, status);
}
static int set_option(void* t, int32_t endpoint, int option, int64_t value) {
  (void)t;
  return gvisor_set_option(endpoint, option, value);
}
static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  state->state = (uint32_t)gvisor_state(local_port, remote_port);
  return state->state != TCPASSAY_CLOSED;
}

const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  static const struct tcpassay_adapter kAdapter = {
      .abi = TCPASSAY_ABI,
      .size = sizeof(struct tcpassay_adapter),
      .name = "gvisor",
      .version = "20260905", /* as go.mod says */
      .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_STATE |
                   TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN | TCPASSAY_IPV6 | TCPASSAY_HALF_CLOSE | TCPASSAY_ABORT |
                   TCPASSAY_ISN_FROM_HOST,
      .options = 1u << TCPASSAY_NO_DELAY | 1u << TCPASSAY_MAX_SEGMENT | 1u << TCPASSAY_RECEIVE_BUFFER |
                 1u << TCPASSAY_SEND_BUFFER | 1u << TCPASSAY_USER_TIMEOUT | 1u << TCPASSAY_KEEP_ALIVE |
                 1u << TCPASSAY_KEEP_IDLE | 1u << TCPASSAY_KEEP_INTERVAL | 1u << TCPASSAY_KEEP_COUNT |
                 1u << TCPASSAY_QUICK_ACK | 1u << TCPASSAY_CORK | 1u << TCPASSAY_TYPE_OF_SERVICE |
                 1u << TCPASSAY_TIME_TO_LIVE,
      .msl_ms = 30000, /* TIME-WAIT lasts 60 s */
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
      .state = state_of,
  };
  return &kAdapter;
}
