// SPDX-License-Identifier: Apache-2.0
// Writes a result of `check` as a folder of HTML pages, which needs no network and no server.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "harness/site/check_report.h"

namespace tcpassay {

// Called for each scenario whose page is written: how many are done, how many there are, the path of the last one.
using SiteProgress = std::function<void(std::size_t, std::size_t, const std::string&)>;

// Throws std::runtime_error, in one line, when the folder cannot be written. A scenario whose recording is missing, or
// cannot be read, gets no page.
void write_check_site(const std::string& folder, std::vector<SiteRun> runs, const SiteProgress& progress = {});

// The capture of a scenario among recordings: FOLDER/NAME.pcap, NAME_ipv6.pcap, also as pcapng; empty: there is none.
std::string recording_of(const std::string& folder, const std::string& scenario, int ip);

}  // namespace tcpassay
