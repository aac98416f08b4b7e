// SPDX-License-Identifier: Apache-2.0
// The catalogue's account: of every requirement, which rules state it, whether they were judged, and whether a planted
// defect has shown that they can be broken.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "models/catalogue.h"

namespace tcpassay {

struct RowAccount {
  const RowInfo* row = nullptr;
  std::vector<Rule> rules{};
  const Exemption* exempt = nullptr;
  bool exercised = false;          // one of its rules was judged
  std::set<std::string> proven{};  // by these defects

  bool accounted() const { return !rules.empty() || exempt != nullptr; }
};

// One document's rows, or all.
struct Sum {
  std::size_t rows = 0, applied = 0, exempt = 0, exercised = 0, proven = 0;
  std::size_t unaccounted() const { return rows - applied - exempt; }
};

struct Account {
  std::vector<RowAccount> rows{};  // in the catalogue's order
  std::map<int, Sum> documents{};  // by RFC
  Sum all{}, appendix_b{};
  std::optional<Identity> target{};  // whose check run says what was exercised
  bool defects = false;              // what is proven is known

  std::vector<std::string> unproven{}, unexercised{};  // ids of rules that state a row
};

// For each defect the rules that it strikes: what the kill matrix of `tcpassay zoo --format json` says.
using Strikes = std::map<std::string, std::set<std::string>>;
// Reads it from a file. Throws std::runtime_error with one line.
Strikes read_strikes(const std::string& file);

Account account(const CheckResult* checked = nullptr, const Strikes* strikes = nullptr);
std::string account_text(const Account& account, int columns);
std::string account_json(const Account& account);

// What `tcpassay explain` says of a row.
std::string row_text(const RowInfo& row, int columns);

}  // namespace tcpassay
