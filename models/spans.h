// SPDX-License-Identifier: Apache-2.0
// How stretches of sequence numbers lie to each other.
#pragma once

#include "models/tcb.h"

namespace tcpassay {

inline bool within(const Span& inner, const Span& outer) {
  return outer.from <= inner.from && inner.to <= outer.to;
}

inline bool overlap(const Span& a, const Span& b) {
  return a.from < b.to && b.from < a.to;
}

inline bool empty(const Span& span) {
  return span.from == span.to;
}

}  // namespace tcpassay
