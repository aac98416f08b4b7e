// SPDX-License-Identifier: Apache-2.0
#include "harness/agent/agent.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/agent/listener.h"
#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/linux/kernel_implementation_specific.h"
#include "harness/targets/linux/kernel_settings.h"
#include "harness/targets/linux/kernel_sockets.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/remote/agent_protocol.h"
#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

constexpr std::size_t kClientsMax = 64;
constexpr int kMslSeconds = 30;  // the kernel's TIME-WAIT of 60 s is twice that

// Scenarios that want other settings wait so long while new ones with the present settings begin.
constexpr std::chrono::seconds kPatience{1};

using Settings = std::vector<std::pair<std::string, std::string>>;  // names and values

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? std::string("Linux ") + names.release : "Linux";
}

}  // namespace

struct Agent::Client {
  explicit Client(FileDescriptor fd) : connection(std::move(fd)) {}

  FileDescriptor connection;
  NetworkNamespace where = NetworkNamespace::current();
  KernelSockets sockets{where, KernelSockets::Sharing::kShared};
  bool greeted = false, refused = false;
  Address target{}, peer{}, target6{}, peer6{};
  Settings wanted{};                              // by the scenario
  bool plays = false, waits = false;              // during a scenario; before one
  bool dirty = false;                             // a path MTU may have been learnt
  std::chrono::steady_clock::time_point since{};  // it waits
  Bytes received{};

  void send(MessageWriter& message) {
    for (ByteView left = message.finish(); !left.empty();) {
      const ssize_t size = ::send(connection.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;  // its end is seen when it is read next
      left = left.subspan(static_cast<std::size_t>(size));
    }
  }
  void done(std::int64_t value) {
    MessageWriter answer(Answer::kDone);
    send(answer.number(value));
  }
  void refuse(const std::string& why) {
    MessageWriter answer(Answer::kRefused);
    send(answer.text(why));
  }
};

// The settings that all scenarios which play now have in common.
struct Agent::Machine {
  NetworkNamespace where = NetworkNamespace::current();
  KernelSettings settings{where};
  Settings now{};
  bool changed = false;  // in the middle of a scenario
};

Agent::Agent(AgentOptions options)
    : options_(std::move(options)), listener_(listen_at(options_.listen)), machine_(std::make_unique<Machine>()) {
  if (options_.dedicated) write_run_settings();
}

Agent::~Agent() = default;

void Agent::serve(int timeout_ms) {
  std::vector<pollfd> asked{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& client : clients_) asked.push_back({.fd = client->connection.get(), .events = POLLIN, .revents = 0});
  if (poll(asked.data(), asked.size(), timeout_ms) <= 0) return;
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (asked[i + 1].revents == 0 || receive(*clients_[i])) continue;
    clients_[i]->sockets.clear();
    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  grant();
  if (asked[0].revents != 0) accept_client();
}

void Agent::accept_client() {
  FileDescriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) return;
  send_at_once(fd.get());
  auto client = std::make_unique<Client>(std::move(fd));
  if (clients_.size() >= kClientsMax) return client->refuse("too many clients");
  clients_.push_back(std::move(client));
}

// False when the client has gone or has said what no client says.
bool Agent::receive(Client& client) {
  constexpr std::size_t kRead = 65536;
  Bytes& received = client.received;
  const std::size_t had = received.size();
  received.resize(had + kRead);
  const ssize_t size = recv(client.connection.get(), received.data() + had, kRead, 0);
  received.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size <= 0) return size < 0 && errno == EINTR;
  for (;;) {
    const auto length = message_length(received);
    if (!length) return true;
    if (*length > kAgentMessageMax) return false;
    const std::size_t end = kLengthField + *length;
    if (received.size() < end) return true;
    if (client.waits) return false;  // one question at a time
    const Bytes message(received.begin() + kLengthField, received.begin() + static_cast<std::ptrdiff_t>(end));
    received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(end));
    try {
      handle(client, message);
    } catch (const TargetError& error) {
      client.refuse(error.what());
    }
    if (client.refused) return false;
  }
}

void Agent::handle(Client& client, ByteView message) {
  MessageReader asked(message);
  const auto word = static_cast<Ask>(asked.word());
  if (!client.greeted && word != Ask::kHello) {
    client.refused = true;
    return client.refuse("expected a greeting of tcpassay");
  }
  switch (word) {
    case Ask::kHello:
      return hello(client, asked);
    case Ask::kReset:
      return reset(client, asked);
    case Ask::kBegin:
      return begin(client, asked);
    case Ask::kTune:
      return tune(client, asked);
    case Ask::kHasTuning:
      return client.done(options_.dedicated && machine_->settings.has_sysctl(asked.text()));
    case Ask::kCall:
      return answer_call(client, asked);
    case Ask::kState:
      return answer_state(client, asked);
    case Ask::kSpecific:
      return answer_specific(client, asked);
  }
  client.refused = true;
  client.refuse("unknown request");
}

void Agent::hello(Client& client, MessageReader& asked) {
  const std::string greeting = asked.text();
  const std::int64_t version = asked.number();
  if (greeting != kAgentGreeting || version != kAgentVersion) {
    client.refused = true;
    return client.refuse("this agent speaks version " + std::to_string(kAgentVersion) + " of its protocol, not " +
                         std::to_string(version) + ": install both from the same release");
  }
  for (Address* const each : {&client.target, &client.peer, &client.target6, &client.peer6}) {
    const std::string text = asked.text();
    const bool own = each == &client.target || each == &client.target6;
    if (text.empty()) continue;
    const auto address = Address::parse(text);
    const bool listed = options_.addresses.empty() || std::find(options_.addresses.begin(), options_.addresses.end(),
                                                                text) != options_.addresses.end();
    if (!address || (own && (!listed || !is_local(*address)))) {
      client.refused = true;
      return client.refuse(text + " is no address that this agent was started for");
    }
    *each = *address;
  }
  client.greeted = true;
  client.sockets.use(client.target, client.peer);
  std::int64_t abilities = 0;
  for (const Ability ability : {Ability::kPassiveOpen, Ability::kActiveOpen, Ability::kUrgentData, Ability::kHalfClose,
                                Ability::kAbort, Ability::kSecondAddress, Ability::kState}) {
    abilities |= std::int64_t{1} << static_cast<int>(ability);
  }
  MessageWriter answer(Answer::kDone);
  answer.number(kAgentVersion).text(kernel_release()).number(abilities).number(kMslSeconds);
  const auto settings = options_.dedicated ? machine_->settings.names() : std::vector<std::string>{};
  answer.number(static_cast<std::int64_t>(settings.size()));
  for (const std::string& name : settings) answer.text(name);
  const auto names = kernel_peculiar_names();
  answer.number(static_cast<std::int64_t>(names.size()));
  for (const std::string& name : names) answer.text(name);
  client.send(answer);
}

void Agent::reset(Client& client, MessageReader& asked) {
  const bool ipv6 = asked.number() == 6;
  const bool forget_paths = asked.number() != 0;
  client.sockets.clear();
  client.sockets.use(ipv6 ? client.target6 : client.target, ipv6 ? client.peer6 : client.peer);
  client.dirty = client.dirty || (forget_paths && options_.dedicated);
  if (!client.wanted.empty()) machine_->settings.forget_server(ipv6 ? client.peer6 : client.peer);
  client.plays = false;
  client.done(0);
}

void Agent::begin(Client& client, MessageReader& asked) {
  client.wanted.clear();
  for (std::int64_t i = asked.number(); i > 0 && asked.good(); --i) {
    const std::string name = asked.text();
    client.wanted.emplace_back(name, asked.text());
  }
  if (!asked.good() || (!client.wanted.empty() && !options_.dedicated)) return client.done(0);
  client.waits = true;
  client.since = std::chrono::steady_clock::now();  // grant() answers
}

std::size_t Agent::players() const {
  return static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const auto& client) { return client->plays; }));
}

// Answers those who wait, the longest first. All play at the same time whose scenarios want the same settings.
void Agent::grant() {
  std::vector<Client*> waiting;
  for (const auto& client : clients_) {
    if (client->waits) waiting.push_back(client.get());
  }
  std::sort(waiting.begin(), waiting.end(), [](const Client* a, const Client* b) { return a->since < b->since; });
  for (Client* client : waiting) {
    const bool fits = client->wanted == machine_->now && !machine_->changed && !client->dirty;
    if (!fits && players() > 0) {
      if (std::chrono::steady_clock::now() - client->since > kPatience) return;
      continue;
    }
    client->plays = fits || play_with(*client);
    client->waits = false;
    client->done(client->plays);
  }
}

// Gives the machine the settings of this client, while nobody plays. False when one is refused.
bool Agent::play_with(const Client& client) {
  machine_->changed = false;
  machine_->now.clear();
  machine_->settings.restore();
  if (client.dirty) machine_->settings.forget_paths();
  const bool forgotten = client.dirty;
  for (const auto& each : clients_) each->dirty = each->dirty && !forgotten;
  for (const auto& [name, value] : client.wanted) {
    const bool system = name.starts_with("net.");
    const bool done = system ? machine_->settings.set_sysctl(name, value)
                             : machine_->settings.set(name, std::strtoll(value.c_str(), nullptr, 10));
    if (done) continue;
    machine_->changed = true;
    return false;
  }
  machine_->now = client.wanted;
  return true;
}

void Agent::tune(Client& client, MessageReader& asked) {
  constexpr std::int64_t kOthersPlay = 2;
  const std::string name = asked.text(), value = asked.text();
  if (!options_.dedicated) return client.done(0);
  if (players() > 1) return client.done(kOthersPlay);
  machine_->changed = true;  // nobody joins
  client.done(machine_->settings.set_sysctl(name, value));
}

void Agent::answer_call(Client& client, MessageReader& asked) {
  UserCall call = take_call(asked);
  if (!asked.good()) return client.refuse("a call that is not whole");
  client.sockets.call(call);
  MessageWriter answer(Answer::kDone);
  put_results(answer, call);
  client.send(answer);
}

void Agent::answer_state(Client& client, MessageReader& asked) {
  Tuple tuple;
  tuple.local = static_cast<std::uint16_t>(asked.number());
  tuple.remote = static_cast<std::uint16_t>(asked.number());
  const auto state = client.sockets.state(tuple);
  MessageWriter answer(Answer::kDone);
  answer.number(state.has_value()).number(state ? static_cast<int>(*state) : 0);
  client.send(answer);
}

void Agent::answer_specific(Client& client, MessageReader& asked) {
  const int handle = static_cast<int>(asked.number());
  const std::string name = asked.text();
  const bool sets = asked.number() != 0;
  const std::int64_t value = asked.number();
  const auto result = client.sockets.implementation_specific(handle, name, sets ? std::optional(value) : std::nullopt);
  MessageWriter answer(Answer::kDone);
  answer.number(result.has_value()).number(result.value_or(0));
  client.send(answer);
}

}  // namespace tcpassay
