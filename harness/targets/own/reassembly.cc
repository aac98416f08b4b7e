// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/reassembly.h"

#include <algorithm>

namespace own {

void Reassembly::clear() {
  text_.clear();
  stretches_.clear();
  fin.reset();
}

void Reassembly::hold(SeqNum rcv_nxt, SeqNum seq, std::span<const std::uint8_t> text, std::size_t stretches) {
  if (text.empty()) return;
  Stretch added{.begin = seq, .end = seq + static_cast<SeqNum>(text.size())};
  auto first = stretches_.begin();
  const auto before = [this](SeqNum a, SeqNum b) { return plain_order ? a < b : lt(a, b); };
  while (first != stretches_.end() && before(first->end, added.begin)) ++first;
  auto last = first;
  while (last != stretches_.end() && le(last->begin, added.end)) ++last;
  if (first == last && seq != rcv_nxt && stretches_.size() >= stretches) return;

  text_.put(text_.size() + (seq - rcv_nxt), text);
  if (first == last) {
    stretches_.insert(first, added);
    return;
  }
  *first = {.begin = min(first->begin, added.begin), .end = max((last - 1)->end, added.end)};
  stretches_.erase(first + 1, joins_two ? std::min(last, first + 2) : last);
}

std::uint32_t Reassembly::deliver(SeqNum rcv_nxt) {
  if (stretches_.empty() || stretches_.front().begin != rcv_nxt) return 0;
  SeqNum end = stretches_.front().end;
  if (fin) end = min(end, *fin);
  const std::uint32_t count = end - rcv_nxt;
  text_.extend(count);
  stretches_.erase(stretches_.begin());
  return count;
}

std::optional<Reassembly::Stretch> Reassembly::holding(SeqNum seq) const {
  for (const Stretch& s : stretches_) {
    if (le(s.begin, seq) && lt(seq, s.end)) return s;
  }
  return std::nullopt;
}

std::optional<Reassembly::Stretch> Reassembly::overlap(SeqNum begin, SeqNum end) const {
  for (const Stretch& s : stretches_) {
    if (lt(s.begin, end) && lt(begin, s.end)) return Stretch{.begin = max(begin, s.begin), .end = min(end, s.end)};
  }
  return std::nullopt;
}

std::uint32_t Reassembly::read(std::span<std::uint8_t> out) {
  const std::size_t count = std::min(out.size(), text_.size());
  text_.copy(0, out.first(count));
  text_.drop(count);
  return static_cast<std::uint32_t>(count);
}

}  // namespace own
