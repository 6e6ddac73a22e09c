package main

import "syscall"

// childAttributes makes the kernel kill the program when supervise itself is killed, and keeps a terminal's Ctrl+C away.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
