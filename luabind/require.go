// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxModule is the largest file that require reads, in bytes.
const maxModule = 16 << 20

// modules are what require has loaded.
type modules struct {
	values  map[string]lua.LValue
	loading []string // those whose main chunks run, outermost first
}

// openModules makes require, which finds the libraries by their names and
// other modules as files beside the script.
func (s *State) openModules() {
	s.modules = &modules{values: make(map[string]lua.LValue)}
	for _, name := range []string{"bit32", "coroutine", "math", "os", "pv", "string", "table", "_G"} {
		s.modules.values[name] = s.L.GetGlobal(name)
	}
	s.L.SetGlobal("require", s.L.NewFunction(s.require))
}

// require is require(name).
func (s *State) require(L *lua.LState) int {
	name := L.CheckString(1)
	if v, ok := s.modules.values[name]; ok {
		L.Push(v)
		return 1
	}
	for i, n := range s.modules.loading {
		if n == name {
			L.RaiseError("modules require each other in a circle: %s", strings.Join(append(s.modules.loading[i:], name), " -> "))
		}
	}
	if !validModule(name) {
		L.RaiseError("require: %s is no name of a module: letters, digits, _ and -, with dots between folders", quote(name))
	}
	path, source, err := s.findModule(name)
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	fn, err := s.compile(path, source)
	if err != nil {
		// The error has its own position in the module's file.
		L.Error(lua.LString(err.Error()), 0)
	}
	depth := len(s.modules.loading)
	s.modules.loading = append(s.modules.loading, name)
	defer func() { s.modules.loading = s.modules.loading[:depth] }()
	L.Push(fn)
	L.Push(lua.LString(name))
	L.Call(1, 1)
	v := L.Get(-1)
	if v == lua.LNil {
		v = lua.LTrue
	}
	s.noteKept(v)
	s.modules.values[name] = v
	if s.lints.loaded {
		s.settleDoubts()
	}
	L.Push(v)
	return 1
}

// validModule reports whether a name can be that of a module.
func validModule(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return !(r < 0x80 && (isLetter(byte(r)) || isDigit(byte(r)))) && r != '_' && r != '-'
		}) {
			return false
		}
	}
	return true
}

// findModule reads the file of a module: a/b.lua or a/b/init.lua for a.b, in
// the script's folder. Symbolic links that lead out of it are not followed.
func (s *State) findModule(name string) (path string, source []byte, err error) {
	folder := filepath.Dir(s.cfg.Script)
	base := strings.ReplaceAll(name, ".", "/")
	var tried []string
	for _, file := range []string{base + ".lua", base + "/init.lua"} {
		path := filepath.Join(folder, file)
		source, err := s.cfg.Sources.get(path, func() ([]byte, error) { return readModule(folder, file) })
		if err == nil {
			return path, source, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("module %s: %s: %w", quote(name), path, err)
		}
		tried = append(tried, path)
	}
	return "", nil, fmt.Errorf("module %s not found; looked for %s", quote(name), strings.Join(tried, " and "))
}

// readModule reads one file of a folder.
func readModule(folder, file string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > maxModule {
		return nil, fmt.Errorf("%d bytes are too many; %d are allowed", info.Size(), maxModule)
	}
	return root.ReadFile(file)
}
