// SPDX-License-Identifier: Apache-2.0
// Looks for mistakes of an adapter, not of its stack: what would make every verdict about the stack worthless.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/target/target.h"

namespace tcpassay {

struct PluginReport {
  Identity identity{};
  std::vector<std::string> tried{};       // what was looked at, in words
  std::vector<std::string> complaints{};  // in plain words; empty: the adapter is sound as far as this shows
};

// Makes a target that has played nothing yet.
using FreshTarget = std::function<std::unique_ptr<Target>()>;

// Plays a handful of small conversations with the adapter, several times, in several orders and with time in large and
// small steps. An adapter that cannot be loaded or dies has that as its complaint.
PluginReport check_plugin(const FreshTarget& fresh);

}  // namespace tcpassay
