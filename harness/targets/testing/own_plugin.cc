// SPDX-License-Identifier: Apache-2.0
// The own stack behind the plugin interface, for tests: the same stack must be judged the same with and without it.
// plugin:FILE.so?FAULT breaks the adapter as breakages.h says.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "harness/targets/own/sockets.h"
#include "harness/targets/own/stack.h"
#include "harness/targets/plugin/tcpassay_plugin.h"
#include "harness/targets/testing/breakages.h"

#ifndef OWN_PLUGIN_ABI
#define OWN_PLUGIN_ABI TCPASSAY_ABI
#endif

namespace {

constexpr int kBreaksAfter = 3;             // packets since the reset
constexpr std::size_t kLeaked = 64 * 1024;  // octets, at each reset
constexpr own::Time kNever = std::numeric_limits<own::Time>::max();

own::Address address_of(const tcpassay_address& from) {
  std::uint64_t words[2] = {0, 0};
  for (int i = 0; i < 16; ++i) words[i / 8] = words[i / 8] << 8 | from.octets[i];
  if (from.family == 4) return own::ipv4(static_cast<std::uint32_t>(words[0] >> 32));
  return {.high = words[0], .low = words[1]};
}

struct OwnPlugin {
  tcpassay_host host;
  tcpassay_config config;
  Breakage breakage;
  own::Stack stack;
  own::Sockets sockets;
  std::set<int> listening{}, elsewhere{}, opens_fast{};  // endpoints
  struct Remote {
    own::Address address{};
    std::uint16_t port = 0;
  };
  std::map<int, Remote> opening{};  // connect() has been called, and the SYN waits for text
  int resets = 0, packets = 0;
  own::Time told_now = 0;  // by the last advance()
  std::thread late{};
  std::vector<void*> kept{};

  OwnPlugin(const tcpassay_host& h, const tcpassay_config& c, Breakage b)
      : host(h), config(c), breakage(b), stack(address_of(c.local), address_of(c.local_v6)), sockets(stack) {}
  ~OwnPlugin() {
    if (late.joinable()) late.join();
  }

  void drain() {
    while (const auto sent = stack.collect()) host.emit(host.ctx, sent->packet.data(), sent->packet.size());
  }
};

OwnPlugin& plugin(void* t) {
  return *static_cast<OwnPlugin*>(t);
}

int code_of(own::Error error) {
  constexpr own::Error kSame[] = {own::Error::kNone,    own::Error::kWouldBlock,  own::Error::kInProgress,
                                  own::Error::kAlready, own::Error::kIsConnected, own::Error::kNotConnected,
                                  own::Error::kRefused, own::Error::kReset};
  const auto at = std::find(std::begin(kSame), std::end(kSame), error);
  if (at != std::end(kSame)) return static_cast<int>(at - std::begin(kSame));
  switch (error) {
    case own::Error::kTimedOut:
      return TCPASSAY_TIMED_OUT;
    case own::Error::kPipe:
      return TCPASSAY_PIPE;
    case own::Error::kAddressInUse:
      return TCPASSAY_ADDRESS_IN_USE;
    case own::Error::kInvalid:
      return TCPASSAY_INVALID;
    case own::Error::kBadHandle:
      return TCPASSAY_BAD_HANDLE;
    case own::Error::kNoBuffers:
      return TCPASSAY_NO_BUFFERS;
    case own::Error::kNotSupported:
      return TCPASSAY_NOT_SUPPORTED;
    case own::Error::kNoProtocolOption:
      return TCPASSAY_NO_PROTOCOL_OPTION;
    case own::Error::kUnreachable:
      return TCPASSAY_UNREACHABLE;
    default:
      return TCPASSAY_OTHER;
  }
}

int error_of(own::Ended ended) {
  switch (ended) {
    case own::Ended::kRefused:
      return TCPASSAY_REFUSED;
    case own::Ended::kReset:
      return TCPASSAY_RESET;
    case own::Ended::kTimedOut:
      return TCPASSAY_TIMED_OUT;
    case own::Ended::kUnreachable:
      return TCPASSAY_UNREACHABLE;
    default:
      return TCPASSAY_OK;
  }
}

std::int64_t answer(OwnPlugin& p, const own::Result& result) {
  p.drain();
  return result.error == own::Error::kNone ? result.value : -code_of(result.error);
}

void* create(const tcpassay_host* host, const tcpassay_config* config) {
  const std::string wanted = config->extra;
  const auto breakage = breakage_named(wanted);
  if (!breakage) {
    host->log(host->ctx, ("no such fault: " + wanted).c_str());
    return nullptr;
  }
  if (*breakage != Breakage::kNoCreate) return new OwnPlugin(*host, *config, *breakage);
  host->log(host->ctx, "no memory, on purpose");
  return nullptr;
}

void destroy(void* t) {
  delete &plugin(t);
}

int reset(void* t, int /*ip_version*/) {
  OwnPlugin& p = plugin(t);
  if (p.late.joinable()) p.late.join();
  std::uint64_t seed = p.host.random(p.host.ctx);
  if (p.breakage == Breakage::kDiffers)
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  p.stack.reset(seed);
  p.sockets.reset();
  p.listening.clear();
  p.elsewhere.clear();
  p.opens_fast.clear();
  p.opening.clear();
  p.packets = 0;
  p.told_now = 0;
  ++p.resets;
  if (p.breakage != Breakage::kLeak) return 0;
  p.kept.push_back(std::malloc(kLeaked));
  std::memset(p.kept.back(), 1, kLeaked);
  return 0;
}

int input(void* t, const std::uint8_t* packet, std::size_t length) {
  OwnPlugin& p = plugin(t);
  if (++p.packets == kBreaksAfter) break_down(p.breakage, p.host);
  if (p.breakage == Breakage::kFragile && p.listening.empty()) break_down(Breakage::kSegfault, p.host);
  if (p.breakage == Breakage::kFragile && p.packets >= kBreaksAfter) return 0;
  p.stack.inject({packet, length});
  if (p.breakage != Breakage::kLate) {
    p.drain();
    return 0;
  }
  if (p.late.joinable()) p.late.join();
  p.late = std::thread([&p] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    p.drain();
  });
  return 0;
}

int advance(void* t, std::uint64_t now_ns) {
  OwnPlugin& p = plugin(t);
  auto now = static_cast<own::Time>(now_ns);
  if (p.breakage == Breakage::kLosesTime) {
    const own::Time whole = (now - p.told_now) / own::kMillisecond * own::kMillisecond;
    p.told_now = now;
    now = p.stack.now() + whole;
  }
  do {
    p.stack.advance(now);
    p.drain();
  } while (p.stack.now() < now);
  return 0;
}

std::uint64_t next_deadline(void* t) {
  OwnPlugin& p = plugin(t);
  if (p.breakage == Breakage::kStuckDeadline && p.packets > 0) return 0;
  const own::Time next = p.breakage == Breakage::kLateDeadline ? kNever : p.stack.next_due();
  const own::Time behind = p.breakage == Breakage::kLosesTime ? p.told_now - p.stack.now() : 0;
  return next == kNever ? UINT64_MAX : static_cast<std::uint64_t>(next + behind);
}

std::int32_t open(void* t) {
  return static_cast<std::int32_t>(answer(plugin(t), plugin(t).sockets.socket()));
}

int listen(void* t, std::int32_t endpoint, std::uint16_t port, std::uint32_t backlog) {
  OwnPlugin& p = plugin(t);
  p.sockets.set(endpoint, own::Option::kReuseAddress, 1);  // who may bind, tcpassay decides
  if (const auto code = answer(p, p.sockets.bind(endpoint, port, p.elsewhere.contains(endpoint))); code < 0)
    return static_cast<int>(code);
  if (p.breakage == Breakage::kKeeps && p.resets > 1) p.sockets.set(endpoint, own::Option::kReceiveBuffer, 4000);
  const auto code = answer(p, p.sockets.listen(endpoint, backlog));
  if (code >= 0) p.listening.insert(endpoint);
  return static_cast<int>(code);
}

int connect(void* t, std::int32_t endpoint, std::uint16_t local_port, const tcpassay_address* remote,
            std::uint16_t port) {
  OwnPlugin& p = plugin(t);
  if (local_port != 0) {
    p.sockets.set(endpoint, own::Option::kReuseAddress, 1);
    if (const auto code = answer(p, p.sockets.bind(endpoint, local_port)); code < 0) return static_cast<int>(code);
  }
  if (p.opens_fast.contains(endpoint)) {
    p.opening[endpoint] = {.address = address_of(*remote), .port = port};
    return 0;
  }
  const auto code = answer(p, p.sockets.connect(endpoint, address_of(*remote), port));
  return code == -TCPASSAY_IN_PROGRESS ? 0 : static_cast<int>(code);
}

std::int32_t accept(void* t, std::int32_t listener) {
  return static_cast<std::int32_t>(answer(plugin(t), plugin(t).sockets.accept(listener)));
}

std::int64_t send(void* t, std::int32_t endpoint, const std::uint8_t* octets, std::size_t length, std::uint32_t flags) {
  OwnPlugin& p = plugin(t);
  if (const auto opens = p.opening.find(endpoint); opens != p.opening.end()) {
    const OwnPlugin::Remote to = opens->second;
    p.opening.erase(opens);
    return answer(p, p.sockets.send_to(endpoint, to.address, to.port, {octets, length}));
  }
  return answer(p, p.sockets.write(endpoint, {octets, length}, (flags & TCPASSAY_SEND_URGENT) != 0));
}

std::int64_t receive(void* t, std::int32_t endpoint, std::uint8_t* octets, std::size_t room) {
  std::vector<std::uint8_t> text;
  const own::Result result = plugin(t).sockets.read(endpoint, static_cast<std::uint32_t>(room), text);
  std::copy(text.begin(), text.end(), octets);
  return answer(plugin(t), result);
}

int shutdown(void* t, std::int32_t endpoint) {
  if (plugin(t).breakage == Breakage::kHalfCloseLate && plugin(t).packets == 0) return -TCPASSAY_NOT_CONNECTED;
  return static_cast<int>(answer(plugin(t), plugin(t).sockets.shutdown(endpoint, 1)));
}

int close(void* t, std::int32_t endpoint) {
  OwnPlugin& p = plugin(t);
  for (std::set<int>* of : {&p.listening, &p.elsewhere, &p.opens_fast}) of->erase(endpoint);
  p.opening.erase(endpoint);
  return static_cast<int>(answer(p, p.sockets.close(endpoint)));
}

int abort_connection(void* t, std::int32_t endpoint) {
  plugin(t).sockets.set(endpoint, own::Option::kLinger, 0);
  return close(t, endpoint);
}

int status(void* t, std::int32_t endpoint, tcpassay_status* out) {
  OwnPlugin& p = plugin(t);
  const auto events = p.sockets.poll(endpoint).value;
  if (p.listening.count(endpoint) != 0) {
    out->phase = TCPASSAY_LISTENING;
    out->acceptable = events > 0;
    return 0;
  }
  const own::Connection* c = p.sockets.connection(endpoint);
  if (c == nullptr) return 0;
  const bool opening = c->state == own::State::kSynSent || c->state == own::State::kSynReceived;
  out->phase = opening ? TCPASSAY_OPENING : c->state == own::State::kClosed ? TCPASSAY_ENDED : TCPASSAY_CONNECTED;
  out->error = error_of(c->ended);
  if (out->error == TCPASSAY_OK)
    out->soft_error = code_of(static_cast<own::Error>(p.sockets.pending_error(endpoint).value));
  out->readable = c->received.user();
  out->writable = c->sends() && c->text_queued() < c->choices.send_buffer;
  out->eof = c->fin_received;
  out->urgent = p.stack.urgent_waits(*c);
  out->local_port = c->local_port;
  out->remote_port = c->remote_port;
  return 0;
}

// In the order of enum tcpassay_option.
constexpr own::Option kOptions[] = {
    own::Option::kNoDelay,     own::Option::kMaxSegment,    own::Option::kReceiveBuffer, own::Option::kSendBuffer,
    own::Option::kUserTimeout, own::Option::kKeepAlive,     own::Option::kKeepIdle,      own::Option::kKeepInterval,
    own::Option::kKeepCount,   own::Option::kReuseAddress,  own::Option::kReuseAddress,  own::Option::kOutOfBandInline,
    own::Option::kAtMark,      own::Option::kTypeOfService, own::Option::kTimeToLive,    own::Option::kReuseAddress,
    own::Option::kFastOpen};
constexpr std::uint32_t kHasOptions = 0x3ffff & ~(1u << TCPASSAY_QUICK_ACK) & ~(1u << TCPASSAY_CORK);

int set_option(void* t, std::int32_t endpoint, int option, std::int64_t value) {
  if (option == TCPASSAY_BOUND_ELSEWHERE || option == TCPASSAY_FAST_OPEN_CONNECT) {
    std::set<int>& of = option == TCPASSAY_BOUND_ELSEWHERE ? plugin(t).elsewhere : plugin(t).opens_fast;
    value != 0 ? static_cast<void>(of.insert(endpoint)) : static_cast<void>(of.erase(endpoint));
    return 0;
  }
  return static_cast<int>(answer(plugin(t), plugin(t).sockets.set(endpoint, kOptions[option], value)));
}

int get_option(void* t, std::int32_t endpoint, int option, std::int64_t* value) {
  const own::Result result = plugin(t).sockets.get(endpoint, kOptions[option]);
  *value = result.value;
  return result.error == own::Error::kNone ? 0 : -code_of(result.error);
}

int configure(void* t, const char* name, std::int64_t value) {
  return own::set(plugin(t).stack.settings, name, value) ? 0 : -TCPASSAY_NO_PROTOCOL_OPTION;
}

int state(void* t, std::uint16_t local_port, std::uint16_t remote_port, tcpassay_state* out) {
  OwnPlugin& p = plugin(t);
  const own::Connection* c = p.stack.find(local_port, address_of(p.config.peer), remote_port);
  if (c == nullptr) c = p.stack.find(local_port, address_of(p.config.peer_v6), remote_port);
  if (p.breakage == Breakage::kState) out->state = TCPASSAY_ESTABLISHED;
  if (c == nullptr) return p.breakage == Breakage::kState;
  if (p.breakage != Breakage::kState) out->state = static_cast<std::uint32_t>(c->state);
  out->known = TCPASSAY_KNOWS_SND_UNA | TCPASSAY_KNOWS_SND_NXT;
  if (c->state != own::State::kSynSent) out->known |= TCPASSAY_KNOWS_RCV_NXT;
  out->snd_una = c->snd_una;
  out->snd_nxt = c->snd_nxt;
  out->rcv_nxt = c->rcv_nxt;
  return 1;
}

const char* const* settings() {
  static const std::vector<const char*> names = [] {
    std::vector<const char*> all;
    for (int i = 0; const char* name = own::setting_name(i); ++i) all.push_back(name);
    all.push_back(nullptr);
    return all;
  }();
  return names.data();
}

}  // namespace

extern "C" const struct tcpassay_adapter* tcpassay_plugin(std::uint32_t /*host_abi*/) {
  static const struct tcpassay_adapter table = {
      .abi = OWN_PLUGIN_ABI,
      .size = sizeof table,
      .name = "own-plugin",
      .version = "1",
      .abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_FORKABLE |
                   TCPASSAY_STATE | TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN | TCPASSAY_IPV6 | TCPASSAY_URGENT |
                   TCPASSAY_HALF_CLOSE | TCPASSAY_ABORT | TCPASSAY_ISN_FROM_HOST,
      .options = kHasOptions,
      .msl_ms = static_cast<std::uint32_t>(own::kMsl / 1000000),
      .settings = settings(),
      .create = create,
      .destroy = destroy,
      .reset = reset,
      .input = input,
      .advance = advance,
      .next_deadline = next_deadline,
      .open = open,
      .listen = listen,
      .connect = connect,
      .accept = accept,
      .send = send,
      .receive = receive,
      .shutdown = shutdown,
      .close = close,
      .abort = abort_connection,
      .status = status,
      .set_option = set_option,
      .get_option = get_option,
      .configure = configure,
      .state = state,
  };
  return &table;
}
