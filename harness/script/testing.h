// SPDX-License-Identifier: Apache-2.0
// Scripts that several tests of the language use: one of a server and one of a client. Together they use every
// construct.
#pragma once

#include <string>

#include "harness/script/parse.h"

namespace tcpassay {

inline Scenario parse(const std::string& text) {
  return parse_script(text, "dir/s.pkt");
}

// A passive open, text both ways and a close, with many other constructs of the language.
inline constexpr const char* kServer = R"(// An ordinary comment
//! title: Text is delivered, whatever the window
//! suite: textbook
//! covers: MUST_10 SA3_4_syn
//! covers: MUST_11
//! needs: virtual-time state
--tolerance_usecs=50000
--define=NAME="two words"
`../defaults.sh
sysctl -q net.ipv4.tcp_ecn=0`
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
   +0 bind(3, ..., ...) = 0  /* any port */
   +0 listen(3, 1) = 0
+.010 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>
   +0 > S. 0:0(0) ack 1 <...>
 +0.1 < . 1:1(0) ack 1 win 257 //! damage: checksum offset=3 truncate=12 reserved=8 options=0204ffff
+0...0.2 accept(3, ..., ...) = 4
+0~+0.1 > P. 1:101(100) ack 1 win 500 urg 7
    * > [ect0] FP.5 4294967290:4(10) ack 1 <nop,nop,sack 1:2 3:4> //! damage: options=fe04f989
   +0 < 2000 > 8080 - 1:1(0)
   +1 %{ assert tcpi_state == 1  # "quoted
assert 1 < 2 }%
   +0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1
   +0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}],
                  msg_flags=MSG_TRUNC}, 0) = 100
   +0 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
   +0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]
`cleanup.sh`
)";

inline constexpr const char* kClient = R"(#ifdef UDP
--udp_encapsulation=9899
#else
--non_fatal=packet
#endif
# a comment
0.0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
+0.0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0.0 connect(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}, ...) = -1 EINPROGRESS
+0.0 > [noecn] SEWA 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>
+0.1 < [tos 0x8] SA. 0:0(0) ack 1 win 65535 <mss 1460,ECN e0b 1 ceb 0 e1b 1,eol>
+0.0 > .  1:1(0)  ack  1  <ECN e1b 1,nop,nop,nop>
+0.0 send(3, "text", 4, MSG_NOSIGNAL) = 4
+0.0 sendto(3, ..., 1000, MSG_FASTOPEN, ..., ...) = 1000
+0.0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0.0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
+0.0 shutdown(3, SHUT_RDWR) = 0
+0.0 close(3) = 0
+0.0 < [ttl 3] FSRPU.EWA 7:7(0) win 0 <FO 0011aabb,FOEXP,md5 00112233445566778899aabbccddeeff>
1.5~2.5 > R. 1:1(0) ack 0
+0.0 < [flowlabel 0x12345] . 1:1(0)
+0.0 < udp (1000)
+0.0 > ipv4 192.0.2.1 > 192.0.2.2: gre:
       mpls (label 123, tc 1, [S], ttl 255): . 1:1001(1000) ack 1
+0.0 < P. 1:21(20) ack 1 win 257 {rep ipv4 version_ihl 0x35}
)";

}  // namespace tcpassay
