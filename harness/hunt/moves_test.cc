// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/moves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/hunt/carriers.h"
#include "harness/hunt/episodes.h"
#include "harness/hunt/feedback.h"
#include "harness/hunt/move_octets.h"
#include "harness/hunt/move_player.h"
#include "harness/hunt/mutator.h"
#include "harness/hunt/randomness.h"
#include "harness/hunt/reduce.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr SessionOptions kQuiet{.judge = false, .keep_trace = false, .assertions = false};

class MovesTest : public ::testing::Test {
 protected:
  Moves of(const std::string& script) { return moves_of(parse_script(script, "script"), session_); }
  Moves of_file(const std::string& name) {
    return moves_of(read_script(TCPASSAY_SOURCE_DIR "/corpus/textbook/" + name), session_);
  }
  std::vector<Bytes> answers(const Scenario& scenario) {
    session_.play(scenario);
    return session_.take_packets();
  }
  std::vector<Bytes> answers(const Moves& moves) {
    player_.play(moves);
    return session_.take_packets();
  }
  const Scenario& played() const { return player_.played(); }

  MoveLimits limits_{.settings = {"ecn", "sack", "timestamps"}, .ipv6 = true, .urgent_data = true};

 private:
  std::unique_ptr<Target> target_ = make_target("own");
  Session session_{*target_, kQuiet};
  MovePlayer player_{session_};
};

constexpr const char* kConversation = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 4294967290:4294967290(0) win 65535 <mss 1460,sackOK,nop,nop>
+0 < . 4294967291:4294967291(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 < P. 4294967291:95(100) ack 1 win 65535
+0 write(4, ..., 1000) = 1000
+1.5 < . 95:95(0) ack 501 win 2000 <sack 601:1001,nop,nop>
+0 < R 1000:1000(0) win 0
)";

TEST_F(MovesTest, SayTheSameAsTheScript) {
  const Moves moves = of(kConversation);
  const Scenario script = parse_script(kConversation, "script");
  EXPECT_EQ(answers(moves), answers(script));
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    if (!std::holds_alternative<Inject>(script.steps[i].action)) continue;
    EXPECT_EQ(to_text(played().steps[i]), to_text(script.steps[i]));
  }
}

// But for few, in which a number stands for two handles.
// A message of a router follows the text that it quotes, and says the same from octets.
TEST_F(MovesTest, IcmpQuotesWhatIsInFlight) {
  const std::string script = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 < . 1:1(0) ack 1001 win 65535
+0 write(4, ..., 1460) = 1460
+0 < icmp unreachable frag_needed mtu 1000 [1001:1002(1)]
)";
  ASSERT_TRUE(can_be_moves(parse_script(script, "script")));
  Moves moves = of(script);
  ASSERT_TRUE(std::holds_alternative<IcmpMove>(moves.moves.back().what));
  EXPECT_EQ(std::get<IcmpMove>(moves.moves.back().what).seq, AckAnchor::kSndUna);
  EXPECT_EQ(answers(moves), answers(parse_script(script, "script")));
  EXPECT_EQ(answers(moves_of(octets_of(moves))), answers(moves));
  const std::size_t whole = answers(moves).size();  // SYN,ACK, text twice, and the second one again in two pieces
  moves.moves.erase(moves.moves.end() - 4, moves.moves.end() - 2);  // the first write and its ACK
  EXPECT_EQ(answers(moves).size(), whole - 1);
}

TEST_F(MovesTest, WhatWasPlayedPlaysTheSameFromItsText) {
  int same = 0;
  Moves moves = of(kConversation);
  const Moves other = of_file("client-closes-first.pkt");
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    moves = mutated(seed % 10 == 0 ? of(kConversation) : moves, other, seed, limits_);
    const auto live = answers(moves);
    const Scenario again = parse_script(print_script(played()), "again");
    same += answers(again) == live;
  }
  EXPECT_GE(same, 270);
}

// What stands behind a step that is removed follows: the text comes in order again.
TEST_F(MovesTest, AnchorsFollowWhenAStepIsRemoved) {
  Moves moves = of(kConversation);
  moves.moves.erase(moves.moves.begin() + 6);  // the text
  answers(moves);
  EXPECT_NE(print_script(played()).find("+1.5 < . 4294967291:4294967291(0) ack 501"), std::string::npos)
      << print_script(played());
}

TEST_F(MovesTest, AMutationIsAFunctionOfItsSeedAndStaysInBounds) {
  const Moves parent = of(kConversation), other = of_file("client-closes-first.pkt");
  limits_.wait_max = std::chrono::seconds(3);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Moves made = mutated(parent, other, seed, limits_), same = mutated(parent, other, seed, limits_);
    answers(made);
    const std::string text = print_script(played());
    answers(same);
    ASSERT_EQ(print_script(played()), text) << seed;
    ASSERT_LE(made.moves.size(), kMovesMax);
    Time waited{};
    for (const Move& move : made.moves) waited += move.wait;
    ASSERT_LE(waited, limits_.wait_max);
  }
}

constexpr const char* kOpening = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460,sackOK,nop,nop>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";

std::uint32_t number_at(const Bytes& packet, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | packet.at(at + i);
  return value;
}

// What an episode does to the own stack.
struct Reached {
  std::uint32_t received = 0, sent = 0;  // octets
  std::uint32_t urgent = 0;              // segments with URG
  bool kept_alive = false;               // a segment below SND.NXT, where nothing was sent
  bool sent_again = false;               // the same octets for a second time, before time has passed
};

Reached reached(const std::vector<Bytes>& answers) {
  constexpr std::size_t kSeq = 24, kAck = 28, kFlags = 33, kHeaders = 40;
  constexpr std::uint8_t kUrg = 0x20, kSyn = 0x02;
  Reached found;
  std::vector<std::uint32_t> numbers;
  const std::uint32_t iss = number_at(answers.at(0), kSeq), irs = number_at(answers.at(0), kAck);
  for (const Bytes& packet : answers) {
    const std::uint32_t seq = number_at(packet, kSeq);
    found.received = std::max(found.received, number_at(packet, kAck) - irs);
    found.sent = std::max(found.sent, seq - iss);
    found.kept_alive |= seq == iss && (packet.at(kFlags) & kSyn) == 0;
    found.urgent += (packet.at(kFlags) & kUrg) != 0;
    if (packet.size() < kHeaders + 500) continue;
    found.sent_again |= std::find(numbers.begin(), numbers.end(), seq) != numbers.end();
    numbers.push_back(seq);
  }
  return found;
}

// Volume in both directions, urgent text that leaves, and losses that only SACK options tell of.
TEST_F(MovesTest, EpisodesReachVolumeUrgentTextAndReportedLosses) {
  const Moves opening = of(kOpening);
  std::uint32_t received = 0, sent = 0, urgent = 0;
  bool repaired = false, kept_alive = false;
  for (std::uint64_t seed = 1; seed < 400; ++seed) {
    Random random(seed);
    Moves made = opening;
    bool sets = false;
    for (Move& move : some_episode(random, handles_of(opening.moves))) {
      const auto* call = std::get_if<Call>(&move.what);
      sets = sets || (call != nullptr && call->kind == CallKind::kSetOption);
      if (!sets) move.wait = {};
      const auto* seg = std::get_if<SegmentMove>(&move.what);
      if (seg != nullptr && (seg->spec.ctl.rst || seg->spec.ctl.syn || seg->spec.ctl.fin)) break;
      made.moves.push_back(std::move(move));
    }
    const auto reports = std::count_if(made.moves.begin(), made.moves.end(), [](const Move& move) {
      const auto* seg = std::get_if<SegmentMove>(&move.what);
      return seg != nullptr && !seg->spec.ctl.syn && !seg->spec.options.empty();
    });
    const Reached found = reached(answers(made));
    received = std::max(received, found.received);
    sent = std::max(sent, found.sent);
    urgent = std::max(urgent, found.urgent);
    kept_alive |= found.kept_alive;
    repaired |= found.sent_again && 0 < reports && reports < 3;  // three duplicate ACKs would do without
  }
  EXPECT_GE(received, 65536u);
  EXPECT_GE(sent, 40000u);
  EXPECT_GE(urgent, 3u);
  EXPECT_TRUE(repaired);
  EXPECT_TRUE(kept_alive);
}

TEST_F(MovesTest, OptionsThatTheTargetLacksAreNotSet) {
  Moves moves = of(kOpening);
  const std::size_t before = moves.moves.size();
  for (const SocketOption option : {SocketOption::kKeepIdle, SocketOption::kKeepAlive}) {
    moves.moves.push_back({.what = Call{.kind = CallKind::kSetOption, .handle = 4, .option = option, .value = 1}});
  }
  limits_.missing_options = {SocketOption::kKeepIdle};
  keep_within(moves, limits_);
  ASSERT_EQ(moves.moves.size(), before + 1);
  EXPECT_EQ(std::get<Call>(moves.moves.back().what).option, SocketOption::kKeepAlive);
}

// A write that the script has not written says in its text, too, that it is urgent.
TEST_F(MovesTest, UrgentWritesStayUrgentWhereTheTargetCanSendThem) {
  Moves moves = of(kOpening);
  moves.moves.push_back({.what = Call{.kind = CallKind::kWrite, .handle = 4, .length = 10, .urgent = true}});
  answers(moves);
  EXPECT_NE(print_script(played()).find("+0 send(4, ..., 10, MSG_OOB) = 10"), std::string::npos)
      << print_script(played());
  limits_.urgent_data = false;
  keep_within(moves, limits_);
  EXPECT_FALSE(std::get<Call>(moves.moves.back().what).urgent);
}

// An address of IPv6 has no place in a header of IPv4, whichever version a mutation or a reduction has chosen.
TEST_F(MovesTest, AddressesAreThoseOfTheVersion) {
  Moves moves = of(kConversation);
  const auto damage = [&]() -> Damage& { return std::get<SegmentMove>(moves.moves[3].what).spec.damage; };
  for (const std::uint8_t ip : {std::uint8_t{4}, std::uint8_t{6}}) {
    moves.ip = ip;
    damage().source = *Address::parse("224.0.0.1");
    damage().destination = *Address::parse("ff02::1");
    keep_within(moves, limits_);
    EXPECT_EQ(damage().source.has_value(), ip == 4);
    EXPECT_EQ(damage().destination.has_value(), ip == 6);
  }
}

TEST_F(MovesTest, OctetsKeepWhatAPacketIsRefusedFor) {
  Moves moves = of(kConversation);
  const auto spec = [](Moves& of) -> SegmentSpec& { return std::get<SegmentMove>(of.moves[3].what).spec; };
  const std::size_t options = spec(moves).options.size();
  for (const ChecksumField field : {ChecksumField::kZero, ChecksumField::kOnes, ChecksumField::kRight}) {
    set_checksum(spec(moves), field);
    spec(moves).damage.source = Address::parse("239.1.2.3");
    spec(moves).damage.destination = Address::parse("255.255.255.255");
    Moves again = moves_of(octets_of(moves));
    EXPECT_EQ(checksum_of(spec(again)), field);
    EXPECT_EQ(spec(again).damage, spec(moves).damage);
  }
  EXPECT_EQ(spec(moves).options.size(), options);
  EXPECT_EQ(odd_address(0), std::nullopt);
}

// Octets of a header or of the text that a script names stay where a script can name them.
TEST_F(MovesTest, WhatBecomesOfOctetsCanBeRead) {
  const Moves parent = of(R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535
+0 < P. 1:101(100) ack 1 win 65535 //! damage: tcp[16]=0000
+0 < P. 1:101(100) ack 1 win 65535 //! damage: text@90=01020304050607080900
)");
  Moves moves = parent;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    moves = mutated(seed % 20 == 0 ? parent : moves, parent, seed, limits_);
    answers(moves);
    ASSERT_NO_THROW(parse_script(print_script(played()), "again")) << print_script(played());
  }
}

TEST_F(MovesTest, ReducedInputsKeepWhatIsAskedFor) {
  const auto has_rst = [](const Moves& moves) {
    return std::any_of(moves.moves.begin(), moves.moves.end(), [](const Move& move) {
      const auto* seg = std::get_if<SegmentMove>(&move.what);
      return seg != nullptr && seg->spec.ctl.rst;
    });
  };
  const Moves least = reduced(of(kConversation), has_rst, 1000);
  EXPECT_EQ(least.moves.size(), 1u);
  EXPECT_TRUE(has_rst(least));

  Moves newer = of(kConversation);
  newer.ip = 6;
  for (Move& move : newer.moves) {
    if (auto* seg = std::get_if<SegmentMove>(&move.what)) seg->spec.damage.source = Address::parse("ff02::1");
  }
  const auto of_one_version = [](const Moves& moves) {
    const auto fits = [&](const Move& move) {
      const auto* seg = std::get_if<SegmentMove>(&move.what);
      return seg == nullptr || !seg->spec.damage.source || seg->spec.damage.source->family == moves.ip;
    };
    EXPECT_TRUE(std::all_of(moves.moves.begin(), moves.moves.end(), fits));
    return !moves.moves.empty();
  };
  EXPECT_EQ(reduced(newer, of_one_version, 1000).ip, 4);
}

TEST(Signals, AreNamed) {
  EXPECT_TRUE(signals_of("all")->triples);
  EXPECT_FALSE(signals_of("none")->transitions);
  EXPECT_TRUE(signals_of("pairs,rules")->rules);
  EXPECT_FALSE(signals_of("pairs,rules")->transitions);
  EXPECT_EQ(signals_of("luck"), std::nullopt);
}

}  // namespace
}  // namespace tcpassay
