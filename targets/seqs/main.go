// SPDX-License-Identifier: Apache-2.0

// seqs, a TCP for small devices in Go, behind tcpassay's plugin interface. A reset makes a new stack.
package main

import "tcpassay/goadapter"

func init() {
	goadapter.Register(goadapter.About{
		Name:    "seqs",
		Version: "20260125", // as go.mod says
		Abilities: goadapter.VirtualTime | goadapter.Synchronous | goadapter.ExactReset | goadapter.TellsState |
			goadapter.PassiveOpen | goadapter.ActiveOpen,
	}, &target{})
}

func main() {}
