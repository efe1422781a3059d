package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// simulator serves the organization of a JSON file as AWS and points the script's environment at it, with the keys of
// the caller that every such organization has: simulator organization.json [ACCOUNT/REGION/CLUSTER]. Nothing answers at the cluster.
func simulator(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: simulator FILE [ACCOUNT/REGION/CLUSTER]")
	}
	in, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer in.Close()
	state, err := awssim.Load(in, time.Now)
	ts.Check(err)
	sim := awssim.New(awssim.Options{State: state, Clock: time.Now})
	if len(args) == 2 {
		at := strings.SplitN(args[1], "/", 3)
		ts.Check(sim.SetClusterEndpoint(at[0], at[1], at[2], "https://127.0.0.1:1", nil))
	}
	srv := httptest.NewServer(sim)
	ts.Defer(srv.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIACALLERCALLERCALL", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		ts.Setenv(k, v)
	}
}
