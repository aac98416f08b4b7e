// SPDX-License-Identifier: Apache-2.0
// The entry of the program: parses the command line and runs the verb that it names.
#pragma once

namespace CLI {
class App;
}

namespace tcpassay {

struct CliOptions;

void add_verbs(CLI::App& app, CliOptions& cli);  // with the options of each

// Runs the verb that the arguments name and returns the exit status: 0 the target conforms, 1 it does not, 2 the
// command could not do its work; then one line on stderr says why.
int run_command(int count, char** arguments);

}  // namespace tcpassay
