// SPDX-License-Identifier: Apache-2.0

// seqs, a TCP for small devices in Go, behind tcpassay's plugin interface. A reset makes a new stack.
package main

/*
#include "tcpassay_plugin.h"
static inline void call_emit(const struct tcpassay_host* host, const uint8_t* packet, size_t length) {
  host->emit(host->ctx, packet, length);
}
static inline uint32_t call_random(const struct tcpassay_host* host) { return host->random(host->ctx); }
*/
import "C"

import (
	"net/netip"
	"unsafe"
)

var t *target

func address(a *C.struct_tcpassay_address) netip.Addr {
	return netip.AddrFrom4([4]byte(C.GoBytes(unsafe.Pointer(&a.octets[0]), 4)))
}

//export seqs_create
func seqs_create(host *C.struct_tcpassay_host, config *C.struct_tcpassay_config) C.int {
	h := *host
	t = &target{
		local: address(&config.local),
		mtu:   uint16(config.mtu),
		emit: func(packet []byte) {
			C.call_emit(&h, (*C.uint8_t)(unsafe.Pointer(&packet[0])), C.size_t(len(packet)))
		},
		random: func() uint32 { return uint32(C.call_random(&h)) },
	}
	t.reset()
	return 0
}

//export seqs_reset
func seqs_reset() { t.reset() }

//export seqs_input
func seqs_input(packet unsafe.Pointer, length C.size_t) { t.input(C.GoBytes(packet, C.int(length))) }

//export seqs_advance
func seqs_advance(now C.uint64_t) { t.advance(int64(now)) }

//export seqs_open
func seqs_open() C.int32_t { return C.int32_t(t.open()) }

//export seqs_listen
func seqs_listen(endpoint C.int32_t, port C.uint16_t, backlog C.uint32_t) C.int32_t {
	return C.int32_t(t.listen(int32(endpoint), uint16(port), uint32(backlog)))
}

//export seqs_connect
func seqs_connect(endpoint C.int32_t, localPort C.uint16_t, remote *C.struct_tcpassay_address, remotePort C.uint16_t) C.int32_t {
	return C.int32_t(t.connect(int32(endpoint), uint16(localPort), address(remote), uint16(remotePort)))
}

//export seqs_accept
func seqs_accept(listener C.int32_t) C.int32_t { return C.int32_t(t.accept(int32(listener))) }

//export seqs_send
func seqs_send(endpoint C.int32_t, octets unsafe.Pointer, length C.size_t) C.int64_t {
	return C.int64_t(t.send(int32(endpoint), C.GoBytes(octets, C.int(length))))
}

//export seqs_receive
func seqs_receive(endpoint C.int32_t, octets unsafe.Pointer, room C.size_t) C.int64_t {
	return C.int64_t(t.receive(int32(endpoint), unsafe.Slice((*byte)(octets), int(room))))
}

//export seqs_close
func seqs_close(endpoint C.int32_t) C.int32_t { return C.int32_t(t.close(int32(endpoint))) }

//export seqs_status
func seqs_status(endpoint C.int32_t, out *C.struct_tcpassay_status) C.int32_t {
	s, known := t.status(int32(endpoint))
	if !known {
		return -badHandle
	}
	out.phase, out.error = C.uint32_t(s.phase), C.int32_t(s.failure)
	out.readable, out.writable, out.acceptable = C.uint32_t(s.readable), C.uint32_t(s.writable), C.uint32_t(s.acceptable)
	if s.eof {
		out.eof = 1
	}
	out.local_port, out.remote_port = C.uint16_t(s.localPort), C.uint16_t(s.remotePort)
	return 0
}

//export seqs_state
func seqs_state(localPort, remotePort C.uint16_t) C.int {
	return C.int(t.state(uint16(localPort), uint16(remotePort)))
}

func main() {}
