// SPDX-License-Identifier: Apache-2.0
#include "harness/script/python_constants.h"

#include <algorithm>
#include <iterator>

namespace tcpassay {
namespace {

// BSD's names of the states (TCPI_...) have the numbers of the same states of Linux (TCP_...).
constexpr PythonConstant kConstants[] = {
    {"True", 1},
    {"False", 0},
    {"None", 0},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCPI_ESTABLISHED", 1},
    {"TCPI_SYN_SENT", 2},
    {"TCPI_SYN_RECEIVED", 3},
    {"TCPI_FIN_WAIT_1", 4},
    {"TCPI_FIN_WAIT_2", 5},
    {"TCPI_TIME_WAIT", 6},
    {"TCPI_CLOSED", 7},
    {"TCPI_CLOSE_WAIT", 8},
    {"TCPI_LAST_ACK", 9},
    {"TCPI_LISTEN", 10},
    {"TCPI_CLOSING", 11},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32},
    {"TCPI_OPT_USEC_TS", 64},
    {"TCPI_OPT_TFO_CHILD", 128},
    {"TCP_INFINITE_SSTHRESH", 0x7fffffff},
};

}  // namespace

bool is_memory_field(std::string_view name) {
  constexpr std::string_view kBefore = "SK_MEMINFO_";
  constexpr std::string_view kFields[] = {"RMEM_ALLOC",  "RCVBUF", "WMEM_ALLOC", "SNDBUF", "FWD_ALLOC",
                                          "WMEM_QUEUED", "OPTMEM", "BACKLOG",    "DROPS"};
  if (!name.starts_with(kBefore)) return false;
  return std::find(std::begin(kFields), std::end(kFields), name.substr(kBefore.size())) != std::end(kFields);
}

std::span<const PythonConstant> python_constants() {
  return kConstants;
}

}  // namespace tcpassay
