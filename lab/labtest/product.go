package labtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// built is the rolecall command that all tests of a process share: linking it takes seconds.
var built program //nolint:gochecknoglobals // Main, which removes it, knows of no test

type program struct {
	once   sync.Once
	dir    string
	binary product.Binary
	err    error
}

// Main runs the tests of a package and removes what Product built for them. It returns the exit code.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rolecall-product-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built.dir = dir
	return m.Run()
}

// Checkout is the folder of the checkout that the test belongs to.
func Checkout(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	root, err := product.Root(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// Product is the checkout's rolecall command, built once for all tests of a package whose TestMain calls Main.
func Product(tb testing.TB) product.Binary {
	tb.Helper()
	root := Checkout(tb)
	if built.dir == "" {
		tb.Fatal("TestMain does not call labtest.Main, which removes what is built")
	}
	built.once.Do(func() { built.binary, built.err = product.Build(context.Background(), root, built.dir) })
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.binary
}
