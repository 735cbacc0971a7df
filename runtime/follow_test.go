// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"fmt"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"pvlua/internal/labtest"
)

// addAddresses gives the loopback interface n addresses.
func addAddresses(t *testing.T, network, n int) {
	t.Helper()
	for i := range n {
		set(t, "lo", func(lo netlink.Link) error {
			a, err := netlink.ParseAddr(fmt.Sprintf("10.%d.%d.%d/32", network, i/256, i%256))
			if err != nil {
				return err
			}
			return netlink.AddrAdd(lo, a)
		})
	}
}

// heard counts the notices until there are none for a while.
func (c *changes) heard() (n int) {
	for {
		select {
		case <-c.changed:
			n++
		case <-time.After(200 * time.Millisecond):
			return n
		}
	}
}

// TestBurstIsOneNotice: however many events there were while nobody listened,
// there is one look to be taken.
func TestBurstIsOneNotice(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.B.Do(t, func() error {
		c, err := follow()
		if err != nil {
			return err
		}
		defer c.close()
		addAddresses(t, 77, 500)
		time.Sleep(100 * time.Millisecond) // until the last event has come
		if n := c.heard(); n != 1 {
			t.Errorf("%d notices of 500 events, expected 1", n)
		}
		if c.lost.Load() {
			t.Error("the subscription was lost")
		}
		return nil
	})
}

// TestLostSubscriptionIsRenewed, and a good one kept.
func TestLostSubscriptionIsRenewed(t *testing.T) {
	updates := make(chan int)
	ended := &changes{changed: make(chan struct{}, 1)}
	close(updates)
	drain(ended, updates)
	if !ended.lost.Load() || ended.heard() != 1 {
		t.Error("the end of a subscription was not noticed")
	}

	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	lab.B.Do(t, func() error {
		old, err := follow()
		if err != nil {
			return err
		}
		if old.renew() != old {
			t.Error("a subscription that is good was renewed")
		}
		old.lost.Store(true)
		c := old.renew()
		defer c.close()
		if c == old || c.lost.Load() {
			t.Fatal("a lost subscription was kept")
		}
		addAddresses(t, 78, 1)
		if c.heard() == 0 {
			t.Error("the new subscription hears nothing")
		}
		return nil
	})
}
