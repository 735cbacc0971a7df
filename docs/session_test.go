// SPDX-License-Identifier: GPL-3.0-or-later

package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A session is a terminal in which the commands of a page are typed: a shell with
// a network, named namespaces and processes of its own, so that the names of the
// page disturb nobody and nothing is left of it.
type session struct {
	folder   string // the working directory
	commands *os.File

	mu     sync.Mutex
	output bytes.Buffer // of all commands, standard error included
	seen   int          // how much of it has been compared
}

// patience is how long a command, and what it is expected to write, may take.
const patience = 30 * time.Second

// shell takes commands from descriptor 3, so that they are not the input of the
// programs that it starts. Namespaces' names are files of /run/netns.
const shell = `
mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up || exit
set -m
while IFS= read -r -u 3 line; do
  eval "$line" </dev/null 3<&-
  printf '\n@@%d@@\n' $?
done`

// newSession starts a session whose commands find pvlua.
func newSession(t *testing.T) *session {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{folder: t.TempDir()}
	in, commands, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.commands = commands
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", shell)
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+s.folder, "PATH="+bin+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = s, s
	cmd.ExtraFiles = []*os.File{in}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	t.Cleanup(func() {
		commands.Close()
		cancel()
		cmd.Wait()
	})
	return s
}

// Write takes what the commands write.
func (s *session) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.Write(b)
}

// unseen gives the output that has not been compared yet.
func (s *session) unseen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()[s.seen:]
}

// status is how a command has ended.
var status = regexp.MustCompile(`\n@@(\d+)@@\n`)

// run runs a command and waits until it has ended, unless it ends with &, and
// the lines that are expected of it, or of programs started before, are there.
// Lines of others may be between them, and three dots stand for any text.
func (s *session) run(command string, lines []string, want int) error {
	var pattern strings.Builder
	pattern.WriteString(`(?ms)`)
	for _, line := range lines {
		if line == "..." {
			continue // other lines may be between any two
		}
		var words []string
		for _, word := range strings.Fields(line) {
			words = append(words, strings.ReplaceAll(regexp.QuoteMeta(word), `\.\.\.`, `[^\n]*`))
		}
		pattern.WriteString(`^\s*` + strings.Join(words, `[ \t]+`) + `\s*$.*?`)
	}
	expected, err := regexp.Compile(pattern.String())
	if err != nil {
		return err
	}
	if strings.HasPrefix(command, "kill %") {
		command += " && wait " + command[len("kill "):] // it ends in order, with status 0
	}
	if _, err := fmt.Fprintln(s.commands, command); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text := s.unseen()
		ended := status.FindStringSubmatchIndex(text)
		plain := status.ReplaceAllString(text, "\n")
		if ended != nil && expected.MatchString(plain) {
			s.mu.Lock()
			s.seen += len(text)
			s.mu.Unlock()
			if got, _ := strconv.Atoi(text[ended[2]:ended[3]]); got != want {
				return fmt.Errorf("status %d, not %d; it wrote:\n%s", got, want, text)
			}
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("expected within %v:\n%s\ngot:\n%s", patience, strings.Join(lines, "\n"), text)
		}
	}
}
