// SPDX-License-Identifier: GPL-3.0-or-later

package ir

import (
	"fmt"
	"io"
	"strings"
)

// The signs of conditions, and of operations that have one.
var (
	condSigns = [...]string{"==", "!=", "<", "<=", ">", ">=", "s<", "s<=", "s>", "s>="}
	opSigns   = [NumOps]string{Add: "+", Sub: "-", Mul: "*", Div: "/", Mod: "%", And: "&", Or: "|", Xor: "^", Shl: "<<", Shr: ">>", Sar: "s>>"}
	verdicts  = [...]string{Drop: "drop", Pass: "pass", TX: "tx", Redirect: "redirect"}
)

// String gives the sign of a condition; those that take numbers as signed
// begin with s.
func (c Cond) String() string {
	if int(c) < len(condSigns) {
		return condSigns[c]
	}
	return fmt.Sprintf("cond%d", uint8(c))
}

// String gives the name of an operation.
func (o Op) String() string {
	if o < NumOps {
		return forms[o].name
	}
	return fmt.Sprintf("op%d", uint8(o))
}

// String gives the name of a verdict.
func (v Verdict) String() string {
	if v >= Drop && v <= Redirect {
		return verdicts[v]
	}
	return fmt.Sprintf("verdict%d", uint8(v))
}

// String gives what Print prints.
func (f *Func) String() string {
	var b strings.Builder
	f.Print(&b)
	return b.String()
}

// Print writes a Func for people, one instruction a line, with the script's
// line where it changes.
func (f *Func) Print(w io.Writer) {
	for i, t := range f.Tables {
		fmt.Fprintf(w, "table %d %s: %d entries\n", i, t.Name, len(t.Entries))
	}
	for _, b := range f.Blocks {
		fmt.Fprintf(w, "%d:\n", b.ID)
		var line int32
		put := func(text string, at int32) {
			if at != line && at != 0 {
				line = at
				fmt.Fprintf(w, "\t%-40s ; line %d\n", text, at)
				return
			}
			fmt.Fprintf(w, "\t%s\n", text)
		}
		for i := range b.Instrs {
			put(f.instrString(&b.Instrs[i]), b.Instrs[i].Line)
		}
		put(f.termString(&b.Term), b.Term.Line)
	}
}

// regString writes a register: r1 has a number, p2 a pointer.
func (f *Func) regString(r Reg) string {
	switch f.kind(r) {
	case Number:
		return fmt.Sprintf("r%d", r)
	case Pointer:
		return fmt.Sprintf("p%d", r)
	}
	return fmt.Sprintf("?%d", r)
}

// value writes a register, or the constant if it is None.
func (f *Func) value(r Reg, imm int64) string {
	if r != None {
		return f.regString(r)
	}
	if imm >= 1<<16 || imm <= -1<<16 {
		return fmt.Sprintf("%#x", imm)
	}
	return fmt.Sprint(imm)
}

// values writes registers.
func (f *Func) values(rs []Reg) string {
	s := make([]string, len(rs))
	for i, r := range rs {
		s[i] = f.regString(r)
	}
	return strings.Join(s, ", ")
}

// instrString writes an instruction.
func (f *Func) instrString(in *Instr) string {
	if in.Op >= NumOps {
		return in.Op.String()
	}
	b := f.value(in.B, in.Imm)
	switch in.Op {
	case Store:
		return fmt.Sprintf("store%d [%s + %d], %s", in.Size, f.regString(in.A), in.Off, b)
	case CountAdd:
		return fmt.Sprintf("count %s, %s", name(f.Counters, in.Ref, func(c Counter) string { return c.Name }), f.value(in.A, in.Imm))
	}
	text := f.regString(in.Dst) + " = "
	switch in.Op {
	case Const:
		return text + f.value(None, in.Imm)
	case Move:
		return text + f.regString(in.A)
	case Sub:
		if in.A == None {
			return text + f.value(None, in.Imm) + " - " + f.regString(in.B)
		}
	case Set:
		return text + fmt.Sprintf("%s %s %s", f.regString(in.A), in.Cond, b)
	case Swap:
		return text + fmt.Sprintf("swap%d %s", in.Size, f.regString(in.A))
	case Load:
		return text + fmt.Sprintf("load%d [%s + %d]", in.Size, f.regString(in.A), in.Off)
	case Sum:
		return text + fmt.Sprintf("sum [%s + %d], %s", f.regString(in.A), in.Off, b)
	case Fold:
		return text + "fold " + f.regString(in.A)
	case Len:
		return text + "len"
	case Ptr:
		return text + "ptr " + f.value(in.A, in.Imm)
	case Adjust:
		return text + [...]string{"push ", "grow "}[in.Size&1] + f.value(in.A, in.Imm)
	case TableGet:
		key := f.values(in.Args)
		if len(in.Args) == 0 {
			key = f.regString(in.A)
		}
		return text + fmt.Sprintf("tableget %s, %s -> %s", name(f.Tables, in.Ref, func(t Table) string { return t.Name }), key, f.values(in.Res))
	case MapGet, MapSet, MapInsert, MapAdd, MapDelete:
		text += fmt.Sprintf("%s %s, %s", in.Op, name(f.Maps, in.Ref, func(m Map) string { return m.Name }), f.values(in.Args))
		if len(in.Res) > 0 {
			text += " -> " + f.values(in.Res)
		}
		return text
	}
	return text + fmt.Sprintf("%s %s %s", f.regString(in.A), opSigns[in.Op], b)
}

// name gives the name of element i of a list, with its number.
func name[T any](list []T, i int32, of func(T) string) string {
	if i < 0 || int(i) >= len(list) {
		return fmt.Sprintf("#%d", i)
	}
	return fmt.Sprintf("%s#%d", of(list[i]), i)
}

// termString writes the end of a block.
func (f *Func) termString(t *Term) string {
	id := func(b *Block) string {
		if b == nil {
			return "nowhere"
		}
		return fmt.Sprint(b.ID)
	}
	switch t.Kind {
	case Jump:
		return "goto " + id(t.Then)
	case Branch:
		return fmt.Sprintf("if %s %s %s goto %s else %s", f.regString(t.A), t.Cond, f.value(t.B, t.Imm), id(t.Then), id(t.Else))
	case Guard:
		return fmt.Sprintf("guard %s, %d goto %s else %s", f.regString(t.A), t.Imm, id(t.Then), id(t.Else))
	case Return:
		if t.Verdict == Redirect {
			return fmt.Sprintf("return redirect %d", t.Port)
		}
		return "return " + t.Verdict.String()
	case Exit:
		if t.Site >= 0 && t.Site < len(f.Sites) {
			return fmt.Sprintf("exit %d: %s", t.Site, f.Sites[t.Site].Reason)
		}
		return fmt.Sprintf("exit %d", t.Site)
	}
	return "no end"
}
