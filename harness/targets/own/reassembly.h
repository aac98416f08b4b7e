// SPDX-License-Identifier: Apache-2.0
// The receive buffer: text in sequence for the user, and text above RCV.NXT held for later (SHLD-31).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/targets/own/ring.h"
#include "harness/targets/own/seq.h"

namespace own {

class Reassembly {
 public:
  static constexpr std::size_t kStretchesMax = 64;  // separate stretches of text held; what would make more is dropped

  void clear();

  // RCV.USER: octets received and acknowledged which the user has not taken yet (section 3.8.6.2.2).
  std::uint32_t user() const { return static_cast<std::uint32_t>(text_.size()); }

  // Stores text that begins at `seq`, which is not below `rcv_nxt`.
  void hold(SeqNum rcv_nxt, SeqNum seq, std::span<const std::uint8_t> text, std::size_t stretches = kStretchesMax);
  // Passes the text that begins at `rcv_nxt` to the user. Returns its octets, by which RCV.NXT advances.
  std::uint32_t deliver(SeqNum rcv_nxt);
  bool has_gap() const { return !stretches_.empty(); }
  std::size_t stretches() const { return stretches_.size(); }
  void misplace(bool on) { text_.misplaces = on; }  // for buffer_grows_misplaced
  bool plain_order = false;                         // for held_in_plain_order
  bool joins_two = false;                           // for joins_two_stretches
  void forget_held() { stretches_.clear(); }        // what was kept ahead of a gap

  // The stretch of text held that holds the octet `seq`, and the first part of `begin`..`end` that is held.
  struct Stretch {
    SeqNum begin, end;
  };
  std::optional<Stretch> holding(SeqNum seq) const;
  std::optional<Stretch> overlap(SeqNum begin, SeqNum end) const;

  // The FIN's sequence number, once it has been seen. Nothing at or behind it is text.
  std::optional<SeqNum> fin{};

  std::uint32_t read(std::span<std::uint8_t> out);

 private:
  Ring text_;
  std::vector<Stretch> stretches_;  // in order, apart from each other
};

}  // namespace own
