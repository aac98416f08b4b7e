// SPDX-License-Identifier: Apache-2.0
// Builds a script that packetdrill accepts. Steps that packetdrill cannot express are hidden from it in `//! step:`
// lines.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "harness/script/scenario.h"

namespace tcpassay {

class PacketdrillScript {
 public:
  // Takes name, description, options and settings of the scenario, but none of its steps.
  explicit PacketdrillScript(const Scenario& from);

  Scenario& scenario() { return script_; }

  // The steps that follow record a run over this version of IP: segments of the target are among them.
  void record_of(std::uint8_t ip);
  void add(ScriptStep step);
  // The first lines of the script will say that packetdrill cannot express this.
  void note_loss(const std::string& what) { lost_[what]++; }

  std::string text();

 private:
  void complete(ScriptStep& step) const;
  std::string inexpressible(const ScriptStep& step);
  void hide(ScriptStep& step);
  void make_nonblocking();
  void begin_at_zero();

  Scenario script_;
  std::map<std::string, int> lost_;  // what packetdrill cannot express, and how often it occurs
  std::uint8_t ip_ = 4;
  bool record_ = false;
  bool cut_ =
      false;     // a segment of the recorded connection is hidden, so that packetdrill cannot follow what comes later
  Time last_{};  // of the latest step with an absolute time
  std::set<int> hidden_handles_;  // file descriptors that only hidden calls return
};

}  // namespace tcpassay
