// SPDX-License-Identifier: Apache-2.0
#include "harness/report/packetdrill_export.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

#include "harness/check/corpus.h"
#include "harness/offline/judge.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

constexpr const char* kPassive = R"(//! numbers: running
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 1000:1000(0) win 65535 <mss 1460>
+0 < . 1001:1001(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 < P. 1001:1101(100) ack 1 win 65535
+0 read(4, ..., 200) = 100
+0 write(4, ..., 3000) = 3000
+.1 < . 1101:1101(0) ack 2921 win 65535
+.1 < . 1101:1101(0) ack 3001 win 65535
+0 close(4) = 0
+.1 < . 1101:1101(0) ack 3002 win 65535
)";

std::string run_on_own(const Scenario& scenario, const std::string& defect = "") {
  const auto own = make_target("own", OwnStackOptions{.defect = defect});
  Session session(*own, {.assertions = false, .final_wait = kDelayedAckWait});
  session.play(scenario);
  const std::uint8_t ip = ip_version(scenario).value_or(4);
  return export_run(scenario, session.trace(), session.take_packets(), own->identity(), ip);
}

// What packetdrill would refuse in a line that it does not pass over, by its grammar and by the arguments that its
// calls take, read from its documentation; empty when it takes it.
class Packetdrill {
 public:
  std::string refuses(const std::string& line) const {
    std::smatch parts;
    if (line.empty() || line.starts_with("//") || line.starts_with("--")) return "";
    if (!std::regex_match(line, parts, timed_)) return "no time";
    const std::string what = parts[2];
    if (std::regex_match(what, shell_) || std::regex_match(what, code_) || std::regex_match(what, icmp_)) return "";
    if (std::regex_match(what, parts, packet_)) return refuses_packet(parts);
    if (!std::regex_match(what, parts, call_)) return "neither a packet nor a call";
    const std::string name = parts[1], arguments = parts[2];
    const bool of_addresses = name == "bind" || name == "connect" || name == "accept";
    if (of_addresses && !std::regex_match(arguments, addresses_)) return "an address";
    return "";
  }

 private:
  std::string refuses_packet(const std::smatch& parts) const {
    const std::uint64_t seq = std::stoull(parts[2]), end = std::stoull(parts[3]), length = std::stoull(parts[4]);
    if (end >> 32 != 0 || end != seq + length) return "inconsistent TCP sequence numbers and payload size";
    if (parts[1] == "<" && !parts[5].matched) return "window must be specified for inbound packets";
    std::string options = parts[6];
    std::size_t octets = 0;
    for (std::smatch option; std::regex_search(options, option, option_); options = option.suffix()) {
      const std::string text = option[0];
      const std::string name = text.substr(0, text.find(' '));
      const auto values = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
      const std::size_t digits = values == 0 ? 0 : text.size() - text.rfind(' ') - 1;
      if ((name == "FO" || name == "FOEXP") && text.find("TFO") == std::string::npos) {
        if (digits % 2 != 0) return "a cookie";
        octets += digits / 2;
      }
      octets += name == "nop" || name == "eol" ? 1u : name == "mss" ? 4u : name == "wscale" ? 3u : 2u;
      octets += name == "TS" ? 8u : name == "sack" ? 8 * values : name == "FOEXP" ? 2u : 0u;
    }
    return octets % 4 != 0 || octets > 40 ? "TCP options are not padded correctly" : "";
  }

  std::regex timed_{R"((\*|\+?[0-9.]+(?:~\+?[0-9.]+)?(?:\.\.\.[0-9.]+)?) (.*))"};
  std::regex shell_{"`[^`]*`"}, code_{R"(%\{.*\}%)"}, icmp_{"[<>] icmp .*"};
  std::regex packet_{R"(([<>])(?: \[(?:noecn|ect0|ect1|ce|tos 0x[0-9a-f]+|ttl [0-9]+)\])? (?:[FSREWAPU]*\.?[0-7]?|-) )"
                     R"(([0-9]+):([0-9]+)\(([0-9]+)\)(?: ack [0-9]+)?( win [0-9]+)?(?: urg [0-9]+)?( <.*>)?)"};
  std::regex option_{"[a-zA-Z][^,>]*"};
  std::regex call_{R"(([a-z_0-9]+)\((.*)\) = -?[0-9x]+(?: E[A-Z]+ \([A-Za-z ]+\)| \(flags [A-Z_|]+\))?)"};
  std::regex addresses_{R"([0-9]+, \.\.\., \.\.\.)"};
};

void expect_packetdrill_accepts(const std::string& text, const std::string& path) {
  static const Packetdrill packetdrill;
  static const std::regex at_zero(R"(\+?0(\.0+)?(~.*)? .*)");
  int events = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    EXPECT_EQ(packetdrill.refuses(line), "") << path << ": " << line;
    const bool event = !line.empty() && !line.starts_with("//") && !line.starts_with("--");
    if (event && events == 0) {
      EXPECT_TRUE(std::regex_match(line, at_zero)) << path << ": " << line;
    }
    events += event ? 1 : 0;
  }
  EXPECT_GE(events, 1) << path;
}

FileResult judged(const std::string& text) {
  return judge_script(parse_script(text, "export.pkt"), "export.pkt");
}

TEST(Export, WritesWhatIsPlainAsItStands) {
  const Scenario scenario = parse_script(kPassive, "plain.pkt");
  EXPECT_TRUE(parse_script(export_scenario(scenario), "plain.pkt") == scenario);
}

// packetdrill passes over the line and waits as long as it would have waited there.
TEST(Export, SetsAsideWhatPacketdrillCannotSay) {
  const std::string text = export_scenario(parse_script(
      "//! settings: ecn=1\n+.5 < . 1:1(0) ack 1 win 9 //! damage: checksum\n+0 ioctl(4, SIOCATMARK, [1]) = 0\n",
      "d.pkt"));
  EXPECT_NE(text.find("// packetdrill cannot say (1): a wrong checksum\n"), std::string::npos) << text;
  EXPECT_NE(text.find("+0 `sysctl -q net.ipv4.tcp_ecn=1`\n"), std::string::npos) << text;
  const char* const aside = "+0.5 `true`\n//! step: +0 < . 1:1(0) ack 1 win 9 //! damage: checksum\n";
  EXPECT_NE(text.find(aside), std::string::npos) << text;
  EXPECT_NE(text.find("//! step: +0 ioctl(4, SIOCATMARK, [1]) = 0\n"), std::string::npos) << text;
  const Scenario again = parse_script(text, "d.pkt");
  EXPECT_TRUE(std::get<Inject>(again.steps[2].action).segment.damage.bad_checksum);
}

// The peer, whose first number is 1000, counts from its SYN.
TEST(Export, WritesWhatWasSeen) {
  const std::string text = run_on_own(parse_script(kPassive, "seen.pkt"));
  EXPECT_NE(text.find("//! record: complete msl=120\n"), std::string::npos) << text;
  EXPECT_NE(text.find("> S. 0:0(0) ack 1 win "), std::string::npos) << text;
  EXPECT_NE(text.find("> P. 2921:3001(80) ack 101"), std::string::npos) << text;
  EXPECT_EQ(judged(text).outcome, Outcome::kPass) << judged(text).why << text;
  const Scenario scenario = parse_script(text, "again.pkt");
  EXPECT_TRUE(parse_script(print_script(scenario), "again.pkt") == scenario);
}

// Of more packets than were kept the latest are written, each where it was.
// A RST of a closed port has SEQ=0 (RFC 9293 section 3.10.7.1), whatever the connection before has counted from.
TEST(Export, AResetOfAClosedPortHasNoNumberOfTheConnectionBefore) {
  const Scenario scenario = parse_script(R"(+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 < S 0:0(0) win 65535
+0 < R. 1:1(0) ack 1 win 0
+.1 < S 7000:7000(0) win 65535
)",
                                         "test.pkt");
  const std::string script = run_on_own(scenario);
  EXPECT_NE(script.find("//! step: 0.1 > R. 0:0(0)! ack 7001"), std::string::npos) << script;
  EXPECT_EQ(judged(script).outcome, Outcome::kPass) << judged(script).why;
}

TEST(Export, ManyPackets) {
  const Scenario scenario = parse_script(kPassive, "many.pkt");
  const auto own = make_target("own");
  Session session(*own, {.assertions = false, .packets_kept = 2, .final_wait = kDelayedAckWait});
  session.play(scenario);
  const std::string all = run_on_own(scenario);
  const std::string some = export_run(scenario, session.trace(), session.take_packets(), own->identity(), 4);
  const auto sent = [](const std::string& text) {
    std::vector<std::string> lines;
    for (const ScriptStep& step : parse_script(text, "many.pkt").steps) {
      if (std::holds_alternative<Expect>(step.action)) lines.push_back(to_text(step));
    }
    return lines;
  };
  const std::vector<std::string> every = sent(all);
  ASSERT_GT(every.size(), 2u);
  EXPECT_EQ(sent(some), std::vector<std::string>(every.end() - 2, every.end())) << some;
  EXPECT_NE(some.find("too many to be kept"), std::string::npos) << some;
}

TEST(Export, IsCondemnedWhereTheRunWas) {
  const Scenario scenario = parse_script(std::string(kPassive) + "+.1 < R 50000000:50000000(0) win 0\n", "bad.pkt");
  const std::string text = run_on_own(scenario, "rst_out_of_window");
  const FileResult result = judged(text);
  ASSERT_EQ(result.outcome, Outcome::kFail) << text;
}

TEST(Export, ThePictureOfPacketdrillRefuses) {
  const Packetdrill packetdrill;
  EXPECT_EQ(packetdrill.refuses("0 < S 0:0(0) win 65535 <mss 1460,nop,wscale 7>"), "");
  EXPECT_EQ(packetdrill.refuses("0 < S 0:0(0) win 65535 <mss 1460,nop,nop,sack 1:2 3:4>"), "");
  for (const char* const line :
       {"0 < S 0:0(0) win 65535 <mss 1460,wscale 7>", "0 < S 0:0(0)", "0 < P. 4294967290:4(10) ack 1 win 9",
        "0 < 2001 > 8080 S 0:0(0) win 9", "0 < S 0:0(0) win 9 <FO 001>", "0 < [ect0,ttl 9] S 0:0(0) win 9",
        "0 accept(3, {sa_family = AF_INET, sin_port = htons(2001), sin_addr = inet_addr(\"192.0.2.1\")}, [16]) = 5",
        "0 read(4, ..., 10) = -1 EAGAIN", "read(4, ..., 10) = 10"}) {
    EXPECT_NE(packetdrill.refuses(line), "") << line;
  }
}

// Our sockets never wait; those of packetdrill do, unless they are told not to.
TEST(Export, SocketsDoNotWaitWhereACallWouldHaveWaited) {
  const std::string waits = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.5 read(3, ..., 9) = 9\n";
  EXPECT_EQ(export_scenario(parse_script(waits, "w.pkt")).find("fcntl"), std::string::npos);
  const std::string listens =
      "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.5 accept(3, ..., ...) = 4\n+0 read(4, ..., 9) = -1 EAGAIN "
      "(Resource temporarily unavailable)\n";
  const std::string text = export_scenario(parse_script(listens, "l.pkt"));
  EXPECT_NE(text.find("accept(3, ..., ...) = 4\n+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"), std::string::npos);
  EXPECT_EQ(text.find("fcntl(3"), std::string::npos) << text;
  const std::string told =
      "+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
      "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n";
  EXPECT_EQ(export_scenario(parse_script(told, "t.pkt")).find("fcntl"), std::string::npos);
  std::string open = told;
  open.erase(open.find("|SOCK_NONBLOCK"), std::string("|SOCK_NONBLOCK").size());
  EXPECT_NE(export_scenario(parse_script(open, "o.pkt")).find("fcntl(3"), std::string::npos) << open;
}

// Without a segment that was set aside the connection goes another way: no later line of a record can be expected.
TEST(Export, ARecordEndsWhereSomethingIsSetAside) {
  std::string text = kPassive;
  text.insert(text.find("+0 close"), "+0 < P. 1101:1111(10) ack 3001 win 9 //! damage: checksum\n");
  const std::string made = run_on_own(parse_script(text, "cut.pkt"));
  const std::size_t cut = made.find("damage: checksum");
  ASSERT_NE(cut, std::string::npos);
  EXPECT_NE(made.find("what happened after that"), std::string::npos) << made;
  EXPECT_NE(made.find("> S. 0:0(0)"), std::string::npos) << made;
  for (std::size_t at = made.find('\n', cut) + 1; at < made.size(); at = made.find('\n', at) + 1) {
    EXPECT_TRUE(made.substr(at).starts_with("//! step:") || made.substr(at).find("`true`") < 20) << made.substr(at);
  }
  EXPECT_EQ(judged(made).outcome, Outcome::kPass) << judged(made).why;
}

// In real time a packet may have left a little before what is written above it; packetdrill's times never go back.
TEST(Export, TimesNeverGoBack) {
  const Scenario scenario = parse_script(kPassive, "back.pkt");
  const auto own = make_target("own");
  Session session(*own, {.assertions = false, .final_wait = kDelayedAckWait});
  session.play(scenario);
  Trace trace = session.trace();
  for (Event& event : trace.events) {
    const bool departs = std::holds_alternative<Departing>(event.what);
    if (departs) event.from -= std::min<Time>(event.from, std::chrono::seconds(1));
  }
  const std::string text = export_run(scenario, trace, session.take_packets(), own->identity(), 4);
  Time last{};
  for (const ScriptStep& step : parse_script(text, "back.pkt").steps) {
    EXPECT_GE(step.time.at, last) << text;
    last = step.time.at;
  }
  EXPECT_GT(last, Time{});
}

// The one peer of a script needs no ports; a second one is set aside with all that is called for it.
TEST(Export, PacketdrillTestsOneConnection) {
  const auto visible = [](const std::string& text) {
    std::string lines;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      if (!text.substr(at).starts_with("//")) lines += text.substr(at, text.find('\n', at) + 1 - at);
    }
    return lines;
  };
  const std::string two = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 2) = 0
+0 < 2001 > 8080 S 0:0(0) win 65535 <mss 1460>
+0 < 2001 > 8080 . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";
  const std::string one = run_on_own(parse_script(two, "one.pkt"));
  EXPECT_NE(visible(one).find("< S 0:0(0) win"), std::string::npos) << one;
  EXPECT_NE(visible(one).find("accept(3, ..., ...) = 4"), std::string::npos) << one;
  EXPECT_EQ(judged(one).outcome, Outcome::kPass) << judged(one).why << one;
  const std::string both = run_on_own(parse_script(
      two + "+0 < S 0:0(0) win 65535 <mss 1460>\n+0 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 5\n"
            "+0 read(4, ..., 9) = -1 EAGAIN (Resource temporarily unavailable)\n",
      "both.pkt"));
  EXPECT_EQ(visible(both).find("2001"), std::string::npos) << both;
  EXPECT_EQ(visible(both).find("read(4"), std::string::npos) << both;
  EXPECT_NE(visible(both).find("accept(3, ..., ...) = 5"), std::string::npos) << both;
}

// The whole corpus, played on the own stack, written down, read again and judged without a target.
TEST(Export, TheCorpusIsAcceptedFromItsRecords) {
  const auto own = make_target("own");
  std::size_t judged_scripts = 0;
  for (const ScenarioFile& file : read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"})) {
    if (Session::unsupported(file.scenario, *own)) continue;
    // Numbers count from the last SYN, so a record cannot tell those of a connection that comes back from TIME-WAIT, or
    // that a SYN begins in place of another.
    const auto is = [&](const char* name) { return file.path.ends_with(name); };
    if (is("time-wait-syn-was-old.pkt") || is("user-timeout-ends-with-a-fast-open.pkt")) continue;
    Session session(*own, {.assertions = false, .final_wait = kDelayedAckWait});
    session.play(file.scenario);
    const auto& verdicts = session.oracle().verdicts();
    if (!verdicts.empty()) continue;
    const std::uint8_t ip = ip_version(file.scenario).value_or(4);
    const std::string text = export_run(file.scenario, session.trace(), session.take_packets(), own->identity(), ip);
    expect_packetdrill_accepts(text, file.path);
    expect_packetdrill_accepts(export_scenario(file.scenario), file.path);
    Scenario record;
    ASSERT_NO_THROW(record = parse_script(text, file.path)) << file.path << "\n" << text;
    const FileResult result = judge_script(record, file.path);
    EXPECT_EQ(result.outcome, Outcome::kPass) << file.path << ": " << result.why;
    ++judged_scripts;
  }
  EXPECT_GT(judged_scripts, 900u);
}

// A record in which one field of one packet was altered is condemned at that packet's line.
TEST(Export, AnAlteredFieldIsCondemnedAtItsLine) {
  const Scenario record = parse_script(run_on_own(parse_script(kPassive, "altered.pkt")), "altered.pkt");
  ASSERT_EQ(judge_script(record, "altered.pkt").outcome, Outcome::kPass);
  const auto altered = [&](std::size_t step, auto change) {
    Scenario changed = record;
    change(std::get<Expect>(changed.steps[step].action).segment);
    const FileResult result = judge_script(changed, "altered.pkt");
    EXPECT_EQ(result.outcome, Outcome::kFail) << to_text(changed.steps[step]);
    if (result.verdicts.empty()) return;
    EXPECT_EQ(result.trace.places[result.verdicts[0].event].line, record.steps[step].where.line)
        << to_text(changed.steps[step]) << ": " << result.why;
  };
  int lines = 0;
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    const auto* line = std::get_if<Expect>(&record.steps[i].action);
    if (!line) continue;
    ++lines;
    altered(i, [](SegmentSpec& segment) { segment.ack = *segment.ack + 7; });
    altered(i, [](SegmentSpec& segment) { segment.ctl.ack = false; });
    altered(i, [](SegmentSpec& segment) { segment.ctl.rst = true; });
    if (!line->segment.ctl.syn) altered(i, [](SegmentSpec& segment) { segment.seq += 100000; });
  }
  EXPECT_GE(lines, 5);
}

}  // namespace
}  // namespace tcpassay
