// Package organization reads the file that describes what a laboratory holds:
// an AWS organization for the simulator, and what is inside its clusters.
package organization

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Organization is a laboratory's input.
type Organization struct {
	// State is the part the AWS simulator reads, as JSON.
	State []byte
	// Region is where Identity Center lives.
	Region string
	// Caller is the IAM user whose credentials a platform engineer works with.
	Caller IAMUser
	// Administrator is the IAM user that may do everything in the management
	// account; the laboratory's own commands use it.
	Administrator IAMUser
	// IAMUsers are all IAM users, sorted by account and name.
	IAMUsers []IAMUser
	// Clusters are in the order of the file.
	Clusters []Cluster
}

// IAMUser names an IAM user by account name and user name.
type IAMUser struct {
	Account, Name string
}

// String returns account/name.
func (u IAMUser) String() string { return u.Account + "/" + u.Name }

// Cluster is a cluster and what is in it from the start.
type Cluster struct {
	Account    string `json:"account"` // name or id, as the file has it
	Region     string `json:"region"`
	Name       string `json:"name"`
	Kubernetes Kubernetes
}

// Kubernetes is what a cluster holds from the start.
type Kubernetes struct {
	Namespaces []string `json:"namespaces,omitempty"`
	// AWSAuth is the aws-auth ConfigMap; nil leaves the cluster without one.
	AWSAuth *AWSAuth `json:"awsAuth,omitempty"`
	// Manifests are further objects.
	Manifests []unstructured.Unstructured `json:"manifests,omitempty"`
	// ManifestFiles are files of further objects, relative to the
	// organization's file. Parse reads them into Manifests.
	ManifestFiles []string `json:"manifestFiles,omitempty"`
}

// AWSAuth is the aws-auth ConfigMap, its texts taken over byte for byte.
type AWSAuth struct {
	Data        map[string]string `json:"data"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// document is the part of the file this package understands.
type document struct {
	IdentityCenter struct {
		Region string `json:"region"`
	} `json:"identityCenter"`
	IAMUsers []struct {
		Account string `json:"account"`
		Name    string `json:"name"`
	} `json:"iamUsers"`
	Laboratory struct {
		Caller        string `json:"caller"`
		Administrator string `json:"administrator"`
	} `json:"laboratory"`
	Clusters []struct {
		Cluster
		Kubernetes json.RawMessage `json:"kubernetes"`
	} `json:"clusters"`
}

// Read reads an organization's file.
func Read(path string) (*Organization, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the organization: %w", err)
	}
	o, err := Parse(data, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("reading the organization %q: %w", path, err)
	}
	return o, nil
}

// Parse reads an organization from YAML. A mapping with the one key $file
// stands for what is in that file. Files are looked up from dir. What the
// simulator reads is checked by the simulator, not here.
func Parse(data []byte, dir string) (*Organization, error) {
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	if text, err = include(text, dir); err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("reading the laboratory's members: %w", err)
	}
	o := &Organization{Region: doc.IdentityCenter.Region}
	if o.State, err = simulatorPart(text); err != nil {
		return nil, err
	}
	for _, u := range doc.IAMUsers {
		o.IAMUsers = append(o.IAMUsers, IAMUser{Account: u.Account, Name: u.Name})
	}
	slices.SortFunc(o.IAMUsers, func(a, b IAMUser) int { return strings.Compare(a.String(), b.String()) })
	if o.Caller, err = o.user(doc.Laboratory.Caller, "caller"); err != nil {
		return nil, err
	}
	if o.Administrator, err = o.user(doc.Laboratory.Administrator, "administrator"); err != nil {
		return nil, err
	}
	for _, c := range doc.Clusters {
		cluster := c.Cluster
		if cluster.Kubernetes, err = kubernetes(c.Kubernetes, dir); err != nil {
			return nil, fmt.Errorf("cluster %q: %w", cluster.Name, err)
		}
		o.Clusters = append(o.Clusters, cluster)
	}
	return o, nil
}

// user finds the IAM user that laboratory.<member> names as account/name.
func (o *Organization) user(name, member string) (IAMUser, error) {
	for _, u := range o.IAMUsers {
		if u.String() == name {
			return u, nil
		}
	}
	return IAMUser{}, fmt.Errorf("laboratory.%s: %q is none of the iamUsers (write account/name)", member, name)
}

// simulatorPart removes what the simulator does not know.
func simulatorPart(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var all map[string]any
	if err := dec.Decode(&all); err != nil {
		return nil, fmt.Errorf("reading the organization: %w", err)
	}
	delete(all, "laboratory")
	clusters, _ := all["clusters"].([]any)
	for _, c := range clusters {
		if members, ok := c.(map[string]any); ok {
			delete(members, "kubernetes")
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("writing the simulator's part: %w", err)
	}
	return out, nil
}

func kubernetes(text json.RawMessage, dir string) (Kubernetes, error) {
	var k Kubernetes
	if len(text) == 0 {
		return k, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&k); err != nil {
		return k, fmt.Errorf("reading kubernetes: %w", err)
	}
	for _, name := range k.ManifestFiles {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return k, fmt.Errorf("reading manifests: %w", err)
		}
		objects, err := Manifests(data)
		if err != nil {
			return k, fmt.Errorf("reading manifests %q: %w", name, err)
		}
		k.Manifests = append(k.Manifests, objects...)
	}
	return k, nil
}

// Manifests reads Kubernetes objects from YAML documents.
func Manifests(data []byte) ([]unstructured.Unstructured, error) {
	var out []unstructured.Unstructured
	reader := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := unstructured.Unstructured{}
		err := reader.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading a document: %w", err)
		}
		if len(object.Object) > 0 {
			out = append(out, object)
		}
	}
}
