// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/agent_protocol.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

void append(Bytes& to, std::uint64_t value, std::size_t octets) {
  for (std::size_t i = octets; i-- > 0;) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t number_in(ByteView octets) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

}  // namespace

MessageWriter::MessageWriter(std::uint8_t word) : bytes_(kLengthField) {
  bytes_.push_back(word);
}

MessageWriter& MessageWriter::number(std::int64_t value) {
  append(bytes_, static_cast<std::uint64_t>(value), sizeof value);
  return *this;
}

MessageWriter& MessageWriter::text(std::string_view value) {
  append(bytes_, value.size(), kLengthField);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

MessageWriter& MessageWriter::octets(ByteView value) {
  append(bytes_, value.size(), kLengthField);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

ByteView MessageWriter::finish() {
  const std::size_t length = bytes_.size() - kLengthField;
  for (std::size_t i = 0; i < kLengthField; ++i) {
    bytes_[i] = static_cast<std::uint8_t>(length >> (8 * (kLengthField - 1 - i)));
  }
  return bytes_;
}

std::uint8_t MessageReader::word() {
  if (left_.empty()) return good_ = false, std::uint8_t{0};
  const std::uint8_t word = left_.front();
  left_ = left_.subspan(1);
  return word;
}

std::int64_t MessageReader::number() {
  constexpr std::size_t kNumber = 8;
  if (left_.size() < kNumber) return good_ = false, 0;
  const std::uint64_t value = number_in(left_.first(kNumber));
  left_ = left_.subspan(kNumber);
  return static_cast<std::int64_t>(value);
}

ByteView MessageReader::octets() {
  const auto length = message_length(left_);
  if (!length || *length > left_.size() - kLengthField) return good_ = false, ByteView{};
  const ByteView octets = left_.subspan(kLengthField, *length);
  left_ = left_.subspan(kLengthField + *length);
  return octets;
}

std::string MessageReader::text() {
  const ByteView view = octets();
  return std::string(view.begin(), view.end());
}

std::optional<std::size_t> message_length(ByteView stream) {
  if (stream.size() < kLengthField) return std::nullopt;
  return number_in(stream.first(kLengthField));
}

void put_call(MessageWriter& to, const UserCall& call) {
  const int flags = call.urgent | call.more << 1 | call.record_end << 2 | call.zero_copy << 3;
  to.number(static_cast<int>(call.kind)).number(call.handle).number(call.port).number(call.length).number(call.how);
  to.number(flags).number(static_cast<int>(call.host)).number(static_cast<int>(call.option)).number(call.value);
  const bool sends = call.kind == CallKind::kWrite || call.kind == CallKind::kSendTo;
  to.octets(sends ? call.text : ByteView{});
}

UserCall take_call(MessageReader& from) {
  UserCall call;
  call.kind = static_cast<CallKind>(from.number());
  call.handle = static_cast<int>(from.number());
  call.port = static_cast<std::uint16_t>(from.number());
  call.length = static_cast<std::uint32_t>(from.number());
  call.how = static_cast<int>(from.number());
  const std::int64_t flags = from.number();
  call.urgent = flags & 1;
  call.more = flags & 2;
  call.record_end = flags & 4;
  call.zero_copy = flags & 8;
  call.host = static_cast<Host>(from.number());
  call.option = static_cast<SocketOption>(from.number());
  call.value = from.number();
  call.text = from.octets();
  return call;
}

void put_results(MessageWriter& to, const UserCall& call) {
  to.number(call.result).number(static_cast<int>(call.error)).number(call.value);
  to.number(call.tuple.local).number(call.tuple.remote);
  to.octets(call.kind == CallKind::kRead ? call.text : ByteView{});
}

void take_results(MessageReader& from, UserCall& call) {
  call.result = from.number();
  call.error = static_cast<UserError>(from.number());
  call.value = from.number();
  call.tuple.local = static_cast<std::uint16_t>(from.number());
  call.tuple.remote = static_cast<std::uint16_t>(from.number());
  const ByteView text = from.octets();
  if (call.kind == CallKind::kRead) call.text = text;
}

}  // namespace tcpassay
