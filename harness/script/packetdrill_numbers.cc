// SPDX-License-Identifier: Apache-2.0
#include "harness/script/packetdrill_numbers.h"

#include <utility>

namespace tcpassay {
namespace {

constexpr std::uint16_t kTargetPort = 8080, kPeerPort = 40000;  // those of a session

class Counting {
 public:
  explicit Counting(bool reads) : reads_(reads) {}

  void step(ScriptStep& step) {
    if (auto* in = std::get_if<Inject>(&step.action)) return packet(in->segment, true);
    if (auto* out = std::get_if<Expect>(&step.action)) return packet(out->segment, false);
    if (const auto* call = std::get_if<Call>(&step.action)) made(*call);
  }

 private:
  void made(const Call& call) {
    if (call.kind == CallKind::kBind && call.result == 0) bound_ = call.port != 0 ? call.port : kTargetPort;
    if (call.kind == CallKind::kListen && call.result == 0) listens_ = true;
    const bool opens = call.kind == CallKind::kConnect || call.kind == CallKind::kSendTo;
    if (opens) {
      opens_ = opens_target_ = true;
      ports_.reset();
    }
  }

  // The first SYN that arrives after listen() begins a connection with another port of the peer, but for the first one.
  void begin_passively() {
    listens_ = false;
    opens_target_ = true;
    if (!reads_) return;
    if (std::exchange(used_, true)) ++peer_port_;
    if (peer_port_ != kPeerPort) ports_ = {bound_, peer_port_};
  }

  void packet(SegmentSpec& spec, bool arrives) {
    const bool names_ports = spec.local_port || spec.remote_port;
    std::uint32_t& ours = arrives ? peer_ : target_;
    const std::uint32_t theirs = arrives ? target_ : peer_;
    if (arrives && spec.ctl.syn && !spec.ctl.ack && listens_ && !names_ports) {
      begin_passively();
      ours = spec.seq;
    } else if (arrives && spec.ctl.syn && (first_ || opens_)) {
      opens_ = false;
      ours = spec.seq;
    } else if (!arrives && spec.ctl.syn && (first_target_ || opens_target_)) {
      opens_target_ = false;
      ours = spec.seq;
    }
    if (spec.ctl.syn) (arrives ? first_ : first_target_) = false;
    if (ports_ && !names_ports) {
      spec.local_port = ports_->first;
      spec.remote_port = ports_->second;
    }
    if (spec.ctl.syn) return;  // numbers of SYNs are absolute
    if (!spec.absolute) shift(spec.seq, ours);
    if (spec.ack) shift(*spec.ack, theirs);
    for (OptionSpec& option : spec.options) {
      if (option.kind != OptionSpec::Kind::kSack) continue;
      for (std::uint32_t& edge : option.values) shift(edge, theirs);
    }
  }

  void shift(std::uint32_t& number, std::uint32_t first) const { number = reads_ ? number + first : number - first; }

  bool reads_;
  std::uint32_t peer_ = 0, target_ = 0;  // the numbers of the SYNs
  bool first_ = true, first_target_ = true;
  bool listens_ = false, opens_ = false, opens_target_ = false, used_ = false;
  std::uint16_t bound_ = kTargetPort, peer_port_ = kPeerPort;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> ports_{};
};

}  // namespace

void read_as_packetdrill_counts(Scenario& scenario) {
  Counting counting(true);
  for (ScriptStep& step : scenario.steps) counting.step(step);
}

void write_as_packetdrill_counts(Scenario& scenario) {
  const Scenario before = scenario;
  Counting counting(false);
  for (ScriptStep& step : scenario.steps) counting.step(step);
  if (!(scenario == before)) scenario.about.numbers = About::Numbers::kFromSyn;
}

}  // namespace tcpassay
