// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "harness/base/text.h"
#include "harness/targets/linux/linux.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/own/own_target.h"
#include "harness/targets/plugin/child_target.h"
#include "harness/targets/plugin/plugin_folder.h"
#include "harness/targets/plugin/plugin_target.h"
#include "harness/targets/remote/remote_target.h"

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

// Only the child loads the library: some runtimes do not survive a fork().
std::unique_ptr<Target> make_plugin(const std::string& place, bool here) {
  if (here) return std::make_unique<PluginTarget>(place);
  return std::make_unique<ChildTarget>([place] {
    auto target = std::make_unique<PluginTarget>(place);
    const std::uint32_t abilities = target->table().abilities;
    const bool exact = (abilities & TCPASSAY_EXACT_RESET) != 0, forkable = (abilities & TCPASSAY_FORKABLE) != 0;
    const Renewal renewal = exact ? Renewal::kReset : forkable ? Renewal::kFork : Renewal::kAfresh;
    return ChildTargetMade{.target = std::move(target), .renewal = renewal};
  });
}

// An adapter that is known by its name.
std::unique_ptr<Target> make_plugin(const KnownPlugin& plugin, const std::string& extra, bool here) {
  if (!plugin.missing.empty()) throw TargetError(fmt::format("{} is not here: {}", plugin.name, plugin.missing));
  return make_plugin(plugin.file.string() + (extra.empty() ? "" : "?" + extra), here);
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

bool is_built_in(const std::string& name) {
  const std::string word = short_name(name);
  const bool adapter = name.starts_with(kPlugin) || name.starts_with(kInProcess);
  if (is_remote(name)) return true;
  return !adapter && std::any_of(std::begin(kTargets), std::end(kTargets),
                                 [&](const TargetEntry& entry) { return entry.name == word; });
}

std::string in_process(const std::string& name) {
  return is_built_in(name) || name.starts_with(kInProcess) ? name : std::string(kInProcess) + name;
}

std::string short_name(const std::string& name) {
  if (is_remote(name)) return remote_stack(name);
  const std::string bare = name.starts_with(kInProcess) ? name.substr(kInProcess.size()) : name;
  if (bare.starts_with(kPlugin))
    return std::filesystem::path(plugin_place(bare.substr(kPlugin.size())).file).stem().string();
  return bare.substr(0, bare.find_first_of(":?"));
}

std::unique_ptr<Target> make_target(const std::string& name, const std::string& defect) {
  return make_target(name, OwnStackOptions{.defect = defect});
}

std::unique_ptr<Target> make_target(const std::string& name, const OwnStackOptions& own_options) {
  constexpr std::string_view kPlanted = "own:";
  if (name.starts_with(kPlanted) && own_options.defect.empty()) {
    return make_target("own", {.defect = name.substr(kPlanted.size()), .legal_variants = own_options.legal_variants});
  }
  const bool here = name.starts_with(kInProcess);
  const std::string bare = here ? name.substr(kInProcess.size()) : name;
  std::string known;
  for (const auto& entry : kTargets) {
    if (entry.name == bare) return entry.make(own_options);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  if (!own_options.defect.empty()) throw TargetError("defects can be planted in 'own' only");
  if (!own_options.legal_variants.empty()) throw TargetError("only 'own' has legal variants");
  if (is_remote(bare)) return make_remote(bare);
  if (name.find(',') != std::string::npos) {
    throw TargetError(
        fmt::format("'{}' is not one target; check, run and sweep take several, with commas between", name));
  }
  if (bare.starts_with(kPlugin)) return make_plugin(bare.substr(kPlugin.size()), here);
  const PluginPlace place = plugin_place(bare);
  for (const KnownPlugin& each : known_plugins()) {
    if (each.name == place.file) return make_plugin(each, place.extra, here);
    known += ", " + each.name;
  }
  throw TargetError(fmt::format(
      "unknown target '{}'; known are {}, plugin:FILE.so, remote:ADDR, tap:NAME and unix:PATH", name, known));
}

}  // namespace tcpassay
