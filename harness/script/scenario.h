// SPDX-License-Identifier: Apache-2.0
// A scenario: a bounded list of stimuli and optional assertions in script terms. Scripts, the sweep and the fuzzer make
// scenarios; a session plays them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/script/error.h"
#include "harness/target/settings.h"
#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// The time of a step, in one of packetdrill's forms.
struct StepTime {
  enum class Form : std::uint8_t { kRelative, kAbsolute, kAny, kRelativeRange, kAbsoluteRange };
  Form form = Form::kRelative;
  Time at{};                      // +T or T
  Time to{};                      // the range's end
  std::optional<Time> returns{};  // T...T2: a blocking call returns then (absolute or relative like `at`)
  friend bool operator==(const StepTime&, const StepTime&) = default;
};

// One TCP option as written in the script.
struct OptionSpec {
  enum class Kind : std::uint8_t {
    kEnd,
    kNop,
    kMss,
    kWindowScale,
    kSackPermitted,
    kSack,
    kTimestamp,
    kFastOpen,
    kFastOpenExp,
    kMd5,
    kAccEcn,
    kRaw,
  };
  Kind kind = Kind::kNop;
  std::vector<std::uint32_t> values{};  // mss; shift; TSval, TSecr; left and right edges; AccECN counters
  Bytes octets{};                       // cookie, digest, or the raw octets of kRaw
  std::string name{};                   // kAccEcn: the field order as written ("e1b ceb e0b"); kFastOpen: as below
  friend bool operator==(const OptionSpec&, const OptionSpec&) = default;
};

// Written instead of a cookie's digits: the latest cookie that the target gave (or, where none was given, would give),
// the same cookie with one bit changed, and the one that it would give with a key of zeros.
inline constexpr const char* kCookieOfTarget = "TFO_COOKIE";
inline constexpr const char* kCookieChanged = "TFO_COOKIE_CHANGED";
inline constexpr const char* kCookieOfZeros = "TFO_COOKIE_ZERO";

// SEG.WND of an inbound segment whose line has no `win`.
inline constexpr std::uint16_t kDefaultWindow = 65535;

// A segment in script terms. Numbers are relative as in packetdrill: SEG.SEQ counts from the sender's first SYN,
// SEG.ACK from the other side's. The peer's SYN goes on the wire with the number in the script; the target's real
// initial sequence number is added when a segment is built or compared.
struct SegmentSpec {
  std::optional<std::uint16_t> local_port{},
      remote_port{};  // the target's and the peer's; empty: the script's only pair
  Ctl ctl{};
  std::optional<int> ace{};  // AccECN ACE digits, if written
  std::uint32_t seq = 0;
  std::uint32_t length = 0;  // octets of text
  std::optional<std::uint32_t> ack{};
  std::optional<std::uint16_t> wnd{}, up{};
  std::vector<OptionSpec> options{};
  bool any_options = false;  // <...>: outbound, not compared
  std::optional<std::uint8_t> traffic_class{}, ttl{};
  std::string encapsulation{};  // as written, "/udp(9899 > 9900)": in what IP carries the segment
  Damage damage{};              // inbound only
  bool absolute = false;        // `0:0(0)!`: SEG.SEQ is no number of this connection
  Bytes payload{};              // the text, where it is not coded by its place; inbound only, no script has it
  friend bool operator==(const SegmentSpec&, const SegmentSpec&) = default;
};

struct Inject {
  SegmentSpec segment;
  friend bool operator==(const Inject&, const Inject&) = default;
};  // `<`
struct Expect {
  SegmentSpec segment;
  friend bool operator==(const Expect&, const Expect&) = default;
};  // `>`, an assertion beside the oracle

// A socket call. Handles are the numbers in the script; the session maps them to the target's handles.
struct Call {
  CallKind kind = CallKind::kSocket;
  int handle = -1;         // the socket, in the script's numbers
  std::uint16_t port = 0;  // bind, connect: 0 means the script's default; accept: the peer's, 0 when not written
  std::uint32_t length = 0;
  int how = 0;
  bool urgent = false;    // write: MSG_OOB
  std::string address{};  // bind, connect: as written in inet_addr(); empty for `...`
  SocketOption option = SocketOption::kNone;
  std::int64_t value = 0;
  std::string implementation_specific{};  // with SocketOption::kOther: the name for Target::implementation_specific(),
                                          // "SOL_TCP.TCP_INQ"
  bool more = false;                      // write: MSG_MORE, text that is to leave with what follows
  bool record_end = false;                // write: MSG_EOR, text that shares no segment with what follows
  bool zero_copy = false;                 // write: MSG_ZEROCOPY
  // What the script says the call returns: an assertion, and the number of a new handle.
  std::optional<std::int64_t> result{};
  std::optional<UserError> error{};
  std::vector<std::string> arguments{};  // as written, for printing back
  std::string name{};                    // as written ("send", "recv", ...)
  friend bool operator==(const Call&, const Call&) = default;
};

// An ICMP message as written after the direction: "icmp unreachable host_unreachable [1:1461(1460)]".
struct Icmp {
  std::string text;
  bool inbound = true;
  friend bool operator==(const Icmp&, const Icmp&) = default;
};
// Commands and code: shell_commands.h and python_code.h say which of them are understood.
struct Shell {
  std::string text;
  friend bool operator==(const Shell&, const Shell&) = default;
};  // `...`
struct Code {
  std::string text;
  friend bool operator==(const Code&, const Code&) = default;
};  // %{ ... }%
struct Unsupported {
  std::string construct, text;
  bool harmless = false;  // the peer sees no difference when the step is left out
  bool recorded = false;  // what the step changes shows in a record, so that one can be judged without it
  bool watches = false;   // the step asserts what the user is told; that assertion is lost
  friend bool operator==(const Unsupported&, const Unsupported&) = default;
};

struct ScriptStep {
  StepTime time{};
  std::variant<Inject, Expect, Call, Icmp, Shell, Code, Unsupported> action{};
  bool hidden = false;  // written in a `//! step:` comment, because packetdrill cannot play it
  Place where{};        // not compared

  friend bool operator==(const ScriptStep& a, const ScriptStep& b) {
    return a.time == b.time && a.action == b.action && a.hidden == b.hidden;
  }
};

// What a script says about itself in `//!` comments before its first step.
// What the judge must say of a record, as its writer has it from the texts.
struct Expectation {
  std::string outcome{};  // "pass", "fail" (a MUST was broken), "depart" (a SHOULD, no MUST) or "inconclusive"
  std::string rule{};     // the id of the rule that was broken; empty: any
  friend bool operator==(const Expectation&, const Expectation&) = default;
};

struct About {
  std::string title{};                  // //! title: one sentence
  std::string suite{};                  // //! suite: textbook
  std::vector<std::string> covers{};    // //! covers: MUST_10 SA3_4_syn   (rule ids it is meant to exercise)
  std::vector<Ability> needs{};         // //! needs: virtual-time
  std::vector<Setting> settings{};      // //! settings: ecn=1 fast-open=1   (the target is configured so)
  int peers = 1;                        // //! peers: 300        (the packets are played for so many ports of the peer)
  int rounds = 1;                       // //! rounds: 2         (... and so many times)
  bool complete_record = false;         // //! record: complete msl=120   (the script has every packet that the target
  int msl_s = 0;                        // sent; its maximum segment lifetime in seconds, 0 when not given)
  std::optional<Expectation> expect{};  // //! expect: fail MUST_40
  // Of what is to be printed; parsed scenarios have running numbers, and do not say so.
  enum class Numbers : std::uint8_t { kRunning, kFromSyn };
  Numbers numbers = Numbers::kRunning;
  friend bool operator==(const About&, const About&) = default;
};

struct Scenario {
  std::string name;  // the file's stem, or the explorer's name for it
  About about{};
  std::vector<std::string> options{};  // --option=value lines of the script
  std::vector<ScriptStep> steps{};

  friend bool operator==(const Scenario& a, const Scenario& b) {
    return a.about == b.about && a.options == b.options && a.steps == b.steps;
  }
};

// What an --ip_version line says: 4 or 6.
std::optional<std::uint8_t> ip_version(const Scenario& scenario);

}  // namespace tcpassay
