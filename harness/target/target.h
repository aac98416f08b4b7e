// SPDX-License-Identifier: Apache-2.0
// A TCP implementation under test: IP packets in, IP packets out, socket calls beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/wire/packet.h"

namespace tcpassay {

// What a target can do. A scenario that needs a missing ability is skipped, and the report names the ability.
enum class Ability : std::uint8_t {
  kVirtualTime,  // time passes only in advance(); a run is a function of its input
  kSynchronous,  // when collect() returns nothing, the target has nothing more to send: no waiting needed
  kState,        // state() reports the connection's state (white box)
  kPassiveOpen,
  kActiveOpen,
  kIpv6,
  kUrgentData,     // sends urgent data, and tells the user of urgent data that waits
  kHalfClose,      // the user can close for sending and go on receiving
  kAbort,          // the user can ABORT
  kSecondAddress,  // a socket can be bound to another address of the target than the one that the peer speaks to
};
inline constexpr int kAbilities = 10;
const char* to_string(Ability ability);  // "virtual-time"

struct Identity {
  std::string name;     // "own", "linux"
  std::string version;  // of the implementation: "6.18.44"
  std::vector<Ability> abilities;
  Time msl{std::chrono::minutes(2)};            // the maximum segment lifetime it declares (RFC 9293 section 3.4.2)
  Address address, peer_address;                // the target's address and the one our side speaks from
  Address ipv6_address{}, ipv6_peer_address{};  // the same over IPv6, with Ability::kIpv6
  std::vector<std::string> settings{};          // names that configure() accepts (harness/target/settings.def)
  std::vector<std::string> implementation_specific{};  // names that implementation_specific() accepts
  std::vector<SocketOption> missing_options{};         // a scenario that uses one of these cannot be played

  bool can(Ability ability) const;
  bool has_option(SocketOption option) const;
  bool has_setting(std::string_view name) const;
  bool has_implementation_specific(std::string_view name) const;
};

// The target cannot be created or has failed: one line that says what is wrong and what to do.
struct TargetError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The implementation under test has crashed, hung or was killed: what a user of it would see, and so a finding. The
// message says how it ended, and the last lines that it wrote. A new target has to be made.
struct TargetDied : TargetError {
  using TargetError::TargetError;
};

struct Collected {
  Time from{}, until{};  // when it left the target; equal where time is virtual
  ByteView packet{};     // an IP packet, valid until the next call on the target
};

class Target {
 public:
  virtual ~Target() = default;

  virtual const Identity& identity() const = 0;

  // The IP version of sockets, and of the conversations that state() is asked for, from the next reset() on: 4, or 6
  // with Ability::kIpv6.
  virtual void use_ip(std::uint8_t version) { (void)version; }

  // Forgets every connection, listener, handle and setting. Time starts again at zero. With the same seed a target with
  // virtual time behaves the same again, byte for byte.
  virtual void reset(std::uint64_t seed) = 0;

  // Changes the configuration until the next reset; false when the target cannot. Called right after reset().
  virtual bool configure(std::string_view /*name*/, std::int64_t /*value*/) { return false; }

  // Settings of the system under the target by the system's own names ("net.ipv4.tcp_rmem"), until the next reset.
  virtual bool has_tuning(const std::string& /*name*/) const { return false; }
  virtual bool tune(const std::string& /*name*/, const std::string& /*value*/) { return false; }

  virtual Time now() = 0;

  // Puts one IP packet on the target's wire.
  virtual void inject(ByteView packet) = 0;

  // The oldest packet that the target sent and nobody has collected, or nothing. Never waits. The target leaves out
  // packets that do not belong to TCP.
  virtual std::optional<Collected> collect() = 0;

  // Lets time pass until `deadline` or until the target has sent something, whichever is first.
  virtual void advance(Time deadline) = 0;

  // Makes the call without blocking and fills in result, error, tuple and text. `text` of a read stays valid until the
  // next call on the target. `text` of a write is what to send. A call that fails has result -1 and says why. What is
  // not an errno of its own:
  //   connect   result -1 with kInProgress once the SYN has left; tuple is filled in. What becomes of it is the option
  //             kError. Again while it opens: kAlready; once it is open: kIsConnected; once it failed: why, one time.
  //   accept    kWouldBlock when nothing waits; else the new handle, with tuple
  //   read      0 at the end of the stream; kWouldBlock when there is nothing yet
  //   write     as many octets as there is room for; kWouldBlock without room
  //   kError    value is the UserError (its number here, not errno's) that waits for the user, who is told once
  // What the target cannot do at all it does not refuse here, since a refusal is judged: its identity lacks the
  // ability, the setting or the option, and scenarios that need it are not testable.
  virtual void call(UserCall& call) = 0;

  // The state of one connection, with Ability::kState; empty when the target has no such connection (CLOSED or LISTEN).
  virtual std::optional<StateReport> state(Tuple tuple) = 0;

  // Values that scripts ask for although no rule mentions them: a field of TCP_INFO ("tcpi_snd_cwnd"), a socket option
  // ("SOL_TCP.TCP_INQ"), the result of an ioctl ("SIOCINQ"). With `value`, sets it first. Returns the value; empty when
  // the target cannot read or set it.
  virtual std::optional<std::int64_t> implementation_specific(int /*handle*/, std::string_view /*name*/,
                                                              std::optional<std::int64_t> /*value*/ = {}) {
    return std::nullopt;
  }
};

}  // namespace tcpassay
