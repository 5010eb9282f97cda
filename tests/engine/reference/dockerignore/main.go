// Reference for the rules of .dockerignore: BuildKit's own file parser, matcher and tree walk (fsutil), as buildctl
// and buildx use them. Reads one directory a line; answers one JSON line each: the paths that go to the build.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
)

type answer struct {
	Kept  []string `json:"kept"`
	Error string   `json:"error"`
}

func kept(directory string) ([]string, error) {
	file, err := os.Open(filepath.Join(directory, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	options := &fsutil.FilterOpt{ExcludePatterns: patterns}
	err = fsutil.WalkDir(context.Background(), directory, options, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			paths = append(paths, path)
		}
		return err
	})
	return paths, err
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for input.Scan() {
		paths, err := kept(input.Text())
		given := answer{Kept: paths}
		if err != nil {
			given = answer{Error: err.Error()}
		}
		if err := output.Encode(given); err != nil {
			panic(err)
		}
	}
}
