// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"pvlua/internal/privileged"
)

// matches runs the selected scenarios and writes their table.
func matches(ctx context.Context, o options, stdout io.Writer, say func(string)) error {
	var chosen []scenario
	for _, s := range scenarios() {
		if slices.Contains(o.selected(), s.name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil
	}
	why, err := obstacle(ctx, o.at)
	if err != nil {
		return err
	}
	if why != "" {
		fmt.Fprintf(stdout, "\nskipped: the comparison with C: %s\n", why)
		if privileged.InCI() {
			return errors.New("the comparison with C was skipped, which CI=true does not allow")
		}
		return nil
	}
	r, err := newRig(o.at)
	if err != nil {
		return err
	}
	defer r.close()
	var results []result
	for _, s := range chosen {
		more, err := r.match(ctx, s, o.load, o.rounds, say)
		if err != nil {
			return err
		}
		results = append(results, more...)
	}
	fmt.Fprintf(stdout, "\n%s\n", o.describe(chosen))
	if err := reportMatches(stdout, results, o.markdown); err != nil {
		return err
	}
	return verdict(results)
}

// describe says how the figures of the table came about.
func (o options) describe(chosen []scenario) string {
	rate := "as many as it can"
	if o.load.rate > 0 {
		rate = fmt.Sprintf("%d a second", o.load.rate)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Frames of %d bytes in %d UDP flows, %s; generator on processor %d, device under test on processor %d.\n",
		o.load.size, o.load.flows, rate, o.at.farCPU, o.at.dutCPU)
	fmt.Fprintf(&b, "Median (minimum-maximum) of %s of %v; ratios are of figures of the same round.\n",
		rounds(o.rounds), o.load.time)
	b.WriteString("Where a contender takes all that is offered, the limit is the kernel's part of the work on the generator's processor.\n")
	for _, s := range chosen {
		fmt.Fprintf(&b, "%s: %s\n", s.name, s.title)
	}
	return b.String()
}

// verdict is nil if nothing failed. The table's notes have the reasons.
func verdict(results []result) error {
	failed := 0
	for _, r := range results {
		if r.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d contenders failed", failed, len(results))
	}
	return nil
}

// obstacle says why the matches can't be run on this machine, "" if they can. It
// also builds the C programs; an error is one of theirs.
func obstacle(ctx context.Context, at places) (why string, err error) {
	missing, err := privileged.Missing()
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		return "needs " + strings.Join(missing, ", ") + ": run it as root", nil
	}
	for _, tool := range []string{"make", "clang"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "needs " + tool + ": run bench/deps.sh", nil
		}
	}
	for _, cpu := range []int{at.farCPU, at.dutCPU} {
		if !available(cpu) {
			return fmt.Sprintf("there is no processor %d for this process: see -generator-cpu and -cpu", cpu), nil
		}
	}
	out, err := exec.CommandContext(ctx, "make", "-s", "-C", at.c()).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the C programs (bench/deps.sh installs what they need): %w\n%s", err, out)
	}
	return "", nil
}

func available(cpu int) bool {
	var set unix.CPUSet
	return unix.SchedGetaffinity(0, &set) == nil && cpu >= 0 && set.IsSet(cpu)
}
