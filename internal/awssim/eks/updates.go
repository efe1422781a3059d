package eks

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type updateView struct {
	ID        string           `json:"id"`
	Status    string           `json:"status"`
	Type      string           `json:"type"`
	Params    []paramView      `json:"params"`
	CreatedAt restjson.Seconds `json:"createdAt"`
	Errors    []errorView      `json:"errors"`
}

type paramView struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type errorView struct {
	ErrorCode    string   `json:"errorCode"`
	ErrorMessage string   `json:"errorMessage"`
	ResourceIDs  []string `json:"resourceIds"`
}

type updateResult struct {
	Update updateView `json:"update"`
}

type listUpdatesResult struct {
	UpdateIDs []string `json:"updateIds"`
	NextToken *string  `json:"nextToken,omitempty"`
}

func viewUpdate(u *state.Update) updateView {
	v := updateView{ID: u.ID, Status: u.Status, Type: u.Type, Params: []paramView{}, CreatedAt: restjson.Seconds(u.CreatedAt), Errors: []errorView{}}
	for _, p := range u.Params {
		v.Params = append(v.Params, paramView(p))
	}
	if u.Status == "Failed" {
		v.Errors = append(v.Errors, errorView{ErrorCode: "Unknown", ErrorMessage: u.Failure, ResourceIDs: []string{}})
	}
	return v
}

// updateClusterConfig changes the authentication mode; no other setting is simulated. The mode goes one step forward at a time: whether
// EKS lets a cluster skip the middle mode is not documented alike everywhere, so this refuses it.
func (e *Service) updateClusterConfig(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	in := restjson.Decode[clusterInput](c)
	if done := cluster.Updates[e.tokens[in.Token]]; in.Token != "" && done != nil {
		return updateResult{Update: viewUpdate(done)}, nil
	}
	members := restjson.Decode[map[string]json.RawMessage](c)
	delete(members, "clientRequestToken")
	delete(members, "accessConfig")
	to := in.AccessConfig.AuthenticationMode
	switch {
	case len(members) > 0:
		return nil, invalidParameter("This simulator changes only accessConfig, not " + slices.Sorted(maps.Keys(members))[0] + ".")
	case to == "":
		return nil, invalidParameter("No changes needed for the cluster.")
	case cluster.Status != "ACTIVE":
		return nil, fail("ResourceInUseException", "Cannot update the cluster "+cluster.Name+" while it is in status "+cluster.Status+".")
	case !forward(cluster.AuthenticationMode, to):
		return nil, invalidParameter("Unsupported authentication mode update from " + mode(cluster) + " to " + to)
	}
	update := &state.Update{
		ID: e.state.FreshID(state.KindUUID, cluster.ARN, "update"), Type: "AccessConfigUpdate", Status: "InProgress",
		Params:    []state.UpdateParam{{Type: "AuthenticationMode", Value: to}},
		CreatedAt: c.Now.UTC(), Due: c.Now.UTC().Add(c.Faults.UpdateDelay), Mode: to, Failure: c.Faults.FailUpdates[cluster.Name],
	}
	if cluster.Updates == nil {
		cluster.Updates = map[string]*state.Update{}
	}
	cluster.Updates[update.ID] = update
	cluster.Status = "UPDATING"
	e.tokens[in.Token] = update.ID
	return updateResult{Update: viewUpdate(update)}, nil
}

func mode(cluster *state.Cluster) string {
	if cluster.AuthenticationMode == "" {
		return modeConfigMap
	}
	return cluster.AuthenticationMode
}

func forward(from, to string) bool {
	return (from == modeConfigMap || from == "") && to == modeBoth || from == modeBoth && to == modeAPI
}

// settle puts the updates into effect that are due.
func (e *Service) settle(now time.Time) {
	for _, arn := range slices.Sorted(maps.Keys(e.state.Clusters)) {
		cluster := e.state.Clusters[arn]
		for _, id := range slices.Sorted(maps.Keys(cluster.Updates)) {
			update := cluster.Updates[id]
			if update.Status != "InProgress" || now.Before(update.Due) {
				continue
			}
			cluster.Status = "ACTIVE"
			if update.Failure != "" {
				update.Status = "Failed"
				continue
			}
			update.Status = "Successful"
			if update.Mode != "" {
				cluster.AuthenticationMode = update.Mode
				e.admit(cluster, now)
			}
		}
	}
}

func (e *Service) listUpdates(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	updates := slices.SortedFunc(maps.Values(cluster.Updates), func(a, b *state.Update) int {
		if order := a.CreatedAt.Compare(b.CreatedAt); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	ids := make([]string, len(updates))
	for i, update := range updates {
		ids[i] = update.ID
	}
	if len(c.Params["nodegroupName"])+len(c.Params["addonName"])+len(c.Params["capabilityName"]) > 0 {
		ids = nil // updates of those are not simulated
	}
	part, next, failure := pageOf(c, ids)
	if failure != nil {
		return nil, failure
	}
	return listUpdatesResult{UpdateIDs: part, NextToken: next}, nil
}

func (e *Service) describeUpdate(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	update, ok := cluster.Updates[c.Labels["updateId"]]
	if !ok {
		return nil, fail("ResourceNotFoundException", "No update found for ID: "+c.Labels["updateId"])
	}
	return updateResult{Update: viewUpdate(update)}, nil
}
