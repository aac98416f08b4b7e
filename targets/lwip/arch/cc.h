/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP asks of its platform. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_ERRNO_STDINCLUDE 1

unsigned int lwip_plugin_random(void);
#define LWIP_RAND() lwip_plugin_random()

#define LWIP_PLATFORM_DIAG(x) ((void)0)
/* An assertion that fails is a finding: the plugin's process dies of it and the harness tells the line. */
#define LWIP_PLATFORM_ASSERT(x)                                                          \
  do {                                                                                   \
    fprintf(stderr, "lwIP assertion \"%s\" failed at %s:%d\n", (x), __FILE__, __LINE__); \
    abort();                                                                             \
  } while (0)

#endif
