// SPDX-License-Identifier: Apache-2.0
// Scripts in the packetdrill language: text to Scenario (print.h: Scenario to text).
//
// What packetdrill cannot express is written in comments that begin with `//!`, which packetdrill ignores:
//   before the first step                     //! title: one sentence
//                                             //! suite: textbook
//                                             //! covers: MUST_10 SA3_4_syn
//                                             //! needs: virtual-time state
//                                             //! settings: ecn=1 timestamps=0   (names: harness/target/settings.def)
//                                             //! record: complete   (the script has every packet the target sent)
//   at the end of an inbound packet's line    //! damage: checksum offset=3 truncate=12 reserved=8 options=0204ffff
//                                             //! damage: source=255.255.255.255 destination=224.0.0.1
//                                             //! damage: identification=7 ip-options=1e040000 ip[8]=01 tcp[4]=00 ...
//   at the end of an outbound packet's line   //! damage: reserved=8 options=fe040000 text@5=ff ... (packet_damage.h)
//   on a line of its own                      //! step: +0 < ...   (a step that packetdrill is not to play)
// `reserved` is the value of the four reserved bits; `options` are raw octets appended to the listed options.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/script/error.h"
#include "harness/script/scenario.h"

namespace tcpassay {

inline constexpr std::size_t kScriptOctetsMax = 16u << 20;

// Each of `defines` is "NAME", for which #ifdef is true, or "NAME=value": then NAME is also replaced by the value. A
// construct of the language that tcpassay does not play becomes a step of kind Unsupported. Anything that is not in the
// language is a ScriptError.
Scenario parse_script(std::string_view text, const std::string& file, const std::vector<std::string>& defines = {});

// The same for a file. A file that cannot be read is a ScriptError too.
Scenario read_script(const std::string& path, const std::vector<std::string>& defines = {});

}  // namespace tcpassay
