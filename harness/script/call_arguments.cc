// SPDX-License-Identifier: Apache-2.0
#include "harness/script/call_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/script/addresses.h"
#include "harness/script/names.h"
#include "harness/script/reader.h"

namespace tcpassay {

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

namespace {

constexpr std::int64_t kLengthMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kHandleMax = std::numeric_limits<int>::max();

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
  if (start == std::string::npos) throw NotSupported{written.name + " address", written.result == "-1"};
  const std::string digits = text.substr(start + kBefore.size(), text.find(')', start) - start - kBefore.size());
  const auto value = decimal(digits);
  if (!value || *value > 65535) throw WrongArgument(argument, "a port from 0 to 65535 in htons()");
  return static_cast<std::uint16_t>(*value);
}

// Throws NotSupported for a flag that is not in `known`: flags that make no difference to a non-blocking socket, or
// that the caller handles.
void check_flags(const WrittenCall& written, std::size_t argument, std::initializer_list<std::string_view> known) {
  for (const std::string& flag : words_of(written.arguments[argument], '|')) {
    if (flag == "0" || std::find(known.begin(), known.end(), flag) != known.end()) continue;
    throw NotSupported{fmt::format("{} {}", written.name, flag)};
  }
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

// These flags do not change what a read returns: discarded text has been received as well.
void check_receive_flags(const WrittenCall& written, std::size_t argument) {
  const auto flags = words_of(written.arguments[argument], '|');
  const bool queue = std::find(flags.begin(), flags.end(), "MSG_ERRQUEUE") != flags.end();
  if (queue) throw NotSupported{written.name + " MSG_ERRQUEUE", true, true};  // takes no text
  const bool peek = std::find(flags.begin(), flags.end(), "MSG_PEEK") != flags.end();
  if (peek) throw NotSupported{written.name + " MSG_PEEK", true, true};  // the text stays where it is
  check_flags(written, argument, {"MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_TRUNC", "MSG_CMSG_CLOEXEC"});
}

constexpr const char* kFastOpenNumber = "0x20000000";  // Linux's MSG_FASTOPEN

void read_send_flags(const WrittenCall& written, std::size_t argument, Call& call) {
  check_flags(written, argument,
              {"MSG_DONTWAIT", "MSG_NOSIGNAL", "MSG_EOR", "MSG_MORE", "MSG_ZEROCOPY", "MSG_OOB", "MSG_FASTOPEN",
               kFastOpenNumber});
  const auto flags = words_of(written.arguments[argument], '|');
  const auto is_there = [&](const char* flag) { return std::find(flags.begin(), flags.end(), flag) != flags.end(); };
  call.urgent = is_there("MSG_OOB");
  call.more = is_there("MSG_MORE");
  call.record_end = is_there("MSG_EOR");
  call.zero_copy = is_there("MSG_ZEROCOPY");
  if (is_there("MSG_FASTOPEN") || is_there(kFastOpenNumber)) call.kind = CallKind::kSendTo;
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

// The part of {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0} that says what is sent.
std::string_view message_vector(const WrittenCall& written) {
  const std::string& text = written.arguments[1];
  const std::size_t vector = text.find("msg_iov(");
  const std::size_t open = text.find('[', std::min(vector, text.size()));
  if (vector == std::string::npos || open == std::string::npos) throw WrongArgument(1, "{..., msg_iov(N)=[...], ...}");
  const std::size_t close = text.find(']', open);
  return std::string_view(text).substr(open, close - open);
}

std::uint32_t message_length(const WrittenCall& written) {
  return vector_length(1, message_vector(written));
}

// The octets of each element, if all have the same number of them: with MSG_ZEROCOPY each is a fragment of its own.
std::uint32_t element_length(std::string_view vector, std::uint32_t total) {
  const auto count = static_cast<std::uint32_t>(std::count(vector.begin(), vector.end(), '{'));
  if (count < 2 || total % count != 0) return 0;
  const std::string each = fmt::format(",{}}}", total / count), packed = without_space(vector);
  std::uint32_t same = 0;
  for (std::size_t at = packed.find(each); at != std::string::npos; at = packed.find(each, at + 1)) ++same;
  return same == count ? total / count : 0;
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

}  // namespace

int handle_argument(const WrittenCall& written) {
  return static_cast<int>(number(written, 0, -1, kHandleMax));
}

UserError error_of(const std::string& text) {
  if (integer(text) == 0) return UserError::kNone;
  const ErrorName* known = error_named(text);
  if (known == nullptr) throw NotSupported{"errno " + text, true};  // the call failed and so did nothing
  return known->error;
}

void read_socket(const WrittenCall& written, Call&) {
  const auto type = words_of(written.arguments[1], '|');
  if (type[0] != "SOCK_STREAM") throw NotSupported{"socket " + type[0]};
  const std::string& protocol = written.arguments[2];
  if (protocol == "IPPROTO_MPTCP") throw NotSupported{"Multipath TCP"};
  if (protocol != "IPPROTO_TCP" && protocol != "0") throw NotSupported{"socket " + protocol};
}

void read_address(const WrittenCall& written, Call& call) {
  if (written.name == "connect" && written.arguments[1] == kNoAddress) {
    call.address = kNoAddress;
    return;
  }
  call.port = port(written, 1);
  const std::string text = without_space(written.arguments[1]);
  for (const std::string_view before : {"inet_addr(\"", "inet_pton(AF_INET6,\""}) {
    const std::size_t start = text.find(before);
    if (start == std::string::npos) continue;
    const std::size_t from = start + before.size();
    call.address = text.substr(from, text.find('"', from) - from);
  }
}
// A call that fails because it is given no memory does nothing.
static void refuse_null(const WrittenCall& written, const Call& call) {
  if (written.arguments[1] == "NULL" && call.length > 0 && written.result == "-1") {
    throw NotSupported{written.name + " NULL", true};
  }
}

void read_nothing(const WrittenCall&, Call&) {}

// The port of the address that accept() returns, when the script writes one.
void read_peer(const WrittenCall& written, Call& call) {
  if (written.arguments[1].find("htons") != std::string::npos) call.port = port(written, 1);
}
void read_backlog(const WrittenCall& written, Call& call) {
  call.length = length(written, 1);
}
void read_length(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
  refuse_null(written, call);
}

void read_receive(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
  check_receive_flags(written, 3);
}

// sendto(..., MSG_FASTOPEN, address, ...) opens the connection too.
void read_send(const WrittenCall& written, Call& call) {
  call.length = length(written, 2);
  refuse_null(written, call);
  read_send_flags(written, 3, call);
  if (call.kind != CallKind::kSendTo) return;
  if (written.arguments.size() != 6) throw NotSupported{written.name + " MSG_FASTOPEN"};
  call.port = port(written, 4);
}

void read_vector(const WrittenCall& written, Call& call) {
  call.length = vector_length(1, written.arguments[1]);
}

void read_send_message(const WrittenCall& written, Call& call) {
  call.length = message_length(written);
  read_send_flags(written, 2, call);
  const std::uint32_t each = call.zero_copy ? element_length(message_vector(written), call.length) : 0;
  if (each > 0) call.implementation_specific = fmt::format("{}={}", kElementOctets, each);
  const bool named = written.arguments[1].find("htons") != std::string::npos;
  if (call.kind == CallKind::kSendTo && named) call.port = port(written, 1);
}

void read_receive_message(const WrittenCall& written, Call& call) {
  const auto flags = words_of(written.arguments[2], '|');
  const bool queue = std::find(flags.begin(), flags.end(), "MSG_ERRQUEUE") != flags.end();
  if (queue && read_error_queue(written, call)) return;
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

namespace {

// TCP_DEFER_ACCEPT makes a server drop what completes the handshake. The other options that TCP answers for change what
// is sent, not whether it may be.
bool shows_in_record(const std::string& option) {
  return option != "TCP_DEFER_ACCEPT" && option != "9";
}

// IPTOS_DSCP_CS1, IPTOS_DSCP_AF21: RFC 2474, RFC 2597.
std::optional<std::int64_t> code_point(std::string_view name) {
  constexpr std::string_view kSelector = "IPTOS_DSCP_CS", kAssured = "IPTOS_DSCP_AF";
  const auto digit = [&](std::size_t at) { return static_cast<std::int64_t>(name[at] - '0'); };
  const std::size_t digits = kSelector.size();
  if (name.starts_with(kSelector) && name.size() == digits + 1) return digit(digits) << 5;
  if (name.starts_with(kAssured) && name.size() == digits + 2) return (digit(digits) << 5) + (digit(digits + 1) << 3);
  return std::nullopt;
}

// setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, "\xa1\xa1...", 16): the octets stand in the name.
bool read_fast_open_key(const WrittenCall& written, Call& call) {
  constexpr std::size_t kKeyMax = 64;
  const auto octets = integer(written.arguments[4]);
  const bool key = written.name == "setsockopt" && written.arguments[2] == "TCP_FASTOPEN_KEY";
  if (!key || !octets || *octets < 0 || *octets > std::int64_t{kKeyMax}) return false;
  const std::string& text = written.arguments[3];
  std::string hex;
  for (std::size_t at = text.find("\\x"); at != std::string::npos; at = text.find("\\x", at + 2)) {
    hex += text.substr(at + 2, 2);
  }
  const auto wanted = static_cast<std::size_t>(*octets) * 2;
  if (hex.size() != wanted && !(hex.empty() && text == "\"\"")) return false;
  hex.resize(wanted, '0');
  call.option = SocketOption::kOther;
  call.implementation_specific = std::string(kFastOpenKeyIs) + hex;
  return true;
}

}  // namespace

void read_option(const WrittenCall& written, Call& call) {
  const std::string construct = fmt::format("{} {}", written.name, written.arguments[2]);
  const OptionName* known = option_named(written.arguments[1], written.arguments[2]);
  const bool asks = written.name == "getsockopt";  // what is asked has no effect on TCP
  const bool set = written.result == "0" || written.result == "-1";
  if (known == nullptr) throw NotSupported{construct, asks, asks, set};
  if (read_fast_open_key(written, call)) return;
  if (known->option == SocketOption::kOther) {
    const bool played = written.arguments[2] == "IP_MTU_DISCOVER";
    if (known->seen && !asks && !played)
      throw NotSupported{construct, false, false, shows_in_record(written.arguments[2])};
    call.implementation_specific = fmt::format("{}.{}", known->level, known->name);
  }
  call.option = known->option;
  if (call.option == SocketOption::kLinger) {
    call.value = linger_of(written);
    return;
  }
  std::string text = without_space(written.arguments[3]);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (asks && text == "...") return;  // with the result `...` too, nothing is asserted
  if (call.option == SocketOption::kError) {
    call.value = static_cast<std::int64_t>(error_of(text));
    return;
  }
  auto value = integer(text);
  if (!value) value = code_point(text);
  if (!value) value = named_bits(text);
  if (!value && known->option == SocketOption::kOther) throw NotSupported{construct, true};
  if (!value) throw WrongArgument(3, "a number in brackets");
  call.value = *value;
}

// [{fd=3, events=POLLIN, revents=POLLIN}], 1, timeout: `events` goes to value, `revents` to result.
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

// Our sockets never block, so flags set by fcntl make no difference.
void read_fcntl(const WrittenCall& written, Call&) {
  const std::string& command = written.arguments[1];
  throw NotSupported{"fcntl", command == "F_SETFL" || command == "F_GETFL"};
}

// Calls that only watch sockets or create something else; the peer sees none of it.
void read_beside(const WrittenCall& written, Call&) {
  throw NotSupported{written.name, true, false};
}

// splice(socket, NULL, pipe, NULL, N, 0): a read of Linux's, which ends before urgent data.
void read_splice(const WrittenCall& written, Call& call) {
  if (written.arguments[1] != "NULL" || written.arguments[3] != "NULL") throw NotSupported{written.name, true, true};
  call.length = length(written, 4);
  call.implementation_specific = kSplice;
}

}  // namespace tcpassay
