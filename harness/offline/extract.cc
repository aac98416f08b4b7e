// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <utility>
#include <vector>

#include "harness/offline/annotate.h"
#include "harness/offline/conversation.h"
#include "harness/offline/judge.h"
#include "harness/offline/outcome.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"
#include "harness/wire/captured_packet.h"
#include "harness/wire/commented_capture.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

constexpr std::uint16_t kPorts[] = {40000, 8080};
constexpr const char* kNames4[] = {"192.0.2.1", "192.168.0.1"};
constexpr const char* kNames6[] = {"2001:db8::1", "fd3d:fa7b:d17d::1"};

const ConversationResult& conversation_of(const FileResult& judged, std::uint64_t frame) {
  if (!judged.capture)
    throw CaptureError(judged.file + ": extracting needs a capture that is judged by its packets: --packets-alone");
  const auto& all = judged.capture->conversations;
  const auto has = [&](const ConversationResult& one) {
    if (frame == 0) return one.outcome() == Outcome::kFail;
    return one.first_frame == frame || one.ends[0].frame == frame || one.ends[1].frame == frame;
  };
  const auto found = std::find_if(all.begin(), all.end(), has);
  if (found != all.end()) return *found;
  if (frame != 0 || all.empty())
    throw CaptureError(fmt::format("{}: no conversation has frame {}", judged.file, frame));
  return all.front();
}

// What one end has sent: its first number, and which octets, to tell a copy with other octets.
struct Stream {
  static constexpr std::size_t kCompared = std::size_t{1} << 22;  // octets
  bool begun = false;
  std::uint32_t first = 0;
  std::vector<std::int16_t> octets{};

  void begin(const Decoded& segment) {
    if (begun && !(segment.ctl.syn && segment.seq != first)) return;
    begun = true;
    first = segment.ctl.syn ? segment.seq : segment.seq - 1;
    octets.clear();
  }

  Bytes anonymous(const Decoded& segment) {
    Bytes text(segment.text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint32_t place = segment.seq + segment.ctl.syn + static_cast<std::uint32_t>(i) - first - 1;
      text[i] = target_octet(place);
      if (place >= kCompared) continue;
      if (octets.size() <= place) octets.resize(place + 1, std::int16_t{-1});
      if (octets[place] < 0) octets[place] = segment.text[i];
      if (octets[place] != segment.text[i]) text[i] ^= 0x55;
    }
    return text;
  }
};

// The script of one end: its segments, the other's, and the calls that explain them.
class ScriptOfEnd {
 public:
  ScriptOfEnd() {
    script_.about.title = "a conversation of a capture, made anonymous";
    script_.about.numbers = About::Numbers::kFromSyn;
    script_.options.push_back("--tolerance_usecs=4000");  // the times are those of the capture
  }

  void segment(const Decoded& seen, Time at, bool from_target, const std::array<std::uint32_t, 2>& first) {
    if (script_.steps.empty()) begin(at, from_target);
    const std::uint32_t own = first[from_target ? 1 : 0], other = first[from_target ? 0 : 1];
    SegmentSpec spec;
    spec.ctl = seen.ctl;
    spec.seq = seen.seq - own;
    spec.length = static_cast<std::uint32_t>(seen.text.size());
    if (seen.ctl.ack) spec.ack = seen.ack - other;
    spec.wnd = seen.wnd;
    if (seen.ctl.urg) spec.up = seen.up;
    spec.options = parse_options(seen.options);
    for (OptionSpec& option : spec.options) {
      if (option.kind != OptionSpec::Kind::kSack) continue;
      for (std::uint32_t& edge : option.values) edge -= other;
    }
    if (!from_target && seen.fault == Fault::kChecksum) spec.damage.bad_checksum = true;
    if (from_target) {
      explain(seen, spec, at);
      return step(at, Expect{spec});
    }
    step(at, Inject{spec});
    if (spec.ack && static_cast<std::int32_t>(*spec.ack - sent_) >= 0) growing_.reset();
    const bool opened = !active_ && !accepted_ && seen.ctl.ack && !seen.ctl.syn && !seen.ctl.rst;
    if (!opened) return;
    accepted_ = true;
    Call accept{.kind = CallKind::kAccept, .handle = 3};
    accept.result = 4;
    step(at, accept);
  }

  const Scenario& script() const { return script_; }

 private:
  template <class Action>
  void step(Time at, Action action) {
    ScriptStep one;
    one.time.form = script_.steps.empty() ? StepTime::Form::kAbsolute : StepTime::Form::kRelative;
    one.time.at = script_.steps.empty() ? Time{} : std::max(at - last_, Time{});
    one.action = std::move(action);
    last_ = std::max(last_, at);
    script_.steps.push_back(std::move(one));
  }

  void call(Time at, Call made, std::int64_t result = 0) {
    made.result = result;
    step(at, made);
  }

  void begin(Time at, bool from_target) {
    last_ = at;
    active_ = from_target;
    call(at, {.kind = CallKind::kSocket}, 3);
    if (active_) {
      Call open{.kind = CallKind::kConnect, .handle = 3};
      open.error = UserError::kInProgress;
      return call(at, open, -1);
    }
    call(at, {.kind = CallKind::kBind, .handle = 3});
    call(at, {.kind = CallKind::kListen, .handle = 3, .length = 1});
  }

  // SEND as far as text goes, CLOSE with the FIN. One SEND reaches as far as a segment with PSH, unless all of it is
  // acknowledged before.
  void explain(const Decoded& seen, const SegmentSpec& spec, Time at) {
    const int handle = active_ ? 3 : 4;
    const std::uint32_t end = spec.seq + spec.ctl.syn + spec.length;
    const bool fresh = spec.length > 0 && static_cast<std::int32_t>(end - sent_) > 0;
    if (fresh && !closed_ && (active_ || accepted_)) {
      send(at, handle, end - std::max(sent_, 1u));
      if (seen.ctl.psh) growing_.reset();
    }
    if (fresh) sent_ = end;
    if (seen.ctl.fin && !std::exchange(closed_, true))
      call(at, {.kind = CallKind::kShutdown, .handle = handle, .how = 1});
  }

  void send(Time at, int handle, std::uint32_t octets) {
    if (!growing_) {
      call(at, {.kind = CallKind::kWrite, .handle = handle}, 0);
      growing_ = script_.steps.size() - 1;
    }
    Call& write = std::get<Call>(script_.steps[*growing_].action);
    write.length += octets;
    write.result = write.length;
  }

  Scenario script_;
  std::optional<std::size_t> growing_{};  // the number of the step that is the latest SEND
  Time last_{};
  bool active_ = false, accepted_ = false, closed_ = false;
  std::uint32_t sent_ = 1;  // the number behind the text so far
};

PacketFields fields_of(const Decoded& seen, const std::array<Address, 2>& names, std::size_t from, ByteView text) {
  PacketFields fields{.source = names[from],
                      .destination = names[1 - from],
                      .source_port = kPorts[from],
                      .destination_port = kPorts[1 - from],
                      .seq = seen.seq,
                      .ack = seen.ack,
                      .ctl = seen.ctl,
                      .wnd = seen.wnd,
                      .up = seen.up,
                      .ttl = seen.ttl,
                      .traffic_class = seen.traffic_class,
                      .options = seen.options,
                      .text = text};
  fields.damage.bad_checksum = seen.fault == Fault::kChecksum;
  if (names[0].family == 4) fields.damage.identification = seen.identification;
  return fields;
}

const Verdict* first_broken(const FileResult& record) {
  const auto broken = [](const Verdict& verdict) {
    return !verdict.consequence && verdict.kind == Verdict::Kind::kViolated;
  };
  const auto first = std::find_if(record.verdicts.begin(), record.verdicts.end(), broken);
  return first == record.verdicts.end() ? nullptr : &*first;
}

// Whether the script alone shows what the capture shows: a record has calls and no crossing segments, so its judge may
// know more, or less.
std::string compared(const EndpointResult& accused, const Scenario& script, const std::string& file) {
  const FileResult record = judge_script(script, file);
  const Verdict* broken = first_broken(record);
  const std::string here = broken ? fmt::format("it breaks {}", info(broken->rule).id) : "it breaks no MUST";
  if (accused.outcome != Outcome::kFail || !accused.verdict) {
    return broken ? fmt::format("{}: judged as a script {}; the capture accuses nobody", file, here)
                  : fmt::format("{}: judged as a script {}, as in the capture", file, here);
  }
  const bool same = broken && broken->rule == accused.verdict->rule;
  return same ? fmt::format("{}: judged as a script {}, as in the capture", file, here)
              : fmt::format("{}: judged as a script {}; in the capture it is {}", file, here,
                            info(accused.verdict->rule).id);
}

}  // namespace

std::string extract_conversation(const FileResult& judged, std::uint64_t frame, const std::string& to) {
  const ConversationResult& one = conversation_of(judged, frame);
  const bool ipv6 = one.ends[0].end.address.family == 6;
  const std::array<Address, 2> names = {*Address::parse(ipv6 ? kNames6[0] : kNames4[0]),
                                        *Address::parse(ipv6 ? kNames6[1] : kNames4[1])};
  const std::size_t accused = one.ends[0].outcome == Outcome::kFail ? 0 : 1;
  const std::vector<PacketComment> comments = comments_of(judged);
  CommentedCapture out(to + ".pcapng");
  CaptureReader reader(judged.file);
  ScriptOfEnd script;
  std::array<Stream, 2> streams;
  Bytes room, packet;
  std::uint64_t packets = 0;
  Time first{};
  while (packets < one.packets) {
    const auto captured = reader.next();
    if (!captured) break;
    if (captured->number < one.first_frame) continue;
    const CapturedPacket read = read_captured(*captured, room);
    if (read.kind != CapturedPacket::Kind::kSegment) continue;
    const Decoded& seen = *read.segment;
    const Endpoint source{seen.source, seen.source_port}, destination{seen.destination, seen.destination_port};
    const std::size_t from = source == one.ends[0].end ? 0 : 1;
    if (!(source == one.ends[from].end) || !(destination == one.ends[1 - from].end)) continue;
    if (packets++ == 0) first = captured->when;
    streams[from].begin(seen);
    if (!streams[1 - from].begun && seen.ctl.ack) streams[1 - from] = {.begun = true, .first = seen.ack - 1};
    const Bytes text = streams[from].anonymous(seen);
    encode(fields_of(seen, names, from, text), packet);
    std::string comment;
    for (const PacketComment& each : comments) {
      if (each.frame == captured->number) comment += (comment.empty() ? "" : "\n") + each.text;
    }
    for (const EndpointResult& end : one.ends) {  // their addresses stand in the comments
      const std::string name = end.end.text(), anonymous = &end == &one.ends[0] ? "the first end" : "the second end";
      for (auto at = comment.find(name); at != std::string::npos; at = comment.find(name)) {
        comment.replace(at, name.size(), anonymous);
      }
    }
    const Time at = captured->when - first;
    out.write(at, packet, comment);
    const bool from_target = from == accused;
    script.segment(seen, at, from_target, {streams[1 - accused].first, streams[accused].first});
  }
  out.close();
  std::ofstream file(to + ".pkt", std::ios::binary);
  const std::string says = compared(one.ends[accused], script.script(), to + ".pkt");
  file << "// " << says.substr(says.find(": ") + 2) << "\n" << print_script(script.script());
  if (!file.flush()) throw CaptureError(to + ".pkt: cannot be written");
  return says;
}

}  // namespace tcpassay
