// SPDX-License-Identifier: Apache-2.0
#include "harness/judge_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

namespace tcpassay {
namespace {

constexpr std::uint64_t kProgressEvery = 1 << 16;  // packets

// A machine that captures on several processors writes frames a little out of order; their times tell the right one.
class Sorted {
 public:
  explicit Sorted(const std::string& path) : reader_(path) {}

  // As of CaptureReader.
  std::optional<Captured> next() {
    while (!ended_ && held_.size() < kHeld) fill();
    if (held_.empty()) {
      if (broken_) std::rethrow_exception(broken_);
      return std::nullopt;
    }
    now_ = std::move(held_.front());
    held_.pop_front();
    now_.frame.packet = now_.octets;
    return now_.frame;
  }
  std::uint64_t moved() const { return moved_; }

 private:
  static constexpr std::size_t kHeld = 64;
  static constexpr Time kScrambled = std::chrono::milliseconds(10);  // what is older by more was not captured then

  struct Held {
    Captured frame{};
    Bytes octets{};
  };

  // Where the file breaks off, what came before is handed out first.
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
    auto place = held_.end();
    while (place != held_.begin() && captured.when < std::prev(place)->frame.when &&
           std::prev(place)->frame.when - captured.when < kScrambled) {
      --place;
    }
    moved_ += place != held_.end();
    held_.insert(place, std::move(held));
  }

  CaptureReader reader_;
  std::deque<Held> held_{};
  Held now_{};
  std::uint64_t moved_ = 0;
  bool ended_ = false;
  std::exception_ptr broken_{};
};

// What else was in the file, as far as it is worth a word.
std::string beside(const CaptureCounts& counts) {
  std::string text;
  const auto say = [&](std::uint64_t n, const char* what) {
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, what);
  };
  say(counts.fragments, "IP fragments not judged");
  say(counts.cut, "packets cut before the end of their headers");
  say(counts.malformed, "malformed IP packets");
  say(counts.text_cut, "texts cut and not compared");
  say(counts.given_up, "conversations given up");
  say(counts.moved, "frames put in the order of their times");
  return text;
}

// A capture that has lost packets accuses nobody: what was lost may have been the reason.
void excuse(CaptureOpinion& opinion) {
  for (ConversationOpinion& one : opinion.conversations) {
    if (one.kind() != OpinionKind::kCondemned) continue;
    for (EndOpinion& end : one.ends) {
      if (end.kind != OpinionKind::kCondemned) continue;
      end.kind = OpinionKind::kInconclusive;
      end.why = fmt::format("packets are missing in this capture; frame {}: {} would be broken: {}", end.frame,
                            info(end.verdict->rule).id, end.why);
    }
    --opinion.condemned;
    ++opinion.inconclusive;
  }
}

// The file as a whole, by its conversations.
void sum_up(CaptureOpinion& opinion, const std::string& broken_off) {
  const CaptureCounts& counts = opinion.counts;
  const auto first = [&](OpinionKind kind) -> const ConversationOpinion* {
    for (const auto& one : opinion.conversations) {
      if (one.kind() == kind) return &one;
    }
    return nullptr;
  };
  const auto why_of = [](const ConversationOpinion& one) {
    for (const EndOpinion& end : one.ends) {
      if (end.kind == one.kind()) return fmt::format("{}: {}", end.end.text(), end.why);
    }
    return std::string();
  };
  const std::uint64_t all = opinion.accepted + opinion.condemned + opinion.inconclusive;
  if (opinion.condemned > 0) {
    opinion.kind = OpinionKind::kCondemned;
    opinion.why =
        fmt::format("{} of {} conversations; {}", opinion.condemned, all, why_of(*first(OpinionKind::kCondemned)));
  } else if (all == 0 && broken_off.empty()) {
    opinion.kind = OpinionKind::kUnsupported;
    opinion.why = counts.packets == 0    ? "no IP packet is in it"
                  : counts.segments == 0 ? fmt::format("no TCP segment is among its {} IP packets", counts.packets)
                                         : "none of its conversations has an end that was asked for";
    if (const std::string more = beside(counts); !more.empty()) opinion.why += " (" + more + ")";
  } else if (opinion.inconclusive > 0) {
    opinion.kind = OpinionKind::kInconclusive;
    opinion.why = fmt::format("{} of {} conversations; {}", opinion.inconclusive, all,
                              why_of(*first(OpinionKind::kInconclusive)));
  }
  if (broken_off.empty()) return;
  if (opinion.kind != OpinionKind::kCondemned) opinion.kind = OpinionKind::kInconclusive;
  opinion.why = broken_off + (opinion.why.empty() ? "" : "; " + opinion.why);
}

}  // namespace

bool is_capture(const std::string& path) {
  constexpr unsigned char kMagics[][4] = {{0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, {0x4d, 0x3c, 0xb2, 0xa1},
                                          {0xa1, 0xb2, 0x3c, 0x4d}, {0x0a, 0x0d, 0x0d, 0x0a}, {0x34, 0xcd, 0xb2, 0xa1},
                                          {0xa1, 0xb2, 0xcd, 0x34}};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  unsigned char first[4] = {};
  if (!file || std::fread(first, 1, sizeof first, file.get()) != sizeof first) return false;
  return std::any_of(std::begin(kMagics), std::end(kMagics),
                     [&](const auto& magic) { return std::memcmp(magic, first, sizeof first) == 0; });
}

CaptureOpinion judge_capture(const std::string& path, const CaptureOptions& options) {
  CaptureOpinion opinion;
  std::size_t listed = 0, others = 0;
  const auto keep = [&](ConversationOpinion one) {
    const OpinionKind kind = one.kind();
    ++(kind == OpinionKind::kAccepted    ? opinion.accepted
       : kind == OpinionKind::kCondemned ? opinion.condemned
                                         : opinion.inconclusive);
    if (kind == OpinionKind::kAccepted ? listed++ < kAcceptedListed : others++ < kOthersListed) {
      opinion.conversations.push_back(std::move(one));
    }
  };
  Conversations conversations(options.edition, options.ends, keep);
  Sorted reader(path);
  std::string broken_off;
  std::uint64_t packets = 0;
  try {
    while (const auto captured = reader.next()) {
      conversations.packet(*captured);
      if (options.progress && ++packets % kProgressEvery == 0) options.progress(packets);
    }
  } catch (const CaptureError& error) {
    if (conversations.counts().packets == 0) throw;
    broken_off = std::string("the file breaks off: ") + error.what();
  }
  conversations.finish();
  opinion.counts = conversations.counts();
  opinion.counts.moved = reader.moved();
  if (opinion.counts.lossy) excuse(opinion);
  std::stable_sort(opinion.conversations.begin(), opinion.conversations.end(),
                   [](const auto& a, const auto& b) { return a.first_frame < b.first_frame; });
  sum_up(opinion, broken_off);
  return opinion;
}

std::string capture_text(const CaptureOpinion& opinion, bool diagrams) {
  std::string text;
  for (const ConversationOpinion& one : opinion.conversations) {
    text += fmt::format("  {} - {}  frame {}, {} packets: {}\n", one.ends[0].end.text(), one.ends[1].end.text(),
                        one.first_frame, one.packets, to_string(one.kind()));
    std::string told;
    for (const EndOpinion& end : one.ends) {
      if (end.kind == OpinionKind::kAccepted || end.why == told) continue;
      told = end.why;
      const bool condemned = end.kind == OpinionKind::kCondemned;
      text += fmt::format("    {}{}: {}{}\n", end.end.text(), condemned ? fmt::format(", frame {}", end.frame) : "",
                          condemned ? std::string(info(end.verdict->rule).id) + ": " : "", end.why);
      if ((condemned || diagrams) && !end.ladder.empty()) text += end.ladder;
    }
  }
  const std::uint64_t all = opinion.accepted + opinion.condemned + opinion.inconclusive;
  if (all > opinion.conversations.size()) {
    text += fmt::format("  and {} more\n", all - opinion.conversations.size());
  }
  text += fmt::format("  {} conversations: {} accepted, {} condemned, {} inconclusive\n", all, opinion.accepted,
                      opinion.condemned, opinion.inconclusive);
  if (const std::string more = beside(opinion.counts); !more.empty()) text += "  " + more + "\n";
  return text;
}

}  // namespace tcpassay
