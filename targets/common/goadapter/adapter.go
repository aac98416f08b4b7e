// SPDX-License-Identifier: Apache-2.0

// Package goadapter is tcpassay's plugin interface in Go: a stack is a Stack, and Register makes it the adapter of the
// library that is built. The module of an adapter names it by `replace tcpassay/goadapter => ../common/goadapter`.
package goadapter

/*
#include "tcpassay_plugin.h"
static inline void call_emit(const struct tcpassay_host* host, const uint8_t* packet, size_t length) {
  host->emit(host->ctx, packet, length);
}
static inline uint32_t call_random(const struct tcpassay_host* host) { return host->random(host->ctx); }
*/
import "C"

import "unsafe"

// What the stack and its adapter can do.
const (
	VirtualTime = uint32(C.TCPASSAY_VIRTUAL_TIME)
	Synchronous = uint32(C.TCPASSAY_SYNCHRONOUS)
	ExactReset  = uint32(C.TCPASSAY_EXACT_RESET)
	Forkable    = uint32(C.TCPASSAY_FORKABLE)
	TellsState  = uint32(C.TCPASSAY_STATE)
	PassiveOpen = uint32(C.TCPASSAY_PASSIVE_OPEN)
	ActiveOpen  = uint32(C.TCPASSAY_ACTIVE_OPEN)
	IPv6        = uint32(C.TCPASSAY_IPV6)
	HalfClose   = uint32(C.TCPASSAY_HALF_CLOSE)
	Aborts      = uint32(C.TCPASSAY_ABORT)
	ISNFromHost = uint32(C.TCPASSAY_ISN_FROM_HOST)
)

// Errors: what a function returns is the negative of one of these.
const (
	WouldBlock       = C.TCPASSAY_WOULD_BLOCK
	NotConnected     = C.TCPASSAY_NOT_CONNECTED
	Refused          = C.TCPASSAY_REFUSED
	Reset            = C.TCPASSAY_RESET
	Aborted          = C.TCPASSAY_ABORTED
	TimedOut         = C.TCPASSAY_TIMED_OUT
	Pipe             = C.TCPASSAY_PIPE
	AddressInUse     = C.TCPASSAY_ADDRESS_IN_USE
	Invalid          = C.TCPASSAY_INVALID
	BadHandle        = C.TCPASSAY_BAD_HANDLE
	Unreachable      = C.TCPASSAY_UNREACHABLE
	NoBuffers        = C.TCPASSAY_NO_BUFFERS
	NotSupported     = C.TCPASSAY_NOT_SUPPORTED
	NoProtocolOption = C.TCPASSAY_NO_PROTOCOL_OPTION
	Other            = C.TCPASSAY_OTHER
)

// Options of a connection.
const (
	NoDelay       = int(C.TCPASSAY_NO_DELAY)
	MaxSegment    = int(C.TCPASSAY_MAX_SEGMENT)
	ReceiveBuffer = int(C.TCPASSAY_RECEIVE_BUFFER)
	SendBuffer    = int(C.TCPASSAY_SEND_BUFFER)
	UserTimeout   = int(C.TCPASSAY_USER_TIMEOUT)
	KeepAlive     = int(C.TCPASSAY_KEEP_ALIVE)
	KeepIdle      = int(C.TCPASSAY_KEEP_IDLE)
	KeepInterval  = int(C.TCPASSAY_KEEP_INTERVAL)
	KeepCount     = int(C.TCPASSAY_KEEP_COUNT)
	QuickAck      = int(C.TCPASSAY_QUICK_ACK)
	Cork          = int(C.TCPASSAY_CORK)
	TypeOfService = int(C.TCPASSAY_TYPE_OF_SERVICE)
	TimeToLive    = int(C.TCPASSAY_TIME_TO_LIVE)
)

// Phases of an endpoint.
const (
	Unconnected = int(C.TCPASSAY_UNCONNECTED)
	Listening   = int(C.TCPASSAY_LISTENING)
	Opening     = int(C.TCPASSAY_OPENING)
	Connected   = int(C.TCPASSAY_CONNECTED)
	Ended       = int(C.TCPASSAY_ENDED)
)

// About is what the adapter's table tells.
type About struct {
	Name, Version      string
	Abilities, Options uint32
	MSL                uint32       // milliseconds; 0: 2 minutes
	Do                 func(func()) // runs each call; nil: as it comes
}

// Config is what Create is given.
type Config struct {
	Local, LocalV6 []byte
	MTU            uint32
	Emit           func(packet []byte)
	Random         func() uint32
}

// Status is struct tcpassay_status.
type Status struct {
	Phase                          int
	Failure                        int32
	Readable, Writable, Acceptable int
	EOF                            bool
	LocalPort, RemotePort          uint16
}

// Stack is what tcpassay_plugin.h asks of an adapter, function by function. Lacks has what is optional.
type Stack interface {
	Create(config Config)
	Reset(version int)
	Input(packet []byte)
	Advance(now int64)
	NextDeadline() uint64
	Open() int32
	Listen(endpoint int32, port uint16, backlog uint32) int32
	Connect(endpoint int32, localPort uint16, remote []byte, remotePort uint16) int32
	Accept(listener int32) int32
	Send(endpoint int32, text []byte) int64
	Receive(endpoint int32, into []byte) int64
	Shutdown(endpoint int32) int32
	Close(endpoint int32, abort bool) int32
	Status(endpoint int32) (Status, bool)
	SetOption(endpoint int32, option int, value int64) int32
	State(localPort, remotePort uint16) int
}

// Lacks refuses what a stack need not have.
type Lacks struct{}

func (Lacks) Shutdown(int32) int32              { return -NotSupported }
func (Lacks) SetOption(int32, int, int64) int32 { return -NoProtocolOption }

var (
	about About
	stack Stack
)

// Register is called by the init function of the adapter.
func Register(a About, s Stack) { about, stack = a, s }

func do(f func()) {
	if about.Do != nil {
		about.Do(f)
	} else {
		f()
	}
}

func answer(f func() int32) (result C.int32_t) {
	do(func() { result = C.int32_t(f()) })
	return result
}

//export goadapter_table
func goadapter_table(table *C.struct_tcpassay_adapter) {
	table.name, table.version = C.CString(about.Name), C.CString(about.Version)
	table.abilities, table.options = C.uint32_t(about.Abilities), C.uint32_t(about.Options)
	table.msl_ms = C.uint32_t(about.MSL)
}

//export goadapter_create
func goadapter_create(host *C.struct_tcpassay_host, config *C.struct_tcpassay_config) {
	h := *host
	octets := func(address C.struct_tcpassay_address, n int) []byte {
		return C.GoBytes(unsafe.Pointer(&address.octets[0]), C.int(n))
	}
	c := Config{
		Local:   octets(config.local, 4),
		LocalV6: octets(config.local_v6, 16),
		MTU:     uint32(config.mtu),
		Emit: func(packet []byte) {
			C.call_emit(&h, (*C.uint8_t)(unsafe.Pointer(&packet[0])), C.size_t(len(packet)))
		},
		Random: func() uint32 { return uint32(C.call_random(&h)) },
	}
	do(func() { stack.Create(c) })
}

//export goadapter_reset
func goadapter_reset(version C.int) { do(func() { stack.Reset(int(version)) }) }

//export goadapter_input
func goadapter_input(packet unsafe.Pointer, length C.size_t) {
	octets := C.GoBytes(packet, C.int(length))
	do(func() { stack.Input(octets) })
}

//export goadapter_advance
func goadapter_advance(now C.uint64_t) { do(func() { stack.Advance(int64(now)) }) }

//export goadapter_next_deadline
func goadapter_next_deadline() C.uint64_t { return C.uint64_t(stack.NextDeadline()) }

//export goadapter_open
func goadapter_open() C.int32_t { return answer(stack.Open) }

//export goadapter_listen
func goadapter_listen(endpoint C.int32_t, port C.uint16_t, backlog C.uint32_t) C.int32_t {
	return answer(func() int32 { return stack.Listen(int32(endpoint), uint16(port), uint32(backlog)) })
}

//export goadapter_connect
func goadapter_connect(endpoint C.int32_t, localPort C.uint16_t, remote *C.struct_tcpassay_address, remotePort C.uint16_t) C.int32_t {
	n := 4
	if remote.family == 6 {
		n = 16
	}
	address := C.GoBytes(unsafe.Pointer(&remote.octets[0]), C.int(n))
	return answer(func() int32 { return stack.Connect(int32(endpoint), uint16(localPort), address, uint16(remotePort)) })
}

//export goadapter_accept
func goadapter_accept(listener C.int32_t) C.int32_t {
	return answer(func() int32 { return stack.Accept(int32(listener)) })
}

//export goadapter_send
func goadapter_send(endpoint C.int32_t, octets unsafe.Pointer, length C.size_t) (taken C.int64_t) {
	text := C.GoBytes(octets, C.int(length))
	do(func() { taken = C.int64_t(stack.Send(int32(endpoint), text)) })
	return taken
}

//export goadapter_receive
func goadapter_receive(endpoint C.int32_t, octets unsafe.Pointer, room C.size_t) (got C.int64_t) {
	into := unsafe.Slice((*byte)(octets), int(room))
	do(func() { got = C.int64_t(stack.Receive(int32(endpoint), into)) })
	return got
}

//export goadapter_shutdown
func goadapter_shutdown(endpoint C.int32_t) C.int32_t {
	return answer(func() int32 { return stack.Shutdown(int32(endpoint)) })
}

//export goadapter_close
func goadapter_close(endpoint C.int32_t, abort C.int) C.int32_t {
	return answer(func() int32 { return stack.Close(int32(endpoint), abort != 0) })
}

//export goadapter_status
func goadapter_status(endpoint C.int32_t, out *C.struct_tcpassay_status) C.int32_t {
	var s Status
	var known bool
	do(func() { s, known = stack.Status(int32(endpoint)) })
	if !known {
		return C.int32_t(-BadHandle)
	}
	out.phase, out.error = C.uint32_t(s.Phase), C.int32_t(s.Failure)
	out.readable, out.writable, out.acceptable = C.uint32_t(s.Readable), C.uint32_t(s.Writable), C.uint32_t(s.Acceptable)
	if s.EOF {
		out.eof = 1
	}
	out.local_port, out.remote_port = C.uint16_t(s.LocalPort), C.uint16_t(s.RemotePort)
	return 0
}

//export goadapter_set_option
func goadapter_set_option(endpoint C.int32_t, option C.int, value C.int64_t) C.int32_t {
	return answer(func() int32 { return stack.SetOption(int32(endpoint), int(option), int64(value)) })
}

//export goadapter_state
func goadapter_state(localPort, remotePort C.uint16_t) (state C.int) {
	do(func() { state = C.int(stack.State(uint16(localPort), uint16(remotePort))) })
	return state
}
