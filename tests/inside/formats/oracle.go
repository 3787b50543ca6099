// Answers questions about go's formats with go's own packages: one JSON question a line on standard
// input, one JSON answer a line on standard output. Built inside cmd by way of an overlay, since those
// packages are internal to it. Bytes travel in base64.
package main

import (
	"bufio"
	"cmd/internal/quoted"
	"encoding/json"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"internal/gover"
	"os"
	"path"
)

type question struct {
	Ask        string
	One, Other []byte
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		if err := answers.Encode(answer(q)); err != nil {
			panic(err)
		}
	}
}

func answer(q question) any {
	one, other := string(q.One), string(q.Other)
	switch q.Ask {
	case "patterns":
		return module.MatchPrefixPatterns(one, other)
	case "glob":
		ok, err := path.Match(one, other)
		if err != nil {
			return "bad"
		}
		return ok
	case "path":
		return module.CheckPath(one) == nil
	case "canonical":
		return module.CanonicalVersion(one)
	case "fits":
		_, major, ok := module.SplitPathVersion(other)
		return ok && module.CheckPathMajor(one, major) == nil
	case "escape":
		escaped, err := module.EscapePath(one)
		if err != nil {
			return nil
		}
		return escaped
	case "unescape":
		plain, err := module.UnescapePath(one)
		if err != nil {
			return nil
		}
		return plain
	case "quoted":
		words, err := quoted.Split(one)
		if err != nil {
			return nil
		}
		list := [][]byte{}
		for _, word := range words {
			list = append(list, []byte(word))
		}
		return list
	case "order":
		return gover.Compare(one, other)
	case "main":
		file, err := modfile.Parse("go.mod", q.One, nil)
		return describe(file, err)
	case "dependency":
		file, err := modfile.ParseLax("go.mod", q.One, nil)
		return describe(file, err)
	case "work":
		file, err := modfile.ParseWork("go.work", q.One, nil)
		if err != nil {
			return nil
		}
		said := map[string]any{"go": nil, "toolchain": nil}
		if file.Go != nil {
			said["go"] = file.Go.Version
		}
		if file.Toolchain != nil {
			said["toolchain"] = file.Toolchain.Name
		}
		uses := []string{}
		for _, use := range file.Use {
			uses = append(uses, use.Path)
		}
		said["uses"], said["replace"] = uses, replaced(file.Replace)
		return said
	}
	panic(q.Ask)
}

func describe(file *modfile.File, err error) any {
	if err != nil {
		return nil
	}
	said := map[string]any{"module": nil, "go": nil, "toolchain": nil}
	if file.Module != nil {
		said["module"] = file.Module.Mod.Path
	}
	if file.Go != nil {
		said["go"] = file.Go.Version
	}
	if file.Toolchain != nil {
		said["toolchain"] = file.Toolchain.Name
	}
	require, exclude, retract, tool, ignore := []any{}, []any{}, []any{}, []any{}, []any{}
	for _, r := range file.Require {
		require = append(require, []any{r.Mod.Path, r.Mod.Version, r.Indirect})
	}
	for _, e := range file.Exclude {
		exclude = append(exclude, []any{e.Mod.Path, e.Mod.Version})
	}
	for _, r := range file.Retract {
		retract = append(retract, []any{r.Low, r.High})
	}
	for _, t := range file.Tool {
		tool = append(tool, t.Path)
	}
	for _, i := range file.Ignore {
		ignore = append(ignore, i.Path)
	}
	said["require"], said["exclude"], said["retract"] = require, exclude, retract
	said["tool"], said["ignore"], said["replace"] = tool, ignore, replaced(file.Replace)
	return said
}

func replaced(list []*modfile.Replace) []any {
	all := []any{}
	for _, r := range list {
		all = append(all, []any{r.Old.Path, r.Old.Version, r.New.Path, r.New.Version})
	}
	return all
}
