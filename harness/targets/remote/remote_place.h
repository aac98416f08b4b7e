// SPDX-License-Identifier: Apache-2.0
// What stands behind `remote:`, `tap:` and `unix:`: where the target is, our spare addresses, and who makes its calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/target/target.h"

namespace tcpassay {

// remote:ADDR?from=SPARE&agent=HOST:PORT, tap:NAME?target=ADDR&from=SPARE&agent=..., unix:PATH?...
struct RemotePlace {
  enum class Kind : std::uint8_t { kInterface, kTap, kUnix };
  Kind kind = Kind::kInterface;
  std::string wire{};                // the interface, the tap device or the path
  Address target{}, from{};          // the target's address and the first of our spare ones
  Address target6{}, from6{};        // all zero: no IPv6
  std::optional<Address> gateway{};  // the next hop to a target that is not on the link
  std::uint16_t port = 0;            // of a service that listens; 0: none
  std::string agent{};               // empty: nobody makes calls
  std::string own_path{};            // where datagrams of a UNIX socket come to
  std::string stack = "remote";      // what the implementation is called, and its file of deviations
  Time settle{};                     // of silence that must pass beside the measured round trip
};

// The kinds of wire, for people: the form of the name, what it is, what it needs, and what this machine lacks.
struct WireKind {
  std::string_view name, what, needs;
  std::optional<std::string> (*missing)();
};
std::span<const WireKind> wire_kinds();

bool is_remote(const std::string& name);  // begins with remote:, tap: or unix:

// Throws TargetError for what is not understood.
RemotePlace remote_place(const std::string& name);

// The name of the stack, without looking further.
std::string remote_stack(const std::string& name);

// Packets to this address may leave the namespaces of this machine: the user has said that he may test it.
void permit_testing(const std::string& address);
bool may_test(const Address& address);

// Finds the interface and the spare address that the user has not named, and refuses a target beyond this machine that
// nobody has permitted. Throws TargetError.
void complete_interface(RemotePlace& place);

}  // namespace tcpassay
