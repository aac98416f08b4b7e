// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"net/netip"
	"reflect"
	"time"
	"unsafe"

	"github.com/soypat/seqs"
	"github.com/soypat/seqs/stacks"

	"tcpassay/goadapter"
)

const (
	frameHeader = 14
	buffer      = 16384 // of each connection, each way
	mostPorts   = 64
	mostWaiting = 8
)

var ourMAC, peerMAC = [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}

type endpoint struct {
	conn                  *stacks.TCPConn
	listener              *stacks.TCPListener
	life                  uint8 // of conn: seqs uses the same TCPConn for the next connection
	phase                 int
	failure               int32
	localPort, remotePort uint16
}

type target struct {
	goadapter.Lacks
	local  netip.Addr
	mtu    uint16
	emit   func([]byte)
	random func() uint32

	stack     *stacks.PortStack
	now       int64
	endpoints []*endpoint
	gone      []*stacks.TCPConn // whose endpoint was closed
	frame     [2048]byte
}

// What seqs keeps to itself. Its methods would wait for it, or wait without end.
func field(of any, name string) unsafe.Pointer {
	return unsafe.Pointer(reflect.ValueOf(of).Elem().FieldByName(name).UnsafeAddr())
}

func lifeOf(c *stacks.TCPConn) uint8        { return *(*uint8)(field(c, "connid")) }
func lastSent(c *stacks.TCPConn) *time.Time { return (*time.Time)(field(c, "lastTx")) }
func control(c *stacks.TCPConn) *seqs.ControlBlock {
	return (*seqs.ControlBlock)(field(c, "scb"))
}
func remoteOf(c *stacks.TCPConn) netip.AddrPort { return *(*netip.AddrPort)(field(c, "remote")) }
func connsOf(l *stacks.TCPListener) []stacks.TCPConn {
	return *(*[]stacks.TCPConn)(field(l, "conns"))
}
func usedOf(l *stacks.TCPListener) []bool { return *(*[]bool)(field(l, "used")) }

// As ring.Free: Write would wait for this room.
func roomOf(c *stacks.TCPConn) int {
	r := (*struct {
		buf      []byte
		off, end int
	})(field(c, "tx"))
	switch {
	case r.off == 0:
		return len(r.buf) - r.end
	case r.off < r.end:
		return r.off + len(r.buf) - r.end
	}
	return r.off - r.end
}

func (t *target) Create(config goadapter.Config) {
	t.local, t.mtu = netip.AddrFrom4([4]byte(config.Local)), uint16(config.MTU)
	t.emit, t.random = config.Emit, config.Random
	t.Reset(4)
}

// NextDeadline is never: nothing of seqs happens unasked, its loop looks at what has something pending.
func (t *target) NextDeadline() uint64 { return math.MaxUint64 }

func (t *target) Reset(int) {
	t.stack = stacks.NewPortStack(stacks.PortStackConfig{MAC: ourMAC, MaxOpenPortsTCP: mostPorts, MTU: t.mtu + frameHeader})
	t.stack.SetAddr(t.local)
	t.now, t.endpoints, t.gone = 0, nil, nil
}

// settle asks for frames until there are none, as the loop of an application around its network card does.
func (t *target) settle() {
	for quiet := 0; quiet < 2; quiet++ {
		n, err := t.stack.HandleEth(t.frame[:int(t.mtu)+frameHeader])
		if n > frameHeader {
			t.emit(append([]byte(nil), t.frame[frameHeader:n]...))
			quiet = -1
		} else if err != nil {
			quiet = -1 // that port is closed now; the others may have something
		}
	}
}

func (t *target) Input(packet []byte) {
	frame := make([]byte, 0, frameHeader+len(packet))
	frame = append(append(append(frame, ourMAC[:]...), peerMAC[:]...), 0x08, 0x00)
	t.stack.RecvEth(append(frame, packet...))
	t.settle()
}

// advance moves what seqs remembers of the clock into the past: it reads the machine's clock, which stands still for it.
func (t *target) Advance(now int64) {
	passed := time.Duration(now - t.now)
	t.now = now
	t.each(func(c *stacks.TCPConn) {
		if at := lastSent(c); !at.IsZero() {
			*at = at.Add(-passed)
		}
	})
	t.settle()
}

// each calls f for every connection, those of an endpoint that was closed too.
func (t *target) each(f func(*stacks.TCPConn)) {
	seen := map[*stacks.TCPConn]bool{}
	once := func(c *stacks.TCPConn) {
		if c != nil && !seen[c] {
			seen[c] = true
			f(c)
		}
	}
	for _, e := range t.endpoints {
		if e == nil {
			continue
		}
		once(e.conn)
		if e.listener != nil {
			conns := connsOf(e.listener)
			for i := range conns {
				once(&conns[i])
			}
		}
	}
	for _, c := range t.gone {
		once(c)
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

func (t *target) Open() int32 { return t.keep(&endpoint{}) }

func (t *target) Listen(number int32, port uint16, backlog uint32) int32 {
	e := t.at(number)
	if e == nil || e.phase != goadapter.Unconnected {
		return -goadapter.Invalid
	}
	listener, err := stacks.NewTCPListener(t.stack, stacks.TCPListenerConfig{
		MaxConnections: uint16(max(1, min(backlog, mostWaiting))), ConnTxBufSize: buffer, ConnRxBufSize: buffer,
	})
	if err != nil {
		return -goadapter.NoBuffers
	}
	if err = listener.StartListening(port); err != nil {
		return -goadapter.AddressInUse
	}
	e.listener, e.phase, e.localPort = listener, goadapter.Listening, port
	t.settle()
	return 0
}

func (t *target) Connect(number int32, localPort uint16, remote []byte, remotePort uint16) int32 {
	e := t.at(number)
	if e == nil || e.phase != goadapter.Unconnected {
		return -goadapter.Invalid
	}
	conn, err := stacks.NewTCPConn(t.stack, stacks.TCPConnConfig{TxBufSize: buffer, RxBufSize: buffer})
	if err != nil {
		return -goadapter.NoBuffers
	}
	if localPort == 0 {
		localPort = uint16(49152 + t.random()%16384)
	}
	err = conn.OpenDialTCP(localPort, peerMAC, netip.AddrPortFrom(netip.AddrFrom4([4]byte(remote)), remotePort), seqs.Value(t.random()))
	if err != nil {
		return -goadapter.AddressInUse
	}
	e.conn, e.phase, e.life, e.localPort, e.remotePort = conn, goadapter.Opening, lifeOf(conn), localPort, remotePort
	t.settle()
	return 0
}

// Accept takes a connection in ESTABLISHED only, and waits for one where there is none.
func waiting(l *stacks.TCPListener) int {
	conns, used, n := connsOf(l), usedOf(l), 0
	for i := range conns {
		if !used[i] && conns[i].State() == seqs.StateEstablished {
			n++
		}
	}
	return n
}

func (t *target) Accept(number int32) int32 {
	e := t.at(number)
	if e == nil || e.listener == nil {
		return -goadapter.BadHandle
	}
	if waiting(e.listener) == 0 {
		return -goadapter.WouldBlock
	}
	accepted, err := e.listener.Accept()
	if err != nil {
		return -goadapter.Aborted
	}
	conn := accepted.(*stacks.TCPConn)
	return t.keep(&endpoint{conn: conn, phase: goadapter.Connected, life: lifeOf(conn), localPort: conn.LocalPort(), remotePort: remoteOf(conn).Port()})
}

// follow looks whether the connection is still there, and how far it is.
func (e *endpoint) follow() {
	if e.conn == nil || e.phase == goadapter.Ended {
		return
	}
	state := e.conn.State()
	switch {
	case lifeOf(e.conn) != e.life || state == seqs.StateClosed || state == seqs.StateListen:
		// seqs does not say why: Read and Write return net.ErrClosed, after a RST as well.
		e.failure = goadapter.Aborted
		if e.phase == goadapter.Opening {
			e.failure = goadapter.Refused
		}
		e.phase = goadapter.Ended
	case state.IsSynchronized() && e.phase == goadapter.Opening:
		e.phase = goadapter.Connected
	}
}

func (t *target) Send(number int32, text []byte) int64 {
	e := t.at(number)
	if e == nil || e.conn == nil {
		return -goadapter.NotConnected
	}
	e.follow()
	if e.phase == goadapter.Ended {
		return -goadapter.Pipe
	}
	room := min(roomOf(e.conn), len(text))
	if room == 0 {
		return -goadapter.WouldBlock
	}
	n, err := e.conn.Write(text[:room])
	t.settle()
	if err != nil {
		return -goadapter.Pipe
	}
	return int64(n)
}

func (t *target) Receive(number int32, room []byte) int64 {
	e := t.at(number)
	if e == nil || e.conn == nil {
		return -goadapter.NotConnected
	}
	e.follow()
	if e.phase == goadapter.Ended {
		return -goadapter.Aborted
	}
	if e.conn.BufferedInput() == 0 && e.conn.State() <= seqs.StateEstablished {
		return -goadapter.WouldBlock // Read would wait
	}
	n, err := e.conn.Read(room)
	t.settle()
	if err != nil {
		return 0 // io.EOF, and net.ErrClosed once the peer has closed
	}
	return int64(n)
}

func (t *target) Close(number int32, _ bool) int32 {
	e := t.at(number)
	if e == nil {
		return -goadapter.BadHandle
	}
	e.follow()
	if e.listener != nil {
		t.stack.CloseTCP(e.localPort) // TCPListener.Close refuses while it listens
	} else if e.conn != nil && e.phase != goadapter.Ended {
		e.conn.Close()
		t.gone = append(t.gone, e.conn)
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
	e.follow()
	s := goadapter.Status{Phase: e.phase, Failure: e.failure, LocalPort: e.localPort, RemotePort: e.remotePort}
	if e.listener != nil {
		s.Acceptable = waiting(e.listener)
	} else if e.conn != nil && e.phase == goadapter.Connected {
		closing := e.conn.State() > seqs.StateEstablished
		s.EOF = closing // Read gives up then, whatever waits
		if !closing {
			s.Readable, s.Writable = e.conn.BufferedInput(), roomOf(e.conn)
		}
	}
	return s, true
}

// The order of tcpassay_plugin.h, which is that of RFC 9293 section 3.3.2; 0 is CLOSED.
var states = map[seqs.State]int{
	seqs.StateSynSent: 2, seqs.StateSynRcvd: 3, seqs.StateEstablished: 4, seqs.StateFinWait1: 5, seqs.StateFinWait2: 6,
	seqs.StateCloseWait: 7, seqs.StateClosing: 8, seqs.StateLastAck: 9, seqs.StateTimeWait: 10,
}

func (t *target) State(localPort, remotePort uint16) (state int) {
	t.each(func(c *stacks.TCPConn) {
		if c.LocalPort() == localPort && remoteOf(c).Port() == remotePort {
			state = states[control(c).State()]
		}
	})
	return state
}
