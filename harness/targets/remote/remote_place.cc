// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/remote_place.h"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::string_view kInterface = "remote:", kTap = "tap:", kUnix = "unix:";
constexpr const char* kKeys = "from, from6, target, target6, interface, gateway, agent, port, local, settle, as";

std::set<std::string>& permitted() {
  static std::set<std::string> addresses;
  return addresses;
}

Address address_in(const std::string& key, const std::string& text, std::uint8_t family) {
  const auto address = Address::parse(text);
  if (!address || address->family != family) {
    throw TargetError(key + "=" + text + ": expected an address of IPv" + std::to_string(family));
  }
  return *address;
}

unsigned number_in(const std::string& key, const std::string& text, unsigned most) {
  unsigned number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number > most) {
    throw TargetError(key + "=" + text + ": expected a number, at most " + std::to_string(most));
  }
  return number;
}

void set_address(RemotePlace& place, const std::string& text) {
  const auto address = Address::parse(text);
  if (!address) throw TargetError("remote:" + text + ": expected an address (IPv4 or IPv6) after remote:");
  (address->family == 6 ? place.target6 : place.target) = *address;
}

void take_option(RemotePlace& place, const std::string& key, const std::string& value) {
  if (key == "from") {
    place.from = address_in(key, value, 4);
  } else if (key == "from6") {
    place.from6 = address_in(key, value, 6);
  } else if (key == "target") {
    place.target = address_in(key, value, 4);
  } else if (key == "target6") {
    place.target6 = address_in(key, value, 6);
  } else if (key == "gateway") {
    place.gateway = address_in(key, value, 4);
  } else if (key == "interface" && place.kind == RemotePlace::Kind::kInterface) {
    place.wire = value;
  } else if (key == "local" && place.kind == RemotePlace::Kind::kUnix) {
    place.own_path = value;
  } else if (key == "agent") {
    place.agent = value;
  } else if (key == "as") {
    place.stack = value;
  } else if (key == "settle") {
    place.settle = std::chrono::milliseconds(number_in(key, value, 10000));
  } else if (key == "port") {
    place.port = static_cast<std::uint16_t>(number_in(key, value, 65535));
  } else {
    throw TargetError("unknown option '" + key + "' of a wire; known are " + kKeys);
  }
}

// Calls visit(key, value) for each of key=value&key=value.
template <class Visit>
void for_each_option(const std::string& name, Visit visit) {
  std::size_t at = name.find('?');
  while (at != std::string::npos) {
    const std::size_t end = name.find('&', at + 1);
    const std::string option = name.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    const std::size_t equals = option.find('=');
    visit(option.substr(0, equals), equals == std::string::npos ? "" : option.substr(equals + 1));
    at = end;
  }
}

}  // namespace

bool is_remote(const std::string& name) {
  return name.starts_with(kInterface) || name.starts_with(kTap) || name.starts_with(kUnix);
}

std::string remote_stack(const std::string& name) {
  std::string stack = RemotePlace{}.stack;
  for_each_option(name, [&](const std::string& key, const std::string& value) {
    if (key == "as" && !value.empty()) stack = value;
  });
  return stack;
}

RemotePlace remote_place(const std::string& name) {
  RemotePlace place;
  const std::string where = name.substr(name.find(':') + 1, name.find('?') - name.find(':') - 1);
  if (name.starts_with(kInterface)) {
    set_address(place, where);
  } else {
    place.kind = name.starts_with(kTap) ? RemotePlace::Kind::kTap : RemotePlace::Kind::kUnix;
    place.wire = where;
    place.target = {.octets = {10, 77, 0, 1}};
    place.from = {.octets = {10, 77, 0, 2}};
  }
  if (where.empty()) throw TargetError(name + ": expected remote:ADDR, tap:NAME or unix:PATH");
  for_each_option(name, [&](const std::string& key, const std::string& value) { take_option(place, key, value); });
  const bool ipv6 = place.target6 != Address{} && place.from6 != Address{};
  if ((place.target6 != Address{}) != (place.from6 != Address{})) {
    throw TargetError("IPv6 needs both an address of the target and a spare one: target6=ADDR&from6=SPARE");
  }
  if (!ipv6) return place;
  if (place.target == Address{}) place.from = Address{};
  return place;
}

void permit_testing(const std::string& address) {
  const auto parsed = Address::parse(address);
  if (!parsed) throw TargetError("--i-may-test " + address + ": expected an address");
  permitted().insert(parsed->text());
}

bool may_test(const Address& address) {
  return permitted().contains(address.text());
}

}  // namespace tcpassay
