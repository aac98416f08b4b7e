// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/agent_client.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/file_descriptor.h"
#include "harness/target/inconclusive.h"
#include "harness/target/target.h"
#include "harness/targets/remote/agent_protocol.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr int kAnswerTimeoutMs = 60000;  // another scenario may have the machine to itself meanwhile
constexpr std::string_view kUnix = "unix:";

[[noreturn]] void unreachable(const std::string& place, const std::string& why) {
  throw TargetError("no tcpassay-agent at " + place + ": " + why + "; start it on the machine under test, with " +
                    "--listen " + place);
}

FileDescriptor connect_to_path(const std::string& place) {
  const std::string path = place.substr(kUnix.size());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) unreachable(place, "no such path");
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    unreachable(place, std::strerror(errno));
  return fd;
}

FileDescriptor connect_to_port(const std::string& place) {
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos) throw TargetError("agent=" + place + ": expected HOST:PORT or unix:PATH");
  std::string host = place.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  if (const int error = getaddrinfo(host.c_str(), place.substr(colon + 1).c_str(), &wanted, &found)) {
    unreachable(place, gai_strerror(error));
  }
  FileDescriptor fd;
  int why = 0;
  for (const addrinfo* each = found; each != nullptr && !fd; each = each->ai_next) {
    fd = FileDescriptor(socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) break;
    why = errno;
    fd.close();
  }
  freeaddrinfo(found);
  if (!fd) unreachable(place, std::strerror(why));
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

}  // namespace

AgentClient::AgentClient(const std::string& place, const AgentAddresses& addresses)
    : place_(place), connection_(place.starts_with(kUnix) ? connect_to_path(place) : connect_to_port(place)) {
  MessageWriter hello(Ask::kHello);
  hello.text(kAgentGreeting).number(kAgentVersion);
  hello.text(addresses.target).text(addresses.peer).text(addresses.target6).text(addresses.peer6);
  MessageReader answer = ask(hello);
  const std::int64_t version = answer.number();
  if (!answer.good() || version != kAgentVersion) {
    throw TargetError("the agent at " + place + " speaks version " + std::to_string(version) + ", tcpassay version " +
                      std::to_string(kAgentVersion) + ": install both from the same release");
  }
  told_.version = answer.text();
  const std::int64_t abilities = answer.number();
  for (int i = 0; i < kAbilities; ++i) {
    if (abilities >> i & 1) told_.abilities.push_back(static_cast<Ability>(i));
  }
  told_.msl = std::chrono::seconds(answer.number());
  for (std::int64_t i = answer.number(); i > 0 && answer.good(); --i) told_.settings.push_back(answer.text());
  for (std::int64_t i = answer.number(); i > 0 && answer.good(); --i) {
    told_.implementation_specific.push_back(answer.text());
  }
  if (!answer.good()) throw TargetError("the agent at " + place + " does not speak the protocol");
}

void AgentClient::describe(Identity& identity) const {
  identity.version = told_.version;
  identity.msl = told_.msl;
  identity.settings = told_.settings;
  identity.implementation_specific = told_.implementation_specific;
  identity.abilities.insert(identity.abilities.end(), told_.abilities.begin(), told_.abilities.end());
}

// Sends the question and waits for the answer. Throws TargetError when it is a refusal or does not come.
MessageReader AgentClient::ask(MessageWriter& question) {
  for (ByteView left = question.finish(); !left.empty();) {
    const ssize_t size = send(connection_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) throw TargetError("the agent at " + place_ + " is gone: " + std::strerror(errno));
    left = left.subspan(static_cast<std::size_t>(size));
  }
  answer_.clear();
  std::size_t wanted = kLengthField;
  while (answer_.size() < wanted) {
    const std::size_t had = answer_.size();
    answer_.resize(wanted);
    pollfd asked{.fd = connection_.get(), .events = POLLIN, .revents = 0};
    if (poll(&asked, 1, kAnswerTimeoutMs) == 0) throw TargetError("the agent at " + place_ + " does not answer");
    const ssize_t size = recv(connection_.get(), answer_.data() + had, wanted - had, 0);
    if (size == 0 || (size < 0 && errno != EINTR)) throw TargetError("the agent at " + place_ + " is gone");
    answer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (answer_.size() == kLengthField && wanted == kLengthField) {
      wanted += message_length(answer_).value_or(0);
      if (wanted > kAgentMessageMax) throw TargetError("what answers at " + place_ + " is no tcpassay-agent");
    }
  }
  MessageReader answer(ByteView(answer_).subspan(kLengthField));
  if (answer.word() == static_cast<std::uint8_t>(Answer::kDone)) return answer;
  throw TargetError("the agent at " + place_ + " refuses: " + answer.text());
}

bool AgentClient::ask_whether(MessageWriter& question) {
  return ask(question).number() != 0;
}

void AgentClient::reset(std::uint8_t ip, bool forget_paths) {
  wanted_.clear();
  begun_ = false;
  ask(MessageWriter(Ask::kReset).number(ip).number(forget_paths));
}

void AgentClient::begin() {
  begun_ = true;
  MessageWriter question(Ask::kBegin);
  question.number(static_cast<std::int64_t>(wanted_.size()));
  for (const auto& [name, value] : wanted_) question.text(name).text(value);
  if (!ask_whether(question)) throw TargetError("the agent at " + place_ + " cannot change a setting of the scenario");
}

bool AgentClient::configure(std::string_view name, std::int64_t value) {
  if (begun_ || !told_.has_setting(name)) return false;
  wanted_.emplace_back(name, std::to_string(value));
  return true;
}

bool AgentClient::has_tuning(const std::string& name) {
  return ask_whether(MessageWriter(Ask::kHasTuning).text(name));
}

bool AgentClient::tune(const std::string& name, const std::string& value) {
  if (!has_tuning(name)) return false;
  if (!begun_) {
    wanted_.emplace_back(name, value);
    return true;
  }
  constexpr std::int64_t kOthersPlay = 2;
  const std::int64_t answer = ask(MessageWriter(Ask::kTune).text(name).text(value)).number();
  if (answer == kOthersPlay)
    throw Inconclusive("it changes settings in the middle, while others play: play with --jobs 1");
  return answer != 0;
}

void AgentClient::call(UserCall& call) {
  MessageWriter question(Ask::kCall);
  put_call(question, call);
  MessageReader answer = ask(question);
  take_results(answer, call);
}

std::optional<StateReport> AgentClient::state(Tuple tuple) {
  MessageReader answer = ask(MessageWriter(Ask::kState).number(tuple.local).number(tuple.remote));
  if (answer.number() == 0) return std::nullopt;
  const std::int64_t state = answer.number();
  if (state < 0 || state >= kStates) return std::nullopt;
  return StateReport{.state = static_cast<State>(state)};
}

std::optional<std::int64_t> AgentClient::implementation_specific(int handle, std::string_view name,
                                                                 std::optional<std::int64_t> value) {
  MessageWriter question(Ask::kSpecific);
  question.number(handle).text(name).number(value.has_value()).number(value.value_or(0));
  MessageReader answer = ask(question);
  if (answer.number() == 0) return std::nullopt;
  return answer.number();
}

}  // namespace tcpassay
