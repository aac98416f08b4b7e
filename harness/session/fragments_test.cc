// SPDX-License-Identifier: Apache-2.0
// A target whose IP fragments what TCP sends.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "harness/script/parse.h"
#include "harness/session/session.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

constexpr const char* kText = R"(+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0.1 < . 1:1(0) ack 1001 win 65535
)";

// The own stack, whose packets with text leave in two fragments; or only the first of them does.
class Fragmenting final : public Target {
 public:
  explicit Fragmenting(bool whole) : whole_(whole) {}
  const Identity& identity() const override { return own_.identity(); }
  void use_ip(std::uint8_t version) override { own_.use_ip(version); }
  void reset(std::uint64_t seed) override { own_.reset(seed); }
  bool configure(std::string_view name, std::int64_t value) override { return own_.configure(name, value); }
  Time now() override { return own_.now(); }
  void inject(ByteView packet) override { own_.inject(packet); }
  void advance(Time deadline) override { own_.advance(deadline); }
  void call(UserCall& call) override { own_.call(call); }
  std::optional<StateReport> state(Tuple tuple) override { return own_.state(tuple); }

  std::optional<Collected> collect() override {
    if (!rest_.empty()) {
      piece_ = rest_;
      rest_.clear();
      return Collected{.from = at_, .until = at_, .packet = piece_};
    }
    auto collected = own_.collect();
    constexpr std::size_t kHeader = 20, kFirst = 496;
    if (!collected || collected->packet.size() < kHeader + kFirst) return collected;
    at_ = collected->from;
    const Bytes packet(collected->packet.begin(), collected->packet.end());
    piece_ = piece(packet, 0, kFirst);
    if (whole_) rest_ = piece(packet, kFirst, packet.size() - kHeader - kFirst);
    collected->packet = piece_;
    return collected;
  }

 private:
  static Bytes piece(const Bytes& packet, std::size_t at, std::size_t length) {
    constexpr std::ptrdiff_t kHeader = 20;
    Bytes made(packet.begin(), packet.begin() + kHeader);
    const auto from = packet.begin() + kHeader + static_cast<std::ptrdiff_t>(at);
    made.insert(made.end(), from, from + static_cast<std::ptrdiff_t>(length));
    const bool more = kHeader + at + length < packet.size();
    made[2] = static_cast<std::uint8_t>(made.size() >> 8u), made[3] = static_cast<std::uint8_t>(made.size());
    made[6] = more ? 0x20 : 0, made[7] = static_cast<std::uint8_t>(at / 8);
    return made;
  }

  bool whole_;
  OwnTarget own_{};
  Bytes piece_{}, rest_{};
  Time at_{};
};

std::size_t verdicts_on(bool whole) {
  Fragmenting target(whole);
  Session session(target, {});
  session.play(parse_script(kText, "test.pkt"));
  return session.oracle().verdicts().size();
}

TEST(Fragments, OfASegmentAreTheSegment) {
  EXPECT_EQ(verdicts_on(true), 0u);
}

TEST(Fragments, WithoutTheRestAreNone) {
  EXPECT_GT(verdicts_on(false), 0u);
}

}  // namespace
}  // namespace tcpassay
