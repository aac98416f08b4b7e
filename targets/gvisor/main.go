// SPDX-License-Identifier: Apache-2.0

// gVisor's network stack behind tcpassay's plugin interface: virtual time, IPv4 and IPv6. A reset makes a new stack.
package main

import "tcpassay/goadapter"

func init() {
	goadapter.Register(goadapter.About{
		Name:    "gvisor",
		Version: "20260905", // as go.mod says
		Abilities: goadapter.VirtualTime | goadapter.Synchronous | goadapter.ExactReset | goadapter.TellsState |
			goadapter.PassiveOpen | goadapter.ActiveOpen | goadapter.IPv6 | goadapter.HalfClose | goadapter.Aborts |
			goadapter.ISNFromHost,
		Options: 1<<goadapter.NoDelay | 1<<goadapter.MaxSegment | 1<<goadapter.ReceiveBuffer | 1<<goadapter.SendBuffer |
			1<<goadapter.UserTimeout | 1<<goadapter.KeepAlive | 1<<goadapter.KeepIdle | 1<<goadapter.KeepInterval |
			1<<goadapter.KeepCount | 1<<goadapter.QuickAck | 1<<goadapter.Cork | 1<<goadapter.TypeOfService |
			1<<goadapter.TimeToLive,
		MSL: 30000, // TIME-WAIT lasts 60 s
		Do:  do,
	}, &target{})
}

func main() {}
