// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/registry.h"

#include <fmt/format.h>

#include <vector>

#include "harness/base/text.h"
#include "harness/targets/linux/linux.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

std::optional<std::string> nothing_missing() {
  return std::nullopt;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near);
}

own::LegalVariant legal_variant_of(const std::string& id) {
  if (const auto legal_variant = own::legal_variant_named(id)) return *legal_variant;
  std::vector<std::string_view> known;
  for (const auto& entry : own::all_legal_variants()) known.push_back(entry.id);
  throw TargetError(fmt::format("unknown legal variant '{}'{} ('tcpassay targets --temperaments' lists them)", id,
                                did_you_mean(id, known)));
}

own::Defect defect_of(const std::string& id) {
  if (const auto defect = own::defect_named(id)) return *defect;
  std::vector<std::string_view> known;
  for (const auto& entry : own::all_defects()) known.push_back(entry.id);
  throw TargetError(
      fmt::format("unknown defect '{}'{} ('tcpassay targets --defects' lists them)", id, did_you_mean(id, known)));
}

std::unique_ptr<Target> make_own(const OwnStackOptions& own_options) {
  auto target = std::make_unique<OwnTarget>();
  for (const auto& id : own_options.legal_variants) target->enable(legal_variant_of(id));
  if (!own_options.defect.empty()) target->plant(defect_of(own_options.defect));
  return target;
}

// A target that is not ours to change: it has no defects to plant and no variants to enable.
template <std::unique_ptr<Target> (*make)()>
std::unique_ptr<Target> make_real(const OwnStackOptions& own_options) {
  if (!own_options.defect.empty()) throw TargetError("defects can be planted in 'own' only");
  if (!own_options.legal_variants.empty()) throw TargetError("only 'own' has legal variants");
  return make();
}

constexpr TargetEntry kTargets[] = {
    {"own", "the project's own user-space TCP stack, in process, in virtual time", nothing_missing, make_own},
    {"linux", "the host kernel through a TUN device in a private network namespace", linux_missing,
     make_real<make_linux>},
    {"linux-raw", "the host kernel over a veth pair, by raw socket and libpcap", linux_raw_missing,
     make_real<make_linux_raw>},
};

}  // namespace

std::span<const TargetEntry> target_table() {
  return kTargets;
}

std::unique_ptr<Target> make_target(const std::string& name, const std::string& defect) {
  return make_target(name, OwnStackOptions{.defect = defect});
}

std::unique_ptr<Target> make_target(const std::string& name, const OwnStackOptions& own_options) {
  constexpr std::string_view kPlanted = "own:";
  if (name.starts_with(kPlanted) && own_options.defect.empty()) {
    return make_target("own", {.defect = name.substr(kPlanted.size()), .legal_variants = own_options.legal_variants});
  }
  std::string known;
  for (const auto& entry : kTargets) {
    if (entry.name == name) return entry.make(own_options);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  throw TargetError(fmt::format("unknown target '{}'; known are {}", name, known));
}

}  // namespace tcpassay
