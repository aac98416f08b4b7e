// SPDX-License-Identifier: Apache-2.0
// A target with ten segments in flight, a round trip of 100 ms, and much more to send: for stories of losses.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "models/test_trace.h"

namespace tcpassay {

using Blocks = std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>;

class Bulk : public Trace {
 public:
  enum Options { kPlain, kStamps, kSack };
  explicit Bulk(Options options, std::uint32_t written = 60000)
      : stamped(options == kStamps), seg(options == kStamps ? kMss - 12u : kMss) {
    Arriving syn = tcpassay::in("S", 0);
    syn.opt.mss = kMss;
    syn.opt.sack_permitted = options == kSack;
    Departing answer = tcpassay::out("S.", 0, 1);
    answer.opt.sack_permitted = options == kSack;
    stamp_in(syn, 0);
    stamp_out(answer, 0);
    listen().quiet().event(syn);
    event(answer);
    quiet().wait(std::chrono::milliseconds(100));
    acks(0).quiet().accept().write(written);
    if (written < seg * 10) {
      sends(0, 1, "P.").quiet();
    } else {
      sends(0, 10).quiet();
    }
  }
  // The peer acknowledges so many segments; it echoes what the target sent at `echo`, in milliseconds from the start.
  Bulk& acks(std::uint32_t segments, std::uint32_t echo = 0, Blocks blocks = {}) {
    Arriving ack = tcpassay::in(".", 1, 1 + segments * seg, 0, 65535);
    stamp_in(ack, echo);
    for (const auto& [left, right] : blocks) {
      ack.opt.block[ack.opt.blocks++] = {(kIss + 1 + left * seg).value, (kIss + 1 + right * seg).value};
    }
    event(ack);
    return *this;
  }
  Bulk& sends(std::uint32_t from, std::uint32_t segments, std::string_view flags = ".") {
    for (std::uint32_t i = from; i < from + segments; ++i) {
      Departing text = tcpassay::out(flags, 1 + i * seg, 1, seg);
      stamp_out(text, clock());
      event(text);
    }
    return *this;
  }
  // Milliseconds since the start.
  std::uint32_t clock() const {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now - std::chrono::seconds(1)).count());
  }

  // The verdicts, less consequences, and less what is said of text that limited transmit did not send.
  Verdicts main_verdicts() const {
    Verdicts found = verdicts();
    std::erase_if(found,
                  [](const std::string& v) { return v.ends_with("after that") || v == "R5681_3_2_1_lt departed"; });
    return found;
  }

 private:
  // The peer's clock stands still, so that TS.Recent is always the same.
  void stamp_in(Arriving& segment, std::uint32_t echo) const {
    if (stamped) segment.opt.timestamps = {{.value = 7000, .echo = 100000 + echo}};
  }
  void stamp_out(Departing& segment, std::uint32_t at) const {
    if (!stamped) return;
    segment.opt.timestamps = {{.value = 100000 + at, .echo = segment.ctl.ack ? 7000u : 0u}};
    segment.opt.octets += 12;
  }
  bool stamped;
  std::uint32_t seg;
};

}  // namespace tcpassay
