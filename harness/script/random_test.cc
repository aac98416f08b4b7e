// SPDX-License-Identifier: Apache-2.0
// The language of scripts held against scripts that nobody wrote: generated, cut, mutated and shuffled ones.
#include <gtest/gtest.h>

#include <random>

#include "harness/script/print.h"
#include "harness/script/testing.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;
using Kind = OptionSpec::Kind;

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  Scenario scenario() {
    Scenario made;
    if (flip()) made.about = {.title = "A title", .covers = {"MUST_1"}};
    if (flip()) made.about.needs = {static_cast<Ability>(below(kAbilities))};
    if (flip()) made.about.settings = {{.name = "ecn", .value = below(3)}, {.name = "fin-timeout", .value = 60}};
    if (flip()) made.options = {"--mss=1000"};
    if (flip()) made.about.complete_record = true, made.about.msl_s = static_cast<int>(below(100));
    if (flip()) made.about.expect = Expectation{.outcome = "fail", .rule = flip() ? "MUST_1" : ""};
    for (std::uint32_t i = below(8); i > 0; --i) made.steps.push_back(step());
    return made;
  }

 private:
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  bool flip() { return below(2) == 0; }
  std::uint16_t u16() { return static_cast<std::uint16_t>(random_()); }
  std::uint8_t u8() { return static_cast<std::uint8_t>(random_()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(random_()); }
  Bytes octets(std::size_t count) {
    Bytes made(count);
    for (auto& octet : made) octet = u8();
    return made;
  }

  OptionSpec option() {
    switch (below(9)) {
      case 0:
        return {.kind = Kind::kMss, .values = {u16()}};
      case 1:
        return {.kind = Kind::kWindowScale, .values = {u8()}};
      case 2:
        return {.kind = Kind::kSackPermitted};
      case 3:
        return {.kind = Kind::kSack, .values = {u32(), u32()}};
      case 4:
        return {.kind = Kind::kTimestamp, .values = {u32(), u32()}};
      case 5:
        return {.kind = Kind::kFastOpen, .octets = octets(below(5))};
      case 6:
        return {.kind = Kind::kFastOpenExp, .octets = octets(below(5))};
      case 7:
        return {.kind = Kind::kAccEcn, .values = {below(1 << 24), 0}, .name = flip() ? "e0b ceb" : "e1b ceb"};
      default:
        return {.kind = flip() ? Kind::kNop : Kind::kEnd};
    }
  }

  SegmentSpec segment(bool inbound) {
    SegmentSpec made{.seq = u32(), .length = flip() ? 0 : below(1500)};
    made.ctl = {flip(), flip(), flip(), flip(), flip(), flip(), flip(), flip(), static_cast<std::uint8_t>(below(16))};
    if (flip()) made.local_port = u16(), made.remote_port = u16();
    if (flip()) made.ack = u32();
    if (flip()) made.wnd = u16();
    if (flip()) made.up = u16();
    if (flip()) made.traffic_class = u8();
    if (flip()) made.ttl = static_cast<std::uint8_t>(1 + below(255));
    for (std::uint32_t i = below(4); i > 0; --i) made.options.push_back(option());
    if (flip()) made.options.push_back({.kind = Kind::kRaw, .octets = octets(1 + below(3))});
    if (!inbound && flip()) made.options.clear(), made.any_options = true;
    if (inbound) made.damage.bad_checksum = flip();
    if (inbound && flip()) made.damage.data_offset = static_cast<std::uint8_t>(below(16));
    if (inbound && flip()) made.damage.truncate = u16();
    return made;
  }

  Call call() {
    Call made{.kind = static_cast<CallKind>(below(static_cast<std::uint32_t>(CallKind::kPoll) + 1))};
    if (made.kind != CallKind::kSocket) made.handle = static_cast<int>(below(10));
    if (made.kind == CallKind::kBind || made.kind == CallKind::kConnect) made.port = u16();
    if (made.kind == CallKind::kRead || made.kind == CallKind::kWrite) made.length = u32();
    if (made.kind == CallKind::kListen) made.length = u8();
    if (made.kind == CallKind::kShutdown) made.how = static_cast<int>(below(4));
    if (made.kind == CallKind::kSetOption || made.kind == CallKind::kGetOption) {
      made.option = static_cast<SocketOption>(1 + below(static_cast<std::uint32_t>(SocketOption::kCork)));
      made.value = below(10);
    }
    if (made.kind == CallKind::kPoll) made.value = below(2) + 4 * below(2);
    if (flip()) made.result = made.kind == CallKind::kPoll ? 1 + 4 * below(2) : below(5);
    if (made.kind != CallKind::kPoll && below(3) == 0) {
      made.result = -1;
      made.error = static_cast<UserError>(1 + below(static_cast<std::uint32_t>(UserError::kOther)));
    }
    return made;
  }

  ScriptStep step() {
    ScriptStep made{.time = {.at = Time(random_() % 3000000000000)}, .hidden = below(4) == 0};
    if (flip()) made.time.form = StepTime::Form::kAbsolute;
    switch (below(4)) {
      case 0:
        made.action = Inject{segment(true)};
        return made;
      case 1:
        made.action = Call{call()};
        break;
      case 2:
        made.action = Shell{"echo a"};
        return made;
      default:
        made.action = Expect{segment(false)};
        if (flip()) made.time = {.form = StepTime::Form::kRelativeRange, .at = made.time.at, .to = made.time.at + 1s};
        return made;
    }
    if (flip()) made.time.returns = made.time.at + 1ns;
    return made;
  }

  std::mt19937_64 random_;
};

// What an explorer makes has no arguments and no name for its calls; reading adds them.
TEST(ScriptRandom, ReadsBackGeneratedScenarios) {
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    const Scenario made = Generator(seed).scenario();
    const std::string text = print_script(made);
    Scenario read;
    ASSERT_NO_THROW(read = parse(text)) << text;
    ASSERT_TRUE(parse(print_script(read)) == read) << text;
    for (ScriptStep& one : read.steps) {
      if (auto* written = std::get_if<Call>(&one.action)) {
        written->arguments.clear(), written->name.clear(), written->address.clear();
      }
    }
    ASSERT_TRUE(read == made) << text << "seed " << seed;
  }
}

// ---- Whatever the text, the only thing that comes out is a ScriptError

void read_anything(const std::string& text) {
  Scenario scenario;
  try {
    scenario = parse(text);
  } catch (const ScriptError&) {
    return;
  }
  const std::string printed = print_script(scenario);
  Scenario again;
  ASSERT_NO_THROW(again = parse(printed)) << text << "\nbecame\n" << printed;
  ASSERT_TRUE(again == scenario) << text << "\nbecame\n" << printed;
  for (const ScriptStep& one : scenario.steps) to_text(one);
}

TEST(ScriptRandom, SurvivesEveryPrefix) {
  for (const std::string text : {kServer, kClient}) {
    for (std::size_t length = 0; length <= text.size(); ++length) read_anything(text.substr(0, length));
  }
}

TEST(ScriptRandom, SurvivesMutations) {
  std::mt19937 random(7);
  constexpr std::string_view kCharacters = "0123456789+-*<>()[]{}\"`#/!%=.,:|~ \n\tSFPAE\\x\0\xff";
  for (int round = 0; round < 4000; ++round) {
    std::string text = round % 2 ? kServer : kClient;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = kCharacters[random() % kCharacters.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        case 2:
          text.insert(at, text, random() % text.size(), random() % 40);
          break;
        default:
          text.insert(at, 1, kCharacters[random() % kCharacters.size()]);
      }
    }
    read_anything(text);
  }
}

// Lines, shuffled and cut, reach more scripts that can be read than characters do.
TEST(ScriptRandom, SurvivesShuffledLines) {
  std::mt19937 random(8);
  std::vector<std::string> lines;
  for (const std::string text : {kServer, kClient}) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at) + 1;
      lines.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto count = random() % 5; count > 0; --count) text += lines[random() % lines.size()];
    if (!text.empty() && random() % 2 == 0) text.erase(random() % text.size(), 1);
    read_anything(text);
  }
}

}  // namespace
}  // namespace tcpassay
