// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"pvlua/luabind"
	"pvlua/offline"
	"pvlua/runtime"
)

const offlineHelp = `pvlua runs a script on capture files, with their times and without interfaces.

  pvlua --read IN [--read IN2]... [--write OUT] [flags] SCRIPT [-- ARGUMENTS]

      --read FILE          pcap or pcapng; each file is a port, called as the
                           file is without extension; - is standard input, port
                           stdin
      --write FILE         pcapng: each packet, its verdict in a comment, and
                           what was transmitted; or, if the name ends in .pcap,
                           only the latter; - is standard output, as pcapng
      --port-address PORT=ADDRESS,...
                           IPv4, IPv6 and MAC addresses of a port, such as
                           in=10.0.0.5,2001:db8::2 (MAC 02:00:00:00:00:01, :02
                           and so on, no IP addresses)
      --mtu N              of the ports (1500)
      --on-error VERDICT   for packets the handler fails on: pass or drop (pass)
      --engine ENGINE      auto, or lua for no compiling (auto)
      --quota N            Lua instructions a call may take (10000000)
      --dump               print each packet and its verdict
      --verbose            log more

Try: tcpdump -U -i eth0 -w - | pvlua --read - --write out.pcapng --dump SCRIPT
`

// An offlineRun is what the command line of a run on captures says.
type offlineRun struct {
	config  offline.Config
	read    []string // as config.Inputs
	write   string   // empty: nothing is written
	dump    bool
	verbose bool
}

// isOffline tells a run on captures by its flags.
func isOffline(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		name, _, _ := strings.Cut(a, "=")
		if slices.Contains([]string{"--read", "--write", "--port-address", "--mtu"}, name) {
			return true
		}
	}
	return false
}

// offlineCommand runs a script on captures.
func offlineCommand(args []string, stdout, stderr io.Writer) int {
	run, err := parseOffline(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, offlineHelp)
		return exitOK
	}
	if err != nil {
		return usageError(stderr, "pvlua", err)
	}
	config := run.config
	config.Log = newLog(stderr, run.verbose)
	config.Stdout = stdout
	if run.write == "-" {
		config.Stdout = stderr // packets and text do not mix
	}
	if run.dump {
		config.Dump = config.Stdout
	}
	var ports []string
	for _, in := range config.Inputs {
		ports = append(ports, in.Port.Name)
	}
	if status, asked := scriptHelp(config.Script, config.Args, ports, stdout, stderr); asked {
		return status
	}
	tuneMemory(defaultMemoryLimit())

	status := exitOK
	files, err := run.open(&config, stdout)
	if err == nil {
		ctx, stop := untilInterrupted()
		defer stop()
		var totals offline.Totals
		totals, err = offline.Run(ctx, config)
		status = totals.Status
		totals.Write(stderr)
	}
	err = errors.Join(err, files.close())
	if status, early := endedEarly(err, stdout); early {
		return status
	}
	if err != nil {
		return reportFailure(stderr, runtime.Config{Script: config.Script}, err)
	}
	return status
}

// parseOffline reads the command line of a run on captures. Nothing is opened
// yet.
func parseOffline(args []string) (run offlineRun, err error) {
	var (
		flags     = newFlags("pvlua")
		read      = flags.StringArray("read", nil, "")
		addresses = flags.StringArray("port-address", nil, "")
		mtu       = flags.Int("mtu", 1500, "")
		onError   = flags.String("on-error", "pass", "")
		engine    = flags.String("engine", "auto", "")
	)
	flags.StringVar(&run.write, "write", "", "")
	flags.IntVar(&run.config.Quota, "quota", 0, "")
	flags.BoolVar(&run.dump, "dump", false, "")
	flags.BoolVar(&run.verbose, "verbose", false, "")
	if err := parseFlags(flags, args); err != nil {
		return run, explainLiveFlag(err)
	}
	run.read = *read
	errs := []error{positive(flags, "quota")}
	if len(run.read) == 0 {
		errs = append(errs, errors.New("give a capture to read: --read FILE"))
	}
	if flags.Changed("write") && run.write == "" {
		errs = append(errs, errors.New("--write needs the name of a file"))
	}
	if *mtu < 68 || *mtu > 65535 { // RFC 791 §3.2
		errs = append(errs, fmt.Errorf("--mtu %d: must be from 68 to 65535", *mtu))
	}
	switch e, err := runtime.ParseEngine(*engine); {
	case err != nil:
		errs = append(errs, fmt.Errorf("--engine: %w", err))
	case e == runtime.EngineKernel:
		errs = append(errs, errors.New("--engine kernel: the kernel sees no packets of captures; use auto or lua"))
	default:
		run.config.Lua = e == runtime.EngineLua
	}
	var onErrorErr error
	run.config.OnError, onErrorErr = parseOnError(*onError)
	errs = append(errs, onErrorErr, run.nameScript(flags.Args(), flags.ArgsLenAtDash()))
	for i, file := range run.read {
		in := offline.Input{Source: file, Port: luabind.Port{Name: portName(file), MAC: 0x020000000001 + uint64(i), MTU: *mtu}}
		if file == "-" {
			in.Source = "standard input"
		}
		for _, other := range run.config.Inputs {
			if other.Source == in.Source {
				errs = append(errs, fmt.Errorf("--read %s is given twice", file))
			} else if other.Port.Name == in.Port.Name {
				errs = append(errs, fmt.Errorf("--read %s: %s is called port %s already: rename one of the files", file, other.Source, other.Port.Name))
			}
		}
		run.config.Inputs = append(run.config.Inputs, in)
	}
	for _, value := range *addresses {
		if err := setAddresses(run.config.Inputs, value); err != nil {
			errs = append(errs, fmt.Errorf("--port-address %s: %w", value, err))
		}
	}
	return run, errors.Join(errs...)
}

// nameScript takes the script and its arguments, which begin after a -- at
// index dash; dash is negative if there is none.
func (run *offlineRun) nameScript(args []string, dash int) error {
	named := args
	if dash >= 0 {
		named, run.config.Args = args[:dash], args[dash:]
	}
	switch len(named) {
	case 0:
		return errors.New("give a script")
	case 1:
		run.config.Script = named[0]
		return nil
	}
	return fmt.Errorf("give one script, and no interface: with --read the ports are files; there is %s", quoted(named))
}

// portName is the name of the port that a file stands for.
func portName(file string) string {
	if file == "-" {
		return "stdin"
	}
	base := filepath.Base(file)
	if name := strings.TrimSuffix(base, filepath.Ext(base)); name != "" {
		return name
	}
	return base
}

// opened are the files of a run.
type opened struct {
	in  []*os.File
	out *os.File // nil: none, or standard output
}

// close ends them. Some file systems tell only now that they are full.
func (o *opened) close() error {
	for _, f := range o.in {
		f.Close()
	}
	if o.out == nil {
		return nil
	}
	return o.out.Close()
}

// open opens the captures and makes the output. The caller closes what is
// returned, on an error too.
func (run *offlineRun) open(config *offline.Config, stdout io.Writer) (*opened, error) {
	files := new(opened)
	config.Inputs = slices.Clone(config.Inputs)
	for i, name := range run.read {
		if name == "-" {
			config.Inputs[i].Reader = os.Stdin
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return files, err
		}
		files.in = append(files.in, f)
		config.Inputs[i].Reader = f
	}
	switch run.write {
	case "":
		return files, nil
	case "-":
		config.Output = stdout
		return files, nil
	}
	if to, err := os.Stat(run.write); err == nil && to.Mode().IsRegular() {
		for _, f := range files.in {
			if from, err := f.Stat(); err == nil && os.SameFile(from, to) {
				return files, fmt.Errorf("%s is read and cannot be written at the same time: write to another file", run.write)
			}
		}
	}
	var err error
	if files.out, err = os.Create(run.write); err != nil {
		return files, err
	}
	config.Output, config.Classic = files.out, filepath.Ext(run.write) == ".pcap"
	return files, nil
}

// explainLiveFlag says of a flag that only a run on interfaces has that it is
// out of place, not that it is unknown.
func explainLiveFlag(err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	for long, short := range liveFlags {
		if name := unknown.GetSpecifiedName(); name == long || name == short && short != "" {
			return fmt.Errorf("--%s is for interfaces: with --read there are none", long)
		}
	}
	return err
}

// liveFlags are the flags, and their letters, that make no sense here.
var liveFlags = map[string]string{
	"mode": "", "queues": "", "batch": "", "stats": "", "watch": "", "busy-poll": "", "threaded-napi": "", "memory-limit": "",
	"capture": "", "capture-filter": "", "capture-size": "",
	"chunk-size": "s", "chunk-count": "c", "rx-ring": "r", "tx-ring": "t", "fill-ring": "f", "completion-ring": "o",
}
