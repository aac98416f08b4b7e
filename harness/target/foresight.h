// SPDX-License-Identifier: Apache-2.0
// What a target is going to be asked. A target in another process answers many questions at one wake-up, if it knows
// them.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "harness/target/target.h"

namespace tcpassay {

// A request that is going to come.
struct Foreseen {
  struct Made {
    UserCall call;  // its text is in `text`
    int handle_of =
        -1;  // the handle is what this request (its place among those with answers) returns; -1: call.handle
    Bytes text{};
  };
  struct Watch {
    Tuple tuple;  // state() is asked for this conversation after each request from here on
  };
  enum class Repeat : std::uint8_t {
    kOnce,
    kUntilTime,    // advance(), until that time has come
    kWhileGiven,   // read(), while it returns octets
    kUnlessGiven,  // accept(): nothing is foreseen behind a call that returns a handle
  };
  std::variant<Bytes, Time, Made, Watch> what{};  // a packet, a deadline ...
  Repeat repeat = Repeat::kOnce;
};

// A target that gains by it. Whether what was foreseen then comes or not, each answer is the same as without.
class Foresighted {
 public:
  virtual ~Foresighted() = default;
  virtual bool foresees() const = 0;  // there is a use in it now
  virtual void foresee(std::span<const Foreseen> next) = 0;
};

}  // namespace tcpassay
