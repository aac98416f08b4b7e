// SPDX-License-Identifier: Apache-2.0
// A target that lives in a child process: it may crash, hang, leak or be killed, and the run goes on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/foresight.h"
#include "harness/target/target.h"
#include "harness/targets/plugin/child_memory.h"
#include "harness/targets/plugin/child_server.h"

namespace tcpassay {

// How long a call may take before the target counts as hung. $TCPASSAY_HANG_S overrides it.
inline constexpr std::chrono::milliseconds kHangAfter{10000};
// To start takes longer than any call where a runtime or an interpreter must be loaded and the machine is busy.
inline constexpr int kStartsWithin = 6;  // times as long
std::chrono::milliseconds hang_after();

class ChildTarget final : public Target, public Foresighted {
 public:
  // `make` runs in the child. Throws TargetError with what `make` throws, TargetDied when the child dies of it.
  explicit ChildTarget(ChildTargetMaker make, std::chrono::milliseconds hang_after = tcpassay::hang_after());
  ~ChildTarget() override;
  ChildTarget(const ChildTarget&) = delete;
  ChildTarget& operator=(const ChildTarget&) = delete;

  Renewal renewal() const { return renewal_; }
  pid_t process() const { return process_; }
  std::uint64_t heap();  // octets that the child had allocated after the last reset

  // Each throws TargetDied once the child has died. After that only reset() may be called: it starts another child.
  const Identity& identity() const override { return identity_; }
  void use_ip(std::uint8_t version) override { ip_ = version; }
  void reset(std::uint64_t seed) override;
  bool configure(std::string_view name, std::int64_t value) override;
  Time now() override;
  void inject(ByteView packet) override;
  std::optional<Collected> collect() override;
  void advance(Time deadline) override;
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;
  bool foresees() const override;
  void foresee(std::span<const Foreseen> next) override;

 private:
  struct Watched {
    Tuple tuple;
    std::optional<StateReport> report{};
  };
  struct Packet {
    Time from{}, until{};
    ByteView octets{};  // in answer_
  };

  // A foreseen request as the child has it.
  struct Plan {
    Bytes request{};
    int handle_of = -1;     // the plan whose result is its handle, until that is known
    std::int64_t result{};  // of the call, once it has been asked for
  };
  struct Ahead {
    std::uint32_t plan;
    ByteView answer;  // in answer_
  };

  void start();
  void stop();
  OctetWriter& request(Request kind);
  void flush(std::chrono::nanoseconds most);
  void send(std::chrono::nanoseconds most);
  void keep_packets();
  void hand_over(std::chrono::nanoseconds most, std::string_view otherwise = "it hangs");
  void start_again(std::chrono::nanoseconds most);
  [[noreturn]] void died(const std::string& how);
  std::string last_words() const;
  void read_answer(ByteView octets);
  void read_packets(OctetReader& in);
  bool has_unread() const { return !kept_.empty() || next_packet_ < packets_.size(); }
  void read_identity();
  void watch_heap();
  // Foresight (child_foresight.cc).
  bool is_ahead() const { return next_ahead_ < ahead_.size(); }
  bool repeats() const { return virtual_time_ && synchronous_; }
  bool plan(const Foreseen& next);
  void read_ahead();
  bool comes_true();
  void go_back(std::chrono::nanoseconds most);
  void note_requests();
  void tell_death_ahead();
  void forget_foresight();

  ChildTargetMaker make_;
  std::chrono::milliseconds hang_after_;
  ChildMemory* memory_;
  int words_ = -1;  // what the child writes to stdout and stderr
  pid_t process_ = -1;
  Identity identity_{};
  Renewal renewal_ = Renewal::kReset;
  std::uint8_t ip_ = 4;
  bool virtual_time_ = true, synchronous_ = true;

  std::optional<OctetWriter> batch_{};  // requests that the child has not seen yet
  Bytes answer_{};
  std::vector<Packet> packets_{};  // of the last answer
  std::size_t next_packet_ = 0;
  struct Kept {
    Time from{}, until{};
    Bytes octets{};
  };
  std::deque<Kept> kept_{};  // of earlier answers, which nobody has collected yet
  Kept last_{};
  bool more_packets_ = false;
  Time now_{}, steady_{};  // the target's time, and this machine's, at the last answer
  std::int64_t done_ = 0;
  UserCall result_{};
  std::vector<Watched> watched_{};

  // What the child has done ahead of its owner, and what is needed to undo it: the same requests again, from the reset.
  std::vector<Plan> plans_{};
  std::vector<Ahead> ahead_{};
  std::size_t next_ahead_ = 0;
  Bytes requests_{};             // since the reset, each that had an answer followed by kDiscard
  std::uint64_t answered_ = 0;   // of the digests of the answers since the reset
  std::uint64_t discarded_ = 0;  // what the child says of that after it has begun again
  bool lost_ = false;            // the child died ahead of its owner: another one has to do what was asked so far
  bool step_by_step_ = false;    // nothing is foreseen until the next reset
  bool hangs_ = false;           // it was ended because it hung
  std::string death_ahead_{};    // how it died
  std::size_t until_told_ = 0;   // answers after which that is told, if none of them is that it dies

  std::uint64_t heap_ = 0, heap_before_ = 0, heap_first_ = 0;
  bool has_reset_ = false;  // a reset has been asked for, and no answer has come since
  int heap_growths_ = 0;    // resets in a row since which the child's heap has grown
  bool leak_told_ = false;
};

}  // namespace tcpassay
