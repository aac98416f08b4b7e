// SPDX-License-Identifier: Apache-2.0
// tcpassay-agent: makes socket calls on the machine under test as tcpassay asks for them over a control connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"

namespace tcpassay {

struct AgentOptions {
  std::string listen{};                  // HOST:PORT, [HOST]:PORT or unix:PATH
  std::vector<std::string> addresses{};  // of the target that may be asked for; empty: any that this machine has
  bool dedicated = false;                // the machine is for tests alone: its settings may be changed
};

// Serves any number of clients at the same time, one session each.
class Agent {
 public:
  // Throws TargetError when it cannot listen.
  explicit Agent(AgentOptions options);
  ~Agent();

  // Handles what is there, and waits for it for at most so long.
  void serve(int timeout_ms);

  std::size_t clients() const { return clients_.size(); }

 private:
  struct Client;
  struct Machine;

  void accept_client();
  bool receive(Client& client);
  void handle(Client& client, ByteView message);
  void hello(Client& client, class MessageReader& asked);
  void reset(Client& client, class MessageReader& asked);
  void answer_call(Client& client, class MessageReader& asked);
  void answer_state(Client& client, class MessageReader& asked);
  void answer_specific(Client& client, class MessageReader& asked);
  void begin(Client& client, class MessageReader& asked);
  void tune(Client& client, class MessageReader& asked);
  void grant();
  bool play_with(const Client& client);
  std::size_t players() const;

  AgentOptions options_;
  FileDescriptor listener_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace tcpassay
