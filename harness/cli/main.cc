// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/commands.h"

int main(int argc, char** argv) {
  return tcpassay::run_command(argc, argv);
}
