// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/processes.h"
#include "harness/wire/capture_file.h"

namespace tcpassay {
namespace {

constexpr std::uint64_t kProgressEvery = 1 << 16;  // packets

// Reads a capture in the order of its times: a machine that captures on several processors writes frames a little out
// of order.
class SortedReader {
 public:
  explicit SortedReader(const std::string& path)
      : reader_(path, path == kStandardInput ? &Interrupt::interrupted : nullptr) {}

  // As CaptureReader::next().
  std::optional<Captured> next() {
    while (!ended_ && !enough()) fill();
    if (held_.empty()) {
      if (broken_) std::rethrow_exception(broken_);
      return std::nullopt;
    }
    now_ = std::move(held_.front());
    held_.pop_front();
    octets_ -= now_.octets.size();
    now_.frame.packet = now_.octets;
    return now_.frame;
  }
  std::uint64_t moved() const { return moved_; }
  std::uint64_t passed_over() const { return reader_.passed_over(); }

 private:
  static constexpr std::size_t kHeld = 64;
  static constexpr Time kScrambled =
      std::chrono::milliseconds(10);  // a frame that is older by more than this is left where it stands
  // Where a file has several interfaces, a second's worth of one may stand before that of another.
  static constexpr std::size_t kHeldOfSeveral = 20000, kOctetsOfSeveral = 32'000'000;
  static constexpr Time kScrambledOfSeveral = std::chrono::seconds(2);

  struct Held {
    Captured frame{};
    Bytes octets{};
  };

  bool several() const { return reader_.interfaces() > 1; }
  bool enough() const {
    if (!several()) return held_.size() >= kHeld;
    return held_.size() >= kHeldOfSeveral || octets_ >= kOctetsOfSeveral;
  }

  // Where the file breaks off, the frames before that place are returned first.
  void fill() {
    try {
      const auto captured = reader_.next();
      ended_ = !captured;
      if (captured) hold(*captured);
    } catch (const CaptureError&) {
      ended_ = true;
      broken_ = std::current_exception();
    }
  }

  void hold(const Captured& captured) {
    Held held{.frame = captured, .octets = Bytes(captured.packet.begin(), captured.packet.end())};
    octets_ += held.octets.size();
    const Time scrambled = several() ? kScrambledOfSeveral : kScrambled;
    auto place = held_.end();
    while (place != held_.begin() && captured.when < std::prev(place)->frame.when &&
           std::prev(place)->frame.when - captured.when < scrambled) {
      --place;
    }
    moved_ += place != held_.end();
    held_.insert(place, std::move(held));
  }

  CaptureReader reader_;
  std::deque<Held> held_{};
  Held now_{};
  std::size_t octets_ = 0;  // in held_
  std::uint64_t moved_ = 0;
  bool ended_ = false;
  std::exception_ptr broken_{};
};

// What else was in the file, for people.
std::string remarks(const CaptureCounts& counts) {
  std::string text;
  const auto add = [&](std::uint64_t n, const char* what) {
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, what);
  };
  add(counts.fragments, "IP fragments not judged");
  add(counts.cut, "packets cut before the end of their headers");
  add(counts.malformed, "malformed IP packets");
  add(counts.text_cut, "texts cut and not compared");
  add(counts.given_up, "conversations given up");
  add(counts.not_read, "frames of link types that are not read");
  add(counts.moved, "frames put in the order of their times");
  return text;
}

// In a capture that lacks packets no end fails: a missing packet may have been the reason for what it did.
void excuse_all(CaptureResult& result) {
  for (ConversationResult& one : result.conversations) {
    if (one.outcome() != Outcome::kFail) continue;
    for (EndpointResult& end : one.ends) {
      if (end.outcome != Outcome::kFail) continue;
      end.outcome = Outcome::kInconclusive;
      end.why = fmt::format("packets are missing in this capture; frame {}: {} would be broken: {}", end.frame,
                            info(end.verdict->rule).id, end.why);
    }
    --result.failed;
    ++result.inconclusive;
  }
}

// Sets the outcome of the whole file, by those of its conversations.
void sum_up(CaptureResult& result, const std::string& broken_off) {
  const CaptureCounts& counts = result.counts;
  const auto first = [&](Outcome kind) -> const ConversationResult* {
    for (const auto& one : result.conversations) {
      if (one.outcome() == kind) return &one;
    }
    return nullptr;
  };
  const auto why_of = [](const ConversationResult& one) {
    for (const EndpointResult& end : one.ends) {
      if (end.outcome == one.outcome()) return fmt::format("{}: {}", end.end.text(), end.why);
    }
    return std::string();
  };
  const std::uint64_t all = result.passed + result.failed + result.inconclusive;
  if (result.failed > 0) {
    result.outcome = Outcome::kFail;
    result.why = fmt::format("{} of {} conversations; {}", result.failed, all, why_of(*first(Outcome::kFail)));
  } else if (all == 0 && broken_off.empty()) {
    result.outcome = Outcome::kUnsupported;
    result.why = counts.packets == 0    ? "no IP packet is in it"
                 : counts.segments == 0 ? fmt::format("no TCP segment is among its {} IP packets", counts.packets)
                                        : "none of its conversations has an end that was asked for";
    if (const std::string more = remarks(counts); !more.empty()) result.why += " (" + more + ")";
  } else if (result.inconclusive > 0) {
    result.outcome = Outcome::kInconclusive;
    result.why =
        fmt::format("{} of {} conversations; {}", result.inconclusive, all, why_of(*first(Outcome::kInconclusive)));
  }
  if (broken_off.empty()) return;
  if (result.outcome != Outcome::kFail) result.outcome = Outcome::kInconclusive;
  result.why = broken_off + (result.why.empty() ? "" : "; " + result.why);
}

// What shows that segments to or from an address are lost between it and the capture point.
class LossesByAddress {
 public:
  void note(const ConversationResult& one) {
    for (std::size_t end = 0; end < 2; ++end) {
      const auto& address = one.ends.at(end).end.address.octets;
      const auto& losses = one.losses.at(end);
      if (losses && known_.size() < kAddressesMax) known_.try_emplace(address, *losses);
      if (one.reach.at(end) <= kReachMin || reach_.size() >= kAddressesMax) continue;
      Time& reach = reach_[address];
      reach = std::max(reach, one.reach.at(end));
    }
  }
  const Losses* of(const Address& address) const {
    const auto place = known_.find(address.octets);
    return place == known_.end() ? nullptr : &place->second;
  }
  Time reach_of(const Address& address) const {
    const auto place = reach_.find(address.octets);
    return place == reach_.end() ? kReachMin : place->second;
  }
  bool empty() const { return known_.empty(); }

 private:
  static constexpr std::size_t kAddressesMax = 65536;
  static constexpr Time kReachMin = std::chrono::milliseconds(5);
  std::map<decltype(Address::octets), Losses> known_{};
  std::map<decltype(Address::octets), Time> reach_{};
};

constexpr std::size_t kAgainMax = 2000;  // conversations; of more the ends are inconclusive

// The ends that are condemned though segments to them are lost on their way.
AgainByFrame doubtful(const CaptureResult& result, const LossesByAddress& losses) {
  AgainByFrame again;
  for (const ConversationResult& one : result.conversations) {
    for (std::size_t end = 0; end < 2; ++end) {
      const EndpointResult& result_of_end = one.ends.at(end);
      const Address& address = result_of_end.end.address;
      if (result_of_end.outcome != Outcome::kFail || losses.of(address) == nullptr) continue;
      if (again.size() >= kAgainMax && !again.contains(one.first_frame)) continue;
      again[one.first_frame].reach.at(end) = losses.reach_of(address);
    }
  }
  return again;
}

// What is found when any segment to these ends may have been lost; by the first frames of their conversations. A pipe
// cannot be read again.
std::map<std::uint64_t, ConversationResult> judged_again(const std::string& path, const Terms& terms,
                                                         const AgainByFrame& again) {
  std::map<std::uint64_t, ConversationResult> found;
  if (path == kStandardInput) return found;
  ConversationTable conversations(terms, {}, [&](ConversationResult one) {
    if (again.contains(one.first_frame)) found.emplace(one.first_frame, std::move(one));
  });
  conversations.judge_again(&again);
  SortedReader reader(path);
  try {
    while (const auto captured = reader.next()) {
      if (Interrupt::interrupted()) return {};
      conversations.packet(*captured);
    }
  } catch (const CaptureError&) {  // it breaks off where it did before
    conversations.finish();
    return found;
  }
  conversations.finish();
  return found;
}

// In a file that shows that segments to an address are lost behind the capture point, an end there fails only when what
// it did breaks a MUST whichever segments have reached it.
void reconsider(const std::string& path, const Terms& terms, const LossesByAddress& losses, CaptureResult& result) {
  const AgainByFrame again = doubtful(result, losses);
  if (again.empty()) return;
  const auto found = judged_again(path, terms, again);
  for (ConversationResult& one : result.conversations) {
    if (one.outcome() != Outcome::kFail) continue;
    for (std::size_t end = 0; end < 2; ++end) {
      EndpointResult& here = one.ends.at(end);
      if (here.outcome != Outcome::kFail || losses.of(here.end.address) == nullptr) continue;
      const auto now = found.find(one.first_frame);
      if (now != found.end() && now->second.ends.at(end).outcome == Outcome::kFail) {
        here = now->second.ends.at(end);
        continue;
      }
      const Losses& lost = *losses.of(here.end.address);
      here.outcome = Outcome::kInconclusive;
      here.why = fmt::format(
          "segments to {} are lost behind the capture point (frame {}: {}); frame {}: {} would be broken: {}",
          here.end.address.text(), lost.frame, lost.why, here.frame, info(here.verdict->rule).id, here.why);
    }
    if (one.outcome() == Outcome::kFail) continue;
    --result.failed;
    ++result.inconclusive;
  }
}

}  // namespace

bool is_capture(const std::string& path) {
  std::string packing;
  return path == kStandardInput || kind_of_file(path, packing) == FileKind::kCapture;
}

CaptureResult judge_capture(const std::string& path, const CaptureOptions& options) {
  CaptureResult result;
  std::size_t listed = 0, others = 0;
  LossesByAddress losses;
  const auto keep = [&](ConversationResult one) {
    const Outcome kind = one.outcome();
    losses.note(one);
    if (options.over) options.over(path, one);
    ++(kind == Outcome::kPass ? result.passed : kind == Outcome::kFail ? result.failed : result.inconclusive);
    if (kind == Outcome::kPass ? listed++ < kPassedListed : others++ < kOthersListed) {
      result.conversations.push_back(std::move(one));
    }
  };
  Terms terms;
  terms.edition = options.edition;
  terms.strict = options.strict;
  ConversationTable conversations(terms, options.ends, keep);
  if (options.accused) conversations.tell_accused([&](const auto& one) { options.accused(path, one); });
  SortedReader reader(path);
  std::string broken_off;
  std::uint64_t packets = 0, last = 0;
  const bool is_pipe = path == kStandardInput;  // it ends by an interrupt, and what has come is judged
  bool stopped = false;
  try {
    while (const auto captured = reader.next()) {
      stopped = !is_pipe && Interrupt::interrupted();
      if (stopped) break;
      last = captured->number;
      conversations.packet(*captured);
      if (options.progress && ++packets % kProgressEvery == 0) options.progress(packets);
    }
  } catch (const CaptureError& error) {
    if (conversations.counts().packets == 0) throw;
    broken_off = std::string("the file breaks off: ") + error.what();
  }
  if (stopped || (is_pipe && Interrupt::interrupted())) broken_off = fmt::format("interrupted behind frame {}", last);
  conversations.finish();
  result.counts = conversations.counts();
  result.counts.moved = reader.moved();
  result.counts.not_read = reader.passed_over();
  if (result.counts.lossy) excuse_all(result);
  if (!losses.empty()) reconsider(path, terms, losses, result);
  std::stable_sort(result.conversations.begin(), result.conversations.end(),
                   [](const auto& a, const auto& b) { return a.first_frame < b.first_frame; });
  sum_up(result, broken_off);
  result.broken_off = std::move(broken_off);
  return result;
}

std::string capture_text(const CaptureResult& result, bool diagrams) {
  std::string text;
  for (const ConversationResult& one : result.conversations) {
    text += fmt::format("  {} - {}  frame {}, {} packets: {}\n", one.ends[0].end.text(), one.ends[1].end.text(),
                        one.first_frame, one.packets, to_string(one.outcome()));
    std::string printed;
    for (const EndpointResult& end : one.ends) {
      if (end.outcome == Outcome::kPass || end.why == printed) continue;
      printed = end.why;
      const bool failed = end.outcome == Outcome::kFail;
      text += fmt::format("    {}{}: {}{}\n", end.end.text(), failed ? fmt::format(", frame {}", end.frame) : "",
                          failed ? std::string(info(end.verdict->rule).id) + ": " : "", end.why);
      if ((failed || diagrams) && !end.ladder.empty()) text += end.ladder;
    }
    for (const EndpointResult& end : one.ends) {
      for (const Verdict& use : end.tolerated) {
        text += fmt::format("    {}, frame {}: tolerated: {} It excuses {}\n", end.end.text(), use.event, use.seen,
                            info(use.rule).id);
      }
    }
  }
  const std::uint64_t all = result.passed + result.failed + result.inconclusive;
  if (all > result.conversations.size()) {
    text += fmt::format("  and {} more\n", all - result.conversations.size());
  }
  text += fmt::format("  {} conversations: {} accepted, {} condemned, {} inconclusive\n", all, result.passed,
                      result.failed, result.inconclusive);
  if (const std::string more = remarks(result.counts); !more.empty()) text += "  " + more + "\n";
  if (!result.broken_off.empty()) text += "  " + result.broken_off + "\n";
  return text;
}

}  // namespace tcpassay
