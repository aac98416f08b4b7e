// SPDX-License-Identifier: Apache-2.0
// The application is tcpassay-agent: calls go to it over a control connection of its own, off the wire under test.
#pragma once

#include <utility>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/targets/remote/agent_protocol.h"
#include "harness/targets/remote/application.h"

namespace tcpassay {

// The addresses of the target and of our side; those of IPv6 may be empty texts.
struct AgentAddresses {
  std::string target{}, peer{}, target6{}, peer6{};
};

class AgentClient : public Application {
 public:
  // `place` is HOST:PORT, [HOST]:PORT or unix:PATH. Throws TargetError when there is no agent, or one of another
  // version, or when it refuses the addresses.
  AgentClient(const std::string& place, const AgentAddresses& addresses);

  void describe(Identity& identity) const override;
  void reset(std::uint8_t ip, bool forget_paths) override;
  void begin() override;
  bool configure(std::string_view name, std::int64_t value) override;
  bool has_tuning(const std::string& name) override;
  bool tune(const std::string& name, const std::string& value) override;
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value) override;

 private:
  MessageReader ask(MessageWriter& question);
  bool ask_whether(MessageWriter& question);

  std::string place_;
  FileDescriptor connection_;
  Bytes answer_;
  Identity told_{};                                            // what the agent said of its side
  std::vector<std::pair<std::string, std::string>> wanted_{};  // settings of the scenario that has not begun
  bool begun_ = false;
};

}  // namespace tcpassay
