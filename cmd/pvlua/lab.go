// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"pvlua/netns"
)

const labHelp = `pvlua lab makes a network to try things on: veth pairs into namespaces.

  pvlua lab up        make it, or what is missing of it
  pvlua lab down      remove it
  pvlua lab status    show it; exit status 0 only if all is as it should be
  pvlua lab exec NAMESPACE [--] COMMAND [ARGUMENTS]    run a command in it

It joins veth0 (10.0.0.4/24, 2001:db8::1/64), which is here, to veth1 in
namespace test1 (10.0.0.5/24, 2001:db8::2/64), and veth2 (10.0.0.6/24) to veth3
in test2 (10.0.0.7/24). Offloads that spoil frames are off. Flags for all four:

      --prefix NAME         put NAME before all names, for labs side by side
      --namespaces A,B      instead of test1,test2
      --links A,B,C,D       instead of veth0,veth1,veth2,veth3
      --address LINK=LIST   instead of LINK's addresses: with lengths, commas
                            between them; LINK without prefix; may be repeated
      --queues N            receive and transmit queues of each link (1)
      --mtu N               bytes (1500)
      --pfifo N             let N packets wait, so that full links lose none
      --no-ipv6             no IPv6 on the links

Exit status: 0 done, 1 not done, 2 the command line is wrong; of exec that of
the command, 126 if it cannot be run, 127 if there is none of that name.
`

// Exit statuses of lab exec, as of env(1).
const (
	exitCannotRun = 126
	exitNoCommand = 127
)

// labOptions is the command line of lab.
type labOptions struct {
	verb      string // up, down, status or exec
	lab       netns.Lab
	namespace string   // of exec, with the prefix
	command   []string // of exec, not empty
}

// labCommand raises, removes, shows and enters the lab.
func labCommand(args []string, stdout, stderr io.Writer) int {
	o, err := parseLab(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(stdout, labHelp)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "pvlua lab: %v\n(pvlua lab --help shows the usage)\n", err)
		return exitUsage
	}
	if o.verb == "exec" {
		return labExec(o, stdout, stderr)
	}
	var status *netns.Status
	switch o.verb {
	case "up":
		err = o.lab.Up()
	case "down":
		err = o.lab.Down()
	}
	if err == nil {
		status, err = o.lab.Status()
	}
	if err != nil {
		complain(stderr, err)
		return exitFailed
	}
	return showLab(status, o.verb, stdout)
}

// complain prints an error, one line for each of its parts, and what to do about
// missing privilege.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "pvlua: %v\n", err)
	if errors.Is(err, fs.ErrPermission) {
		fmt.Fprintln(w, "Namespaces and links are root's: run it with sudo.")
	}
}

func parseLab(args []string) (o labOptions, err error) {
	flags := pflag.NewFlagSet("pvlua lab", pflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.lab.Prefix, "prefix", "", "")
	namespaces := flags.StringSlice("namespaces", []string{"test1", "test2"}, "")
	links := flags.StringSlice("links", []string{"veth0", "veth1", "veth2", "veth3"}, "")
	addresses := flags.StringArray("address", nil, "")
	flags.IntVar(&o.lab.Queues, "queues", 0, "")
	flags.IntVar(&o.lab.MTU, "mtu", 0, "")
	flags.IntVar(&o.lab.PFIFO, "pfifo", 0, "")
	flags.BoolVar(&o.lab.NoIPv6, "no-ipv6", false, "")

	// The flags may stand before or after the verb, but what follows the namespace
	// of exec is the command's.
	flags.SetInterspersed(false)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() == 0 {
		return o, errors.New("say what to do: up, down, status or exec")
	}
	o.verb, args = flags.Arg(0), flags.Args()[1:]
	flags.SetInterspersed(o.verb != "exec")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if err := o.rest(flags.Args()); err != nil {
		return o, err
	}
	for _, name := range []string{"queues", "mtu", "pfifo"} {
		if f := flags.Lookup(name); f.Changed && f.Value.String() == "0" {
			return o, fmt.Errorf("--%s 0: give a positive number", name)
		}
	}
	if o.lab.Pairs, err = labPairs(*namespaces, *links, *addresses, o.lab.NoIPv6); err != nil {
		return o, err
	}
	return o, o.lab.Check()
}

// rest takes the arguments after verb and flags.
func (o *labOptions) rest(args []string) error {
	switch o.verb {
	case "up", "down", "status":
		if len(args) > 0 {
			return fmt.Errorf("%s takes no arguments, but %q is given", o.verb, args)
		}
	case "exec":
		if len(args) > 1 && args[1] == "--" {
			args = append(args[:1:1], args[2:]...)
		}
		if len(args) < 2 {
			return errors.New("exec needs a namespace and a command")
		}
		o.namespace, o.command = o.lab.Prefix+args[0], args[1:]
	default:
		return fmt.Errorf("there is no %q: up, down, status and exec are possible", o.verb)
	}
	return nil
}

// labPairs is the default layout with other names and addresses.
func labPairs(namespaces, links, addresses []string, noIPv6 bool) ([]netns.Pair, error) {
	pairs := netns.DefaultPairs()
	if len(namespaces) != len(pairs) {
		return nil, fmt.Errorf("--namespaces: %d names are needed, not %d", len(pairs), len(namespaces))
	}
	if len(links) != 2*len(pairs) {
		return nil, fmt.Errorf("--links: %d names are needed, not %d", 2*len(pairs), len(links))
	}
	byName := make(map[string]*netns.End)
	for i := range pairs {
		a, b := &pairs[i].A, &pairs[i].B
		a.Link, b.Link, b.Namespace = links[2*i], links[2*i+1], namespaces[i]
		byName[a.Link], byName[b.Link] = a, b
		if noIPv6 {
			a.Addrs, b.Addrs = onlyIPv4(a.Addrs), onlyIPv4(b.Addrs)
		}
	}
	for _, s := range addresses {
		link, list, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("--address %s: LINK=ADDR/LEN is needed, like veth0=10.0.0.4/24", s)
		}
		end := byName[link]
		if end == nil {
			return nil, fmt.Errorf("--address %s: the lab has no link %s", s, link)
		}
		end.Addrs = nil
		for a := range strings.SplitSeq(list, ",") {
			if list == "" {
				break
			}
			p, err := netip.ParsePrefix(a)
			if err != nil {
				return nil, fmt.Errorf("--address %s: %q is no address with the length of its network, like 10.0.0.4/24", s, a)
			}
			end.Addrs = append(end.Addrs, p)
		}
	}
	return pairs, nil
}

func onlyIPv4(list []netip.Prefix) (v4 []netip.Prefix) {
	for _, p := range list {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		}
	}
	return v4
}

// showLab prints the lab as it is, and answers with the exit status of the verb.
func showLab(s *netns.Status, verb string, w io.Writer) int {
	fault := s.Err()
	if s.Gone() && !errors.Is(fault, netns.ErrForeign) {
		fmt.Fprintln(w, "The lab is down: there is nothing of it.")
	} else {
		writeLabTable(s, w)
		if fault != nil {
			fmt.Fprintf(w, "\nNot as it should be:\n  %s\n", strings.ReplaceAll(fault.Error(), "\n", "\n  "))
			if !errors.Is(fault, netns.ErrForeign) {
				fmt.Fprintln(w, "pvlua lab up puts it right.")
			}
		}
	}
	if verb != "down" && fault != nil {
		return exitFailed
	}
	return exitOK
}

func writeLabTable(s *netns.Status, w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAMESPACE\tLINK\tPEER\tSTATE\tMTU\tQUEUES\tOFFLOADS\tMAC\tADDRESSES")
	for _, l := range s.Links {
		namespace := l.Namespace
		if namespace == "" {
			namespace = "(here)"
		}
		if !l.There {
			fmt.Fprintf(tw, "%s\t%s\t%s\tmissing\n", namespace, l.Name, l.Peer)
			continue
		}
		state := "up"
		switch {
		case !l.Up:
			state = "down"
		case !l.Carrier:
			state = "no carrier"
		}
		queues := fmt.Sprint(l.RXQueues)
		if l.TXQueues != l.RXQueues {
			queues = fmt.Sprintf("%d rx, %d tx", l.RXQueues, l.TXQueues)
		}
		offloads := "off"
		if len(l.Offloads) > 0 {
			offloads = strings.Join(l.Offloads, " ")
		}
		var addrs []string
		for _, a := range l.Addrs {
			addrs = append(addrs, a.String())
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n",
			namespace, l.Name, l.Peer, state, l.MTU, queues, offloads, l.MAC, strings.Join(addrs, " "))
	}
	tw.Flush()
}

// labExec runs a command in a namespace. On the process's own output the command takes
// the place of this process, so that signals and the terminal are all its own.
func labExec(o labOptions, stdout, stderr io.Writer) int {
	ns, err := netns.Open(o.namespace)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no namespace %s: pvlua lab up makes those of the lab", o.namespace)
		}
		complain(stderr, err)
		return exitFailed
	}
	defer ns.Close()
	if stdout == os.Stdout && stderr == os.Stderr {
		err = ns.Exec(o.command[0], o.command[1:]...)
	} else {
		cmd := exec.Command(o.command[0], o.command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
		err = ns.Run(cmd)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		complain(stderr, err)
		return exitNoCommand
	}
	complain(stderr, err)
	return exitCannotRun
}
