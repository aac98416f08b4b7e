// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/base/processes.h"
#include "harness/base/write_file.h"
#include "harness/hunt/confirm.h"
#include "harness/hunt/hunted.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/now_playing.h"
#include "harness/hunt/worker.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kStatusEvery{1000};
constexpr int kCrashesMax = 1000;  // of one process; more would only repeat themselves

HuntStatus status_of(const fs::path& folder) {
  HuntStatus status;
  std::ifstream in(folder / "status.json");
  const Json json = Json::parse(in, nullptr, false);
  if (json.is_object()) {
    status.inputs = json.value("inputs", std::uint64_t{0});
    status.steps = json.value("steps", std::uint64_t{0});
    status.seconds = json.value("seconds", 0.0);
    status.seeds = json.value("seeds", std::uint64_t{0});
    status.seeds_total = json.value("seeds_total", std::uint64_t{0});
  }
  return status;
}

// The parent of the processes: adds up what they tell, and writes it down.
class Parent {
 public:
  explicit Parent(const HuntOptions& options) : options_(options), before_(status_of(options.folder)) {
    status_ = before_;
    count_findings();
    written_ = status_.unlisted;
  }

  HuntStatus run() {
    const Interrupt interrupt;
    const auto forever = steady_clock::now() + std::chrono::hours(24 * 365);
    const std::chrono::duration<double> asked(options_.seconds);
    deadline_ = options_.seconds > 0 ? began_ + std::chrono::duration_cast<steady_clock::duration>(asked) : forever;
    in_processes(
        options_.jobs, [&](int job, const LineWriter& write_line) { work(job, write_line); },
        [&](const std::string& line) { take(line); });
    status_.interrupted = Interrupt::interrupted() && !ended_;
    count_findings();
    measure(steady_clock::now());
    write_status();
    return status_;
  }

 private:
  // Runs a worker, and another one whenever it dies.
  void work(int job, const LineWriter& write_line) {
    NowPlaying playing;
    for (int crashes = 0; crashes < kCrashesMax && !Interrupt::interrupted(); ++crashes) {
      const auto forward = [&](const std::string& line) {
        if (!write_line(line)) throw TargetError("nobody listens");
      };
      const HuntStatus before = crashes == 0 ? before_ : status_of(options_.folder);
      const auto ends = in_processes(
          1, [&](int, const LineWriter& tell) { HuntWorker(options_, job, before, playing, tell).run(deadline_); },
          forward);
      if (ends.front().empty() || Interrupt::interrupted()) return;
      note_crash(job, playing, ends.front(), write_line);
      if (playing.name().kind == InputName::Kind::kKept) {
        HuntCorpus::leave_out(options_.folder / "corpus", playing.name().parent);
      }
      if (steady_clock::now() >= deadline_) return;
    }
  }

  void note_crash(int job, NowPlaying& playing, const std::string& how, const LineWriter& write_line) {
    const auto nobody = [](const std::string&) {};
    const auto ends = in_processes(
        1, [&](int, const LineWriter& tell) { HuntWorker(options_, job, before_, playing, tell).play_carefully(); },
        nobody);
    const fs::path script = options_.folder / "crash" / fmt::format("{}.pkt", job);
    if (!fs::exists(script)) {
      write_line(Json{{"lost", how}}.dump());
      return;
    }
    const Scenario played = read_script(script.string());
    FindingKind kind = kind_of_death(ends.front().empty() ? how : ends.front(), true, played);
    kind.rule = "crashed";
    Hunted found{.kind = kind, .inputs = before_.inputs + playing.name().count, .verdict = how};
    const FirstSight sight{.job = job, .script = print_script(played)};
    if (!write_first(found, options_.folder / "findings", sight, options_.terms)) return;
    confirm(found, {}, [] { return std::vector<Moves>(); }, options_.terms);
    write_line(Json{{"finding", kind.rule}, {"id", kind.id()}, {"status", to_string(found.status)}}.dump());
  }

  void take(const std::string& line) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded()) return;
    status_.inputs += json.value("inputs", std::uint64_t{0});
    status_.steps += json.value("steps", std::uint64_t{0});
    if (json.contains("of")) {
      status_.seeds_total = json.value("of", std::uint64_t{0});
      seeds_of_[json.value("job", 0)] = json.value("seeds", std::uint64_t{0});
      const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
      status_.seeds = std::min_element(seeds_of_.begin(), seeds_of_.end(), less)->second;  // the slowest process
    }
    status_.transitions = std::max(status_.transitions, json.value("transitions", std::size_t{0}));
    status_.rules = std::max(status_.rules, json.value("rules", std::size_t{0}));
    status_.features = std::max(status_.features, json.value("features", std::size_t{0}));
    status_.corpus = std::max(status_.corpus, json.value("corpus", std::size_t{0}));
    const bool found = json.contains("finding");
    const auto now = steady_clock::now();
    if (!found && now < write_at_) return;
    if (found) count_findings();
    write_at_ = now + kStatusEvery;
    measure(now);
    write_status();
    if (options_.progress) options_.progress(status_);
    if (options_.findings_max > 0 && status_.unlisted >= written_ + options_.findings_max && !ended_) {
      ended_ = true;
      std::raise(SIGINT);
    }
  }

  void measure(steady_clock::time_point now) {
    const double taken = std::chrono::duration<double>(now - began_).count();
    const auto rate = [&](std::uint64_t whole, std::uint64_t part) {
      return taken > 0 ? static_cast<double>(whole - part) / taken : 0;
    };
    status_.seconds = before_.seconds + taken;
    status_.rate = rate(status_.inputs, before_.inputs);
    status_.steps_rate = rate(status_.steps, before_.steps);
  }

  void count_findings() {
    status_.findings.clear();
    status_.unlisted = status_.listed = 0;
    for (const Hunted& found : read_findings(options_.folder / "findings")) {
      const bool known = is_listed(found.kind, options_.listed, found.verdict);
      ++(known ? status_.listed : status_.unlisted);
      if (!known) ++status_.findings[found.kind.rule];
    }
  }

  void write_status() const {
    Json json = {{"target", options_.terms.target},
                 {"plant", options_.terms.own_options.defect},
                 {"inputs", status_.inputs},
                 {"steps", status_.steps},
                 {"seconds", status_.seconds},
                 {"seeds", status_.seeds},
                 {"seeds_total", status_.seeds_total},
                 {"inputs_per_s", status_.rate},
                 {"steps_per_s", status_.steps_rate},
                 {"transitions", status_.transitions},
                 {"rules", status_.rules},
                 {"features", status_.features},
                 {"corpus", status_.corpus},
                 {"findings", status_.findings},
                 {"listed", status_.listed}};
    write_file((options_.folder / "status.json").string(), json.dump(1) + "\n");
  }

  const HuntOptions& options_;
  HuntStatus before_, status_;
  std::map<int, std::uint64_t> seeds_of_{};  // what each process has told
  std::size_t written_ = 0;                  // findings before this run
  bool ended_ = false;
  steady_clock::time_point began_ = steady_clock::now(), write_at_ = began_, deadline_ = began_;
};

}  // namespace

// What is kept and found on one target says nothing of another.
static void require_same_target(const HuntOptions& options) {
  std::ifstream in(options.folder / "status.json");
  const Json before = Json::parse(in, nullptr, false);
  if (!before.is_object()) return;
  const std::string target = before.value("target", ""), plant = before.value("plant", "");
  if (short_name(target) == short_name(options.terms.target) && plant == options.terms.own_options.defect) return;
  throw std::runtime_error(fmt::format("{}: is a campaign on {}{}; name another folder with --folder",
                                       options.folder.string(), target, plant.empty() ? "" : ", planted: " + plant));
}

HuntStatus hunt(const HuntOptions& options) {
  require_same_target(options);
  fs::create_directories(options.folder / "findings");
  return Parent(options).run();
}

std::string status_text(const HuntStatus& status) {
  std::string found;
  for (const auto& [rule, count] : status.findings) found += fmt::format(" {}:{}", rule, count);
  if (status.listed > 0) found += fmt::format("{} {} listed", found.empty() ? "" : ", and", status.listed);
  if (status.seeds < status.seeds_total) {
    return fmt::format("seed {} of {}, {} inputs; findings:{}", status.seeds, status.seeds_total, status.inputs,
                       found.empty() ? " none" : found);
  }
  return fmt::format("{} inputs, {:.0f}/s, {:.0f} steps/s, {} transitions, {} rules judged, {} kept; findings:{}",
                     status.inputs, status.rate, status.steps_rate, status.transitions, status.rules, status.corpus,
                     found.empty() ? " none" : found);
}

std::string findings_text(const std::vector<Hunted>& findings, const ListedFaults& listed) {
  std::string text;
  for (const Hunted& found : findings) {
    text += fmt::format("{:<34} {:<13} {:<7} {:>3} steps  {:<24} {}\n", found.folder.filename().string(),
                        to_string(found.status), is_listed(found.kind, listed, found.verdict) ? "listed" : "",
                        found.steps, found.kind.state, found.kind.stimulus);
  }
  return text;
}

}  // namespace tcpassay
