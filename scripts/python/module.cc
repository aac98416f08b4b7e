// SPDX-License-Identifier: Apache-2.0
// _tcpassay: thin Python bindings of the harness. The package around them, tcpassay/__init__.py, is what users import;
// tcpassay/_tcpassay.pyi has the signatures.
#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/base/version.h"
#include "harness/check/check.h"
#include "harness/check/deviations.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/session/session.h"
#include "harness/target/settings.h"
#include "harness/targets/registry.h"
#include "scripts/python/run.h"
#include "scripts/python/values.h"

namespace tcpassay {
namespace {

std::vector<std::string> ability_names() {
  std::vector<std::string> names;
  for (int i = 0; i < kAbilities; ++i) names.emplace_back(to_string(static_cast<Ability>(i)));
  return names;
}

// setting -> (least value, greatest value, what it means)
py::dict settings() {
  py::dict out;
  for (const SettingInfo& one : setting_table()) {
    out[py::str(std::string(one.name))] = py::make_tuple(one.least, one.most, std::string(one.what));
  }
  return out;
}

// (name, what is missing or None)
py::list all_targets() {
  py::list out;
  for (const TargetEntry& entry : target_table()) out.append(py::make_tuple(std::string(entry.name), entry.missing()));
  return out;
}

// (rule, reason, version, IP version or 0) of each known deviation that one run can show.
py::list deviations(const std::string& folder, const std::string& target) {
  py::list out;
  for (const Deviation& one : read_deviations(folder, short_name(target))) {
    out.append(py::make_tuple(std::string(info(one.rule).id), one.reason, one.version, one.ip));
  }
  return out;
}

py::list all_rules() {
  py::list out;
  for (const RuleInfo& rule : rules()) {
    py::dict one;
    one["id"] = rule.id;
    one["level"] = to_string(rule.level);
    one["rfc"] = rule.rfc;
    one["section"] = rule.section;
    one["requirement"] = rule.row;
    one["sentence"] = rule.sentence;
    out.append(one);
  }
  return out;
}

}  // namespace
}  // namespace tcpassay

PYBIND11_MODULE(_tcpassay, module) {
  using namespace tcpassay;
  module.doc() = "The harness of tcpassay; see the package tcpassay.";
  py::register_exception<TargetError>(module, "TargetError");
  py::register_exception<ScriptError>(module, "ScriptError");

  module.attr("FINAL_WAIT") = seconds(kDelayedAckWait);
  module.attr("VERSION") = kVersion;
  module.attr("ABILITIES") = ability_names();
  module.attr("SOCKET_OPTIONS") = names_of(kOptions);
  module.def("settings", &settings);
  module.def("targets", &all_targets);
  module.def("rules", &all_rules);
  module.def("deviations", &deviations);

  py::class_<Scenario>(module, "Scenario")
      .def_static("parse", [](const std::string& text, const std::string& name) { return parse_script(text, name); })
      .def_static("read", [](const std::string& path) { return read_script(path); })
      .def("__str__", &print_script);

  py::class_<Run>(module, "Run")
      .def(py::init<const std::string&, const std::optional<std::string>&, bool, double, int>())
      .def("start", &Run::start)
      .def("identity", &Run::identity)
      .def("configure", &Run::configure)
      .def("inject_line", &Run::inject_line)
      .def("inject_bytes", &Run::inject_bytes)
      .def("call", &Run::call)
      .def("advance", &Run::advance)
      .def("wait", &Run::wait)
      .def("take_segments", &Run::take_segments)
      .def("peer", &Run::peer)
      .def("now", &Run::now)
      .def("states", &Run::states)
      .def("reported_state", &Run::reported_state)
      .def("finish", &Run::finish)
      .def("play", &Run::play)
      .def("unsupported", &Run::unsupported)
      .def("verdicts", &Run::verdicts)
      .def("judged", &Run::judged)
      .def("mismatches", &Run::mismatches)
      .def("write_capture", &Run::write_capture)
      .def("ladder", &Run::ladder);
}
