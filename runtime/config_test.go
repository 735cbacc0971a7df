// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"strings"
	"testing"

	"pvlua/luabind"
)

func TestConfigRefusesWhatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		config Config
		want   []string
	}{
		{Config{}, []string{"no interface given"}},
		{Config{Interfaces: []string{"a", "b", "a"}}, []string{"interface a is given twice"}},
		{Config{Interfaces: []string{"a"}, Batch: 1025, Queues: -1, BusyPoll: -1, OnError: luabind.TX},
			[]string{"batch 1025: must be from 1 to 1024", "queues -1", "busy-poll -1ns: must not be negative", "on-error: must be pass or drop"}},
		{Config{Interfaces: []string{"a"}}, nil},
	} {
		c, err := tt.config.normal()
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", tt.config, err, want)
			}
		}
		if tt.want == nil && (err != nil || c.Batch != defaultBatch || c.OnError != luabind.Pass || c.Log == nil) {
			t.Errorf("defaults: %+v, %v", c, err)
		}
	}
}
