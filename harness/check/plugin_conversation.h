// SPDX-License-Identifier: Apache-2.0
// Small conversations with an adapter, and what it did in each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// What became of one conversation. Equal transcripts: the adapter did the same, to the octet and to the nanosecond.
struct Transcript {
  std::vector<std::string> lines{};       // all that was seen, in its order
  std::vector<Time> departures{};         // of the adapter's segments
  std::vector<std::string> complaints{};  // what no sound adapter does here
  std::optional<std::uint32_t> iss{};     // of its first SYN
  friend bool operator==(const Transcript& a, const Transcript& b) { return a.lines == b.lines; }
};

struct PluginConversation {
  const char* name;  // in words: "an answered connection"
  Ability needs;
  Transcript (*play)(Target& target, std::uint64_t seed, Time step);  // step: time passes in such pieces; 0: at once
};

// Those that a target with these abilities can play.
std::vector<PluginConversation> plugin_conversations(const Identity& identity);

}  // namespace tcpassay
