// SPDX-License-Identifier: Apache-2.0
// The own stack as a target. The oracle itself is tested on it, with planted defects and legal variants.
#pragma once

#include <optional>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/sockets.h"
#include "harness/targets/own/stack.h"

namespace tcpassay {

// Time is virtual: a run depends only on the seed and on the calls made to the target.
class OwnTarget final : public Target {
 public:
  OwnTarget();

  // Plants one defect, or removes it. Takes effect at once and outlives reset().
  void plant(std::optional<own::Defect> defect) { stack_.planted.plant(defect); }

  // Enables one more legal variant; without a value, disables all. Takes effect at once and outlives reset().
  void enable(std::optional<own::LegalVariant> legal_variant) {
    legal_variant ? stack_.variants.add(*legal_variant) : stack_.variants.clear();
  }

  const Identity& identity() const override { return identity_; }
  void use_ip(std::uint8_t version) override;
  void reset(std::uint64_t seed) override;
  bool configure(std::string_view name, std::int64_t value) override { return own::set(stack_.settings, name, value); }
  Time now() override { return Time(stack_.now()); }
  void inject(ByteView packet) override { stack_.inject(packet); }
  std::optional<Collected> collect() override;
  void advance(Time deadline) override { stack_.advance(deadline.count()); }
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value) override;

 private:
  own::Result perform(UserCall& call);
  own::Result get_option(UserCall& call);
  void fill_tuple(UserCall& call, int handle);

  Identity identity_;
  own::Address peer_;  // of the family in use
  own::Stack stack_;
  own::Sockets sockets_{stack_};
  std::vector<std::uint8_t> text_;  // of the last read
};

}  // namespace tcpassay
