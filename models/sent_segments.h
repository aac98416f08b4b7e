// SPDX-License-Identifier: Apache-2.0
// The segments of text and FIN that have left on one connection. One that is entirely acknowledged leaves the
// retransmission queue (RFC 9293 section 3.10.7.4, fifth step), so that text which is acknowledged leaves again only in
// a segment that SND.UNA has cut in two.
#pragma once

#include "models/inline_vector.h"
#include "models/segment.h"
#include "models/seq.h"

namespace tcpassay {

class SentSegments {
 public:
  void leaves(const Departing& seg) {
    const SndSeq from = seg.seq + (seg.ctl.syn ? 1u : 0u), to = seg.seq + seg.len();
    if (seg.ctl.syn && (!begun_ || !(seg.seq == iss_))) *this = {};
    if (seg.ctl.syn) iss_ = seg.seq;
    begun_ = begun_ || seg.ctl.syn;
    const Extent one{from, to};
    if (!(from < to) || all_.has(one) || all_.add(one)) return;
    const Extent oldest = *all_.begin();
    forgotten_to_ = forgotten_ ? later(forgotten_to_, oldest.to) : oldest.to;
    forgotten_ = true;
    all_.remove_first(oldest);
    all_.add(one);
  }

  // A segment that holds `seq` goes beyond `una`, or one of those that are forgotten may.
  bool lies_across(SndSeq seq, SndSeq una) const {
    if (forgotten_ && una < forgotten_to_) return true;
    for (const Extent& each : all_) {
      if (each.from <= seq && una < each.to) return true;
    }
    return false;
  }

 private:
  struct Extent {
    SndSeq from{}, to{};
    friend bool operator==(const Extent&, const Extent&) = default;
  };
  static constexpr int kMost = 64;
  InlineVector<Extent, kMost> all_{};
  SndSeq iss_{}, forgotten_to_{};
  bool begun_ = false, forgotten_ = false;
};

}  // namespace tcpassay
