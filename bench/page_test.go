// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputIntoAPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("above\n<!-- bench -->\nold\n<!-- /bench -->\nbelow\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options{into: path}
	var stdout strings.Builder
	failed := errors.New("1 row of the table failed")
	err := o.output(&stdout, func(w io.Writer) error { io.WriteString(w, "new\n"); return failed })
	if err != failed || stdout.String() != "new\n" {
		t.Errorf("error %v, output %q; want that of a row, and what was written", err, stdout.String())
	}
	const want = "above\n<!-- bench -->\nnew\n<!-- /bench -->\nbelow\n"
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("the page is %q, want %q", got, want)
	}

	interrupted := errors.New("interrupted")
	if err := o.output(&stdout, func(io.Writer) error { return interrupted }); err != interrupted {
		t.Errorf("error %v, want %v", err, interrupted)
	}
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("after nothing was written the page is %q, want %q", got, want)
	}
}

// A page without its lines is refused before anything is measured.
func TestOutputIntoAPageWithoutLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	for _, text := range []string{"", "<!-- bench -->\n", "<!-- /bench -->\n<!-- bench -->\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := options{into: path}.output(io.Discard, func(io.Writer) error { t.Error("it was measured"); return nil })
		if err == nil || !strings.Contains(err.Error(), "it has no lines") {
			t.Errorf("a page %q: %v, want that it has no lines", text, err)
		}
	}
}
