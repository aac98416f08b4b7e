// SPDX-License-Identifier: Apache-2.0
// What is known of a number, or of a run of octets: that there is none, where it is, or between what it lies. An
// observation narrows it; none makes it lost for good.
#pragma once

#include "models/seq.h"

namespace tcpassay {

template <class S>
struct Between {
  S least{}, most{};
  bool there = false;

  bool known() const { return there && least == most; }
  // It may be anything between these two as well.
  void widen(S from, S to) {
    least = there ? earlier(least, from) : from;
    most = there ? later(most, to) : to;
    there = true;
  }
  // It lies no longer ahead: all up to `past` is behind.
  void leave_behind(S past) {
    if (!there || least >= past) return;
    there = past <= most;
    least = past;
  }
  bool may_be(S s) const { return there && least <= s && s <= most; }
  friend bool operator==(const Between&, const Between&) = default;
};

}  // namespace tcpassay
