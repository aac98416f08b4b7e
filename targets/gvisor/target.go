// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math/rand"
	"runtime"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	gvrand "gvisor.dev/gvisor/pkg/rand"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"tcpassay/goadapter"
)

const (
	nic         = 1
	quietRounds = 6
)

type endpoint struct {
	ep                    tcpip.Endpoint
	phase                 int
	failure               int32
	localPort, remotePort uint16
}

// source is randomness that repeats itself after each reset.
type source struct{ *rand.Rand }

func (s source) Read(into []byte) (int, error) { return s.Rand.Read(into) }

type target struct {
	goadapter.Lacks
	local, localV6 tcpip.Address
	mtu            uint32
	emit           func([]byte)
	random         func() uint32

	stack     *stack.Stack
	link      *channel.Endpoint
	clock     *clock
	version   tcpip.NetworkProtocolNumber
	endpoints []*endpoint
}

// A function that C calls runs on a goroutine that is locked to C's thread; there each Gosched would hand the thread
// over. So one other goroutine does the work.
var (
	work = make(chan func())
	done = make(chan struct{})
)

func init() {
	runtime.GOMAXPROCS(1) // then a Gosched runs everything that is ready once
	go func() {
		for f := range work {
			f()
			done <- struct{}{}
		}
	}()
}

func do(f func()) { work <- f; <-done }

// settle lets every goroutine of the stack run until nothing happens any more.
func (t *target) settle() {
	for quiet := 0; quiet < quietRounds; quiet++ {
		runtime.Gosched()
		for packet := t.link.Read(); packet != nil; packet = t.link.Read() {
			view := packet.ToView()
			t.emit(view.AsSlice())
			view.Release()
			packet.DecRef()
			quiet = 0
		}
	}
}

func (t *target) Create(config goadapter.Config) {
	t.local, t.localV6 = tcpip.AddrFromSlice(config.Local), tcpip.AddrFromSlice(config.LocalV6)
	t.mtu, t.emit, t.random = config.MTU, config.Emit, config.Random
	t.begin(4)
	t.settle()
}

func (t *target) NextDeadline() uint64 { return t.clock.next() }

func (t *target) begin(version int) {
	seed := int64(t.random())<<32 | int64(t.random())
	gvrand.Reader = source{rand.New(rand.NewSource(seed ^ 1))}
	t.clock = &clock{}
	t.stack = stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocolWithOptions(ipv6.Options{})},
		// As runsc does it.
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              t.clock,
		RandSource:         rand.NewSource(seed ^ 2),
		SecureRNG:          source{rand.New(rand.NewSource(seed ^ 3))},
	})
	sack, delay := tcpip.TCPSACKEnabled(true), tcpip.TCPDelayEnabled(true)
	t.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &sack)
	t.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &delay)
	t.link = channel.New(1024, t.mtu, "")
	t.stack.CreateNIC(nic, t.link)
	add := func(protocol tcpip.NetworkProtocolNumber, address tcpip.Address, prefix int) {
		t.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          protocol,
			AddressWithPrefix: tcpip.AddressWithPrefix{Address: address, PrefixLen: prefix},
		}, stack.AddressProperties{})
	}
	add(ipv4.ProtocolNumber, t.local, 24)
	add(ipv6.ProtocolNumber, t.localV6, 64)
	t.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}, {Destination: header.IPv6EmptySubnet, NIC: nic}})
	t.version = ipv4.ProtocolNumber
	if version == 6 {
		t.version = ipv6.ProtocolNumber
	}
	t.endpoints = nil
}

func (t *target) Reset(version int) {
	emit := t.emit
	t.emit = func([]byte) {}
	for _, e := range t.endpoints {
		if e != nil {
			e.ep.Abort()
		}
	}
	t.settle()
	t.stack.Close()
	t.settle()
	t.emit = emit
	t.begin(version)
	t.settle()
}

func (t *target) Input(packet []byte) {
	protocol := header.IPv4ProtocolNumber
	if packet[0]>>4 == 6 {
		protocol = header.IPv6ProtocolNumber
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	t.link.InjectInbound(protocol, p)
	p.DecRef()
	t.settle()
}

func (t *target) Advance(now int64) {
	for t.clock.fire(now) {
		t.settle()
	}
}

func (t *target) at(number int32) *endpoint {
	if number < 0 || int(number) >= len(t.endpoints) {
		return nil
	}
	return t.endpoints[number]
}

func (t *target) keep(e *endpoint) int32 {
	for i, used := range t.endpoints {
		if used == nil {
			t.endpoints[i] = e
			return int32(i)
		}
	}
	t.endpoints = append(t.endpoints, e)
	return int32(len(t.endpoints) - 1)
}

func (t *target) Open() int32 {
	ep, err := t.stack.NewEndpoint(tcp.ProtocolNumber, t.version, &waiter.Queue{})
	if err != nil {
		return -goadapter.NoBuffers
	}
	ep.SocketOptions().SetReuseAddress(true)
	return t.keep(&endpoint{ep: ep})
}

func (t *target) Listen(number int32, port uint16, backlog uint32) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	if err := e.ep.Bind(tcpip.FullAddress{Port: port}); err != nil {
		return -failureOf(err)
	}
	// One more, as runsc does for Linux's sake; with a backlog of one each SYN would be answered with a cookie.
	if err := e.ep.Listen(int(min(backlog, 4096)) + 1); err != nil {
		return -failureOf(err)
	}
	e.phase, e.localPort = goadapter.Listening, port
	t.settle()
	return 0
}

func (t *target) Connect(number int32, localPort uint16, remote []byte, remotePort uint16) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	if localPort != 0 {
		if err := e.ep.Bind(tcpip.FullAddress{Port: localPort}); err != nil {
			return -failureOf(err)
		}
	}
	err := e.ep.Connect(tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(remote), Port: remotePort})
	if _, started := err.(*tcpip.ErrConnectStarted); err != nil && !started {
		return -failureOf(err)
	}
	e.phase = goadapter.Opening
	t.settle()
	e.learnPorts()
	return 0
}

func (e *endpoint) learnPorts() {
	if local, err := e.ep.GetLocalAddress(); err == nil && local.Port != 0 {
		e.localPort = local.Port
	}
	if remote, err := e.ep.GetRemoteAddress(); err == nil && remote.Port != 0 {
		e.remotePort = remote.Port
	}
}

func (t *target) Accept(number int32) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	ep, _, err := e.ep.Accept(nil)
	if err != nil {
		return -failureOf(err)
	}
	accepted := &endpoint{ep: ep, phase: goadapter.Connected}
	accepted.learnPorts()
	t.settle()
	return t.keep(accepted)
}

func (t *target) Send(number int32, text []byte) int64 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	n, err := e.ep.Write(bytes.NewReader(text), tcpip.WriteOptions{})
	t.settle()
	if err != nil {
		return int64(-failureOf(err))
	}
	return n
}

func (t *target) Receive(number int32, room []byte) int64 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	into := tcpip.SliceWriter(room)
	result, err := e.ep.Read(&into, tcpip.ReadOptions{})
	t.settle()
	if _, closed := err.(*tcpip.ErrClosedForReceive); closed {
		return 0
	}
	if err != nil {
		return int64(-failureOf(err))
	}
	return int64(result.Count)
}

func (t *target) Shutdown(number int32) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	err := e.ep.Shutdown(tcpip.ShutdownWrite)
	t.settle()
	if err != nil {
		return -failureOf(err)
	}
	return 0
}

func (t *target) Close(number int32, abort bool) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	if abort && e.phase != goadapter.Listening {
		e.ep.Abort()
	} else {
		e.ep.Close()
	}
	t.endpoints[number] = nil
	t.settle()
	return 0
}

func (t *target) Status(number int32) (goadapter.Status, bool) {
	e := t.at(number)
	if e == nil {
		return goadapter.Status{}, false
	}
	s := goadapter.Status{LocalPort: e.localPort, RemotePort: e.remotePort}
	if e.phase == goadapter.Listening {
		if e.ep.Readiness(waiter.ReadableEvents) != 0 {
			s.Acceptable = 1
		}
	} else if e.phase != goadapter.Unconnected {
		e.follow()
		s.Readable, _ = readable(e.ep)
		s.EOF = e.ep.Readiness(waiter.EventRdHUp) != 0 && e.failure == 0
		if e.phase != goadapter.Ended && e.ep.Readiness(waiter.WritableEvents) != 0 {
			s.Writable = 1
		}
	}
	s.Phase, s.Failure = e.phase, e.failure
	return s, true
}

func readable(ep tcpip.Endpoint) (int, tcpip.Error) {
	return ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption)
}

func (e *endpoint) follow() {
	switch tcp.EndpointState(e.ep.State()) {
	case tcp.StateConnecting, tcp.StateSynSent, tcp.StateSynRecv, tcp.StateInitial, tcp.StateBound:
	case tcp.StateError, tcp.StateClose:
		if e.phase != goadapter.Ended {
			if err := e.ep.LastError(); err != nil {
				e.failure = failureOf(err)
			}
		}
		e.phase = goadapter.Ended
	default:
		e.phase = goadapter.Connected
	}
}

func (t *target) SetOption(number int32, option int, value int64) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	seconds := time.Duration(value) * time.Second
	options := e.ep.SocketOptions()
	var err tcpip.Error
	switch option {
	case goadapter.NoDelay:
		options.SetDelayOption(value == 0)
	case goadapter.MaxSegment:
		err = e.ep.SetSockOptInt(tcpip.MaxSegOption, int(value))
	case goadapter.ReceiveBuffer:
		options.SetReceiveBufferSize(value, true)
	case goadapter.SendBuffer:
		options.SetSendBufferSize(value, true)
	case goadapter.UserTimeout:
		timeout := tcpip.TCPUserTimeoutOption(time.Duration(value) * time.Millisecond)
		err = e.ep.SetSockOpt(&timeout)
	case goadapter.KeepAlive:
		options.SetKeepAlive(value != 0)
	case goadapter.KeepIdle:
		idle := tcpip.KeepaliveIdleOption(seconds)
		err = e.ep.SetSockOpt(&idle)
	case goadapter.KeepInterval:
		interval := tcpip.KeepaliveIntervalOption(seconds)
		err = e.ep.SetSockOpt(&interval)
	case goadapter.KeepCount:
		err = e.ep.SetSockOptInt(tcpip.KeepaliveCountOption, int(value))
	case goadapter.QuickAck:
		options.SetQuickAck(value != 0)
	case goadapter.Cork:
		options.SetCorkOption(value != 0)
	case goadapter.TypeOfService:
		service := tcpip.IPv4TOSOption
		if t.version == ipv6.ProtocolNumber {
			service = tcpip.IPv6TrafficClassOption
		}
		err = e.ep.SetSockOptInt(service, int(value))
	case goadapter.TimeToLive:
		hops := tcpip.IPv4TTLOption
		if t.version == ipv6.ProtocolNumber {
			hops = tcpip.IPv6HopLimitOption
		}
		err = e.ep.SetSockOptInt(hops, int(value))
	default:
		return -goadapter.NoProtocolOption
	}
	t.settle()
	if err != nil {
		return -failureOf(err)
	}
	return 0
}

// The order of tcpassay_plugin.h, which is that of RFC 9293 section 3.3.2; 0 is CLOSED.
var states = map[tcp.EndpointState]int{
	tcp.StateSynSent: 2, tcp.StateConnecting: 2, tcp.StateSynRecv: 3, tcp.StateEstablished: 4, tcp.StateFinWait1: 5,
	tcp.StateFinWait2: 6, tcp.StateCloseWait: 7, tcp.StateClosing: 8, tcp.StateLastAck: 9, tcp.StateTimeWait: 10,
}

func (t *target) State(localPort, remotePort uint16) int {
	for _, registered := range t.stack.RegisteredEndpoints() {
		ep, ok := registered.(tcpip.Endpoint)
		if !ok {
			continue
		}
		info, ok := ep.Info().(*stack.TransportEndpointInfo)
		if ok && info.ID.LocalPort == localPort && info.ID.RemotePort == remotePort {
			return states[tcp.EndpointState(ep.State())]
		}
	}
	return 0
}

func failureOf(err tcpip.Error) int32 {
	switch err.(type) {
	case *tcpip.ErrWouldBlock:
		return goadapter.WouldBlock
	case *tcpip.ErrNotConnected:
		return goadapter.NotConnected
	case *tcpip.ErrConnectionRefused:
		return goadapter.Refused
	case *tcpip.ErrConnectionReset:
		return goadapter.Reset
	case *tcpip.ErrConnectionAborted, *tcpip.ErrAborted:
		return goadapter.Aborted
	case *tcpip.ErrTimeout:
		return goadapter.TimedOut
	case *tcpip.ErrClosedForSend:
		return goadapter.Pipe
	case *tcpip.ErrPortInUse, *tcpip.ErrNoPortAvailable:
		return goadapter.AddressInUse
	case *tcpip.ErrNetworkUnreachable, *tcpip.ErrHostUnreachable:
		return goadapter.Unreachable
	case *tcpip.ErrInvalidEndpointState, *tcpip.ErrInvalidOptionValue:
		return goadapter.Invalid
	case *tcpip.ErrNotSupported, *tcpip.ErrBroadcastDisabled:
		return goadapter.NotSupported
	}
	return goadapter.Other
}
