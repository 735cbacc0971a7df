// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// onHangup calls reload for each SIGHUP until stop is called. But SIGHUP is also
// how the kernel and shells say that the terminal is gone, and a run that was
// started there must not outlive it unseen: nobody could reach the machine any
// more if the script drops ssh. If there was a terminal and is none, end is
// called instead, unless the signal was to be ignored (nohup).
func onHangup(reload, end func()) (stop func()) {
	terminal := hasTerminal() && !signal.Ignored(unix.SIGHUP)
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, unix.SIGHUP)
	go func() {
		var again <-chan time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
				if !terminal {
					reload()
					continue
				}
				// sudo hands the signal on a little before its terminal is gone.
				again = time.After(terminalDelay)
				if hasTerminal() {
					reload()
				}
			case <-again:
			}
			if terminal && !hasTerminal() {
				end()
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// terminalDelay is after which time a terminal is gone whose end was announced.
const terminalDelay = time.Second

// hasTerminal reports whether the process has a controlling terminal (tty(4)).
func hasTerminal() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}
