// Command supervise runs one program and makes sure that it never outlives whoever started it.
//
// Whoever starts supervise holds the other end of its standard input. When that end closes, for whatever reason (also
// SIGKILL), the program is told to stop, and killed when it has not stopped within the grace period. The program's own
// output goes to the log file, so that nobody has to keep reading a pipe.
//
//	supervise -log FILE [-grace 1s] [-detached] -- PROGRAM ARGUMENTS...
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	logFile := flag.String("log", "", "file that receives the program's output (appended)")
	grace := flag.Duration("grace", time.Second, "how long the program may take to stop before it is killed")
	detached := flag.Bool("detached", false, "ignore standard input: only a signal ends the program")
	flag.Parse()
	if flag.NArg() == 0 || *logFile == "" {
		fmt.Fprintln(os.Stderr, "usage: supervise -log FILE [-grace 1s] [-detached] -- PROGRAM ARGUMENTS...")
		os.Exit(2)
	}
	code, err := run(flag.Args(), *logFile, *grace, *detached)
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
	}
	os.Exit(code)
}

func run(command []string, logFile string, grace time.Duration, detached bool) (int, error) {
	// The kernel's parent-death signal follows the thread that started the child.
	runtime.LockOSThread()
	output, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 1, err
	}
	defer output.Close()
	child := exec.Command(command[0], command[1:]...)
	child.Stdout, child.Stderr = output, output
	child.SysProcAttr = childAttributes()
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := child.Start(); err != nil {
		fmt.Fprintln(output, "supervise:", err)
		return 1, err
	}
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	abandoned := make(chan struct{})
	if !detached {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(abandoned)
		}()
	}
	select {
	case err := <-exited:
		return exitCode(err), nil
	case <-stop:
	case <-abandoned:
	}
	_ = child.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-exited:
		return exitCode(err), nil
	case <-time.After(grace):
		_ = child.Process.Kill()
		return exitCode(<-exited), nil
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		return 1
	case exit.ExitCode() < 0:
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	default:
		return exit.ExitCode()
	}
}
