// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"pvlua/luabind"
	"pvlua/packet"
)

// screenWidth is how long lines for a terminal may be.
const screenWidth = 80

// wrap breaks text into lines that begin with indent and fit the screen.
func wrap(indent, text string) string { return paragraph(indent, indent, text) }

// paragraph is wrap with another beginning of the first line.
func paragraph(head, indent, text string) string {
	var s strings.Builder
	s.WriteString(head)
	column, start := utf8.RuneCountInString(head), true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case start:
		case column+1+n > screenWidth:
			s.WriteString("\n" + indent)
			column = len(indent)
		default:
			s.WriteByte(' ')
			column++
		}
		s.WriteString(word)
		column += n
		start = false
	}
	return s.String() + "\n"
}

// topicList is the topic of topics.
func topicList() string {
	var s strings.Builder
	s.WriteString("pvlua help NAME tells about each of these; dport or every alone will do.\n\n")
	list := func(head string, names []string) {
		s.WriteString(paragraph(fmt.Sprintf("  %-12s", head), strings.Repeat(" ", 14), strings.Join(names, " ")))
	}
	list("in general", []string{"verdicts", "callbacks"})
	var names []string
	for _, h := range packet.Headers {
		names = append(names, "pkt."+h.Name)
	}
	list("headers", names)
	for _, t := range titles {
		names = nil
		for _, e := range luabind.API {
			if e.Of == t.of {
				names = append(names, entryName(e))
			}
		}
		head := t.of
		switch head {
		case "":
			head = "callbacks"
		case "packet":
			head = "pkt"
		}
		list(head, names)
	}
	return s.String()
}

// verdicts is the topic of what on_packet may return.
func verdicts() string {
	var s strings.Builder
	s.WriteString("What on_packet(pkt) may return, the verdict on the packet:\n\n")
	for _, e := range luabind.API {
		switch {
		case e.Kind == luabind.Callback && e.Name == "on_packet":
			s.WriteString(wrap("  ", e.Doc) + "\n")
		case e.Of == "pv" && (e.Name == "PASS" || e.Name == "DROP" || e.Name == "TX"):
			s.WriteString(paragraph(fmt.Sprintf("  %-16s", entryName(e)), strings.Repeat(" ", 18), e.Doc))
		}
	}
	s.WriteString("  pv.ports[2]     A port: the packet goes out of that one.\n\n")
	s.WriteString("  if tcp and tcp.dport == 23 then return pv.DROP end\n")
	return s.String()
}

// packetTopic is the topic pkt.
func packetTopic() string {
	var s strings.Builder
	s.WriteString("pkt, the packet that on_packet is called with.\n\nIts headers, nil where it has none (pvlua help pkt.udp lists the fields):\n\n")
	for _, h := range packet.Headers {
		s.WriteString(paragraph(fmt.Sprintf("  %-10s", "pkt."+h.Name), strings.Repeat(" ", 12), h.Doc))
	}
	s.WriteString("\nWhat else it has:\n\n" + entries("packet"))
	return s.String()
}

// group is the topic of everything in the API that one thing has.
func group(of, title string) string {
	return title + "\n\n" + entries(of)
}

// entries lists the signatures of what one thing has, each with its
// description.
func entries(of string) string {
	var s strings.Builder
	for _, e := range luabind.API {
		if e.Of == of {
			s.WriteString(wrap("  ", e.Signature) + wrap("      ", e.Doc))
		}
	}
	return s.String()
}

// entryTopic is the topic of one function, method, value or callback.
func entryTopic(e luabind.Entry) string {
	s := wrap("", e.Signature) + "\n" + wrap("  ", e.Doc)
	switch {
	case e.Kind == luabind.Method:
		s += "\n" + wrap("", fmt.Sprintf("A method of a %s: called with a colon. pvlua help %s lists all.", e.Of, strings.Replace(e.Of, "packet", "pkt", 1)))
	case e.Kind == luabind.Callback:
		s += "\nA global function of the script that pvlua calls.\n"
	}
	return s
}

// headerTopic is the topic of a header.
func headerTopic(h packet.Header) string {
	var s strings.Builder
	fmt.Fprintf(&s, "pkt.%s: a header of the packet, nil where there is none\n\n%s\n", h.Name, wrap("  ", h.Doc))
	for _, f := range h.Fields {
		head := fmt.Sprintf("  %-11s%-15s", f.Name, f.Kind)
		s.WriteString(paragraph(head, strings.Repeat(" ", utf8.RuneCountInString(head)), f.Doc))
	}
	fmt.Fprintf(&s, "\npvlua help pkt.%s.%s says more on one.\n", h.Name, h.Fields[0].Name)
	return s.String()
}

// fieldTopic is the topic of a field.
func fieldTopic(h packet.Header, f *packet.Field) string {
	var s strings.Builder
	fmt.Fprintf(&s, "pkt.%s.%s: %s, ", h.Name, f.Name, f.Kind)
	switch {
	case f.Width == 1:
		s.WriteString("1 bit, ")
	case f.Width > 0:
		fmt.Fprintf(&s, "%d bits, ", f.Width)
	}
	if f.ReadOnly {
		s.WriteString("read only\n\n")
	} else {
		s.WriteString("read and assigned\n\n")
	}
	s.WriteString(wrap("  ", f.Doc) + "\n")

	place := "Place: " + at(f)
	if f.Locate == packet.Fixed {
		place += " of the header"
	}
	place += "."
	if of := sums(f); of != "" {
		place += " Assigning it keeps these checksums right: " + of + "."
	}
	if f.Structural {
		place += " Assigning it may change which headers the packet has, or where its payload ends."
	}
	s.WriteString(wrap("", place))
	fmt.Fprintf(&s, "%s\n  local %s = pkt.%[2]s\n  %s\n", wrap("", "The header: "+h.Doc), h.Name, use(h, f))
	return s.String()
}

// use gives a line of Lua that uses a field.
func use(h packet.Header, f *packet.Field) string {
	name := h.Name + "." + f.Name
	value := "1"
	switch f.Kind {
	case packet.Bool:
		return fmt.Sprintf("if %s and %s then ... end", h.Name, name)
	case packet.Bytes:
		return fmt.Sprintf("if %s and #%s > 0 then ... end", h.Name, name)
	case packet.MAC:
		value = `pv.mac"02:00:00:00:00:01"`
	case packet.IPv4:
		value = `pv.ip"10.0.0.1"`
	case packet.IPv6:
		value = `pv.ip6"2001:db8::1"`
	}
	return fmt.Sprintf("if %s and %s == %s then ... end", h.Name, name, value)
}
