// SPDX-License-Identifier: Apache-2.0

package main

import (
	"container/heap"
	"math"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// clock is virtual time that can tell when the next timer is due.
type clock struct {
	mu     sync.Mutex
	now    int64 // nanoseconds since the reset
	timers timers
	made   uint64 // timers that are due at one time run in the order in which they were set
}

type timer struct {
	c     *clock
	f     func()
	at    int64
	order uint64
	index int // in the heap; -1: not set
}

type timers []*timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if t[i].at != t[j].at {
		return t[i].at < t[j].at
	}
	return t[i].order < t[j].order
}
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}
func (t *timers) Push(x any) {
	x.(*timer).index = len(*t)
	*t = append(*t, x.(*timer))
}
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	last.index = -1
	return last
}

// The machine has been up for a while when a scenario begins.
const bootedBefore = int64(100 * time.Second)

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(0, c.now+bootedBefore)
}

func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tcpip.MonotonicTime{}.Add(time.Duration(c.now + bootedBefore))
}

func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{c: c, f: f, index: -1}
	t.Reset(d)
	return t
}

func (t *timer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.stop()
}

func (t *timer) stop() bool {
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.c.timers, t.index)
	return true
}

func (t *timer) Reset(d time.Duration) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.stop()
	t.c.made++
	t.at, t.order = t.c.now+max(int64(d), 0), t.c.made
	heap.Push(&t.c.timers, t)
}

// next is when the next timer is due.
func (c *clock) next() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 {
		return math.MaxUint64
	}
	return uint64(max(c.timers[0].at, c.now))
}

// fire lets time pass until `until`, or until the first timer that is due by then, which it starts.
func (c *clock) fire(until int64) bool {
	c.mu.Lock()
	if len(c.timers) == 0 || c.timers[0].at > until {
		c.now = until
		c.mu.Unlock()
		return false
	}
	t := heap.Pop(&c.timers).(*timer)
	c.now = max(c.now, t.at)
	c.mu.Unlock()
	go t.f()
	return true
}
