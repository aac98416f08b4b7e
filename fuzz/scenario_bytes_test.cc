// SPDX-License-Identifier: Apache-2.0
#include "fuzz/scenario_bytes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

constexpr SessionOptions kQuick{.judge = false, .keep_trace = false, .assertions = false};

// What an input plays, as script lines.
std::vector<std::string> lines_of(ByteView input, SessionOptions options = kQuick) {
  const auto target = make_target("own");
  Session session(*target, options);
  BytePlay bytes(session);
  Scenario recorded;
  bytes.play(input, &recorded);
  std::vector<std::string> lines;
  for (const ScriptStep& step : recorded.steps) lines.push_back(to_text(step));
  return lines;
}

Scenario recorded_of(ByteView input) {
  const auto target = make_target("own");
  Session session(*target, kQuick);
  BytePlay bytes(session);
  Scenario recorded;
  bytes.play(input, &recorded);
  return recorded;
}

std::vector<SegmentSpec> segments_of(const Scenario& scenario) {
  std::vector<SegmentSpec> segments;
  for (const ScriptStep& step : scenario.steps) {
    if (const auto* in = std::get_if<Inject>(&step.action)) segments.push_back(in->segment);
  }
  return segments;
}

// What the target sends when a scenario is played.
std::vector<Bytes> answers(const Scenario& scenario) {
  const auto target = make_target("own");
  Session session(*target, kQuick);
  session.play(scenario);
  return session.take_packets();
}

std::vector<Bytes> answers(ByteView input) {
  const auto target = make_target("own");
  Session session(*target, kQuick);
  BytePlay bytes(session);
  bytes.play(input);
  return session.take_packets();
}

constexpr const char* kConversation = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 < P. 1:101(100) ack 1 win 65535
+0 < P. 201:1201(1000) ack 1 win 2000
+0.5 < . 101:101(0) ack 7 win 65535
+0 < R 1000:1000(0) win 0
+0 < S 4294967290:4294967290(0) win 65535
+0 < UP. 101:111(10) ack 1 win 65535 urg 7
+1 < F. 101:101(0) ack 1 win 65535
)";

TEST(ScenarioBytes, AnythingIsAnInput) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < kInputOctetsMax + 40; size += 7) {
    Bytes input(size);
    for (auto& octet : input) octet = static_cast<std::uint8_t>(random());
    EXPECT_NO_THROW(lines_of(input)) << size << " octets";
  }
}

TEST(ScenarioBytes, NoOctetsAtAllOpenAConnection) {
  const auto lines = lines_of({});
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines.back().find("accept(3, ..., ...) = 4"), std::string::npos) << lines.back();
}

TEST(ScenarioBytes, TheRecordPlaysTheSameWithoutTheLanguage) {
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    Bytes input(kHeaderOctets + 20 * kRecordOctets);
    for (auto& octet : input) octet = static_cast<std::uint8_t>(random());
    const Scenario recorded = recorded_of(input);
    ASSERT_EQ(answers(recorded), answers(input)) << print_script(recorded);
  }
}

TEST(ScenarioBytes, TheRecordSurvivesPrinting) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    Bytes input(kHeaderOctets + 20 * kRecordOctets);
    for (auto& octet : input) octet = static_cast<std::uint8_t>(random());
    const Scenario recorded = recorded_of(input);
    const Scenario read = parse_script(print_script(recorded), "recorded");
    ASSERT_EQ(answers(read), answers(input)) << print_script(recorded);
  }
}

TEST(ScenarioBytes, ScenarioToBytesAndBackKeepsSegments) {
  const auto target = make_target("own");
  Session session(*target, kQuick);
  const Scenario scenario = parse_script(kConversation, "conversation");
  const Bytes input = encode_scenario(scenario, session);
  const auto before = segments_of(scenario), after = segments_of(recorded_of(input));
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].ctl, after[i].ctl) << i;
    EXPECT_EQ(before[i].seq, after[i].seq) << i;
    EXPECT_EQ(before[i].ack, after[i].ack) << i;
    EXPECT_EQ(before[i].length, after[i].length) << i;
    EXPECT_EQ(before[i].wnd, after[i].wnd) << i;
    EXPECT_EQ(before[i].up, after[i].up) << i;
  }
}

TEST(ScenarioBytes, ScenarioToBytesAndBackKeepsTimesAndCalls) {
  const auto target = make_target("own");
  Session session(*target, kQuick);
  const char* script = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 < S. 0:0(0) ack 1 win 65535 <mss 1460>
+0 write(3, ..., 100) = 100
+1.25 shutdown(3, SHUT_WR) = 0
+3 close(3) = 0
)";
  const auto lines = lines_of(encode_scenario(parse_script(script, "script"), session));
  ASSERT_GE(lines.size(), 6u);
  EXPECT_NE(lines[3].find("write(3, ..., 100)"), std::string::npos) << lines[3];
  EXPECT_TRUE(lines[4].starts_with("+1.25 shutdown(3, SHUT_WR)")) << lines[4];
  EXPECT_TRUE(lines[5].starts_with("+3 close(3)")) << lines[5];
}

TEST(ScenarioBytes, ABitDecidesTheVersionOfIp) {
  Bytes input = make_header(Opening::kPassive);
  EXPECT_EQ(ip_version(recorded_of(input)), std::nullopt);
  input[3] = 0x80;
  EXPECT_EQ(ip_version(recorded_of(input)), 6);
  EXPECT_EQ(answers(input).at(0)[0] >> 4, 6);
  const auto target = make_target("own");
  Session session(*target, kQuick);
  EXPECT_EQ(encode_scenario(recorded_of(input), session)[3] & 0x80, 0x80);
}

TEST(ScenarioBytes, MutationKeepsWithinTheRoom) {
  std::mt19937 random(4);
  Bytes input(kInputOctetsMax);
  std::size_t size = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::size_t room = i % 100 ? kInputOctetsMax : std::max<std::size_t>(size, kHeaderOctets);
    size = mutate_records(input.data(), size, room, static_cast<std::uint32_t>(random()));
    ASSERT_LE(size, room);
    ASSERT_GE(size, kHeaderOctets);
  }
  EXPECT_GT(size, kHeaderOctets);
}

}  // namespace
}  // namespace tcpassay
