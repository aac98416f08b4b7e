// SPDX-License-Identifier: Apache-2.0
// Turns a script that records a conversation into events and shows them to the oracle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/script/schedule.h"
#include "harness/session/session.h"
#include "models/oracle.h"

namespace tcpassay {

// A script counts the target's octets from zero, and timestamps in ticks of its own. This class chooses initial
// sequence numbers and timestamps for the wire, the former as RFC 6528 section 3 describes, so that rules about them
// hold.
class ScriptReplay {
 public:
  // Both must outlive this.
  ScriptReplay(Trace& trace, const Scenario& scenario, Edition edition, bool strict, const FreedomSet& withheld = {});

  // How long after the step before it a line with the time `*` has happened at most, or each after twice that.
  void assume_any(Time longest, bool doubles) {
    any_ = longest;
    any_doubles_ = doubles;
  }
  // That a target without a key drops signed segments.
  void assume_signed_dropped(bool dropped) { drops_signed_ = dropped; }
  void play();
  Oracle& oracle() { return oracle_; }
  bool vague() const {
    return vague_;
  }  // the script leaves out options of the target (<...>) on which the verdict may depend

 private:
  struct RecordedSocket {
    int handle = -1;
    std::uint16_t port = 0;
    bool connection = false, listens = false;
    bool opens_late = false;        // TCP_FASTOPEN_CONNECT: connect() leaves the SYN to the first write
    bool fast_open = false;         // TCP_FASTOPEN, by which BSD's users ask for it at either end
    std::optional<Call> opening{};  // ... such a call
    Tuple tuple{};
    std::uint32_t written = 0, read = 0;
    bool limited = false;  // the user has said how long its attempt to open may last
  };

  // What is known of one conversation.
  struct Numbers {
    Tuple tuple{};
    std::uint32_t iss = 0;              // as the script has it
    std::uint32_t peer_first = 1;       // the first octet of the peer's text, too
    bool has_iss = false;               // the target's SYN has been seen
    bool accepted = false;              // the user has accepted the connection
    std::vector<OptionSpec> offered{};  // options of the peer's SYN
    bool begins = false;                // the target's next SYN will begin another connection
    std::uint32_t next = 0;             // on the wire, behind the target's highest octet
    std::uint32_t offset = 0;  // added to the script's numbers of the target's octets, to get those of the wire
    std::optional<std::uint8_t> shift{};  // the window scale that the target offered
    bool scales = false;                  // both ends have offered window scaling
    std::optional<std::uint32_t> edge{};  // right edge of the window that the target announced last
    std::vector<std::pair<std::uint32_t, std::uint32_t>> stamps{};  // TSval in the script, and on the wire
  };

  // A call that returns later than it was made, by the times of the script.
  struct Blocked {
    const ScriptStep* step;
    Time called{}, returns{};
  };

  void step(std::size_t number, const Schedule::Slot& slot, Time next);
  void expected(const SegmentSpec& spec, const Schedule::Slot& slot, Time next, const Place& where);
  void segments(const SegmentSpec& spec, Time from, Time until, const Place& where);
  // `text_from`: of which octet of the line's text the packet's is the first.
  void packet(const SegmentSpec& spec, Time from, Time until, bool arrives, const Place& where,
              std::uint32_t text_from = 0);
  bool is_over(Tuple tuple) const;
  void target_syn(const SegmentSpec& spec, Numbers& known, Time at);
  std::optional<std::uint32_t> next_edge(const SegmentSpec& spec, std::uint32_t shift);
  std::uint16_t window(const SegmentSpec& spec, bool arrives, Numbers& known);
  std::vector<OptionSpec> untold(const SegmentSpec& spec, const Numbers& known);
  Bytes options(const SegmentSpec& spec, bool arrives, Numbers& known, Time at);
  void icmp(const Icmp& icmp, Time at, const Place& where);
  void report(State state, Time at, const Place& where);
  void call(const Call& call, Time from, Time until, const Place& where);
  bool opens_later(const Call& made, RecordedSocket* on);
  void closed(int handle);
  void limit_open(const Unsupported& made, Time at, const Place& where);
  void limit_open(int handle, Time limit, Time at, const Place& where);
  void configured(const Shell& shell, const Place& where);
  void open_limit_ends(Tuple tuple, Time at, const Place& where);
  void disconnect(const Call& made, Time from, Time until, const Place& where);
  bool drops(const SegmentSpec& spec) const;
  static std::optional<Call> asking_open(const Call& made, RecordedSocket* on);
  static Call opening_write(const Call& made, RecordedSocket& on);
  static bool implies_open(const Call& made, const RecordedSocket* on);
  void open_first(const Call& call, Time at, const Place& where);
  void fill_text(const Call& call, UserCall& made, RecordedSocket* socket, Bytes& text);
  void cork(const Call& call, bool on, Time at, const Place& where);
  UserError unnamed_error(const Call& made) const;
  void return_until(Time until);
  bool blocks(const ScriptStep& step, const Call& call, const Schedule::Slot& slot);
  const SegmentSpec* next_syn() const;
  void connect(const Call& call, RecordedSocket& socket, UserCall& made);
  void quiet(Time at, const Quiet& silence, const Place& where);
  void silent_until(Time until, const Quiet& silence, const Place& where);
  void show(Event& event, const Place& where);
  const Expect* next_observation(std::size_t step) const;
  Tuple pair(const SegmentSpec& spec);
  Numbers& numbers(Tuple tuple);
  Tuple to_accept(const Call& call, const RecordedSocket* listener);
  RecordedSocket* socket(int handle);

  Trace& trace_;
  const Scenario& scenario_;
  std::uint8_t ip_;
  bool in_udp_ = false;                        // the connections are carried in UDP
  std::int32_t carried_less_ = 0;              // octets of a segment, than over Ethernet
  bool keyed_ = false, drops_signed_ = false;  // TCP_MD5SIG
  bool complete_, strict_ = false, ticks_ = false, vague_ = false;
  std::size_t at_ = 0;             // number of the current step
  std::optional<Time> attempt_{};  // how long an attempt to open lasts at most, by a setting of the system
  Identity identity_;              // the addresses that packetdrill gives both sides by default
  Oracle oracle_;
  std::vector<RecordedSocket> sockets_;
  std::vector<Numbers> numbers_;
  std::vector<Blocked> blocked_;
  std::vector<std::pair<Address, std::uint16_t>> hosts_;  // other than the script's usual peer, and their ports
  std::vector<int> corked_;                               // file descriptors on which MSG_MORE holds text back
  Tuple pair_{.local = kTargetPort, .remote = kPeerPort};
  Time now_{}, any_{};
  bool any_doubles_ = false;
};

}  // namespace tcpassay
