// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// setKnobs sets the link's files in /proc/sys/net (ip-sysctl.rst in the kernel's
// documentation), in the calling thread's namespace.
func setKnobs(e End, noIPv6 bool) error {
	// Where two links of a namespace reach the same network, an answer may come in
	// by another link than the first route to its sender names; 2 lets it in.
	if err := setKnob(filepath.Join("ipv4/conf", e.Link, "rp_filter"), "2"); err != nil {
		return err
	}
	dir := filepath.Join("ipv6/conf", e.Link)
	if _, err := os.Stat(filepath.Join("/proc/sys/net", dir)); errors.Is(err, fs.ErrNotExist) {
		if slices.ContainsFunc(e.Addrs, isIPv6) {
			return errors.New("this kernel has no IPv6")
		}
		return nil
	}
	if noIPv6 {
		return setKnob(filepath.Join(dir, "disable_ipv6"), "1")
	}
	for _, k := range []struct{ name, value string }{
		{"accept_dad", "0"}, // addresses work at once
		{"dad_transmits", "0"},
		{"keep_addr_on_down", "1"}, // as IPv4 addresses do
		{"accept_ra", "0"},         // nobody outside the layout configures a lab
		{"disable_ipv6", "0"},
	} {
		if err := setKnob(filepath.Join(dir, k.name), k.value); err != nil {
			return err
		}
	}
	return nil
}

// setKnob writes only if the value differs: /proc/sys may be read-only, in
// containers, and have the right values all the same.
func setKnob(name, value string) error {
	path := filepath.Join("/proc/sys/net", name)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(old)) == value {
		return nil
	}
	return os.WriteFile(path, []byte(value), 0)
}

// attachPFIFO makes pfifo the root queueing discipline of a link in the calling
// thread's namespace, or changes its limit (tc-pfifo(8), struct tc_fifo_qopt).
func attachPFIFO(ifindex, packets int) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	req.AddData(&nl.TcMsg{
		Family:  unix.AF_UNSPEC,
		Ifindex: int32(ifindex),
		Parent:  netlink.HANDLE_ROOT,
	})
	req.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("pfifo")))
	req.AddData(nl.NewRtAttr(nl.TCA_OPTIONS, nl.Uint32Attr(uint32(packets))))
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("%w (is sch_fifo in this kernel?)", err)
	}
	return nil
}
