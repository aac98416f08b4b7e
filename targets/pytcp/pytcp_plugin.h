/* SPDX-License-Identifier: Apache-2.0
 * What python_plugin.c must know of PyTCP before Python runs: what it can do, its options and its settings. */
#ifndef TCPASSAY_PYTCP_PLUGIN_H
#define TCPASSAY_PYTCP_PLUGIN_H

#define ADAPTER_NAME "pytcp"
#define ADAPTER_MODULE pytcp_adapter
#define ADAPTER_MSL_MS 15000 /* TIME-WAIT lasts 30 seconds */
#define ADAPTER_ABILITIES                                                                                      \
  (TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_FORKABLE | TCPASSAY_STATE | TCPASSAY_PASSIVE_OPEN | \
   TCPASSAY_ACTIVE_OPEN | TCPASSAY_IPV6 | TCPASSAY_HALF_CLOSE | TCPASSAY_ABORT | TCPASSAY_ISN_FROM_HOST)
#define ADAPTER_OPTIONS                                                                                             \
  (1u << TCPASSAY_NO_DELAY | 1u << TCPASSAY_MAX_SEGMENT | 1u << TCPASSAY_USER_TIMEOUT | 1u << TCPASSAY_KEEP_ALIVE | \
   1u << TCPASSAY_KEEP_IDLE | 1u << TCPASSAY_KEEP_INTERVAL | 1u << TCPASSAY_KEEP_COUNT)
#define ADAPTER_SETTINGS                                                                                \
  "keepalive-time", "keepalive-interval", "keepalive-probes", "retries2", "fin-timeout", "mtu-probing", \
      "initial-sequence-number", "timestamps", "sack", "window-scaling"

#endif
