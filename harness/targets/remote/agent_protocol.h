// SPDX-License-Identifier: Apache-2.0
// What tcpassay and tcpassay-agent say to each other over the control connection. Each message is its length in four
// octets, then a word of one octet, then fields; numbers are in network byte order, a text is its length in four octets
// and then its octets. The agent answers each request with one message, in their order. docs/remote.md has the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/target/target.h"

namespace tcpassay {

inline constexpr std::string_view kAgentGreeting = "tcpassay-agent";
inline constexpr std::uint32_t kAgentVersion = 1;
inline constexpr std::size_t kAgentMessageMax = 2 << 20;  // octets

enum class Ask : std::uint8_t {
  kHello = 1,  // greeting, version, target, peer, target6, peer6 (texts; empty: none) -> version, what it can do
  kReset,      // IP version, whether paths are to be forgotten -> nothing
  kBegin,      // number of settings, of each its name and value (texts) -> 1 as soon as nobody plays with others, 0
               // when one of them is refused
  kTune,       // in the middle of a scenario: name, value (texts) -> 1 or 0, 2 when others play
  kHasTuning,  // name -> 1 or 0
  kCall,       // a user call (put_call) -> its results
  kState,      // two ports -> 0, or 1 and the state
  kSpecific,   // handle, name, whether there is a value, value -> 0, or 1 and the value
};

enum class Answer : std::uint8_t {
  kDone = 0,
  kRefused,  // why (text)
};

// A message under construction: the octets to send.
class MessageWriter {
 public:
  explicit MessageWriter(std::uint8_t word);
  explicit MessageWriter(Ask word) : MessageWriter(static_cast<std::uint8_t>(word)) {}
  explicit MessageWriter(Answer word) : MessageWriter(static_cast<std::uint8_t>(word)) {}

  MessageWriter& number(std::int64_t value);  // eight octets
  MessageWriter& text(std::string_view value);
  MessageWriter& octets(ByteView value);

  ByteView finish();

 private:
  Bytes bytes_;
};

// The fields of one message, behind its length. What is asked for beyond its end is zero or empty, and makes it bad.
class MessageReader {
 public:
  explicit MessageReader(ByteView message) : left_(message) {}

  std::uint8_t word();
  std::int64_t number();
  std::string text();
  ByteView octets();

  bool good() const { return good_; }

 private:
  ByteView left_;
  bool good_ = true;
};

// The length field at the front of a stream; empty when it is not whole yet.
std::optional<std::size_t> message_length(ByteView stream);
inline constexpr std::size_t kLengthField = 4;

void put_call(MessageWriter& to, const UserCall& call);     // what is asked
UserCall take_call(MessageReader& from);                    // its text is a view of the message
void put_results(MessageWriter& to, const UserCall& call);  // result, error, value, tuple; of a read the text
void take_results(MessageReader& from, UserCall& call);     // the text is a view of the message

}  // namespace tcpassay
