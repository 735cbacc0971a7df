// SPDX-License-Identifier: GPL-3.0-or-later

// Package docs_test runs what the pages of this folder show.
//
// What it goes by is in the pages, in forms that readers do not see: names behind
// the language of a block of code, and HTML comments. The files that run each
// page say which.
package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A block is a fenced block of code, or an HTML comment that begins with a word
// and a colon.
type block struct {
	line    int    // of its text in the page, from 1
	section string // the heading above it
	kind    string // lua, console, text, ..., or test:, prelude: of a comment
	info    string // what follows the kind, such as file=count.lua
	text    string
}

// readPage gives the blocks of a page of this folder, in order.
func readPage(t testing.TB, name string) []block {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var section, end string // end is the line that ends the block, "" outside of blocks
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case end != "" && line == end:
			end = ""
		case end != "":
			blocks[len(blocks)-1].text += line + "\n"
		case strings.HasPrefix(line, "#"):
			section = strings.TrimLeft(line, "# ")
		case strings.HasPrefix(line, "```"), comment.MatchString(line):
			end = "-->"
			if line[0] == '`' {
				end = "```"
			}
			kind, info, _ := strings.Cut(strings.TrimLeft(line, "`<!- "), " ")
			blocks = append(blocks, block{line: i + 2, section: section, kind: kind, info: info})
		}
	}
	if end != "" {
		t.Fatalf("%s: the block of line %d has no end", name, blocks[len(blocks)-1].line)
	}
	return blocks
}

// comment is the first line of a comment that is a block.
var comment = regexp.MustCompile(`^<!-- [a-z]+:$`)

// at gives the place of a block, for messages.
func (b block) at(page string) string { return fmt.Sprintf("docs/%s:%d", page, b.line) }

// write puts a file into a folder.
func write(t testing.TB, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// folders are removed when all tests have run.
var folders []string

// binary builds the command, once, and gives the folder that it is in.
var binary = sync.OnceValues(func() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "pvlua-docs-"); err != nil {
		return "", err
	}
	folders = append(folders, folder)
	out, err := exec.Command("go", "build", "-o", filepath.Join(folder, "pvlua"), "pvlua/cmd/pvlua").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building the command: %v\n%s", err, out)
	}
	return folder, err
})

func TestMain(m *testing.M) {
	status := m.Run()
	for _, folder := range folders {
		os.RemoveAll(folder)
	}
	os.Exit(status)
}
