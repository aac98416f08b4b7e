// SPDX-License-Identifier: Apache-2.0
// A finding as capture, log of the run and test case.
#include <fmt/format.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/base/write_file.h"
#include "harness/hunt/confirm.h"
#include "harness/hunt/hunted.h"
#include "harness/offline/annotate.h"
#include "harness/script/parse.h"
#include "harness/script/scenario.h"
#include "harness/session/run_log.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "harness/wire/capture_file.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

// A case for pytest that fails as long as the target shows the fault.
std::string python_case(const Hunted& found, const HuntTerms& terms, const std::string& script) {
  const std::string plant =
      terms.own_options.defect.empty() ? "" : fmt::format(", plant=\"{}\"", terms.own_options.defect);
  std::string name = found.folder.filename().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return fmt::format(
      "# SPDX-License-Identifier: Apache-2.0\n"
      "\"\"\"Found by a campaign: {} in {}.\"\"\"\n"
      "import tcpassay\n\n"
      "SCRIPT = r'''\n{}'''\n\n\n"
      "def test_{}():\n"
      "    result = tcpassay.run_script(SCRIPT, target=\"{}\"{})\n"
      "    assert not result.skipped, result.skipped\n"
      "    broken = [v for v in result.verdicts if v.kind != \"inconclusive\"]\n"
      "    assert not broken, result.ladder\n",
      found.kind.rule, found.kind.state.empty() ? "some state" : found.kind.state, script, name, terms.target, plant);
}

void write_capture(const fs::path& folder, const Scenario& scenario, const HuntTerms& terms) {
  const std::string path = (folder / "finding.pcapng").string();
  const auto target = make_target(terms.target, terms.own_options);
  CaptureFile capture(path);
  RunLog log(run_log_of(path));
  SessionOptions options = hunt_session(terms, *target);
  options.keep_trace = true;
  options.capture = &capture;
  options.observer = &log;
  Session session(*target, options);
  try {
    session.play(scenario);
  } catch (const TargetError&) {  // what was captured until then is kept
  }
  capture.close();
  log.close();
  annotate_capture(path, comments_of(session.trace(), session.oracle().verdicts()), path);
}

}  // namespace

void write_forms(const Hunted& found, const HuntTerms& terms) {
  const fs::path path = found.folder / "finding.pkt";
  std::ifstream in(path);
  const std::string script{std::istreambuf_iterator<char>(in), {}};
  write_file((found.folder / "test_finding.py").string(), python_case(found, terms, script));
  write_capture(found.folder, parse_script(script, path.string()), terms);
}

}  // namespace tcpassay
