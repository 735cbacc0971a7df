// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"pvlua/offline"
)

// setAddresses gives a port the addresses that a value of --port-address lists:
//
//	in=10.0.0.5,2001:db8::2,02:00:00:00:00:05
func setAddresses(inputs []offline.Input, value string) error {
	at := strings.LastIndex(value, "=") // no address has one, a file name may
	if at <= 0 || at == len(value)-1 {
		return errors.New("must be PORT=ADDRESS,... such as in=10.0.0.5,2001:db8::2")
	}
	name, list := value[:at], value[at+1:]
	var names []string
	for i := range inputs {
		port := &inputs[i].Port
		names = append(names, port.Name)
		if port.Name != name {
			continue
		}
		for text := range strings.SplitSeq(list, ",") {
			if mac, err := net.ParseMAC(text); err == nil && len(mac) == 6 {
				port.MAC = binary.BigEndian.Uint64(append([]byte{0, 0}, mac...))
				continue
			}
			address, err := netip.ParseAddr(text)
			if prefix, bad := netip.ParsePrefix(text); bad == nil {
				return fmt.Errorf("give the address without the length of its prefix: %s", prefix.Addr())
			}
			switch {
			case err != nil || address.Zone() != "":
				return fmt.Errorf("%q is no IPv4, IPv6 or MAC address", text)
			case address.Is4():
				port.IP = append(port.IP, binary.BigEndian.Uint32(address.AsSlice()))
			default:
				port.IP6 = append(port.IP6, address.As16())
			}
		}
		return nil
	}
	return fmt.Errorf("there is no port %s; the files read are ports %s", name, strings.Join(names, ", "))
}
