// SPDX-License-Identifier: GPL-3.0-or-later

package netns

import (
	"errors"
	"fmt"
)

// Down removes the links and namespaces of the lab, as far as they are there. A
// namespace that a process still uses loses its links and its name, and ends with
// that process.
//
// What has a name of the lab's but was not made by one stays, and is reported by an
// error that matches [ErrForeign] after all else was removed.
func (l *Lab) Down() error {
	if err := l.Check(); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	pairs := l.pairs()
	m, errs := openSites(pairs)
	defer m.close()
	for _, p := range pairs {
		for _, e := range []End{p.A, p.B} {
			s := m[e.Namespace]
			if s == nil {
				continue
			}
			errs = append(errs, s.deleteLink(e.Link))
		}
	}
	for name, s := range m {
		if name == "" {
			continue
		}
		errs = append(errs, s.deleteMarked(), Delete(name))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("lab down: %w", err)
	}
	return nil
}

// deleteMarked deletes every link that a lab made, such as an interrupted Up left.
// Otherwise a process in the namespace would keep them.
func (s *site) deleteMarked() error {
	var names []string
	err := redump(func() error {
		links, err := s.nl.LinkList()
		names = names[:0]
		for _, l := range links {
			if l.Attrs().Alias == mark && l.Attrs().Name != "lo" {
				names = append(names, l.Attrs().Name)
			}
		}
		return err
	})
	errs := []error{err}
	for _, name := range names {
		errs = append(errs, s.deleteLink(name))
	}
	return errors.Join(errs...)
}
