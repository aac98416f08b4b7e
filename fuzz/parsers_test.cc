// SPDX-License-Identifier: Apache-2.0
// The entry points of the fuzz programs, on inputs that are whole, cut and changed.
#include "fuzz/parsers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/hunt/engine_hunt.h"
#include "harness/hunt/hunted.h"
#include "harness/hunt/move_octets.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes octets(const std::string& text) {
  return {text.begin(), text.end()};
}

const fs::path kScript = TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-first.pkt";

// A run of the script as log and capture.
std::pair<std::string, Bytes> recorded() {
  const fs::path capture = fs::temp_directory_path() / ("tcpassay-parsers-" + std::to_string(getpid()) + ".pcap");
  const auto target = make_target("own");
  CaptureFile file(capture.string());
  RunLog log(run_log_of(capture.string()));
  Session session(*target, {.judge = false, .assertions = false, .capture = &file, .observer = &log});
  session.play(read_script(kScript.string()));
  file.close();
  log.close();
  std::pair<std::string, Bytes> made{read(run_log_of(capture.string())), octets(read(capture))};
  fs::remove(capture);
  fs::remove(run_log_of(capture.string()));
  return made;
}

// Whole, cut at some places, and with an octet changed.
template <class Try>
void try_many(const Bytes& input, Try&& attempt) {
  attempt(ByteView(input));
  for (std::size_t i = 0; i < input.size(); i += 1 + input.size() / 40) {
    attempt(ByteView(input).first(i));
    Bytes changed = input;
    changed[i] ^= static_cast<std::uint8_t>(1u << i % 8);
    attempt(ByteView(changed));
  }
}

TEST(Parsers, TakeAnyOctets) {
  const auto [log, capture] = recorded();
  ASSERT_GT(log.size(), 100u);
  ASSERT_GT(capture.size(), 100u);
  try_many(octets(read(kScript)), try_script);
  try_many(octets(read(kScript)), try_judge);
  try_many(capture, try_capture);
  try_many(capture, try_judge);
  try_many(ByteView(capture).subspan(40).size() > 60 ? Bytes(capture.begin() + 40, capture.begin() + 100) : capture,
           try_wire);
  try_many(log_and_capture(log, capture), try_run_log);
}

// A script that became octets and moves again plays as before.
TEST(MoveOctets, SayTheSameAsTheMoves) {
  const auto target = make_target("own");
  Session session(*target, {.keep_trace = false, .assertions = false});
  int same = 0;
  for (const auto& entry : fs::directory_iterator(kScript.parent_path())) {
    if (entry.path().extension() != ".pkt") continue;
    const Scenario scenario = read_script(entry.path().string());
    if (!can_be_moves(scenario) || Session::unsupported(scenario, *target, 4, false)) continue;
    const Moves moves = moves_of(scenario, session);
    const Moves again = moves_of(octets_of(moves));
    ASSERT_EQ(again.moves.size(), moves.moves.size()) << entry.path();
    const Bytes before = octets_of(moves), behind = octets_of(again);
    const auto [at, same_at] = std::mismatch(before.begin(), before.end(), behind.begin(), behind.end());
    EXPECT_TRUE(at == before.end() && same_at == behind.end()) << entry.path() << " octet " << at - before.begin();
    MovePlayer player(session);
    player.play(moves);
    const std::size_t departures = session.departures();
    player.play(again);
    EXPECT_EQ(session.departures(), departures) << entry.path();
    ++same;
  }
  EXPECT_GT(same, 5);
}

TEST(MoveOctets, AreAnInputWhateverTheyAre) {
  Random random(7);
  EngineTerms terms;
  terms.ignored = {"died", "failed"};
  terms.findings_max = 1000;
  std::array<std::uint8_t, 1024> map{};
  EngineHunt hunt(terms, map);
  for (int i = 0; i < 300; ++i) {
    Bytes input(random.below(400));
    for (std::uint8_t& octet : input) octet = static_cast<std::uint8_t>(random.below(random.one_in(2) ? 4 : 256));
    EXPECT_TRUE(hunt.play(input));
    const Bytes once = octets_of(moves_of(input));
    EXPECT_EQ(octets_of(moves_of(once)), once) << i;
    Bytes changed = once;
    changed.resize(kMoveOctetsMax);
    changed.resize(hunt.mutate(changed.data(), once.size(), changed.size(), static_cast<std::uint64_t>(i)));
    for (const Move& move : moves_of(changed).moves) EXPECT_LE(move.wait, MoveLimits{}.wait_max) << i;
  }
}

TEST(EngineHunt, FindsAPlantedDefectAndSaysSoInTheFormOfACampaign) {
  const fs::path folder = fs::temp_directory_path() / ("tcpassay-engine-" + std::to_string(getpid()));
  fs::remove_all(folder);
  EngineTerms terms;
  terms.terms.own_options.defect = "rst_out_of_window";
  terms.folder = folder;
  std::array<std::uint8_t, 1024> map{};
  EngineHunt hunt(terms, map);
  Bytes input(kMoveOctetsMax);
  std::size_t size = 0;
  int inputs = 0;
  bool goes_on = true;
  for (; goes_on && inputs < 20000; ++inputs) {
    if (inputs % 8 == 0) size = 0;
    size = hunt.mutate(input.data(), size, input.size(), static_cast<std::uint64_t>(inputs));
    goes_on = hunt.play(ByteView(input).first(size));
  }
  EXPECT_FALSE(goes_on);
  const auto found = read_findings(folder);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].status, FindingStatus::kConfirmed);
  EXPECT_EQ(found[0].inputs + 1, static_cast<std::uint64_t>(inputs));
  EXPECT_GT(found[0].cpu_s, 0);
  EXPECT_TRUE(fs::exists(found[0].folder / "finding.pkt"));
  EXPECT_NE(std::count_if(map.begin(), map.end(), [](std::uint8_t octet) { return octet != 0; }), 0);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tcpassay
