/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter's table: what tcpassay calls, in terms of what plugin.go exports. */
#include "_cgo_export.h"
#include "tcpassay_plugin.h"

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  return seqs_create((struct tcpassay_host*)host, (struct tcpassay_config*)config) == 0 ? &seqs_create : NULL;
}
static void destroy(void* t) {
  (void)t;
  seqs_reset();
}
static int reset(void* t, int ip_version) {
  (void)t, (void)ip_version;
  seqs_reset();
  return 0;
}
static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t;
  if (length > 0) seqs_input((void*)packet, length);
  return 0;
}
static int advance(void* t, uint64_t now_ns) {
  (void)t;
  seqs_advance(now_ns);
  return 0;
}
static uint64_t next_deadline(void* t) {
  (void)t;
  return UINT64_MAX; /* nothing of seqs happens unasked: its loop looks at what has something pending */
}
static int32_t open_endpoint(void* t) {
  (void)t;
  return seqs_open();
}
static int listen_on(void* t, int32_t endpoint, uint16_t port, uint32_t backlog) {
  (void)t;
  return seqs_listen(endpoint, port, backlog);
}
static int connect_to(void* t, int32_t endpoint, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  return seqs_connect(endpoint, local_port, (struct tcpassay_address*)remote, remote_port);
}
static int32_t accept_from(void* t, int32_t listener) {
  (void)t;
  return seqs_accept(listener);
}
static int64_t send_text(void* t, int32_t endpoint, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  return seqs_send(endpoint, (void*)octets, length);
}
static int64_t receive_text(void* t, int32_t endpoint, uint8_t* octets, size_t room) {
  (void)t;
  return room == 0 ? 0 : seqs_receive(endpoint, octets, room);
}
static int close_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return seqs_close(endpoint);
}
static int status_of(void* t, int32_t endpoint, struct tcpassay_status* status) {
  (void)t;
  return seqs_status(endpoint, status);
}
static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  state->state = (uint32_t)seqs_state(local_port, remote_port);
  return state->state != TCPASSAY_CLOSED;
}

const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  static const struct tcpassay_adapter kAdapter = {
      .abi = TCPASSAY_ABI,
      .size = sizeof(struct tcpassay_adapter),
      .name = "seqs",
      .version = "20260125", /* as go.mod says */
      .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_STATE |
                   TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN,
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
      .close = close_endpoint,
      .status = status_of,
      .state = state_of,
  };
  return &kAdapter;
}
