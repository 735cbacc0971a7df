// SPDX-License-Identifier: GPL-3.0-or-later

// Package apidoc writes the reference tables of headers and fields from the
// field table of package packet, and puts them where a Markdown file has
// markers for them, so that the documents cannot disagree with the code.
package apidoc

import (
	"errors"
	"fmt"
	"strings"

	"pvlua/packet"
)

// The markers, each on a line of its own.
const (
	Begin = "<!-- fields:begin -->"
	End   = "<!-- fields:end -->"
)

// Tables gives the reference of all headers in Markdown: for each its
// description and a table with a line per field. It ends with a newline.
func Tables() string {
	var s strings.Builder
	for i, h := range packet.Headers {
		if i > 0 {
			s.WriteString("\n")
		}
		fmt.Fprintf(&s, "### `pkt.%s`\n\n%s\n\n", h.Name, cell(h.Doc))
		s.WriteString("| field | value | bits | at | access | checksums | what it is |\n")
		s.WriteString("|---|---|---|---|---|---|---|\n")
		for _, f := range h.Fields {
			fmt.Fprintf(&s, "| `%s` | %s | %s | %s | %s | %s | %s |\n",
				f.Name, f.Kind, bits(f), at(f), access(f), sums(f), cell(f.Doc))
		}
	}
	s.WriteString("\n" + legend)
	return s.String()
}

// legend explains the columns.
const legend = `*at* counts from the start of the header, or of the option or Fragment header that is named.
*access* is r (read), rw (read and assign) or rw+ (assigning may change which headers the packet has, or where its
payload ends). *checksums* are those that an assignment keeps right, if the packet has them.
`

// cell makes text fit a table cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// bits gives the width of a field.
func bits(f *packet.Field) string {
	if f.Width == 0 {
		return "varies"
	}
	return fmt.Sprint(f.Width)
}

// at gives the place of a field.
func at(f *packet.Field) string {
	place := fmt.Sprintf("byte %d", f.BitOffset/8)
	if bit := f.BitOffset % 8; bit != 0 {
		place += fmt.Sprintf(" bit %d", bit)
	}
	switch f.Locate {
	case packet.NDOption:
		return fmt.Sprintf("ND option %d, %s", f.Option, place)
	case packet.TCPOption:
		return fmt.Sprintf("TCP option %d, %s", f.Option, place)
	case packet.Fragment:
		return "Fragment header, " + place
	case packet.Trailing:
		return "from " + place + " on"
	case packet.Derived:
		return "derived"
	}
	return place
}

// access gives what can be done with a field.
func access(f *packet.Field) string {
	switch {
	case f.ReadOnly:
		return "r"
	case f.Structural:
		return "rw+"
	}
	return "rw"
}

// sums gives the checksums that an assignment keeps right.
func sums(f *packet.Field) string {
	var all []string
	if f.ReadOnly {
		return ""
	}
	if f.Sum&packet.SumIP != 0 {
		all = append(all, "ip")
	}
	if f.Sum&packet.SumL4 != 0 {
		all = append(all, f.Header.String())
	}
	if f.Sum&packet.SumPseudo != 0 && f.Sum&packet.SumL4 == 0 {
		all = append(all, "tcp", "udp")
		if f.Header == packet.IP6 {
			all = append(all, "icmp6")
		}
	}
	return strings.Join(all, ", ")
}

// Replace gives doc with the text between the two markers replaced by tables.
// It is an error if there is not exactly one pair of them.
func Replace(doc, tables string) (string, error) {
	before, rest, ok := strings.Cut(doc, Begin+"\n")
	if !ok {
		return "", errors.New("no line " + Begin)
	}
	_, after, ok := strings.Cut(rest, End)
	if !ok {
		return "", errors.New("no line " + End + " after " + Begin)
	}
	if strings.Contains(before, End) || strings.Contains(after, Begin) || strings.Contains(after, End) {
		return "", errors.New("more than one pair of " + Begin + " and " + End)
	}
	return before + Begin + "\n" + tables + End + after, nil
}
