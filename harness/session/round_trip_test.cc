// SPDX-License-Identifier: Apache-2.0
#include "harness/session/round_trip.h"

#include <gtest/gtest.h>

#include "harness/script/parse.h"
#include "harness/session/session.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

constexpr const char* kBulk = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000,nop,nop,TS val 1 ecr 0>
+0 < . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1 ecr 0>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 2964) = 2964
+0 < . 1:1(0) ack 989 win 65535 <nop,nop,TS val 1 ecr 0>
+0 < . 1:1(0) ack 1977 win 65535 <nop,nop,TS val 1 ecr 0>
+0.01 < . 1:1(0) ack 2965 win 65535 <nop,nop,TS val 1 ecr 0>
)";

std::vector<Time> arrivals(Time round_trip, PeerManner manner = PeerManner::kPrompt) {
  OwnTarget target;
  Session session(target, {.round_trip = round_trip, .manner = manner});
  session.play(parse_script(kBulk, "test.pkt"));
  std::vector<Time> times;
  for (const auto& event : session.trace().events) {
    if (std::holds_alternative<Arriving>(event.what)) times.push_back(event.from);
  }
  return times;
}

TEST(RoundTrip, AnAnswerArrivesARoundTripLater) {
  const Time ms = milliseconds(1);
  EXPECT_EQ(arrivals({}), (std::vector<Time>{{}, {}, {}, {}, 10 * ms}));
  EXPECT_EQ(arrivals(40 * ms), (std::vector<Time>{{}, 40 * ms, 80 * ms, 80 * ms, 90 * ms}));
}

TEST(RoundTrip, APeerMayAnswerLateInBurstsOrOnce) {
  const Time ms = milliseconds(1);
  EXPECT_EQ(arrivals(40 * ms, PeerManner::kLate), (std::vector<Time>{{}, 240 * ms, 480 * ms, 480 * ms, 490 * ms}));
  EXPECT_EQ(arrivals(30 * ms, PeerManner::kBursts), (std::vector<Time>{{}, 30 * ms, 60 * ms, 60 * ms, 90 * ms}));
  EXPECT_EQ(arrivals(30 * ms, PeerManner::kCompressed), (std::vector<Time>{{}, 30 * ms, 60 * ms, 90 * ms}));
}

TEST(RoundTrip, ThePeerEchoesWhatItKnows) {
  RoundTrip path;
  Decoded segment;
  for (const std::uint32_t at : {100u, 130u, 160u}) {
    segment.seq = at;
    segment.opt.timestamps = {{.value = at, .echo = 0}};
    path.departed(segment, milliseconds(at));
  }
  EXPECT_EQ(path.stamp_known(milliseconds(175), milliseconds(40)), 130u);
  EXPECT_EQ(path.stamp_known(milliseconds(175), milliseconds(10)), 160u);
}

TEST(RoundTrip, ADuplicateAckAnswersWhatIsInFlight) {
  RoundTrip path;
  const Bytes octets(10);
  Decoded segment{.seq = 1, .text = octets};
  path.departed(segment, milliseconds(100));
  Decoded answer{.ack = 1, .ctl = {.ack = true}};
  EXPECT_EQ(path.earliest(answer, milliseconds(40)), milliseconds(140));
  answer.ack = 5000;  // of what was never sent
  EXPECT_EQ(path.earliest(answer, milliseconds(40)), std::nullopt);
}

}  // namespace
}  // namespace tcpassay
