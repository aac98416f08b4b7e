// SPDX-License-Identifier: Apache-2.0
#include "harness/script/system_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/script/names.h"
#include "harness/script/reader.h"

namespace tcpassay {
namespace {

constexpr std::int64_t kLengthMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kHandleMax = std::numeric_limits<int>::max();

constexpr const char* kShutdowns[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};

// Thrown by the functions that read a call's arguments when its meaning is beyond Call.
struct NotSupported {
  std::string construct;
  bool harmless = false, watches = false;
};

std::string without_space(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != ' '; });
  return out;
}

std::vector<std::string> words_of(std::string_view text, char separator) {
  std::vector<std::string> words{""};
  for (const char c : text) {
    if (c == separator) {
      words.emplace_back();
    } else if (c != ' ') {
      words.back() += c;
    }
  }
  return words;
}

std::int64_t number(const WrittenCall& written, std::size_t argument, std::int64_t least, std::int64_t most) {
  const auto value = integer(written.arguments[argument]);
  if (value && *value >= least && *value <= most) return *value;
  throw WrongArgument(argument, fmt::format("a number from {} to {}", least, most));
}

std::uint32_t length(const WrittenCall& written, std::size_t argument) {
  return static_cast<std::uint32_t>(number(written, argument, 0, kLengthMax));
}

// A socket address as `...` or with a port as in {sa_family = AF_INET, sin_port = htons(8080), sin_addr = ...}.
std::uint16_t port(const WrittenCall& written, std::size_t argument) {
  const std::string text = without_space(written.arguments[argument]);
  if (text == "...") return 0;
  constexpr std::string_view kBefore = "port=htons(";
  const std::size_t start = text.find(kBefore);
  if (start == std::string::npos) throw NotSupported{written.name + " address"};
  const std::string digits = text.substr(start + kBefore.size(), text.find(')', start) - start - kBefore.size());
  const auto value = decimal(digits);
  if (!value || *value > 65535) throw WrongArgument(argument, "a port from 0 to 65535 in htons()");
  return static_cast<std::uint16_t>(*value);
}

// Flags that change nothing for a socket that never blocks and for what TCP sends, but for when it is sent.
void check_flags(const WrittenCall& written, std::size_t argument, std::initializer_list<std::string_view> known) {
  for (const std::string& flag : words_of(written.arguments[argument], '|')) {
    if (flag == "0" || std::find(known.begin(), known.end(), flag) != known.end()) continue;
    throw NotSupported{fmt::format("{} {}", written.name, flag)};
  }
}

// A name or a number; 0 is no error.
UserError error_of(const std::string& text) {
  if (integer(text) == 0) return UserError::kNone;
  const ErrorName* known = error_named(text);
  if (known == nullptr) throw NotSupported{"errno " + text, true};  // the call failed and so did nothing
  return known->error;
}

int poll_bits(const std::string& text, const WrittenCall& written) {
  int bits = 0;
  for (const std::string& word : words_of(text, '|')) {
    const int bit = poll_bit(word);
    if (bit == 0 && word != "0") throw NotSupported{fmt::format("{} {}", written.name, word), true, true};
    bits |= bit;
  }
  return bits;
}

// ---- One function for each call: arguments to fields. The number of arguments has been checked.

void read_socket(const WrittenCall& written, Call&) {
  const auto type = words_of(written.arguments[1], '|');
  if (type[0] != "SOCK_STREAM") throw NotSupported{"socket " + type[0]};
  const std::string& protocol = written.arguments[2];
  if (protocol != "IPPROTO_TCP" && protocol != "0") throw NotSupported{"socket " + protocol};
}

void read_address(const WrittenCall& written, Call& call) {
  call.port = port(written, 1);
  const std::string text = without_space(written.arguments[1]);
  constexpr std::string_view kBefore = "inet_addr(\"";
  const std::size_t start = text.find(kBefore);
  if (start == std::string::npos) return;
  const std::size_t from = start + kBefore.size();
  call.address = text.substr(from, text.find('"', from) - from);
}
void read_nothing(const WrittenCall&, Call&) {}

// The address that accept() tells: its port, where it has one.
void read_peer(const WrittenCall& written, Call& call) {
  if (written.arguments[1].find("htons") != std::string::npos) call.port = port(written, 1);
}
void read_backlog(const WrittenCall& written, Call& call) {
  call.length = length(written, 1);
}
void read_length(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
}

// What is told without a flag is told with these, too: discarded text has been received as well.
void check_receive_flags(const WrittenCall& written, std::size_t argument) {
  const auto flags = words_of(written.arguments[argument], '|');
  const bool queue = std::find(flags.begin(), flags.end(), "MSG_ERRQUEUE") != flags.end();
  if (queue) throw NotSupported{written.name + " MSG_ERRQUEUE", true, true};  // takes no text
  check_flags(written, argument, {"MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_TRUNC", "MSG_CMSG_CLOEXEC"});
}

void read_receive(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
  check_receive_flags(written, 3);
}

void read_send_flags(const WrittenCall& written, std::size_t argument, Call& call) {
  check_flags(written, argument,
              {"MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_EOR", "MSG_MORE", "MSG_ZEROCOPY", "MSG_OOB", "MSG_FASTOPEN"});
  const auto flags = words_of(written.arguments[argument], '|');
  const auto is_there = [&](const char* flag) { return std::find(flags.begin(), flags.end(), flag) != flags.end(); };
  call.urgent = is_there("MSG_OOB");
  call.more = is_there("MSG_MORE");
  if (is_there("MSG_FASTOPEN")) call.kind = CallKind::kSendTo;
}

// sendto(..., MSG_FASTOPEN, address, ...) opens the connection too.
void read_send(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
  read_send_flags(written, 3, call);
  if (call.kind != CallKind::kSendTo) return;
  if (written.arguments.size() != 6) throw NotSupported{written.name + " MSG_FASTOPEN"};
  call.port = port(written, 4);
}

// [{..., 1000}, {..., 24}]: the octets of all together.
std::uint32_t vector_length(std::size_t argument, std::string_view text) {
  std::int64_t total = 0;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at)) {
    const std::size_t end = text.find('}', at);
    const std::size_t comma = end == std::string_view::npos ? end : text.rfind(',', end);
    if (comma == std::string_view::npos || comma < at) throw WrongArgument(argument, "[{..., N}, ...]");
    const auto octets = integer(without_space(text.substr(comma + 1, end - comma - 1)));
    if (!octets || *octets < 0 || total + *octets > kLengthMax) throw WrongArgument(argument, "[{..., N}, ...]");
    total += *octets;
    at = end;
  }
  return static_cast<std::uint32_t>(total);
}

void read_vector(const WrittenCall& written, Call& call) {
  call.length = vector_length(1, written.arguments[1]);
}

// {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}
std::uint32_t message_length(const WrittenCall& written) {
  const std::string& text = written.arguments[1];
  const std::size_t vector = text.find("msg_iov(");
  const std::size_t open = text.find('[', std::min(vector, text.size()));
  if (vector == std::string::npos || open == std::string::npos) throw WrongArgument(1, "{..., msg_iov(N)=[...], ...}");
  const std::size_t close = text.find(']', open);
  return vector_length(1, std::string_view(text).substr(open, close - open));
}

void read_send_message(const WrittenCall& written, Call& call) {
  call.length = message_length(written);
  read_send_flags(written, 2, call);
  const bool named = written.arguments[1].find("htons") != std::string::npos;
  if (call.kind == CallKind::kSendTo && named) call.port = port(written, 1);
}

void read_receive_message(const WrittenCall& written, Call& call) {
  check_receive_flags(written, 2);
  call.length = message_length(written);
}

void read_send_file(const WrittenCall& written, Call& call) {
  call.length = length(written, 3);
}

void read_shutdown(const WrittenCall& written, Call& call) {
  const auto* known = std::find(std::begin(kShutdowns), std::end(kShutdowns), written.arguments[1]);
  call.how = known != std::end(kShutdowns) ? static_cast<int>(known - std::begin(kShutdowns))
                                           : static_cast<int>(number(written, 1, -kHandleMax, kHandleMax));
}

// {onoff=1, linger=0}: the seconds, or -1 for off.
std::int64_t linger_of(const WrittenCall& written) {
  const std::string text = without_space(written.arguments[3]);
  const std::size_t comma = text.find(',');
  constexpr std::string_view kOnOff = "{onoff=", kLinger = ",linger=";
  if (text.starts_with(kOnOff) && comma != std::string::npos && text.substr(comma).starts_with(kLinger)) {
    const auto on = decimal(text.substr(kOnOff.size(), comma - kOnOff.size()));
    const std::size_t start = comma + kLinger.size();
    const auto seconds = decimal(text.substr(start, text.size() - start - 1));
    if (on && seconds && *seconds <= kHandleMax && text.back() == '}') {
      return *on != 0 ? static_cast<std::int64_t>(*seconds) : -1;
    }
  }
  throw WrongArgument(3, "{onoff=N, linger=N}");
}

void read_option(const WrittenCall& written, Call& call) {
  const std::string construct = fmt::format("{} {}", written.name, written.arguments[2]);
  const OptionName* known = option_named(written.arguments[1], written.arguments[2]);
  const bool asks = written.name == "getsockopt";  // what is asked has no effect on TCP
  if (known == nullptr) throw NotSupported{construct, asks, asks};
  if (known->option == SocketOption::kOther) {
    if (known->seen && !asks) throw NotSupported{construct};
    call.implementation_specific = fmt::format("{}.{}", known->level, known->name);
  }
  call.option = known->option;
  if (call.option == SocketOption::kLinger) {
    call.value = linger_of(written);
    return;
  }
  std::string text = without_space(written.arguments[3]);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (call.option == SocketOption::kError) {
    call.value = static_cast<std::int64_t>(error_of(text));
    return;
  }
  const auto value = integer(text);
  if (!value && known->option == SocketOption::kOther) throw NotSupported{construct, true};
  if (!value) throw WrongArgument(3, "a number in brackets");
  call.value = *value;
}

// [{fd=3, events=POLLIN, revents=POLLIN}], 1, timeout: the asked events go to value, those that came to result.
void read_poll(const WrittenCall& written, Call& call) {
  const std::string text = without_space(written.arguments[0]);
  if (!text.starts_with("[{") || !text.ends_with("}]") || written.arguments[1] != "1") {
    throw NotSupported{"poll of several sockets", true, true};
  }
  int revents = 0;
  for (const std::string& field : words_of(text.substr(2, text.size() - 4), ',')) {
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string name = field.substr(0, equals);
    const std::string value = field.substr(std::min(equals + 1, field.size()));
    if (name == "fd") {
      const auto handle = integer(value);
      if (!handle || *handle < -1 || *handle > kHandleMax) throw WrongArgument(0, "fd=N");
      call.handle = static_cast<int>(*handle);
    } else if (name == "events") {
      call.value = poll_bits(value, written);
    } else if (name == "revents") {
      revents = poll_bits(value, written);
    } else {
      throw WrongArgument(0, "[{fd=N, events=N, revents=N}]");
    }
  }
  if (call.result && *call.result > 0) call.result = revents;
}

// ioctl(fd, SIOCATMARK, [1])
void read_ioctl(const WrittenCall& written, Call& call) {
  const std::string& request = written.arguments[1];
  const bool mark = request == "SIOCATMARK";
  const bool queue = request == "SIOCINQ" || request == "FIONREAD" || request == "SIOCOUTQ" || request == "SIOCOUTQNSD";
  if (!mark && !queue) throw NotSupported{"ioctl " + request};
  const std::string text = without_space(written.arguments[2]);
  const bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const auto value = brackets ? integer(text.substr(1, text.size() - 2)) : std::nullopt;
  if (!value || *value < 0 || (mark && *value > 1))
    throw WrongArgument(2, mark ? "[0] or [1]" : "a number in brackets");
  call.option = mark ? SocketOption::kAtMark : SocketOption::kOther;
  if (queue) call.implementation_specific = request == "FIONREAD" ? "SIOCINQ" : request;
  call.value = *value;
}

// Our sockets never block, so what fcntl says of flags changes nothing.
void read_fcntl(const WrittenCall& written, Call&) {
  const std::string& command = written.arguments[1];
  throw NotSupported{"fcntl", command == "F_SETFL" || command == "F_GETFL"};
}

// They watch, or make something beside the sockets; nothing of it is seen by a peer.
void read_beside(const WrittenCall& written, Call&) {
  throw NotSupported{written.name, true, written.name.starts_with("epoll")};
}

struct CallName {
  const char* name;
  CallKind kind;
  std::size_t arguments_min, arguments_max;
  void (*read)(const WrittenCall&, Call&);
};
// The first name of a kind is the one that is printed for a call that no script has written.
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
    {"shutdown", CallKind::kShutdown, 2, 2, read_shutdown},
    {"close", CallKind::kClose, 1, 1, read_nothing},
    {"setsockopt", CallKind::kSetOption, 5, 5, read_option},
    {"getsockopt", CallKind::kGetOption, 5, 5, read_option},
    {"ioctl", CallKind::kGetOption, 3, 3, read_ioctl},
    {"poll", CallKind::kPoll, 3, 3, read_poll},
    {"fcntl", CallKind::kPoll, 2, 3, read_fcntl},  // this and what follows never becomes a Call
    {"epoll_create", CallKind::kPoll, 1, 1, read_beside},
    {"epoll_create1", CallKind::kPoll, 1, 1, read_beside},
    {"epoll_ctl", CallKind::kPoll, 4, 4, read_beside},
    {"epoll_wait", CallKind::kPoll, 4, 4, read_beside},
    {"pipe", CallKind::kPoll, 1, 1, read_beside},
    {"open", CallKind::kPoll, 2, 3, read_beside},
    {"cap_set", CallKind::kPoll, 1, 1, read_beside},
};

bool takes_handle(CallKind kind) {
  return kind != CallKind::kSocket && kind != CallKind::kPoll;
}

Call call_of(const WrittenCall& written) {
  const auto* known = std::find_if(std::begin(kCalls), std::end(kCalls),
                                   [&](const CallName& call) { return written.name == call.name; });
  if (known == std::end(kCalls)) throw NotSupported{written.name};
  const std::size_t count = written.arguments.size();
  if (count < known->arguments_min || count > known->arguments_max) {
    throw WrongArgument(std::min(count, known->arguments_max),
                        fmt::format("{} arguments of {}", known->arguments_max, written.name));
  }
  Call call{.kind = known->kind, .arguments = written.arguments, .name = written.name};
  if (written.result != "...") call.result = integer(written.result);
  if (takes_handle(known->kind)) call.handle = static_cast<int>(number(written, 0, -1, kHandleMax));
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

// The arguments after the handle that a call would have in a script.
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
  if (!call.error || *call.error == UserError::kNone) return written;
  const ErrorName* known = name_of(*call.error);
  written.result = "-1";
  written.error = known->name;
  written.note = known->note;
  return written;
}

// As it was written, when that still says what the fields say.
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
  written.arguments = plain_arguments(call);
  if (takes_handle(call.kind)) written.arguments.insert(written.arguments.begin(), std::to_string(call.handle));
  return print_call(written);
}

}  // namespace tcpassay
