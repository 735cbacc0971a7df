// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// A TooLargeError says that a handler is too large for the kernel.
type TooLargeError struct {
	What string // there is too much of
	Err  error  // of the kernel; may be nil
}

func (e *TooLargeError) Error() string { return "too large for the kernel: " + e.What }
func (e *TooLargeError) Unwrap() error { return e.Err }

// A RefusedError says that the kernel's verifier does not accept a program.
type RefusedError struct {
	// Line is script:line of the instruction that it stopped at; "" if it did
	// not say.
	Line    string
	Message string // the verifier's last words
	Err     error  // with the whole log under %+v
}

func (e *RefusedError) Error() string {
	if e.Line == "" {
		return "the kernel's verifier refused the program: " + e.Message
	}
	return fmt.Sprintf("the kernel's verifier refused %s: %s", e.Line, e.Message)
}
func (e *RefusedError) Unwrap() error { return e.Err }

// An OldKernelError says that the kernel lacks something that a program uses.
type OldKernelError struct {
	What string
	Err  error
}

func (e *OldKernelError) Error() string { return "the kernel is too old: " + e.What }
func (e *OldKernelError) Unwrap() error { return e.Err }

// logged is how a line about an instruction begins in the verifier's log.
var logged = regexp.MustCompile(`^(?:from )?(\d+)(?:: \(| to (\d+):)`)

// lacking are the verifier's words for what it does not know.
var lacking = regexp.MustCompile(`^(unknown func |invalid func |program of this type cannot use helper |unknown opcode |BPF_ATOMIC uses invalid|BPF_STX uses reserved|invalid atomic operation )`)

// explain makes one of the errors above of the kernel's.
func explain(script string, insns asm.Instructions, err error) error {
	if errors.Is(err, ebpf.ErrNotSupported) {
		return &OldKernelError{What: err.Error(), Err: err}
	}
	if errors.Is(err, unix.E2BIG) { // BPF_COMPLEXITY_LIMIT_INSNS and _JMP_SEQ of kernel/bpf/verifier.c
		return &TooLargeError{What: "the verifier gives up on its paths", Err: err}
	}
	var refused *ebpf.VerifierError
	if !errors.As(err, &refused) || len(refused.Log) == 0 {
		return fmt.Errorf("bpf: loading %s: %w", script, err)
	}
	message, at := lastWords(refused.Log)
	if lacking.MatchString(message) {
		return &OldKernelError{What: message, Err: err}
	}
	return &RefusedError{Line: lineAt(insns, at), Message: message, Err: err}
}

// lastWords finds the reason at the end of a log, and the position of the last
// instruction before it; -1 if there is none.
func lastWords(log []string) (message string, at int) {
	for i := len(log) - 1; i >= 0; i-- {
		text := strings.TrimSpace(log[i])
		if text == "" || strings.HasPrefix(text, "processed ") || strings.HasPrefix(text, "verification time ") || strings.HasPrefix(text, "stack depth ") {
			continue
		}
		if m := logged.FindStringSubmatch(text); m != nil {
			if m[2] != "" {
				m[1] = m[2]
			}
			if message == "" {
				message = text
			}
			at, _ = strconv.Atoi(m[1])
			return message, at
		}
		if message == "" {
			message = text
		}
	}
	return message, -1
}

// lineAt gives the line of the script that an instruction is from.
func lineAt(insns asm.Instructions, at int) (line string) {
	for it := insns.Iterate(); it.Next() && int(it.Offset) <= at; {
		if source := it.Ins.Source(); source != nil {
			line = source.String()
		}
	}
	return line
}
