// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line.
#pragma once

namespace tcpassay {

// Runs the command that the arguments name and returns the exit status: 0 conforms, 1 does not, 2 could not be done.
// What went wrong is one line on stderr.
int run_command(int count, char** arguments);

}  // namespace tcpassay
