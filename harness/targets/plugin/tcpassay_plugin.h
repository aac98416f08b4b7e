/* SPDX-License-Identifier: Apache-2.0
 * The binary interface between tcpassay and a TCP implementation that it tests. An adapter is a shared library that
 * exports one symbol, tcpassay_plugin(); `tcpassay check --target plugin:./libadapter.so` loads it. docs/plugins.md is
 * the page to follow, targets/skeleton/ the file to copy. Plain C without dependencies: any language can speak it.
 *
 * IP packets go in by input() and come out by host->emit(). The application's calls (open, send, receive ...) stand
 * beside them and never block. tcpassay builds non-blocking sockets on these calls: it keeps the handles, the bound
 * ports, SO_LINGER and SO_ERROR itself, so that an adapter only says what its stack did. Ethernet, ARP, neighbour
 * discovery and the stack's own threads stay inside the adapter.
 *
 * tcpassay makes one call at a time, from one thread. */
#ifndef TCPASSAY_PLUGIN_H
#define TCPASSAY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TCPASSAY_ABI 1u

/* What the stack and its adapter can do: struct tcpassay_adapter, abilities. A scenario that needs a missing ability is
 * not testable; it is never judged. */
enum tcpassay_ability {
  TCPASSAY_VIRTUAL_TIME = 1 << 0, /* time passes only in advance(): nothing reads another clock */
  TCPASSAY_SYNCHRONOUS = 1 << 1,  /* when a call returns, all that it brings about has been emitted */
  TCPASSAY_EXACT_RESET = 1 << 2,  /* after reset() the stack behaves as after create(), octet for octet */
  TCPASSAY_FORKABLE = 1 << 3,     /* the process may be forked after create(): serves instead of an exact reset */
  TCPASSAY_STATE = 1 << 4,        /* state() tells the stack's own view of a connection */
  TCPASSAY_PASSIVE_OPEN = 1 << 5, /* listen(), accept() */
  TCPASSAY_ACTIVE_OPEN = 1 << 6,  /* connect() */
  TCPASSAY_IPV6 = 1 << 7,
  TCPASSAY_URGENT = 1 << 8,         /* send() with TCPASSAY_SEND_URGENT, and status() tells of urgent data */
  TCPASSAY_HALF_CLOSE = 1 << 9,     /* shutdown(): a FIN, and the application still receives */
  TCPASSAY_ABORT = 1 << 10,         /* abort(): a RST */
  TCPASSAY_ISN_FROM_HOST = 1 << 11, /* initial sequence numbers depend on host->random() and on time only */
  TCPASSAY_COVERAGE = 1 << 12       /* built with sanitizer coverage */
};
/* Neither EXACT_RESET nor FORKABLE: a process is started afresh for each scenario (Go's runtime needs that). */

/* Errors: a call that fails returns the negative of one of these. */
enum tcpassay_error {
  TCPASSAY_OK = 0,
  TCPASSAY_WOULD_BLOCK = 1, /* nothing to accept, nothing to receive, no room to send */
  TCPASSAY_IN_PROGRESS = 2, /* not needed: connect() returns 0 once the SYN is on its way */
  TCPASSAY_ALREADY = 3,
  TCPASSAY_IS_CONNECTED = 4,
  TCPASSAY_NOT_CONNECTED = 5,
  TCPASSAY_REFUSED = 6, /* a RST answered the SYN */
  TCPASSAY_RESET = 7,   /* a RST ended the connection */
  TCPASSAY_ABORTED = 8,
  TCPASSAY_TIMED_OUT = 9, /* the stack gave up: retransmissions, SYN, keep-alive */
  TCPASSAY_PIPE = 10,     /* the application has already closed for sending */
  TCPASSAY_ADDRESS_IN_USE = 11,
  TCPASSAY_INVALID = 12,
  TCPASSAY_BAD_HANDLE = 13,
  TCPASSAY_UNREACHABLE = 14,
  TCPASSAY_NO_BUFFERS = 15,
  TCPASSAY_NOT_SUPPORTED = 16,
  TCPASSAY_NO_PROTOCOL_OPTION = 17,
  TCPASSAY_OTHER = 18
};

/* Options of a connection. Bit 1u << option of struct tcpassay_adapter, options, says that the stack has it; a scenario
 * that uses another one is not testable. A listener's options hold for what it accepts. */
enum tcpassay_option {
  TCPASSAY_NO_DELAY = 0,       /* 1: no Nagle algorithm */
  TCPASSAY_MAX_SEGMENT = 1,    /* octets */
  TCPASSAY_RECEIVE_BUFFER = 2, /* octets */
  TCPASSAY_SEND_BUFFER = 3,    /* octets */
  TCPASSAY_USER_TIMEOUT = 4,   /* milliseconds */
  TCPASSAY_KEEP_ALIVE = 5,     /* 0 or 1 */
  TCPASSAY_KEEP_IDLE = 6,      /* seconds */
  TCPASSAY_KEEP_INTERVAL = 7,  /* seconds */
  TCPASSAY_KEEP_COUNT = 8,
  TCPASSAY_QUICK_ACK = 9,        /* 0 or 1 */
  TCPASSAY_CORK = 10,            /* 0 or 1 */
  TCPASSAY_OOB_INLINE = 11,      /* 0 or 1: urgent octets stay in the stream (RFC 6093 section 6) */
  TCPASSAY_AT_MARK = 12,         /* asked only: 1 when the next octet to receive is at the urgent mark */
  TCPASSAY_TYPE_OF_SERVICE = 13, /* 0 to 255: DSCP and ECN of what is sent */
  TCPASSAY_TIME_TO_LIVE = 14,    /* 1 to 255, or hop limit */
  /* Not of every header of version 1: an adapter without the bit needs nothing of it. All are set before listen() and
   * connect(). */
  TCPASSAY_BOUND_ELSEWHERE = 15,  /* 1: bound to another address of the stack than config->local (MUST-43), whichever:
                                     what is sent to config->local is not for this endpoint */
  TCPASSAY_FAST_OPEN = 16,        /* of a listener: how many Fast Open requests may be pending; 0: none (RFC 7413). The
                                     setting "fast-open" belongs to it */
  TCPASSAY_FAST_OPEN_CONNECT = 17 /* 1: connect() sends nothing. The first send() opens: where the peer's cookie is
                                     known, with the cookie and text, and it returns how many octets were taken; else
                                     the SYN asks for a cookie, and send() returns IN_PROGRESS and has taken nothing */
};

/* The states of RFC 9293 section 3.3.2. */
enum tcpassay_tcp_state {
  TCPASSAY_CLOSED = 0,
  TCPASSAY_LISTEN,
  TCPASSAY_SYN_SENT,
  TCPASSAY_SYN_RECEIVED,
  TCPASSAY_ESTABLISHED,
  TCPASSAY_FIN_WAIT_1,
  TCPASSAY_FIN_WAIT_2,
  TCPASSAY_CLOSE_WAIT,
  TCPASSAY_CLOSING,
  TCPASSAY_LAST_ACK,
  TCPASSAY_TIME_WAIT
};

struct tcpassay_address {
  uint8_t family; /* 4 or 6 */
  uint8_t unused[3];
  uint8_t octets[16]; /* IPv4 uses the first four */
};

/* What tcpassay gives the adapter. Valid until destroy(). */
struct tcpassay_host {
  uint32_t abi, size; /* TCPASSAY_ABI, sizeof(struct tcpassay_host) of the host */
  void* ctx;          /* the first argument of each function */
  /* The stack puts one IP packet on the wire. Only from inside a call of tcpassay, if the adapter is synchronous; from
   * any thread otherwise. The octets are copied. */
  void (*emit)(void* ctx, const uint8_t* packet, size_t length);
  /* The only source of randomness. May be called inside create() and reset(). Repeats itself after each reset(). */
  uint32_t (*random)(void* ctx);
  /* One line for the author of the adapter, shown when something fails. */
  void (*log)(void* ctx, const char* line);
  /* The stack has failed an assertion or panicked and cannot go on; `why` is reported with the scenario. Where abort()
   * is easier, abort(): what was written to stderr is reported. */
  void (*failed)(void* ctx, const char* why);
};

struct tcpassay_config {
  uint32_t size;
  uint32_t mtu;                              /* of the link: 1500 */
  struct tcpassay_address local, peer;       /* IPv4: the stack's address and the peer's; a /24 network */
  struct tcpassay_address local_v6, peer_v6; /* IPv6, with TCPASSAY_IPV6: a /64 network */
  const char* extra;                         /* what follows `?` in plugin:FILE.so?TEXT; "" if nothing */
};

/* How an endpoint stands: all that tcpassay has to know for poll, SO_ERROR and the errors of calls. */
enum tcpassay_phase {
  TCPASSAY_UNCONNECTED = 0, /* open(), and nothing since */
  TCPASSAY_LISTENING = 1,
  TCPASSAY_OPENING = 2,   /* SYN-SENT, SYN-RECEIVED */
  TCPASSAY_CONNECTED = 3, /* has been ESTABLISHED; any state since, but CLOSED */
  TCPASSAY_ENDED = 4      /* CLOSED again, or the stack has forgotten the connection */
};
struct tcpassay_status { /* all zero when the adapter is asked */
  uint32_t phase;        /* enum tcpassay_phase */
  int32_t error;         /* why the connection ended (REFUSED, RESET, TIMED_OUT ...), or OK. It stays: tcpassay tells
                            the application once */
  int32_t soft_error;    /* an ICMP error that did not end the connection (SHLD-25), or OK; status() tells it once */
  uint32_t readable;     /* octets that receive() has now; any number above zero if not known better */
  uint32_t writable;     /* octets that send() would take now; likewise */
  uint32_t acceptable;   /* of a listener: connections that accept() has now; likewise */
  uint8_t eof;           /* the peer's FIN has been taken: nothing comes behind what is readable */
  uint8_t urgent;        /* urgent data waits (MUST-32), with TCPASSAY_URGENT */
  uint8_t unused[2];
  uint16_t local_port, remote_port; /* of a connection; 0 when not known */
};

/* The stack's view of one connection, for white-box judging. */
enum tcpassay_known {
  TCPASSAY_KNOWS_SND_UNA = 1,
  TCPASSAY_KNOWS_SND_NXT = 2,
  TCPASSAY_KNOWS_RCV_NXT = 4,
  TCPASSAY_KNOWS_SND_WND = 8,
  TCPASSAY_KNOWS_RCV_WND = 16
};
struct tcpassay_state {               /* all zero when the adapter is asked */
  uint32_t state;                     /* enum tcpassay_tcp_state */
  uint32_t known;                     /* bits of enum tcpassay_known: which of the numbers are filled in */
  uint32_t snd_una, snd_nxt, rcv_nxt; /* as on the wire; SND.UNA is ISS in SYN-SENT, RCV.NXT is unknown there */
  uint32_t snd_wnd, rcv_wnd;          /* octets, after scaling */
};

enum { TCPASSAY_SEND_URGENT = 1 }; /* flags of send() */

/* The adapter. `t` is what create() returned. Where nothing else is said, a function returns 0 or a negative error. */
struct tcpassay_adapter {
  uint32_t abi, size;  /* TCPASSAY_ABI, sizeof(struct tcpassay_adapter) */
  const char* name;    /* "lwip": in reports, and of the file of deviations */
  const char* version; /* of the stack: "2.1.3" */
  uint32_t abilities;  /* bits of enum tcpassay_ability */
  uint32_t options;    /* bits 1u << enum tcpassay_option */
  uint32_t msl_ms;     /* the maximum segment lifetime that the stack uses (RFC 9293 section 3.4.2); 0: 2 minutes */
  const char* const* settings; /* names that configure() takes ("timestamps", harness/target/settings.def), NULL at the
                                  end; or NULL */

  /* A stack with one interface that is up, at time 0. NULL when that fails; host->log() says why. Called once in a
   * process unless destroy() came between. */
  void* (*create)(const struct tcpassay_host* host, const struct tcpassay_config* config);
  void (*destroy)(void* t);
  /* Forgets every endpoint, connection and setting; time is 0 again. From now on applications speak IP version 4 or 6.
   * Called before the first scenario, too. May return an error when that cannot be. */
  int (*reset)(void* t, int ip_version);
  /* One IP packet from the wire, valid during the call: TCP, ICMP or nonsense, damaged on purpose or not. */
  int (*input)(void* t, const uint8_t* packet, size_t length);
  /* It is now `now_ns`, nanoseconds since the reset, never less than before: the stack's timers that are due by then
   * run, each at its own time. Without TCPASSAY_VIRTUAL_TIME tcpassay calls this every millisecond. */
  int (*advance)(void* t, uint64_t now_ns);
  /* When the stack next has something to do without being asked, on the same clock; UINT64_MAX for never. With a
   * periodic tick: the next tick. May be too early, never too late. */
  uint64_t (*next_deadline)(void* t);

  /* A new endpoint: its number, 0 or more. Options may be set before listen() and connect(). */
  int32_t (*open)(void* t);
  int (*listen)(void* t, int32_t endpoint, uint16_t port, uint32_t backlog);
  /* Active OPEN: the SYN leaves. local_port 0: the stack chooses one. `remote` may be a broadcast or multicast address
   * (MUST-46): then the answer is the stack's. A failure later is status(), error. */
  int (*connect)(void* t, int32_t endpoint, uint16_t local_port, const struct tcpassay_address* remote,
                 uint16_t remote_port);
  /* The number of the endpoint of a connection that the listener has brought; WOULD_BLOCK when there is none. */
  int32_t (*accept)(void* t, int32_t listener);
  /* How many octets the stack has taken; WOULD_BLOCK when it has no room. Legal while the connection is opening. */
  int64_t (*send)(void* t, int32_t endpoint, const uint8_t* octets, size_t length, uint32_t flags);
  /* The application reads: how many octets it got, 0 at the end of the stream, WOULD_BLOCK when there is nothing yet.
   * This, and nothing earlier, opens the receive window. */
  int64_t (*receive)(void* t, int32_t endpoint, uint8_t* octets, size_t room);
  /* The application will send no more (FIN) and goes on receiving. With TCPASSAY_HALF_CLOSE, else NULL. */
  int (*shutdown)(void* t, int32_t endpoint);
  /* The application is gone (FIN, or what the stack does with unread data); the connection ends on its own. Of a
   * listener: it and what it has not handed out. The number is free for another endpoint. */
  int (*close)(void* t, int32_t endpoint);
  /* As close(), but at once and with a RST. With TCPASSAY_ABORT, else NULL. */
  int (*abort)(void* t, int32_t endpoint);
  int (*status)(void* t, int32_t endpoint, struct tcpassay_status* status);

  /* The rest may be NULL. */
  int (*set_option)(void* t, int32_t endpoint, int option, int64_t value);
  int (*get_option)(void* t, int32_t endpoint, int option, int64_t* value);
  /* One of `settings`, right after reset() and until the next. */
  int (*configure)(void* t, const char* name, int64_t value);
  /* The connection between these two ports, accepted or not: 1 and `state` filled in, or 0 when the stack has none. */
  int (*state)(void* t, uint16_t local_port, uint16_t remote_port, struct tcpassay_state* state);
};

/* The one exported symbol. Returns the adapter's table whatever `host_abi` is; tcpassay compares the numbers. */
const struct tcpassay_adapter* tcpassay_plugin(uint32_t host_abi);

#ifdef __cplusplus
}
#endif
#endif
