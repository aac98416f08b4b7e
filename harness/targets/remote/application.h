// SPDX-License-Identifier: Apache-2.0
// The application on the target's side: who makes the socket calls of a scenario.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/target/target.h"

namespace tcpassay {

// As the functions of the same names of Target. Ports are those on the wire.
class Application {
 public:
  virtual ~Application() = default;

  // Adds what the target can do with this application, its settings and its version.
  virtual void describe(Identity& identity) const = 0;

  // A scenario ends, and the next one is over this IP version. `forget_paths`: a path MTU may have been learnt.
  virtual void reset(std::uint8_t ip, bool forget_paths) = 0;

  // The scenario's first stimulus follows. May wait for others who use the target. Throws TargetError when what was
  // configured or tuned before is refused.
  virtual void begin() {}

  virtual bool configure(std::string_view /*name*/, std::int64_t /*value*/) { return false; }
  virtual bool has_tuning(const std::string& /*name*/) { return false; }
  virtual bool tune(const std::string& /*name*/, const std::string& /*value*/) { return false; }
  virtual void call(UserCall& call) = 0;

  // What passes over the wire, with the ports as they are there.
  virtual void sent(ByteView /*packet*/) {}
  virtual void received(ByteView /*packet*/) {}

  virtual std::optional<StateReport> state(Tuple /*tuple*/) { return std::nullopt; }
  virtual std::optional<std::int64_t> implementation_specific(int /*handle*/, std::string_view /*name*/,
                                                              std::optional<std::int64_t> /*value*/) {
    return std::nullopt;
  }
};

// Nobody: only what a target does in CLOSED shows. Every call throws Inconclusive.
class NoApplication : public Application {
 public:
  void describe(Identity& identity) const override { (void)identity; }
  void reset(std::uint8_t ip, bool forget_paths) override { (void)ip, (void)forget_paths; }
  void call(UserCall& call) override;
};

// A service of the target that listens on one port: echo, discard, chargen, http or any other. It has made the calls
// socket, bind and listen, and has set SO_REUSEADDR if the scenario does; other options nobody sets. What it does once
// a connection is open nobody tells, so that all further calls, and the end of a scenario in which a connection may
// have opened, throw Inconclusive: LISTEN and SYN-RECEIVED show.
class Service : public Application {
 public:
  explicit Service(std::uint16_t port) : port_(port) {}

  void describe(Identity& identity) const override;
  void reset(std::uint8_t ip, bool forget_paths) override;
  void call(UserCall& call) override;
  void sent(ByteView packet) override;
  void received(ByteView packet) override;

 private:
  std::uint16_t port_;
  int sockets_ = 0;
  bool answered_ = false;  // a SYN
  bool opened_ = false;    // perhaps: an ACK was sent after that
};

}  // namespace tcpassay
