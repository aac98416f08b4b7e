// SPDX-License-Identifier: Apache-2.0
// Mutation sensitivity of the judge to histories. Runs that it passed go on in another way from some moment on, of
// which the text of the RFCs says that it is illegal (of_histories.def). Counted for each class of these edits: how
// often the judge notices, and which freedom lets the others pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "models/freedom.h"
#include "models/rule.h"

namespace tcpassay {

// One class of edits, a line of of_histories.def.
struct HistoryClass {
  std::string_view id;        // "ack_left_out"
  std::string_view name;      // "new text is not acknowledged"
  int rfc;                    // 9293
  std::string_view section;   // "3.8.6.3"
  std::string_view sentence;  // why the result is illegal
};
std::span<const HistoryClass> history_classes();

struct HistoryOptions {
  std::size_t samples = 10000;         // over all classes
  std::uint64_t seed = 1;              // chooses the moments, where there are more than are asked for
  std::vector<std::string> classes{};  // only these; empty: all. Throws std::runtime_error for an unknown one
  std::string survivors{};             // a folder: what the judge does not notice is written there as scripts
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

struct HistoryResult {
  struct Row {
    const HistoryClass* edit = nullptr;
    std::size_t moments = 0;                  // at which the edit can be made
    std::size_t samples = 0, noticed = 0;     // of them
    std::map<Freedom, std::size_t> freedoms;  // of those that pass: what the judge would notice without this freedom
    std::size_t several = 0;                  // ... what it would notice without some freedoms together
    std::map<Rule, std::size_t> rules;        // broken first
    std::vector<std::string> escaped{};       // of the others, one line each; the first ones
    std::size_t escapes() const;
    double share() const;  // of the samples, those noticed; 1 when there are none
  };
  std::vector<Row> rows{};
  std::size_t runs = 0;  // of one plain connection
  double wall_s = 0;
};

// Plays the scenarios on the own stack. The oracle does not see the states that the stack reports.
HistoryResult history_sensitivity(const std::vector<ScenarioFile>& scenarios, const HistoryOptions& options);

std::string history_text(const HistoryResult& result, const TextStyle& style);
// `json` is empty or an object, to which the key "histories" is added: an array, one entry for each class.
std::string with_histories(const std::string& json, const HistoryResult& result);

}  // namespace tcpassay
