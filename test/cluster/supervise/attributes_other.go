//go:build !linux

package main

import "syscall"

// childAttributes keeps a terminal's Ctrl+C away; only Linux can tie the program's life to supervise's own.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
