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
	"time"

	"pvlua/internal/privileged"
)

// A section is some rows of the table that are measured together.
type section struct {
	name, title string // name: for -only
	needs       needs
	run         func(*bench) ([]row, error)
}

// needs is what a section can't do without.
type needs int

const (
	nothing   needs = iota
	privilege       // and the two processors
	cPrograms       // and all that
)

// sections in the order of the table, for a pvlua with these features.
func sections(f features) []section {
	return slices.Concat(matches(f), []section{
		latency(f), idle(f), scale(f), handlers(), growth(), garbage(), compiled(),
	})
}

// A bench is one run of the benchmarks.
type bench struct {
	options
	ctx  context.Context
	say  func(string) // takes what it is doing
	made *rig         // nil until a section asks for it
	ends []func()     // what is to be closed at the end of a section
}

// later has something closed at the end of the section, what was named last first.
func (b *bench) later(f func()) { b.ends = append(b.ends, f) }

// run runs a section.
func (b *bench) run(s section) ([]row, error) {
	defer func() {
		for _, f := range slices.Backward(b.ends) {
			f()
		}
		b.ends = nil
	}()
	return s.run(b)
}

// rig is one for all sections that need one.
func (b *bench) rig() (_ *rig, err error) {
	if b.made == nil {
		b.made, err = newRig(b.at, 1)
	}
	return b.made, err
}

// benchmark runs what is selected and writes the table. It fails if anything
// failed, after all else has run.
func benchmark(ctx context.Context, o options, stdout, stderr io.Writer) error {
	b := &bench{options: o, ctx: ctx, say: func(line string) { fmt.Fprintln(stderr, line) }}
	defer func() {
		if b.made != nil {
			b.made.close()
		}
	}()
	f, err := findFeatures(ctx, o.at.pvlua)
	if err != nil {
		return err
	}
	obstacle := obstacles(ctx, o.at)
	var (
		rows   []row
		errs   []error
		titles []string
	)
	begin, about := time.Now(), machine()
	for _, s := range sections(f) {
		if !slices.Contains(o.selected(), s.name) {
			continue
		}
		titles = append(titles, "- "+s.name+": "+s.title)
		why, err := obstacle(s.needs)
		if why != "" {
			rows = append(rows, row{name: s.name, what: "all", skip: why})
			if privileged.InCI() {
				errs = append(errs, fmt.Errorf("%s was skipped, which CI=true does not allow: %s", s.name, why))
			}
			continue
		}
		var more []row
		if err == nil {
			more, err = b.run(s)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			more = append(more, row{name: s.name, what: "all", err: err})
		}
		rows = append(rows, more...)
	}
	fmt.Fprintf(stdout, "%s\n\n", about)
	if err := report(stdout, rows, o.markdown); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%s\n%s\n\n%s\n", o.describe(), tookAll(time.Since(begin)), strings.Join(titles, "\n"))
	return errors.Join(append(errs, failures(rows))...)
}

func tookAll(d time.Duration) string { return fmt.Sprintf("All of it took %v.", d.Round(time.Second)) }

// describe says how the figures of the table came about.
func (o options) describe() string {
	rate := "as many as it can"
	if o.load.rate > 0 {
		rate = fmt.Sprintf("%d a second", o.load.rate)
	}
	return fmt.Sprintf(`Median (minimum-maximum) of %s; ratios are of figures of the same round.
On interfaces: frames of %d bytes in %d UDP flows, %s, each run %v; generator on processor %d, device under test on processor %d.
Where all that was offered came through, the limit is the kernel's part of the work on the generator's processor.`,
		rounds(o.rounds), o.load.size, o.load.flows, rate, o.load.time, o.at.farCPU, o.at.dutCPU)
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprint(n, " rounds")
}

// obstacles returns a function that says why something can't be run on this
// machine, "" if it can. The first time that it is asked for the C programs it
// also builds them; an error is one of theirs.
func obstacles(ctx context.Context, at places) func(needs) (why string, err error) {
	built := false
	return func(n needs) (why string, err error) {
		if n == nothing {
			return "", nil
		}
		missing, err := privileged.Missing()
		if err != nil {
			return "", err
		}
		if len(missing) > 0 {
			return "needs " + strings.Join(missing, ", ") + ": run it as root", nil
		}
		for _, cpu := range []int{at.farCPU, at.dutCPU} {
			if !available(cpu) {
				return fmt.Sprintf("there is no processor %d for this process: see -generator-cpu and -cpu", cpu), nil
			}
		}
		if n == privilege || built {
			return "", nil
		}
		for _, tool := range []string{"make", "clang"} {
			if _, err := exec.LookPath(tool); err != nil {
				return "needs " + tool + ": run bench/deps.sh", nil
			}
		}
		if out, err := exec.CommandContext(ctx, "make", "-s", "-C", at.c()).CombinedOutput(); err != nil {
			return "", fmt.Errorf("build the C programs (bench/deps.sh installs what they need): %w\n%s", err, out)
		}
		built = true
		return "", nil
	}
}
