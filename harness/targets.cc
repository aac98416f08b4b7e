// SPDX-License-Identifier: Apache-2.0
#include "harness/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "harness/targets/linux/linux.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/own_target.h"
#include "harness/targets/own/temperaments.h"

namespace tcpassay {
namespace {

std::optional<std::string> nothing_missing() { return std::nullopt; }

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; did you mean {}?", near);
}

own::Temperament temperament_of(const std::string& id) {
  if (const auto temperament = own::temperament_named(id)) return *temperament;
  std::vector<std::string_view> known;
  for (const auto& entry : own::all_temperaments()) known.push_back(entry.id);
  throw TargetError(fmt::format("unknown temperament '{}'{} ('tcpassay targets --temperaments' lists them)", id,
                                did_you_mean(id, known)));
}

std::unique_ptr<Target> make_own(const Manner& manner) {
  auto target = std::make_unique<OwnTarget>();
  for (const auto& id : manner.temperaments) target->temper(temperament_of(id));
  const std::string& defect = manner.defect;
  if (defect.empty()) return target;
  const auto planted = own::defect_named(defect);
  if (!planted) {
    std::vector<std::string_view> known;
    for (const auto& entry : own::all_defects()) known.push_back(entry.id);
    throw TargetError(fmt::format("unknown defect '{}'{} ('tcpassay targets --defects' lists them)", defect,
                                  did_you_mean(defect, known)));
  }
  target->plant(*planted);
  return target;
}

// The kernel is as it is.
template <std::unique_ptr<Target> (*make)()>
std::unique_ptr<Target> make_real(const Manner& manner) {
  if (!manner.defect.empty()) throw TargetError("defects can be planted in 'own' only");
  if (!manner.temperaments.empty()) throw TargetError("temperaments are those of 'own' only");
  return make();
}

constexpr TargetEntry kTargets[] = {
    {"own", "the project's own user-space TCP stack, in process, in virtual time", nothing_missing, make_own},
    {"linux", "the host kernel through a TUN device in a private network namespace", linux_missing,
     make_real<make_linux>},
    {"linux-raw", "the host kernel over a veth pair, by raw socket and libpcap", linux_raw_missing,
     make_real<make_linux_raw>},
};

// Edits of one character that turn a into b.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto same = [](char x, char y) { return std::tolower(x) == std::tolower(y); };
      const std::size_t replaced = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const TargetEntry> target_table() { return kTargets; }

std::unique_ptr<Target> make_target(const std::string& name, const std::string& defect) {
  return make_target(name, Manner{.defect = defect});
}

std::unique_ptr<Target> make_target(const std::string& name, const Manner& manner) {
  constexpr std::string_view kPlanted = "own:";
  if (name.starts_with(kPlanted) && manner.defect.empty()) {
    return make_target("own", {.defect = name.substr(kPlanted.size()), .temperaments = manner.temperaments});
  }
  std::string known;
  for (const auto& entry : kTargets) {
    if (entry.name == name) return entry.make(manner);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  throw TargetError(fmt::format("unknown target '{}'; known are {}", name, known));
}

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace tcpassay
