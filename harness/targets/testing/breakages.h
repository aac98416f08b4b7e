// SPDX-License-Identifier: Apache-2.0
// The ways in which the adapter of own_plugin.cc can be broken, by the name behind `?` in plugin:own_plugin.so?NAME.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/targets/plugin/tcpassay_plugin.h"

// How the adapter is broken. The number of packets after which it happens stands where it happens.
enum class Breakage : std::uint8_t {
  kNone,
  kSegfault,       // writes to address 0
  kAssertion,      // writes a line to stderr and calls abort()
  kFailed,         // calls host->failed()
  kLoop,           // input() never returns
  kExit,           // ends the process as if all were well
  kKilled,         // is killed from outside
  kLeak,           // keeps some memory of each reset
  kGarbage,        // emits octets that are no packet
  kLate,           // emits after input() has returned, from a thread
  kLosesTime,      // advance() forgets what is less than a millisecond
  kLateDeadline,   // next_deadline() never names a timer
  kStuckDeadline,  // next_deadline() stays where it is
  kKeeps,          // the window depends on how many resets there were
  kDiffers,        // initial sequence numbers come from the machine
  kState,          // state() tells ESTABLISHED of a connection that does not exist
  kNoCreate,       // create() fails
  kFragile,        // keeps silent from the third packet on, and crashes by a first packet that nobody listens to
  kHalfCloseLate,  // shutdown() is refused until the peer has sent something
};

std::optional<Breakage> breakage_named(const std::string& name);  // "" is kNone

// What a broken adapter does with one of its packets, the third.
void break_down(Breakage breakage, const tcpassay_host& host);
