/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter's table: what tcpassay calls, in terms of what adapter.go exports. */
#include "_cgo_export.h"
#include "tcpassay_plugin.h"

static void* create(const struct tcpassay_host* host, const struct tcpassay_config* config) {
  goadapter_create((struct tcpassay_host*)host, (struct tcpassay_config*)config);
  return &goadapter_create;
}
static void destroy(void* t) {
  (void)t;
  goadapter_reset(4);
}
static int reset(void* t, int ip_version) {
  (void)t;
  goadapter_reset(ip_version);
  return 0;
}
static int input(void* t, const uint8_t* packet, size_t length) {
  (void)t;
  if (length > 0) goadapter_input((void*)packet, length);
  return 0;
}
static int advance(void* t, uint64_t now_ns) {
  (void)t;
  goadapter_advance(now_ns);
  return 0;
}
static uint64_t next_deadline(void* t) {
  (void)t;
  return goadapter_next_deadline();
}
static int32_t open_endpoint(void* t) {
  (void)t;
  return goadapter_open();
}
static int listen_on(void* t, int32_t endpoint, uint16_t port, uint32_t backlog) {
  (void)t;
  return goadapter_listen(endpoint, port, backlog);
}
static int connect_to(void* t, int32_t endpoint, uint16_t local_port, const struct tcpassay_address* remote,
                      uint16_t remote_port) {
  (void)t;
  return goadapter_connect(endpoint, local_port, (struct tcpassay_address*)remote, remote_port);
}
static int32_t accept_from(void* t, int32_t listener) {
  (void)t;
  return goadapter_accept(listener);
}
static int64_t send_text(void* t, int32_t endpoint, const uint8_t* octets, size_t length, uint32_t flags) {
  (void)t, (void)flags;
  return goadapter_send(endpoint, (void*)octets, length);
}
static int64_t receive_text(void* t, int32_t endpoint, uint8_t* octets, size_t room) {
  (void)t;
  return room == 0 ? 0 : goadapter_receive(endpoint, octets, room);
}
static int shutdown_sending(void* t, int32_t endpoint) {
  (void)t;
  return goadapter_shutdown(endpoint);
}
static int close_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return goadapter_close(endpoint, 0);
}
static int abort_endpoint(void* t, int32_t endpoint) {
  (void)t;
  return goadapter_close(endpoint, 1);
}
static int status_of(void* t, int32_t endpoint, struct tcpassay_status* status) {
  (void)t;
  return goadapter_status(endpoint, status);
}
static int set_option(void* t, int32_t endpoint, int option, int64_t value) {
  (void)t;
  return goadapter_set_option(endpoint, option, value);
}
static int state_of(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state) {
  (void)t;
  state->state = (uint32_t)goadapter_state(local_port, remote_port);
  return state->state != TCPASSAY_CLOSED;
}

const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi) {
  (void)host_abi;
  static struct tcpassay_adapter adapter = {
      .abi = TCPASSAY_ABI,
      .size = sizeof(struct tcpassay_adapter),
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
  goadapter_table(&adapter); /* waits until Go's runtime has begun */
  if ((adapter.abilities & TCPASSAY_HALF_CLOSE) != 0) adapter.shutdown = shutdown_sending;
  if ((adapter.abilities & TCPASSAY_ABORT) != 0) adapter.abort = abort_endpoint;
  if (adapter.options != 0) adapter.set_option = set_option;
  return &adapter;
}
