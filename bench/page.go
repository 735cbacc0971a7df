// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// The lines between which a page has the output of a run.
const (
	pageBegin = "<!-- bench -->"
	pageEnd   = "<!-- /bench -->"
)

// output gives write where the output goes: to stdout and, if the options name a
// page, also into that, once all is written, failed rows included. The page must
// have its two lines before anything is measured.
func (o options) output(stdout io.Writer, write func(io.Writer) error) error {
	if o.into == "" {
		return write(stdout)
	}
	page, err := os.ReadFile(o.into)
	if err != nil {
		return err
	}
	if _, err := insert(page, nil); err != nil {
		return fmt.Errorf("%s: %w", o.into, err)
	}
	var text bytes.Buffer
	err = write(io.MultiWriter(stdout, &text))
	if text.Len() == 0 {
		return err // it was interrupted, or could not begin
	}
	page, insertErr := insert(page, text.Bytes())
	if insertErr == nil {
		insertErr = os.WriteFile(o.into, page, 0o644)
	}
	if err != nil {
		return err
	}
	return insertErr
}

// insert puts text between the two lines of a page, in place of what was there.
func insert(page, text []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(pageBegin+"\n"))
	_, after, ok2 := bytes.Cut(rest, []byte(pageEnd+"\n"))
	if !ok || !ok2 {
		return nil, fmt.Errorf("it has no lines %s and %s", pageBegin, pageEnd)
	}
	return fmt.Appendf(nil, "%s%s\n%s%s\n%s", before, pageBegin, text, pageEnd, after), nil
}
