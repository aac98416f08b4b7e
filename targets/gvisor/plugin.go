// SPDX-License-Identifier: Apache-2.0

// gVisor's network stack behind tcpassay's plugin interface: virtual time, IPv4 and IPv6. A reset makes a new stack.
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
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
)

var t *target

//export gvisor_create
func gvisor_create(host *C.struct_tcpassay_host, config *C.struct_tcpassay_config) C.int {
	h := *host
	octets := func(address C.struct_tcpassay_address, n int) []byte {
		return C.GoBytes(unsafe.Pointer(&address.octets[0]), C.int(n))
	}
	t = &target{
		local:   tcpip.AddrFromSlice(octets(config.local, 4)),
		localV6: tcpip.AddrFromSlice(octets(config.local_v6, 16)),
		mtu:     uint32(config.mtu),
		emit: func(packet []byte) {
			C.call_emit(&h, (*C.uint8_t)(unsafe.Pointer(&packet[0])), C.size_t(len(packet)))
		},
		random: func() uint32 { return uint32(C.call_random(&h)) },
	}
	do(func() { t.begin(4); t.settle() })
	return 0
}

//export gvisor_reset
func gvisor_reset(version C.int) { do(func() { t.reset(int(version)) }) }

//export gvisor_input
func gvisor_input(packet unsafe.Pointer, length C.size_t) {
	octets := C.GoBytes(packet, C.int(length))
	do(func() { t.input(octets) })
}

//export gvisor_advance
func gvisor_advance(now C.uint64_t) { do(func() { t.advance(int64(now)) }) }

//export gvisor_next_deadline
func gvisor_next_deadline() C.uint64_t { return C.uint64_t(t.clock.next()) }

func answer(f func() int32) (result C.int32_t) {
	do(func() { result = C.int32_t(f()) })
	return result
}

//export gvisor_open
func gvisor_open() C.int32_t { return answer(t.open) }

//export gvisor_listen
func gvisor_listen(endpoint C.int32_t, port C.uint16_t, backlog C.uint32_t) C.int32_t {
	return answer(func() int32 { return t.listen(int32(endpoint), uint16(port), uint32(backlog)) })
}

//export gvisor_connect
func gvisor_connect(endpoint C.int32_t, localPort C.uint16_t, remote *C.struct_tcpassay_address, remotePort C.uint16_t) C.int32_t {
	n := 4
	if remote.family == 6 {
		n = 16
	}
	address := tcpip.AddrFromSlice(C.GoBytes(unsafe.Pointer(&remote.octets[0]), C.int(n)))
	return answer(func() int32 { return t.connect(int32(endpoint), uint16(localPort), address, uint16(remotePort)) })
}

//export gvisor_accept
func gvisor_accept(listener C.int32_t) C.int32_t {
	return answer(func() int32 { return t.accept(int32(listener)) })
}

//export gvisor_send
func gvisor_send(endpoint C.int32_t, octets unsafe.Pointer, length C.size_t) (taken C.int64_t) {
	text := C.GoBytes(octets, C.int(length))
	do(func() { taken = C.int64_t(t.send(int32(endpoint), text)) })
	return taken
}

//export gvisor_receive
func gvisor_receive(endpoint C.int32_t, octets unsafe.Pointer, room C.size_t) (got C.int64_t) {
	into := unsafe.Slice((*byte)(octets), int(room))
	do(func() { got = C.int64_t(t.receive(int32(endpoint), into)) })
	return got
}

//export gvisor_shutdown
func gvisor_shutdown(endpoint C.int32_t) C.int32_t {
	return answer(func() int32 { return t.shutdown(int32(endpoint)) })
}

//export gvisor_close
func gvisor_close(endpoint C.int32_t, abort C.int) C.int32_t {
	return answer(func() int32 { return t.close(int32(endpoint), abort != 0) })
}

//export gvisor_status
func gvisor_status(endpoint C.int32_t, out *C.struct_tcpassay_status) C.int32_t {
	var s status
	var known bool
	do(func() { s, known = t.status(int32(endpoint)) })
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

//export gvisor_set_option
func gvisor_set_option(endpoint C.int32_t, option C.int, value C.int64_t) C.int32_t {
	return answer(func() int32 { return t.setOption(int32(endpoint), int(option), int64(value)) })
}

//export gvisor_state
func gvisor_state(localPort, remotePort C.uint16_t) (state C.int) {
	do(func() { state = C.int(t.state(uint16(localPort), uint16(remotePort))) })
	return state
}

func main() {}
