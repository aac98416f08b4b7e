// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/cause_line.h"

#include <nlohmann/json.hpp>

#include "harness/report/verdict_json.h"

namespace tcpassay {

nlohmann::ordered_json cause_to_line(const Cause& cause) {
  return {{"verdict", to_json(cause.verdict)},
          {"state", static_cast<int>(cause.state)},
          {"stimuli", cause.stimuli},
          {"first", cause.first},
          {"ip", cause.ip},
          {"road", cause.road},
          {"stimulus", cause.stimulus},
          {"script", cause.script},
          {"beside", cause.beside}};
}

Cause cause_from_line(const nlohmann::ordered_json& json) {
  return {.verdict = verdict_from_json(json["verdict"]),
          .state = static_cast<State>(json["state"].get<int>()),
          .stimuli = json["stimuli"],
          .first = json["first"],
          .ip = json["ip"],
          .road = json["road"],
          .stimulus = json["stimulus"],
          .script = json["script"],
          .beside = json["beside"]};
}

}  // namespace tcpassay
