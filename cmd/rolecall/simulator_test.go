package main

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

// simulator serves the organization of a JSON file as AWS and points the script's environment at it, with the keys of
// the caller that every such organization has: simulator organization.json [ACCOUNT/REGION/CLUSTER [aws-auth.yaml]]. Nothing answers at the
// cluster; with a text for mapRoles a server that only keeps objects does.
func simulator(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 3 {
		ts.Fatalf("usage: simulator FILE [ACCOUNT/REGION/CLUSTER [FILE]]")
	}
	in, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer in.Close()
	state, err := awssim.Load(in, time.Now)
	ts.Check(err)
	sim := awssim.New(awssim.Options{State: state, Clock: time.Now})
	endpoint, ca := "https://127.0.0.1:1", []byte(nil)
	if len(args) == 3 {
		endpoint, ca = apiServer(ts, ts.ReadFile(args[2]))
	}
	if len(args) > 1 {
		at := strings.SplitN(args[1], "/", 3)
		ts.Check(sim.SetClusterEndpoint(at[0], at[1], at[2], endpoint, ca))
	}
	srv := httptest.NewServer(sim)
	ts.Defer(srv.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIACALLERCALLERCALL", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		ts.Setenv(k, v)
	}
}

// apiServer keeps aws-auth, the ClusterRole view and what else is written there.
func apiServer(ts *testscript.TestScript, mapRoles string) (endpoint string, ca []byte) {
	api := kubesim.New("default", "rolecall")
	api.Put("/api/v1/namespaces/kube-system/configmaps/aws-auth", kubesim.Object{"data": kubesim.Object{"mapRoles": mapRoles}})
	api.Put("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", kubesim.Object{
		"rules": []kubesim.Object{{"verbs": []string{"get"}, "apiGroups": []string{""}, "resources": []string{"pods"}}},
	})
	srv := httptest.NewTLSServer(api)
	ts.Defer(srv.Close)
	return srv.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}
