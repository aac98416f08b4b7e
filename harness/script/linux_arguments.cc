// SPDX-License-Identifier: Apache-2.0
// The arguments of calls that only Linux has, or with Linux's own numbers.
#include <algorithm>
#include <span>

#include "harness/script/call_arguments.h"
#include "harness/script/reader.h"

namespace tcpassay {
namespace {

// A number of Linux's error queue by its name.
std::optional<std::int64_t> queue_number(const std::string& text) {
  struct Name {
    const char* name;
    int number;
  };
  constexpr Name kNames[] = {
      {"SO_EE_CODE_ZEROCOPY_COPIED", 1}, {"SCM_TSTAMP_SND", 0}, {"SCM_TSTAMP_SCHED", 1}, {"SCM_TSTAMP_ACK", 2}};
  const auto* known =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& each) { return text == each.name; });
  return known != std::end(kNames) ? std::optional<std::int64_t>(known->number) : integer(text);
}

// {events=EPOLLOUT|EPOLLET, fd=4}
std::int64_t epoll_events(const WrittenCall& written, std::size_t argument, Call& call) {
  struct Bit {
    const char* name;
    std::uint32_t bit;
  };
  constexpr Bit kBits[] = {{"EPOLLIN", 1},
                           {"EPOLLPRI", 2},
                           {"EPOLLOUT", 4},
                           {"EPOLLERR", 8},
                           {"EPOLLHUP", 16},
                           {"EPOLLRDNORM", 64},
                           {"EPOLLWRNORM", 256},
                           {"EPOLLRDHUP", 0x2000},
                           {"EPOLLET", 1u << 31},
                           {"EPOLLONESHOT", 1u << 30},
                           {"EPOLLEXCLUSIVE", 1u << 28}};
  const std::string text = without_space(written.arguments[argument]);
  std::int64_t bits = 0;
  for (const std::string& field : words_of(text.substr(1, text.size() - std::min<std::size_t>(text.size(), 2)), ',')) {
    if (field.starts_with("fd=")) call.handle = static_cast<int>(integer(field.substr(3)).value_or(-1));
    if (!field.starts_with("events=")) continue;
    for (const std::string& word : words_of(field.substr(7), '|')) {
      const auto* known =
          std::find_if(std::begin(kBits), std::end(kBits), [&](const Bit& b) { return word == b.name; });
      if (known == std::end(kBits) && word != "0") throw NotSupported{written.name + " " + word, true, true};
      if (known != std::end(kBits)) bits |= known->bit;
    }
  }
  return bits;
}

}  // namespace

// recvmsg(..., MSG_ERRQUEUE) asks what the system has noted of earlier calls. Of the answer ee_code, ee_info and
// ee_data are compared; false when the script writes them in a way that is not understood.
bool read_error_queue(const WrittenCall& written, Call& call) {
  const std::string text = without_space(written.arguments[1]);
  std::int64_t value = 0;
  for (const std::string_view field : {"ee_code=", "ee_info=", "ee_data="}) {
    const std::size_t at = text.find(field);
    if (at == std::string::npos && call.result == -1) break;  // there is none
    if (at == std::string::npos) return false;
    const std::size_t from = at + field.size();
    const auto number = queue_number(text.substr(from, text.find_first_of(",}", from) - from));
    if (!number || *number < 0 || *number > 0xffffff) return false;
    value = value << 24 | *number;
  }
  call.kind = CallKind::kGetOption;
  call.option = SocketOption::kOther;
  call.implementation_specific = "MSG_ERRQUEUE";
  call.value = value;
  return true;
}

// IP_PMTUDISC_DONT, SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_OPT_ID: Linux's numbers.
std::optional<std::int64_t> named_bits(const std::string& text) {
  constexpr const char* kDiscover[] = {"DONT", "WANT", "DO", "PROBE", "INTERFACE", "OMIT"};
  constexpr const char* kStamping[] = {"TX_HARDWARE",  "TX_SOFTWARE",  "RX_HARDWARE", "RX_SOFTWARE", "SOFTWARE",
                                       "SYS_HARDWARE", "RAW_HARDWARE", "OPT_ID",      "TX_SCHED",    "TX_ACK",
                                       "OPT_CMSG",     "OPT_TSONLY",   "OPT_STATS",   "OPT_PKTINFO", "OPT_TX_SWHW"};
  constexpr std::string_view kDiscoverBefore = "IP_PMTUDISC_", kStampingBefore = "SOF_TIMESTAMPING_";
  const auto place = [](std::string_view name, std::span<const char* const> names) -> std::optional<std::int64_t> {
    const auto known = std::find(names.begin(), names.end(), name);
    return known == names.end() ? std::nullopt : std::optional<std::int64_t>(known - names.begin());
  };
  if (text.starts_with(kDiscoverBefore)) return place(text.substr(kDiscoverBefore.size()), kDiscover);
  std::int64_t bits = 0;
  for (const std::string& word : words_of(text, '|')) {
    if (!word.starts_with(kStampingBefore)) return std::nullopt;
    const auto bit = place(word.substr(kStampingBefore.size()), kStamping);
    if (!bit) return std::nullopt;
    bits |= std::int64_t{1} << *bit;
  }
  return bits;
}

// The sockets that one epoll instance watches; what the user is told of them concerns no rule.
void read_epoll_control(const WrittenCall& written, Call& call) {
  call.option = SocketOption::kOther;
  call.value = epoll_events(written, 3, call);
  call.implementation_specific = written.arguments[1];
  call.handle = static_cast<int>(integer(written.arguments[2]).value_or(-1));
  const bool known = written.arguments[1] == "EPOLL_CTL_ADD" || written.arguments[1] == "EPOLL_CTL_MOD";
  if (!known) throw NotSupported{written.name + " " + written.arguments[1], true, true};
}

void read_epoll_wait(const WrittenCall& written, Call& call) {
  if (written.arguments[2] != "1") throw NotSupported{"epoll_wait for several sockets", true, true};
  call.option = SocketOption::kOther;
  call.implementation_specific = "EPOLL_WAIT";
  call.value = epoll_events(written, 1, call);
  if (call.result == 1) call.result = 0;  // one socket: `value` says what is told
}

}  // namespace tcpassay
