# Bare "make" prints the targets. Everything needs Go, make and git, nothing else.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rolecall
LINT  := $(CACHE)/tools/golangci-lint-$(shell cat tools/go.sum | cksum | cut -d' ' -f1)
LAB   := cd lab && go run ./cmd/rolecall-lab
INPUTS ?= 20000

.PHONY: help demo lab test unit race laboratory differential bench scale lint verify snapshot build clean

help: ## print the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## run the whole story against the laboratory: plan, apply, people, revocation
	$(LAB) demo

lab: ## keep the laboratory up and print the environment to use it by hand
	$(LAB) up --org ../examples/acme/organization.yaml

test: unit laboratory race differential lint ## everything that CI runs

unit: ## vet and test the main module; needs no network
	go vet ./...
	go test ./...

# Most of the time rolecall waits for AWS' rates: four laboratories side by side, a gigabyte each, share two cores well.
laboratory: ## build the control plane if need be, then test the chain in the laboratory
	cd lab && go vet ./... && go run ./cmd/rolecall-lab build && go test -p 2 -parallel 2 -timeout 40m ./...

race: ## the race detector over what runs things side by side
	go test -race -short ./internal/awsauth ./internal/plan ./internal/snapshot ./internal/apply ./internal/kube ./internal/aws ./internal/awssim ./internal/awssim/state ./internal/cli

differential: ## compare awsauth with the real authenticator, rbac with the API server (INPUTS=1200000 TRIPLES=400000 for the recorded run), exports with HCL, migrations with the authenticator
	cd bench && go vet ./oracle ./export ./migration && go test ./oracle -inputs $(INPUTS) && go test -short ./export ./migration
	cd bench/rbac && go vet . && go test . $(TRIPLES:%=-triples %)

bench: ## the runs that docs/benchmarks.md records, by hand: peers side by side, eight writers at once, migrations
	cd lab && go run ./cmd/rolecall-lab build
	cd bench && go vet ./... && go test ./peers ./writers ./answers ./export ./migration -v -count 1 -timeout 40m

scale: ## what the graph and its questions cost at size and at half of it, each in a process of its own
	go test -c -o bin/graph.test ./internal/graph
	for size in "20000 500 200" "10000 500 200" "20000 250 200" "20000 500 100" "8000 500 200"; do set -- $$size; \
	  for what in Build:3x Explain:1000x ExplainAll:500x WhoCan:400x Matrix:1x Report:1x; do echo "$$size"; \
	    bin/graph.test -test.run xxx -test.bench "Benchmark$${what%:*}$$" -test.benchtime $${what#*:} \
	      -graph.users $$1 -graph.clusters $$2 -graph.bindings $$3 | grep ^Benchmark || exit 1; done; done

lint: $(LINT) ## the linter over the modules
	$(LINT) run --allow-parallel-runners ./...
	cd lab && $(LINT) run --allow-parallel-runners ./...
	cd bench && $(LINT) run --allow-parallel-runners ./oracle ./export ./migration
	cd bench/rbac && $(LINT) run --allow-parallel-runners .

$(LINT): # its name holds the digest of tools/go.sum
	@echo "building the linter (about 4 minutes, once)"
	@mkdir -p $(@D)
	cd tools && go build -trimpath -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

verify: ## regenerate everything generated and fail on a difference
	go test ./internal/diag ./schema -update
	cd lab && go test ./chains -run TestThePage -update
	$(MAKE) snapshot
	git diff --exit-code -- docs schema examples

snapshot: ## regenerate examples/acme/snapshot.json from the laboratory
	$(LAB) snapshot --org ../examples/acme/organization.yaml --config ../examples/acme/rolecall.yaml --out ../examples/acme/snapshot.json

build: ## build bin/rolecall and bin/rolecall-lab
	go build -trimpath -o bin/rolecall ./cmd/rolecall
	cd lab && go build -trimpath -o ../bin/rolecall-lab ./cmd/rolecall-lab

clean: ## remove what build made; the caches stay
	rm -rf bin
