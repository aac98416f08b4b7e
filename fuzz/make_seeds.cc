// SPDX-License-Identifier: Apache-2.0
// make_seeds FOLDER CORPUS...: makes seeds for each fuzz program out of scripts. They are played on the own stack.
//   FOLDER/stack     their moves; also of kept.pkts, the inputs of a campaign
//   FOLDER/script    their texts
//   FOLDER/capture, FOLDER/run_log, FOLDER/wire, FOLDER/judge   what was recorded, of every tenth
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/parsers.h"
#include "harness/base/write_file.h"
#include "harness/hunt/hunt_corpus.h"
#include "harness/hunt/move_octets.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"
#include "harness/session/session.h"
#include "harness/targets/registry.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"

namespace {

using namespace tcpassay;
namespace fs = std::filesystem;

constexpr int kRecordedOneIn = 10, kPacketsMax = 4;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string as_text(const Bytes& octets) {
  return {octets.begin(), octets.end()};
}

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {
    for (const char* kind : {"stack", "script", "capture", "run_log", "wire", "judge"}) {
      fs::create_directories(folder_ / kind);
    }
  }

  void add(const std::string& name, const std::string& text) {
    try {
      const Scenario scenario = parse_script(text, name);
      if (text.size() < kScriptMax) write_file((folder_ / "script" / name).string(), text);
      if (!can_be_moves(scenario) || Session::unsupported(scenario, *target_)) throw std::runtime_error("unsupported");
      write_file((folder_ / "stack" / name).string(), as_text(octets_of(moves_of(scenario, session_))));
      if (made_++ % kRecordedOneIn == 0) record(name, scenario, text);
    } catch (const std::runtime_error&) {
      ++left_out_;  // this target cannot play the script
    }
  }
  void tell() const { fmt::print("make_seeds: {} scenarios, {} left out\n", made_, left_out_); }

 private:
  static constexpr std::size_t kScriptMax = 16384;

  void record(const std::string& name, const Scenario& scenario, const std::string& text) {
    const fs::path capture = folder_ / "capture" / (name + ".pcap");
    const std::string log = run_log_of(capture.string());
    {
      CaptureFile file(capture.string());
      RunLog run(log);
      Session session(*target_, {.judge = false, .assertions = false, .capture = &file, .observer = &run});
      session.play(scenario);
      file.close();
      run.close();
    }
    const std::string octets = read(capture);
    const ByteView view(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
    write_file((folder_ / "run_log" / name).string(), as_text(log_and_capture(read(log), view)));
    fs::remove(log);
    fs::copy_file(capture, folder_ / "judge" / (name + ".pcap"), fs::copy_options::overwrite_existing);
    write_file((folder_ / "judge" / name).string(), text);
    CaptureReader reader(capture.string());
    for (int i = 0; i < kPacketsMax; ++i) {
      const auto frame = reader.next();
      if (!frame) break;
      write_file((folder_ / "wire" / fmt::format("{}-{}", name, i)).string(),
                 as_text(Bytes(frame->packet.begin(), frame->packet.end())));
    }
  }

  fs::path folder_;
  std::unique_ptr<Target> target_ = make_target("own");
  Session session_{*target_, {.judge = false, .keep_trace = false, .assertions = false}};
  int made_ = 0, left_out_ = 0;
};

std::string flat(std::string name) {
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

void add_all(Seeds& seeds, const fs::path& corpus) {
  if (corpus.extension() == ".pkts") {
    for (const auto& [id, text] : KeptFile(corpus).read_new()) seeds.add(fmt::format("{:016x}", id), text);
    return;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(corpus)) {
    if (entry.path().extension() == ".pkt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    seeds.add(flat(fs::relative(file, corpus).replace_extension().string()), read(file));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    fmt::print(stderr, "usage: make_seeds FOLDER CORPUS...\n");
    return 2;
  }
  Seeds seeds(argv[1]);
  for (int i = 2; i < argc; ++i) add_all(seeds, argv[i]);
  seeds.tell();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "make_seeds: {}\n", error.what());
  return 2;
}
