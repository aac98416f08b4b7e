// SPDX-License-Identifier: Apache-2.0
// make_seeds FOLDER [CORPUS...]: writes every scenario of the corpus in the fuzzer's byte language, and a plain
// conversation for each way to open one.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz/scenario_bytes.h"
#include "harness/script/parse.h"
#include "harness/session/session.h"
#include "harness/targets/registry.h"

namespace {

using namespace tcpassay;
namespace fs = std::filesystem;

void write(const fs::path& path, const Bytes& input) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// Text both ways and both sides close, the peer or the target first.
Bytes plain(Opening opening, bool target_first) {
  Bytes input = make_header(opening);
  constexpr std::uint8_t kWrite = 1, kRead = 2, kShutdownWrite = 3, kClose = 4, kSecond = 8;
  append_record(input, {.op = Op::kPoliteText, .length = 100});
  append_record(input, {.op = Op::kCall, .choice = kRead, .length = 200});
  append_record(input, {.op = Op::kCall, .choice = kWrite, .length = 1000});
  append_record(input, {.op = Op::kPoliteAck});
  if (target_first) append_record(input, {.op = Op::kCall, .choice = kShutdownWrite});
  append_record(input, {.op = Op::kPoliteFin});
  append_record(input, {.op = Op::kCall, .choice = kClose});
  append_record(input, {.op = Op::kPoliteAck});
  append_record(input, {.op = Op::kAdvance, .choice = kSecond});
  return input;
}

int make_seeds(const fs::path& folder, int corpora, char** corpus) {
  fs::create_directories(folder);
  for (int opening = 0; opening <= static_cast<int>(Opening::kNone); ++opening) {
    for (const bool first : {false, true}) {
      write(folder / fmt::format("plain-{}-{}", opening, first ? "target" : "peer"),
            plain(static_cast<Opening>(opening), first));
    }
  }
  const auto target = make_target("own");
  Session session(*target, {.judge = false, .keep_trace = false, .assertions = false});
  int made = 0, left_out = 0;
  for (int i = 0; i < corpora; ++i) {
    for (const auto& entry : fs::recursive_directory_iterator(corpus[i])) {
      if (entry.path().extension() != ".pkt") continue;
      try {
        const Scenario scenario = read_script(entry.path().string());
        if (Session::unsupported(scenario, *target)) throw std::runtime_error("unsupported");
        const std::string name = fs::relative(entry.path(), corpus[i]).replace_extension().string();
        std::string flat = name;
        std::replace(flat.begin(), flat.end(), '/', '-');
        write(folder / flat, encode_scenario(scenario, session));
        ++made;
      } catch (const std::runtime_error&) {
        ++left_out;  // this target cannot play the script
      }
    }
  }
  fmt::print("make_seeds: {} scenarios, {} left out\n", made, left_out);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print(stderr, "usage: make_seeds FOLDER [CORPUS...]\n");
    return 2;
  }
  return make_seeds(argv[1], argc - 2, argv + 2);
} catch (const std::exception& error) {
  fmt::print(stderr, "make_seeds: {}\n", error.what());
  return 2;
}
