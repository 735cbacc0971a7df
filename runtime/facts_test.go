// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"testing"

	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
)

// TestAddressesUnderChurn: facts can be read while addresses of another
// interface come and go, of which there are too many for one message of the
// kernel's.
func TestAddressesUnderChurn(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.B.Do(t, func() error {
		addAddresses(t, 79, 1000)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			lab.B.Do(t, func() error {
				lo, err := netlink.LinkByName("lo")
				for err == nil {
					a := &netlink.Addr{IPNet: netlink.NewIPNet([]byte{10, 80, 0, 1})}
					if err = netlink.AddrAdd(lo, a); err == nil {
						err = netlink.AddrDel(lo, a)
					}
					select {
					case <-stop:
						return err
					default:
					}
				}
				return err
			})
		}()
		defer func() { close(stop); <-stopped }()
		for range 100 {
			facts, err := readFacts(0, lab.B.Link)
			if err != nil {
				t.Fatal(err)
			}
			if len(facts.IP) != 1 {
				t.Fatalf("%d addresses, expected 1", len(facts.IP))
			}
		}
		return nil
	})
}
