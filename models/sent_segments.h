// SPDX-License-Identifier: Apache-2.0
// The segments of text and FIN that have left on one connection. One that is entirely acknowledged leaves the
// retransmission queue (RFC 9293 section 3.10.7.4, fifth step), so that text which is acknowledged leaves again only in
// a segment that SND.UNA has cut in two. And when each left last, since no round trip that an ACK measures is shorter.
#pragma once

#include <algorithm>
#include <optional>

#include "models/event.h"
#include "models/inline_vector.h"
#include "models/segment.h"
#include "models/seq.h"

namespace tcpassay {

class SentSegments {
 public:
  void leaves(const Departing& seg, Time at) {
    const SndSeq from = seg.seq + (seg.ctl.syn ? 1u : 0u), to = seg.seq + seg.len();
    if (seg.ctl.syn && (!begun_ || !(seg.seq == iss_))) *this = {};
    if (seg.ctl.syn) iss_ = seg.seq;
    begun_ = begun_ || seg.ctl.syn;
    const Extent one{from, to, at, seg.ctl.syn};
    if (!(from < to)) return;
    all_.remove_first(one);
    if (all_.add(one)) return;
    const Extent oldest = *all_.begin();
    forgotten_to_ = forgotten_ ? later(forgotten_to_, oldest.to) : oldest.to;
    forgotten_at_ = std::max(forgotten_at_, oldest.left);
    forgotten_ = true;
    all_.remove_first(oldest);
    all_.add(one);
  }

  // When something left last of what an ACK from `una` to `ack` acknowledges; empty: nothing is known. Where the SYN is
  // acknowledged already, text that only a SYN has carried need not be timed, neither with the SYN nor by itself.
  std::optional<Time> left_last(SndSeq una, SndSeq ack) const {
    std::optional<Time> last;
    if (forgotten_ && una < forgotten_to_) last = forgotten_at_;
    for (const Extent& each : all_) {
      if (each.of_syn && iss_ < una) continue;
      if (each.from < ack && una < each.to) last = std::max(last.value_or(each.left), each.left);
    }
    return last;
  }

  // A segment that holds `seq` goes beyond `una`, or one of those that are forgotten may.
  bool lies_across(SndSeq seq, SndSeq una) const {
    if (forgotten_ && una < forgotten_to_) return true;
    for (const Extent& each : all_) {
      if (each.from <= seq && una < each.to) return true;
    }
    return false;
  }

  // How many segments lie between these numbers; more than there are, where some are forgotten.
  std::uint32_t left_within(SndSeq from, SndSeq to) const {
    if (forgotten_ && from < forgotten_to_) return kMost;
    const auto lies_within = [&](const Extent& each) { return from <= each.from && each.to <= to; };
    return static_cast<std::uint32_t>(std::count_if(all_.begin(), all_.end(), lies_within));
  }

  // This very segment has left before, or is one of those that are forgotten.
  bool left_as(SndSeq from, SndSeq to) const {
    if (forgotten_ && from < forgotten_to_) return true;
    return std::any_of(all_.begin(), all_.end(),
                       [&](const Extent& each) { return each.from == from && each.to == to; });
  }

 private:
  struct Extent {
    SndSeq from{}, to{};
    Time left{};  // the last time
    bool of_syn = false;
    friend bool operator==(const Extent& a, const Extent& b) { return a.from == b.from && a.to == b.to; }
  };
  static constexpr int kMost = 64;
  InlineVector<Extent, kMost> all_{};
  SndSeq iss_{}, forgotten_to_{};
  Time forgotten_at_{};
  bool begun_ = false, forgotten_ = false;
};

}  // namespace tcpassay
