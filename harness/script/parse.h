// SPDX-License-Identifier: Apache-2.0
// Scripts in the packetdrill language: text to Scenario and back.
//
// What packetdrill cannot say stands in comments that begin with `//!`, which packetdrill passes over:
//   before the first step                     //! title: one sentence
//                                             //! suite: textbook
//                                             //! covers: MUST_10 SA3_4_syn
//                                             //! needs: virtual-time state
//                                             //! settings: ecn=1 timestamps=0   (names: harness/target/settings.def)
//                                             //! record: complete   (the target has sent what is written, no more)
//   at the end of an inbound packet's line    //! damage: checksum offset=3 truncate=12 reserved=8 options=0204ffff
//                                             //! damage: source=255.255.255.255 destination=224.0.0.1
//                                             //! damage: identification=7 ip-options=1e040000
//   at the end of an outbound packet's line   //! damage: reserved=8 options=fe040000
//   on a line of its own                      //! step: +0 < ...   (a step that packetdrill is not to play)
// `reserved` is the number in the four reserved bits; `options` are raw octets after the options that are listed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/script/error.h"
#include "harness/script/scenario.h"
#include "harness/wire/packet.h"

namespace tcpassay {

inline constexpr std::size_t kScriptOctetsMax = 16u << 20;
inline constexpr std::size_t kOptionOctetsMax = 40;  // RFC 9293 section 3.1: the data offset has four bits

// `defines` are "NAME", for which #ifdef holds, or "NAME=value", which stands for the value, too. A construct
// that the language has and tcpassay does not play becomes a step of kind Unsupported; text outside the language is a
// ScriptError.
Scenario parse_script(std::string_view text, const std::string& file, const std::vector<std::string>& defines = {});

// The same for a file. One that cannot be opened is a ScriptError too.
Scenario read_script(const std::string& path, const std::vector<std::string>& defines = {});

// parse_script(print_script(s)) == s for every s that parse_script has made.
std::string print_script(const Scenario& scenario);

// One step on one line, for messages and ladder diagrams. Code and commands of several lines show their first.
std::string to_text(const Step& step);

// The option area that a list describes, not padded. Throws std::runtime_error when it is longer than kOptionOctetsMax
// or when a specification cannot be written.
Bytes option_octets(const std::vector<OptionSpec>& options);

// The inverse, for any octets: what is unknown or malformed becomes kRaw.
std::vector<OptionSpec> parse_options(ByteView octets);

}  // namespace tcpassay
