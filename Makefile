# Bare "make" prints the targets. Everything needs Go, make and git, nothing else.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rolecall
LINT  := $(CACHE)/tools/golangci-lint-$(shell cat tools/go.sum | cksum | cut -d' ' -f1)
LAB   := cd lab && go run ./cmd/rolecall-lab
INPUTS ?= 20000

.PHONY: help demo lab test unit race laboratory differential bench lint verify snapshot build clean

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

laboratory: ## build the control plane if need be, then test the chain in the laboratory
	cd lab && go vet ./... && go run ./cmd/rolecall-lab build && go test -p 1 -timeout 40m ./...

race: ## the race detector over what runs things side by side
	go test -race -short ./internal/awsauth ./internal/plan ./internal/snapshot ./internal/apply ./internal/kube ./internal/aws ./internal/awssim ./internal/awssim/state ./internal/cli

differential: ## compare awsauth with the real authenticator on 20,000 documents; INPUTS=1200000 for the recorded run
	cd bench && go vet ./oracle && go test ./oracle -inputs $(INPUTS)

bench: ## the runs that docs/benchmarks.md records, by hand: peers side by side, eight writers at once
	cd lab && go run ./cmd/rolecall-lab build
	cd bench && go vet ./... && go test ./peers ./writers -v -count 1 -timeout 40m

lint: $(LINT) ## the linter over the modules
	$(LINT) run --allow-parallel-runners ./...
	cd lab && $(LINT) run --allow-parallel-runners ./...
	cd bench && $(LINT) run --allow-parallel-runners ./oracle

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
