// SPDX-License-Identifier: Apache-2.0
#include "harness/script/system_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/script/call_arguments.h"
#include "harness/script/names.h"
#include "harness/script/reader.h"

namespace tcpassay {
namespace {

constexpr std::size_t kNoArgument = 100;  // the call itself is wrong

struct CallName {
  const char* name;
  CallKind kind;
  std::size_t arguments_min, arguments_max;
  void (*read)(const WrittenCall&, Call&);
};
// A call that was not read from a script is printed with the first name of its kind.
constexpr CallName kCalls[] = {
    {"socket", CallKind::kSocket, 3, 3, read_socket},
    {"bind", CallKind::kBind, 3, 3, read_address},
    {"listen", CallKind::kListen, 2, 2, read_backlog},
    {"connect", CallKind::kConnect, 3, 3, read_address},
    {"accept", CallKind::kAccept, 3, 3, read_peer},
    {"write", CallKind::kWrite, 3, 3, read_length},
    {"send", CallKind::kWrite, 4, 4, read_send},
    {"sendto", CallKind::kWrite, 6, 6, read_send},
    {"sendto", CallKind::kSendTo, 6, 6, read_send},
    {"sendmsg", CallKind::kWrite, 3, 3, read_send_message},
    {"writev", CallKind::kWrite, 3, 3, read_vector},
    {"sendfile", CallKind::kWrite, 4, 4, read_send_file},
    {"read", CallKind::kRead, 3, 3, read_length},
    {"recv", CallKind::kRead, 4, 4, read_receive},
    {"recvfrom", CallKind::kRead, 6, 6, read_receive},
    {"recvmsg", CallKind::kRead, 3, 3, read_receive_message},
    {"readv", CallKind::kRead, 3, 3, read_vector},
    {"splice", CallKind::kRead, 6, 6, read_splice},
    {"shutdown", CallKind::kShutdown, 2, 2, read_shutdown},
    {"close", CallKind::kClose, 1, 1, read_nothing},
    {"setsockopt", CallKind::kSetOption, 5, 5, read_option},
    {"getsockopt", CallKind::kGetOption, 5, 5, read_option},
    {"ioctl", CallKind::kGetOption, 3, 3, read_ioctl},
    {"poll", CallKind::kPoll, 3, 3, read_poll},
    {"fcntl", CallKind::kPoll, 2, 3, read_fcntl},  // from here on: always NotSupported, never a Call
    {"epoll_create", CallKind::kPoll, 1, 1, read_beside},
    {"epoll_create1", CallKind::kPoll, 1, 1, read_beside},
    {"epoll_ctl", CallKind::kSetOption, 4, 4, read_epoll_control},
    {"epoll_wait", CallKind::kGetOption, 4, 4, read_epoll_wait},
    {"pipe", CallKind::kPoll, 1, 1, read_beside},
    {"open", CallKind::kPoll, 2, 3, read_beside},
    {"cap_set", CallKind::kPoll, 1, 1, read_beside},
};

// Calls of packetdrill's dialects that tcpassay does not know.
constexpr std::string_view kCallsOfOthers[] = {
    "tee",      "mmap",     "munmap",  "pipe2",          "epoll_pwait", "ppoll",       "select", "dup",
    "fork",     "kill",     "usleep",  "socketpair",     "getsockname", "getpeername", "shmget", "sysctl",
    "recvmmsg", "sendmmsg", "accept4", "io_uring_setup", "prctl",       "setuid",      "system"};

// A name that no dialect has and that is like one which tcpassay knows is a misspelt one.
std::string meant_by(const std::string& name) {
  if (std::find(std::begin(kCallsOfOthers), std::end(kCallsOfOthers), name) != std::end(kCallsOfOthers)) return {};
  if (name.starts_with("sctp_") || name.starts_with("mptcp_")) return {};
  std::vector<std::string_view> known;
  for (const CallName& call : kCalls) known.emplace_back(call.name);
  return nearest(name, known);
}

bool takes_handle(CallKind kind) {
  return kind != CallKind::kSocket && kind != CallKind::kPoll;
}

Call call_of(const WrittenCall& written) {
  const auto* known = std::find_if(std::begin(kCalls), std::end(kCalls),
                                   [&](const CallName& call) { return written.name == call.name; });
  if (known == std::end(kCalls)) {
    const std::string meant = meant_by(written.name);
    if (!meant.empty()) throw WrongArgument(kNoArgument, "the name of a call, perhaps " + meant);
    throw NotSupported{written.name};
  }
  const std::size_t count = written.arguments.size();
  if (count < known->arguments_min || count > known->arguments_max) {
    throw WrongArgument(std::min(count, known->arguments_max),
                        fmt::format("{} arguments of {}", known->arguments_max, written.name));
  }
  Call call{.kind = known->kind, .arguments = written.arguments, .name = written.name};
  if (written.result != "...") call.result = integer(written.result);
  if (takes_handle(known->kind)) call.handle = handle_argument(written);
  known->read(written, call);
  if (!written.error.empty()) call.error = error_of(written.error);
  return call;
}

// ---- Printing

std::string address_text(std::uint16_t port_number, const char* address) {
  if (port_number == 0) return "...";
  return fmt::format("{{sa_family = AF_INET, sin_port = htons({}), sin_addr = inet_addr(\"{}\")}}", port_number,
                     address);
}

std::vector<std::string> option_arguments(const Call& call) {
  const OptionName* known = name_of(call.option);
  const bool linger = call.option == SocketOption::kLinger;
  std::vector<std::string> arguments = {"SOL_TCP", "TCP_OTHER"};
  if (known != nullptr) arguments = {known->level, known->name};
  if (linger) {
    const bool off = call.value < 0;
    arguments.push_back(fmt::format("{{onoff={}, linger={}}}", off ? 0 : 1, off ? 0 : call.value));
  } else {
    const ErrorName* error = nullptr;
    if (call.option == SocketOption::kError) error = name_of(static_cast<UserError>(call.value));
    arguments.push_back(error != nullptr ? fmt::format("[{}]", error->name) : fmt::format("[{}]", call.value));
  }
  const char* size = linger ? "8" : "4";
  arguments.push_back(call.kind == CallKind::kGetOption ? fmt::format("[{}]", size) : size);
  return arguments;
}

// The flags of a write; a write with flags is a send.
std::string send_flags(const Call& call) {
  std::string flags;
  const auto add = [&](bool is_set, const char* name) {
    if (is_set) flags += flags.empty() ? name : std::string("|") + name;
  };
  add(call.urgent, "MSG_OOB");
  add(call.more, "MSG_MORE");
  add(call.record_end, "MSG_EOR");
  add(call.zero_copy, "MSG_ZEROCOPY");
  return flags;
}

// The arguments after the handle, written from the call's fields.
std::vector<std::string> plain_arguments(const Call& call) {
  switch (call.kind) {
    case CallKind::kSocket:
      return {"...", "SOCK_STREAM", "IPPROTO_TCP"};
    case CallKind::kBind:
      return {address_text(call.port, "0.0.0.0"), "..."};
    case CallKind::kConnect:
      return {address_text(call.port, "192.0.2.1"), "..."};
    case CallKind::kListen:
      return {std::to_string(call.length)};
    case CallKind::kAccept:
      if (call.port == 0) return {"...", "..."};
      return {address_text(call.port, "192.0.2.1"), "[16]"};
    case CallKind::kWrite:
      if (const std::string flags = send_flags(call); !flags.empty()) {
        return {"...", std::to_string(call.length), flags};
      }
      return {"...", std::to_string(call.length)};
    case CallKind::kRead:
      return {"...", std::to_string(call.length)};
    case CallKind::kSendTo:
      return {"...", std::to_string(call.length), "MSG_FASTOPEN", address_text(call.port, "192.0.2.1"), "..."};
    case CallKind::kShutdown:
      return {call.how >= 0 && call.how <= 2 ? kShutdowns[call.how] : std::to_string(call.how)};
    case CallKind::kClose:
      return {};
    case CallKind::kSetOption:
    case CallKind::kGetOption:
      return option_arguments(call);
    case CallKind::kPoll:
      return {fmt::format("[{{fd={}, events={}, revents={}}}]", call.handle, poll_names(call.value),
                          poll_names(std::max<std::int64_t>(call.result.value_or(0), 0))),
              "1", "0"};
  }
  return {};
}

WrittenCall result_of(const Call& call) {
  WrittenCall written{.result = call.result ? std::to_string(*call.result) : "..."};
  if (call.kind == CallKind::kPoll && call.result.value_or(0) > 0) written.result = "1";
  if (call.implementation_specific == "EPOLL_WAIT" && call.value != 0 && call.result == 0) written.result = "1";
  if (!call.error || *call.error == UserError::kNone) return written;
  const ErrorName* known = name_of(*call.error);
  written.result = "-1";
  written.error = known->name;
  written.note = known->note;
  return written;
}

// Fills in the call as it was written; false when that text no longer means the same as the call's fields.
bool as_written(const Call& call, WrittenCall& written) {
  written.name = call.name;
  written.arguments = call.arguments;
  try {
    const auto again = read_call(written);
    const Call* same = std::get_if<Call>(&again);
    return same != nullptr && *same == call;
  } catch (const WrongArgument&) {
    return false;
  }
}

}  // namespace

std::variant<Call, Unsupported> read_call(const WrittenCall& written) {
  try {
    return call_of(written);
  } catch (const NotSupported& reason) {
    return Unsupported{.construct = reason.construct,
                       .text = print_call(written),
                       .harmless = reason.harmless,
                       .recorded = reason.recorded,
                       .watches = reason.watches};
  }
}

std::string print_call(const WrittenCall& written) {
  std::string line = written.name + "(";
  for (std::size_t i = 0; i < written.arguments.size(); ++i) line += (i == 0 ? "" : ", ") + written.arguments[i];
  line += ") = " + written.result;
  if (!written.error.empty()) line += " " + written.error;
  if (!written.note.empty()) line += " (" + written.note + ")";
  return line;
}

std::string print_call(const Call& call) {
  WrittenCall written = result_of(call);
  if (as_written(call, written)) return print_call(written);
  const auto* known =
      std::find_if(std::begin(kCalls), std::end(kCalls), [&](const CallName& name) { return call.kind == name.kind; });
  written.name = known->name;
  if (call.kind == CallKind::kWrite && !send_flags(call).empty()) written.name = "send";
  written.arguments = plain_arguments(call);
  if (takes_handle(call.kind)) written.arguments.insert(written.arguments.begin(), std::to_string(call.handle));
  return print_call(written);
}

}  // namespace tcpassay
