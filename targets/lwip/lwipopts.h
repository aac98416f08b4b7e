/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's options: the raw interface without threads or sockets, IP packets instead of frames, every TCP feature on. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#include <stdint.h>

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0 /* the adapter calls tcp_tmr() every 250 ms of virtual time */

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 1
#define LWIP_ICMP6 1
#define LWIP_IPV6_MLD 0
#define LWIP_IPV6_SCOPES 0
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_ND6_QUEUEING 0
#define IP_REASSEMBLY 0 /* its timer would not run */
#define LWIP_IPV6_REASS 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_DNS 0
#define LWIP_DHCP 0
#define LWIP_STATS 0

#define LWIP_TCP 1
#define TCP_MSS 1460
#define TCP_WND 32120 /* 22 segments */
#define TCP_SND_BUF 65535
#define TCP_SND_QUEUELEN 1024
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 0
#define TCP_LISTEN_BACKLOG 1
#define LWIP_TCP_KEEPALIVE 1
#define SO_REUSE 1

/* Each control block and buffer comes from malloc: a sanitizer sees each one's end, and between two scenarios lwIP's
 * data is a few KiB. */
#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1

/* RFC 6528, as an application that follows lwIP's advice writes it. Without the hook lwIP counts up from 6510. */
#include "lwip/ip_addr.h"
uint32_t lwip_plugin_isn(const ip_addr_t* local, uint16_t local_port, const ip_addr_t* remote, uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) \
  lwip_plugin_isn(local, local_port, remote, remote_port)

#endif
