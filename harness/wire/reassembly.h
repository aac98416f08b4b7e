// SPDX-License-Identifier: Apache-2.0
// Puts the fragments of an IP packet together (RFC 791 section 3.2, RFC 8200 section 4.5), as far as they come in order
// and one packet at a time: so a target on the next link sends them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/wire/packet.h"

namespace tcpassay {

class Reassembly {
 public:
  enum class Taken : std::uint8_t {
    kNoFragment,  // a packet of its own, or nonsense
    kPart,        // others must follow
    kComplete,    // whole() is the packet now
    kStray,       // does not continue what came before; forgotten, like that
  };

  Taken take(ByteView packet);
  ByteView whole() const { return whole_; }  // until the next take()
  void forget();
  bool unfinished() const { return !header_.empty(); }

 private:
  struct Piece {
    Bytes header{};  // as the whole packet's, but for its length
    ByteView octets{};
    std::uint32_t identification = 0;
    std::size_t offset = 0;
    bool more = false;
  };
  static bool read_ipv4(ByteView packet, Piece& piece);
  static bool read_ipv6(ByteView packet, Piece& piece);
  void complete();

  Bytes whole_{}, header_{};  // `header_` and `identification_` of the fragments so far
  std::uint32_t identification_ = 0;
};

}  // namespace tcpassay
