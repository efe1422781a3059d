package eks

import (
	"strconv"

	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

func text() *shape.Shape { return shape.Text(0, 0, "") }

func texts() *shape.Shape { return shape.List(text(), 0, 0) }

func switched() *shape.Shape { return shape.Struct(shape.May("enabled", shape.Boolean())) }

func tagMap() *shape.Shape { return shape.Map(shape.Text(0, 256, ""), 1, 50) }

func number(checked string) int {
	n, _ := strconv.Atoi(checked) // the shape was checked
	return n
}

// page is the parameters of every list.
func page() []shape.Member {
	return []shape.Member{shape.May("maxResults", shape.Integer(1, 100)), shape.May("nextToken", text())}
}

func listClustersQuery() *shape.Shape {
	return shape.Struct(append(page(), shape.May("include", shape.List(text(), 0, 1)))...)
}

func listEntriesQuery() *shape.Shape {
	return shape.Struct(append(page(), shape.May("associatedPolicyArn", text()))...)
}

func updatesQuery(more ...shape.Member) *shape.Shape {
	return shape.Struct(append(more, shape.May("nodegroupName", text()), shape.May("addonName", text()), shape.May("capabilityName", text()))...)
}

func authenticationMode() *shape.Shape { return shape.Enum("API", "API_AND_CONFIG_MAP", "CONFIG_MAP") }

// settings are the members that CreateCluster and UpdateClusterConfig share.
func settings() []shape.Member {
	networks := shape.List(shape.Struct(shape.May("cidrs", texts())), 0, 0)
	weight := shape.Struct(shape.May("name", text()), shape.May("weight", shape.Integer(0, 0)))
	strategy := shape.Struct(shape.May("resources", shape.List(weight, 0, 0)), shape.May("type", text()))
	autoscaler := shape.Struct(shape.May("horizontalPodAutoscalerSyncPeriod", text()))
	return []shape.Member{
		shape.May("clientRequestToken", text()),
		shape.May("computeConfig", shape.Struct(shape.May("enabled", shape.Boolean()), shape.May("nodePools", texts()), shape.May("nodeRoleArn", text()))),
		shape.May("controlPlaneScalingConfig", shape.Struct(shape.May("tier", text()))),
		shape.May("deletionProtection", shape.Boolean()),
		shape.May("kubeApiServerConfig", shape.Struct(
			shape.May("eventTtl", text()),
			shape.May("serviceNodePortRange", shape.Struct(shape.May("maxPort", shape.Integer(0, 0)), shape.May("minPort", shape.Integer(0, 0)))))),
		shape.May("kubeControllerManagerConfig", shape.Struct(
			shape.May("horizontalPodAutoscalerControllerConfig", autoscaler),
			shape.May("podGcControllerConfig", shape.Struct(shape.May("terminatedPodGcThreshold", shape.Integer(0, 0)))))),
		shape.May("kubeSchedulerConfig", shape.Struct(shape.May("nodeResourcesFit", shape.Struct(shape.May("scoringStrategy", strategy))))),
		shape.May("kubernetesNetworkConfig", shape.Struct(
			shape.May("elasticLoadBalancing", shape.Struct(
				shape.May("enabled", shape.Boolean()),
				shape.May("gatewayApi", shape.Struct(shape.May("crds", shape.Struct(shape.May("managed", shape.Boolean()))))))),
			shape.May("ipFamily", shape.Enum("ipv4", "ipv6")), shape.May("serviceIpv4Cidr", text()))),
		shape.May("logging", shape.Struct(shape.May("clusterLogging", shape.List(shape.Struct(
			shape.May("enabled", shape.Boolean()),
			shape.May("types", shape.List(shape.Enum("api", "audit", "authenticator", "controllerManager", "scheduler"), 0, 0))), 0, 0)))),
		shape.May("remoteNetworkConfig", shape.Struct(shape.May("remoteNodeNetworks", networks), shape.May("remotePodNetworks", networks))),
		shape.May("storageConfig", shape.Struct(shape.May("blockStorage", switched()))),
		shape.May("upgradePolicy", shape.Struct(shape.May("supportType", shape.Enum("STANDARD", "EXTENDED")))),
		shape.May("zonalShiftConfig", switched()),
	}
}

func vpcConfig() *shape.Shape {
	return shape.Struct(
		shape.May("controlPlaneEgressMode", text()), shape.May("endpointPrivateAccess", shape.Boolean()), shape.May("endpointPublicAccess", shape.Boolean()),
		shape.May("publicAccessCidrs", texts()), shape.May("securityGroupIds", texts()), shape.May("subnetIds", texts()))
}

func createClusterBody() *shape.Shape {
	encryption := shape.Struct(shape.May("provider", shape.Struct(shape.May("keyArn", text()))), shape.May("resources", texts()))
	spread := shape.May("spreadLevel", text())
	outpost := shape.Struct(
		shape.Need("controlPlaneInstanceType", text()), shape.Need("outpostArns", texts()), shape.May("etcdInstanceType", text()),
		shape.May("controlPlanePlacement", shape.Struct(shape.May("groupName", text()), spread)), shape.May("etcdPlacement", shape.Struct(spread)))
	return shape.Struct(append(
		settings(),
		shape.Need("name", shape.Text(1, 100, `[0-9A-Za-z][A-Za-z0-9\-_]*`)),
		shape.Need("roleArn", text()),
		shape.Need("resourcesVpcConfig", vpcConfig()),
		shape.May("accessConfig", shape.Struct(
			shape.May("authenticationMode", authenticationMode()), shape.May("bootstrapClusterCreatorAdminPermissions", shape.Boolean()))),
		shape.May("bootstrapSelfManagedAddons", shape.Boolean()),
		shape.May("encryptionConfig", shape.List(encryption, 0, 0)),
		shape.May("outpostConfig", outpost),
		shape.May("tags", tagMap()),
		shape.May("version", text()))...)
}

func updateClusterBody() *shape.Shape {
	return shape.Struct(append(
		settings(),
		shape.May("resourcesVpcConfig", vpcConfig()),
		shape.May("accessConfig", shape.Struct(shape.May("authenticationMode", authenticationMode()))))...)
}

func createEntryBody() *shape.Shape {
	return shape.Struct(
		shape.Need("principalArn", text()), shape.May("kubernetesGroups", texts()), shape.May("username", text()), shape.May("type", text()),
		shape.May("tags", tagMap()), shape.May("clientRequestToken", text()))
}

func updateEntryBody() *shape.Shape {
	return shape.Struct(shape.May("kubernetesGroups", texts()), shape.May("username", text()), shape.May("clientRequestToken", text()))
}

func associateBody() *shape.Shape {
	return shape.Struct(
		shape.Need("policyArn", text()),
		shape.Need("accessScope", shape.Struct(shape.May("type", shape.Enum("cluster", "namespace")), shape.May("namespaces", texts()))))
}
