// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/by_sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <thread>

#include "harness/base/processes.h"
#include "harness/sweep/questioner.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// Cells that are tried one after the other are this far apart in the grid. A prime number.
constexpr std::uint64_t kStep = 400'009;

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The sweep plays one connection at a time and asks with one segment, or two. These defects show when a backlog is
// full, which takes several connections, in how several held stretches of text lie, behind a window that has grown or a
// clock of timestamps that wraps, in which error is told, in what an ABORT sends, in the timestamps of the RST for a
// bad ACK, after a timeout, or after days; the corpus shows them.
constexpr std::string_view kNeedsMoreThanOneSegment[] = {"backlog_rst_wrong_ack",
                                                         "held_fin_outdated",
                                                         "bare_rst_ignored_after_timeout",
                                                         "syn_sent_reset_without_timestamp",
                                                         "backlog_place_lost",
                                                         "gap_of_one_octet_filled",
                                                         "many_stretches_drop_next",
                                                         "held_text_replaced_whole",
                                                         "refused_told_as_reset",
                                                         "ts_missing_on_reset",
                                                         "paws_rechecks_queue",
                                                         "paws_never_outdated",
                                                         "tw_new_timestamps_refused",
                                                         "tw_lost_timestamps_refused",
                                                         "paws_after_sequence",
                                                         "joins_two_stretches",
                                                         "ack_range_of_first_window",
                                                         "paws_compares_plainly",
                                                         "fin_acked_sent_again",
                                                         "paws_outdated_in_a_day",
                                                         "rst_at_last_ack_believed",
                                                         "synsent_ignores_partial_rst",
                                                         "paws_not_on_empty",
                                                         "paws_in_established_only",
                                                         "refused_told_as_timeout",
                                                         "tw_timestamp_plain",
                                                         "ts_missing_on_close_wait_reset",
                                                         "ack_range_in_established_only",
                                                         "rst_below_believed_in_time_wait",
                                                         "paws_not_on_fin",
                                                         "paws_not_beside_gap",
                                                         "paws_not_above_gap",
                                                         "sack_permitted_on_text_drops",
                                                         "rst_ignored_once_syn_was_sent_again",
                                                         "ack_ignored_at_zero_window_behind_fin",
                                                         "full_close_ignores_rst",
                                                         "full_close_ignores_syn",
                                                         "identification_of_a_reset",
                                                         "dscp_of_fin_drops",
                                                         "ip_options_longer_drop",
                                                         "urgent_told_in_last_ack",
                                                         "reserved_bits_on_syn_ack_drop",
                                                         "rst_at_last_number_dropped",
                                                         "synsent_ignores_late_rst",
                                                         "keep_alive_in_time_wait"};

// What happens to text or a FIN that waits while a connection closes: faults of roads with pending text.
constexpr std::string_view kPendingWhileClosing[] = {
    "close_overtakes_text", "close_wait_drops_text", "closing_sends_nothing", "close_sends_nothing",
    "fin_alone_not_probed", "no_retransmit_fin",     "early_send_lost",       "edge_compared_plainly"};

template <std::size_t n>
bool is_one_of(const std::string_view (&all)[n], std::string_view id) {
  return std::find(std::begin(all), std::end(all), id) != std::end(all);
}

bool in_reach(const own::DefectEntry& entry) {
  if (is_one_of(kPendingWhileClosing, entry.id)) return true;
  const auto rules = words_of(entry.rules);
  return std::any_of(rules.begin(), rules.end(), concerns_arrivals) && !is_one_of(kNeedsMoreThanOneSegment, entry.id);
}

std::vector<const own::DefectEntry*> chosen(const SweepMutationOptions& options) {
  std::vector<const own::DefectEntry*> all;
  for (const auto& entry : own::all_defects()) {
    if (options.defects.empty() ? in_reach(entry) : contains(options.defects, entry.id)) all.push_back(&entry);
  }
  return all;
}

SweepDefectFate fate_of(const own::DefectEntry& entry, std::uint64_t cases_max) {
  SweepDefectFate fate{.id = std::string(entry.id), .what = std::string(entry.what), .expected = words_of(entry.rules)};
  const auto target = make_target("own", fate.id);
  Questioner questioner(*target, kNewest, true);
  const auto cells = all_cells(), stamped = all_cells({}, true);
  const auto roads = all_roads();
  const std::uint64_t all = cells.size() * roads.size();
  static_assert(std::gcd(kStep, std::uint64_t{2 * 3 * 7}) == 1);
  for (std::uint64_t i = 0; i < std::min(all, cases_max) && !fate.caught; ++i) {
    if (Interrupt::interrupted()) {
      fate.cases = 0;  // as if it had not begun
      break;
    }
    const std::uint64_t number = i * kStep % all;
    const Road& road = roads[number / cells.size()];
    const auto& grid = road.kind == RoadKind::kStamped ? stamped : cells;
    const Answer& answer = questioner.ask(road, 4, &grid[number % cells.size()]);
    ++fate.cases;
    if (!answer.finding && !answer.on_the_way) continue;
    for (const Verdict& verdict : questioner.session().oracle().verdicts()) {
      if (fate.caught || verdict.consequence || verdict.kind == Verdict::Kind::kInconclusive) continue;
      const std::string rule(info(verdict.rule).id);
      fate.caught = fate.expected.empty() || contains(fate.expected, rule);
      if (fate.caught || !contains(fate.by, rule)) fate.by.push_back(rule);
    }
  }
  return fate;
}

}  // namespace

bool concerns_arrivals(const std::string& rule) {
  constexpr std::string_view kPrefixes[] = {"SA1_",   "SA2_",      "SA3_",      "SA4_",
                                            "R5961_", "R7323_5_2", "R7323_5_3", "R6191_"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return rule.starts_with(prefix); });
}

std::vector<SweepDefectFate> sweep_mutation_test(const SweepMutationOptions& options) {
  for (const auto& id : options.defects) make_target("own", id);  // or says that there is no such defect
  const auto defects = chosen(options);
  std::vector<SweepDefectFate> fates(defects.size());
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i; !Interrupt::interrupted() && (i = next++) < defects.size();) {
      fates[i] = fate_of(*defects[i], options.cases_max);
      const std::lock_guard lock(mutex);
      if (options.progress) options.progress(++done, defects.size(), fates[i].id);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  std::erase_if(fates, [](const SweepDefectFate& fate) { return fate.cases == 0; });  // not done before an interrupt
  return fates;
}

std::string sweep_mutation_text(const std::vector<SweepDefectFate>& fates, const TextStyle& style) {
  std::size_t width = 6, caught = 0;
  for (const auto& fate : fates) width = std::max(width, fate.id.size());
  std::string text = fmt::format("{:<{}} CAUGHT    AFTER BLAMED\n", "DEFECT", width);
  for (const auto& fate : fates) {
    caught += fate.caught;
    const std::string by = fate.by.empty() ? "nothing" : fmt::format("{}", fmt::join(fate.by, " "));
    text += wrapped(fmt::format("{:<{}} {:<6} {:>8} {}", fate.id, width, fate.caught ? "yes" : "NO", fate.cases, by),
                    style.columns, static_cast<int>(width) + 17) +
            "\n";
  }
  return text +
         fmt::format("{} of {} defects of SEGMENT ARRIVES and of text that waits while closing caught by the sweep\n",
                     caught, fates.size());
}

std::string sweep_mutation_json(const std::vector<SweepDefectFate>& fates) {
  Json defects = Json::array();
  for (const SweepDefectFate& fate : fates) {
    defects.push_back({{"id", fate.id},
                       {"caught", fate.caught},
                       {"by", fate.by},
                       {"expected", fate.expected},
                       {"cases", fate.cases}});
  }
  return Json{{"defects", defects}}.dump(2) + "\n";
}

}  // namespace tcpassay
