// SPDX-License-Identifier: GPL-3.0-or-later

// Package apidoc writes the reference tables of headers and fields, from the
// field table of package packet, and of functions, from that of package
// luabind, and puts them where a Markdown file has markers for them, so that
// the documents cannot disagree with the code. From the same tables it makes
// the texts of pvlua help and the definitions that editors use.
package apidoc

import (
	"errors"
	"fmt"
	"strings"

	"pvlua/packet"
)

// Sections are the parts of a document that are written by this package. In
// the document each stands between the lines <!-- NAME:begin --> and
// <!-- NAME:end -->.
var Sections = []struct {
	Name string
	Text func() string
}{
	{"fields", Tables},
	{"functions", Functions},
}

// Update gives doc with the text of every section that it has markers for as
// it should be. A document without any is an error, and so are markers that
// are no pair.
func Update(doc string) (string, error) {
	found := false
	for _, section := range Sections {
		begin, end := "<!-- "+section.Name+":begin -->", "<!-- "+section.Name+":end -->"
		if !strings.Contains(doc, begin) && !strings.Contains(doc, end) {
			continue
		}
		var err error
		if doc, err = replace(doc, begin, end, section.Text()); err != nil {
			return "", err
		}
		found = true
	}
	if !found {
		return "", errors.New("no line <!-- " + Sections[0].Name + ":begin --> or the like")
	}
	return doc, nil
}

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

// replace gives doc with the lines between two markers replaced by text. It is
// an error if there is not exactly one pair of them.
func replace(doc, begin, end, text string) (string, error) {
	before, rest, ok := strings.Cut(doc, begin+"\n")
	if !ok {
		return "", errors.New("no line " + begin)
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", errors.New("no line " + end + " after " + begin)
	}
	if strings.Contains(before, end) || strings.Contains(after, begin) || strings.Contains(after, end) {
		return "", errors.New("more than one pair of " + begin + " and " + end)
	}
	return before + begin + "\n" + text + end + after, nil
}
