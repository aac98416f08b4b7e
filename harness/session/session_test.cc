// SPDX-License-Identifier: Apache-2.0
#include "harness/session/session.h"

#include <gtest/gtest.h>

#include "harness/script/parse.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPassive = R"(//! numbers: running
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 1000:1000(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack 1001 <mss 1460>
+0 < . 1001:1001(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";

constexpr const char* kActive = R"(//! numbers: running
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+0 < S. 5000:5000(0) ack 1 win 65535 <mss 1460>
+0 > . 1:1(0) ack 5001
)";

struct Played {
  explicit Played(const std::string& script, SessionOptions options = {}) : session(target, options) {
    session.play(parse_script(script, "test.pkt"));
  }
  OwnTarget target;
  Session session;
};

// The first segment of each direction that carries text.
template <class SegmentT>
std::optional<SegmentT> with_text(const Trace& trace) {
  for (const auto& event : trace.events) {
    const auto* segment = std::get_if<SegmentT>(&event.what);
    if (segment && !segment->text.empty()) return *segment;
  }
  return std::nullopt;
}

TEST(Session, AddsTheTargetsIssToAcknowledgments) {
  Played played(kPassive);
  const Session::Peer& peer = played.session.peer();
  ASSERT_TRUE(peer.irs);
  bool acknowledged = false;
  for (const auto& event : played.session.trace().events) {
    const auto* in = std::get_if<Arriving>(&event.what);
    if (in && in->ctl.ack) acknowledged = in->ack.value == *peer.irs + 1 && in->seq.value == 1001;
  }
  EXPECT_TRUE(acknowledged);
  EXPECT_TRUE(played.session.mismatches().empty());
  EXPECT_EQ(played.session.peer().tuple, (Tuple{.local = kTargetPort, .remote = kPeerPort}));
}

// A script's own version counts; otherwise the session's.
TEST(Session, PlaysOverIpv6) {
  const auto version = [](const std::string& option, std::uint8_t ip) {
    Played played(option + kPassive, {.ip = ip});
    EXPECT_TRUE(played.session.oracle().verdicts().empty());
    return played.session.take_packets().at(0)[0] >> 4;
  };
  EXPECT_EQ(version("", 4), 4);
  EXPECT_EQ(version("", 6), 6);
  EXPECT_EQ(version("--ip_version=ipv4\n", 6), 4);
  EXPECT_EQ(version("--ip_version=ipv6\n", 4), 6);
}

TEST(Session, RefusesAPacketOfTheOtherVersion) {
  Played played(kPassive);
  const Bytes packet = played.session.take_packets().at(0);
  EXPECT_NO_THROW(played.session.inject_packet(packet));
  played.session.start("other", 1, 6);
  EXPECT_THROW(played.session.inject_packet(packet), TargetError);
}

TEST(Session, ExpectsTheMssOfTheFamily) {
  std::string script = kPassive;
  const Played refused("--ip_version=ipv6\n" + script);
  EXPECT_EQ(refused.session.mismatches().size(), 1u);
  script.replace(script.rfind("mss 1460"), 8, "mss 1440");
  const Played played("--ip_version=ipv6\n" + script);
  EXPECT_TRUE(played.session.mismatches().empty());
}

TEST(Session, CountsEchoesFromTheTargetsLatestTimestamp) {
  OwnTarget target;
  Session session(target);
  session.play(parse_script(R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.5 < S. 5000:5000(0) ack 1 win 65535 <mss 1460,nop,nop,TS val 7 ecr 0>
+0.5 < . 5001:5001(0) ack 1 win 65535 <nop,nop,TS val 8 ecr 4294967295>
)",
                            "test.pkt"));
  std::optional<std::uint32_t> latest;
  int seen = 0;
  for (const auto& event : session.trace().events) {
    if (const auto* out = std::get_if<Departing>(&event.what); out && out->opt.timestamps) {
      latest = out->opt.timestamps->value;
    }
    const auto* in = std::get_if<Arriving>(&event.what);
    if (!in) continue;
    ASSERT_TRUE(latest && in->opt.timestamps);
    EXPECT_EQ(in->opt.timestamps->echo, *latest - static_cast<std::uint32_t>(seen++));
  }
  EXPECT_EQ(seen, 2);
}

TEST(Session, LearnsThePortOfAnActiveOpen) {
  Played played(kActive);
  EXPECT_TRUE(played.session.mismatches().empty());
  EXPECT_EQ(played.session.peer().tuple.remote, kTargetPort);
  EXPECT_GE(played.session.peer().tuple.local, 1024);
  EXPECT_EQ(played.session.oracle().states(played.session.peer().tuple), "ESTABLISHED");
}

TEST(Session, TakesTheScriptsNumberOfTheTargetsSyn) {
  std::string script = kPassive;
  script.replace(script.find("S. 0:0(0)"), 9, "S. 70:70(0)");
  script.replace(script.find("ack 1 win"), 9, "ack 71 win");
  Played played(script + "+0 write(4, ..., 10) = 10\n+0 > P. 71:81(10) ack 1001\n");
  EXPECT_TRUE(played.session.mismatches().empty());
  EXPECT_TRUE(played.session.oracle().verdicts().empty());
}

TEST(Session, CodesTextByPosition) {
  Played played(std::string(kPassive) + R"(
+0 < P. 1001:1011(10) ack 1 win 65535
+0 write(4, ..., 5) = 5
+0 write(4, ..., 5) = 5
+0 < . 1011:1011(0) ack 6 win 65535
)");
  const auto in = with_text<Arriving>(played.session.trace());
  const auto out = with_text<Departing>(played.session.trace());
  ASSERT_TRUE(in && out);
  for (std::uint32_t i = 0; i < in->text.size(); ++i) EXPECT_EQ(in->text[i], peer_octet(in->seq.value + i));
  for (std::uint32_t i = 0; i < out->text.size(); ++i) EXPECT_EQ(out->text[i], target_octet(i));
  EXPECT_TRUE(played.session.oracle().verdicts().empty());
}

TEST(Session, ReadsWhatIsLeftAtTheEnd) {
  Played played(std::string(kPassive) + "+0 < FP. 1001:1011(10) ack 1 win 65535\n");
  std::vector<std::int64_t> reads;
  for (const auto& event : played.session.trace().events) {
    const auto* call = std::get_if<UserCall>(&event.what);
    if (call && call->kind == CallKind::kRead) reads.push_back(call->result);
  }
  EXPECT_EQ(reads, (std::vector<std::int64_t>{10, 0}));
}

TEST(Session, AcceptsAtTheEndWhatNobodyAccepted) {
  std::string script = kPassive;
  script.erase(script.find("+0 accept"));
  Played played(script + "+0 < P. 1001:1011(10) ack 1 win 65535\n");
  std::int64_t delivered = 0;
  for (const auto& event : played.session.trace().events) {
    const auto* call = std::get_if<UserCall>(&event.what);
    if (call && call->kind == CallKind::kRead && call->result > 0) delivered += call->result;
  }
  EXPECT_EQ(delivered, 10);
}

TEST(Session, ALineMayBeSeveralSegments) {
  const std::string written = kPassive + std::string("+0 write(4, ..., 2920) = 2920\n");
  EXPECT_TRUE(Played(written + "+0 > P. 1:2921(2920) ack 1001\n").session.mismatches().empty());
  EXPECT_FALSE(Played(written + "+0 > P. 1:2922(2921) ack 1001\n").session.mismatches().empty());
  EXPECT_FALSE(Played(written + "+0 > . 1:2921(2920) ack 1001\n").session.mismatches().empty());
  EXPECT_FALSE(
      Played("--strict_segments\n" + written + "+0 > P. 1:2921(2920) ack 1001\n").session.mismatches().empty());
}

TEST(Session, RecordsMismatchesAndGoesOn) {
  Played played(std::string(kPassive) + R"(
+0 < P. 1001:1011(10) ack 1 win 65535
+0.5 > . 1:1(0) ack 9999
+0 read(4, ..., 100) = 11
+0 > . 1:1(0) ack 1
)");
  const auto& mismatches = played.session.mismatches();
  ASSERT_EQ(mismatches.size(), 3u);
  EXPECT_NE(mismatches[0].seen.find("ack 1011"), std::string::npos);
  EXPECT_EQ(mismatches[0].where.line, 11);
  EXPECT_EQ(mismatches[1].expected, "read = 11");
  EXPECT_EQ(mismatches[2].seen, "nothing");
}

TEST(Session, ComparesTheTimeOfDepartures) {
  const std::string syn =
      "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 EINPROGRESS (x)\n"
      "+0 > S 0:0(0) <...>\n";
  EXPECT_TRUE(Played(syn + "+1 > S 0:0(0) <...>\n").session.mismatches().empty());
  EXPECT_EQ(Played(syn + "+3 > S 0:0(0) <...>\n").session.mismatches().size(), 1u);
  EXPECT_TRUE(Played(syn + "* > S 0:0(0) <...>\n").session.mismatches().empty());
}

TEST(Session, KeepsAPlaceForEachStimulus) {
  Played played(kPassive);
  const Trace& trace = played.session.trace();
  ASSERT_EQ(trace.events.size(), trace.places.size());
  ASSERT_EQ(trace.events.size(), trace.states.size());
  EXPECT_EQ(trace.places[0].line, 2);
  EXPECT_TRUE(std::holds_alternative<UserCall>(trace.events[0].what));
}

TEST(Session, SaysThatItIsQuietAfterEveryStimulus) {
  Played played(kPassive, {.white_box = false});
  const auto& events = played.session.trace().events;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool stimulus =
        std::holds_alternative<Arriving>(events[i].what) || std::holds_alternative<UserCall>(events[i].what);
    if (!stimulus) continue;
    std::size_t next = i + 1;
    while (next < events.size() && std::holds_alternative<Departing>(events[next].what)) ++next;
    ASSERT_LT(next, events.size());
    EXPECT_TRUE(std::holds_alternative<Quiet>(events[next].what)) << i;
  }
}

TEST(Session, PlaysTheSameTwice) {
  Played one(kPassive), two(kPassive);
  ASSERT_EQ(one.session.take_packets(), two.session.take_packets());
  EXPECT_EQ(one.session.trace().events.size(), two.session.trace().events.size());
}

TEST(Session, StartsAfreshEachTime) {
  OwnTarget target;
  Session session(target);
  const Scenario scenario = parse_script(kPassive, "test.pkt");
  session.play(scenario);
  const std::size_t events = session.trace().events.size();
  session.play(scenario);
  EXPECT_EQ(session.trace().events.size(), events);
  EXPECT_TRUE(session.mismatches().empty());
}

TEST(Session, UsesThePeerPortItWasGiven) {
  Played played(kPassive, {.peer_port = 41234});
  EXPECT_EQ(played.session.peer().tuple.remote, 41234);
  EXPECT_TRUE(played.session.mismatches().empty());
}

TEST(Session, LetsTimePass) {
  OwnTarget target;
  Session session(target);
  session.start("waiting");
  session.advance(seconds(7));
  EXPECT_EQ(target.now(), seconds(7));
  const Event& last = session.trace().events.back();
  EXPECT_TRUE(std::holds_alternative<Quiet>(last.what));
  EXPECT_EQ(last.until, seconds(7));
}

TEST(Session, FollowsThePeersBookkeeping) {
  Played played(std::string(kPassive) + "+0 < P. 1001:1011(10) ack 1 win 65535\n+0 write(4, ..., 20) = 20\n");
  const Session::Peer& peer = played.session.peer();
  EXPECT_EQ(peer.iss, 1000u);
  EXPECT_EQ(peer.snd_nxt, 1011u);
  EXPECT_EQ(*peer.rcv_nxt, *peer.irs + 21);
}

TEST(Session, RefusesToCallOnAHandleThatNeverCameToBe) {
  Played played("+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(7) = 0\n");
  ASSERT_EQ(played.session.mismatches().size(), 1u);
  EXPECT_EQ(played.session.mismatches()[0].seen, "close = -1 EBADF");
}

// A target that knows no virtual time and says that it does nothing else either.
struct PlainTarget : Target {
  const Identity& identity() const override { return identity_; }
  void reset(std::uint64_t) override {}
  Time now() override { return {}; }
  void inject(ByteView) override {}
  std::optional<Collected> collect() override { return std::nullopt; }
  void advance(Time) override {}
  void call(UserCall&) override {}
  std::optional<StateReport> state(Tuple) override { return std::nullopt; }
  Identity identity_{.name = "plain", .abilities = {Ability::kPassiveOpen}};
};

TEST(Session, NamesWhatCannotBePlayed) {
  PlainTarget plain;
  const auto why = [&](const std::string& script) {
    return Session::unsupported(parse_script(script, "x.pkt"), plain).value_or("");
  };
  EXPECT_EQ(why(kPassive), "");
  EXPECT_EQ(why(kActive), "needs active-open");
  EXPECT_EQ(why("//! needs: state\n" + std::string(kPassive)), "needs state");
  EXPECT_EQ(why("//! settings: ecn=1\n" + std::string(kPassive)), "the target has no setting ecn");
  EXPECT_EQ(why(std::string(kPassive) + "+250 close(4) = 0\n"), "waits 250 s; needs virtual-time");
  EXPECT_EQ(why("+0 `sysctl -w x=1`\n+0 close(3) = -1"), "sysctl x=1 (x.pkt:1:1)");
  EXPECT_EQ(why(std::string(kPassive) + "+0 %{ assert True }%\n"), "");
  EXPECT_EQ(why(std::string(kPassive) + "+0 < R 9:9(0) win 0 //! damage: source=ff02::1\n"),
            "a header of IPv6 (x.pkt:9:1)");
  EXPECT_EQ(why("+0 %{ assert True }%\n"), "no segment and no call is in it");
  EXPECT_EQ(why("+0 splice(3, NULL, 5, NULL, 9, 0) = 9\n"), "splice (x.pkt:1:1)");
}

TEST(Session, UrgentDataIsAskedForOnlyWhereTheTargetHasIt) {
  struct Polled final : PlainTarget {
    void call(UserCall& call) override { asked = call.value; }
    std::int64_t asked = 0;
  } plain, urgent;
  plain.identity_.abilities = {Ability::kSynchronous};
  urgent.identity_.abilities = {Ability::kSynchronous, Ability::kUrgentData};
  const Call poll{.kind = CallKind::kPoll, .handle = 3};
  Session(plain).call(poll);
  Session(urgent).call(poll);
  EXPECT_EQ(plain.asked & 2, 0);
  EXPECT_NE(plain.asked, 0);
  EXPECT_EQ(urgent.asked, 0);  // every event
}

TEST(Session, SettingsAreAskedForUntilTheNextReset) {
  struct Configured final : Target {
    const Identity& identity() const override { return identity_; }
    void reset(std::uint64_t) override { settings.clear(); }
    bool configure(std::string_view name, std::int64_t value) override {
      settings.push_back({std::string(name), value});
      return name != "sack";
    }
    Time now() override { return {}; }
    void inject(ByteView) override {}
    std::optional<Collected> collect() override { return std::nullopt; }
    void advance(Time) override {}
    void call(UserCall&) override {}
    std::optional<StateReport> state(Tuple) override { return std::nullopt; }
    Identity identity_{.name = "odd", .abilities = {Ability::kSynchronous}, .settings = {"ecn", "fin-timeout", "sack"}};
    std::vector<Setting> settings;
  } target;
  Session session(target);
  session.play(parse_script("//! settings: ecn=2 fin-timeout=60\n", "x.pkt"));
  EXPECT_EQ(target.settings, (std::vector<Setting>{{"ecn", 2}, {"fin-timeout", 60}}));
  session.play(parse_script("", "x.pkt"));
  EXPECT_TRUE(target.settings.empty());
  EXPECT_THROW(session.play(parse_script("//! settings: sack=0\n", "x.pkt")), TargetError);
}

}  // namespace
}  // namespace tcpassay
