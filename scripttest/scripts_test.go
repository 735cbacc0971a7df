// SPDX-License-Identifier: GPL-3.0-or-later

package scripttest

import (
	"path/filepath"
	"testing"
)

// Every ready script has tests, and they pass.
func TestReadyScripts(t *testing.T) {
	files, err := filepath.Glob("../scripts/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, script := range Scripts(files) {
		t.Run(filepath.Base(script), func(t *testing.T) {
			r, report := play(t, t.TempDir(), func(c *Config) { c.Scripts = []string{script} })
			for _, err := range r.Untested {
				t.Error(err)
			}
			if r.Failed > 0 {
				t.Error(report)
			}
		})
	}
}
