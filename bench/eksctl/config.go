package main

import (
	"encoding/json"
	"fmt"
	"io"

	api "github.com/weaveworks/eksctl/pkg/apis/eksctl.io/v1alpha5"
	"github.com/weaveworks/eksctl/pkg/eks"
)

// load reads a configuration file as every eksctl command does, checks it, and writes down what it understood.
func load(file string, out io.Writer) error {
	if err := api.Register(); err != nil {
		return fmt.Errorf("registering its types: %w", err)
	}
	cfg, err := eks.LoadConfigFromFile(file)
	if err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	api.SetClusterConfigDefaults(cfg)
	if err := api.ValidateClusterConfig(cfg); err != nil {
		return fmt.Errorf("validating: %w", err)
	}
	if err := json.NewEncoder(out).Encode(map[string]any{"metadata": cfg.Metadata, "accessConfig": cfg.AccessConfig}); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	return nil
}
