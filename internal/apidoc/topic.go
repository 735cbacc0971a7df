// SPDX-License-Identifier: GPL-3.0-or-later

package apidoc

import (
	"fmt"
	"slices"
	"strings"

	"pvlua/luabind"
	"pvlua/packet"
)

// A topic is something that a reader can ask for by a name.
type topic struct {
	name string // as a script writes it: "pkt.udp.dport", "pv.every", "pkt:u8"
	text func() string
}

// Topics lists the names that Topic knows, in the order of the reference page.
func Topics() []string {
	var names []string
	for _, t := range allTopics() {
		names = append(names, t.name)
	}
	return names
}

// Topic gives what there is to say about a name of the API, in lines of at most
// 80 columns, and whether there is anything. Names may be shortened to their
// last part, as in dport; then it may be about several.
func Topic(name string) (text string, ok bool) {
	want := plainName(name)
	all := allTopics()
	for _, t := range all {
		if plainName(t.name) == want {
			return t.text(), true
		}
	}
	var found []topic
	for _, t := range all {
		if strings.HasSuffix(plainName(t.name), "."+want) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return "", false
	case 1:
		return found[0].text(), true
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%s is a part of several names:\n\n", name)
	for _, t := range found {
		head, _, _ := strings.Cut(t.text(), "\n")
		fmt.Fprintf(&s, "  %s\n", head)
	}
	return s.String(), true
}

// NearestTopic gives the name that an unknown one is most likely a misspelling
// of, empty if there is none.
func NearestTopic(name string) string {
	want := plainName(name)
	full := make(map[string]string) // what is compared, and the topic
	var candidates []string
	add := func(short, topic string) {
		if _, ok := full[short]; !ok {
			full[short] = topic
			candidates = append(candidates, short)
		}
	}
	for _, t := range Topics() {
		add(plainName(t), t)
	}
	for _, t := range Topics() {
		if plain := plainName(t); !strings.Contains(want, ".") {
			short := plain[strings.LastIndexByte(plain, '.')+1:]
			add(short, short)
		}
	}
	return full[luabind.Nearest(want, candidates)]
}

// plainName brings the ways to write a name together: a method with a colon or
// a dot, with or without brackets, a header with or without pkt.
func plainName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.ReplaceAll(strings.TrimSuffix(name, "()"), ":", ".")
	switch first, rest, dotted := strings.Cut(name, "."); {
	case first == "packet" && dotted:
		return "pkt." + rest
	case first == "packet":
		return "pkt"
	case slices.Contains([]string{"verdict", "callback", "header", "field", "topic"}, name):
		return name + "s"
	case isHeader(first):
		return "pkt." + name
	}
	return name
}

func isHeader(name string) bool {
	return slices.ContainsFunc(packet.Headers[:], func(h packet.Header) bool { return h.Name == name })
}

// allTopics lists the topics.
func allTopics() []topic {
	all := []topic{
		{"topics", topicList},
		{"verdicts", verdicts},
		{"callbacks", func() string { return group("", "Callbacks") }},
		{"pkt", packetTopic},
	}
	for _, h := range packet.Headers {
		all = append(all, topic{"pkt." + h.Name, func() string { return headerTopic(h) }})
		for _, f := range h.Fields {
			all = append(all, topic{"pkt." + h.Name + "." + f.Name, func() string { return fieldTopic(h, f) }})
		}
	}
	for _, t := range titles {
		if t.of != "" && t.of != "packet" {
			all = append(all, topic{t.of, func() string { return group(t.of, t.title) }})
		}
		for _, e := range luabind.API {
			if e.Of == t.of {
				all = append(all, topic{entryName(e), func() string { return entryTopic(e) }})
			}
		}
	}
	return all
}

// entryName gives the name of an entry as a script writes it.
func entryName(e luabind.Entry) string {
	if end := strings.IndexAny(e.Signature, "({ "); end >= 0 {
		return e.Signature[:end]
	}
	return e.Signature
}
