package kube

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// The shape of a backup in the cluster. The data of aws-auth stands under its own keys, so that kubectl alone can put it back.
const (
	annotationTaken   = "rolecall.dev/taken"
	annotationRun     = "rolecall.dev/run"
	annotationCommand = "rolecall.dev/command"
	annotationCaller  = "rolecall.dev/caller"
	annotationVersion = "rolecall.dev/resource-version"
	annotationWrote   = "rolecall.dev/wrote"
	// annotationDigest is of all that the backup holds.
	annotationDigest = "rolecall.dev/digest"
	// annotationAbsent says that there was no aws-auth.
	annotationAbsent = "rolecall.dev/absent"
	// keyAnnotations holds the annotations of aws-auth as JSON.
	keyAnnotations = "rolecall.dev.annotations"
	// keyPacked holds all of aws-auth as JSON, compressed, where it does not fit as it is.
	keyPacked = "rolecall.dev.aws-auth.json.gz"
)

// backupName is the name of a backup: aws-auth-platform-000012.
func backupName(owner string, number int) string {
	return fmt.Sprintf("%s-%s-%06d", awsAuthName, owner, number)
}

// backupNumber is the number in a name, 0 when it is not the name of one of the owner's backups.
func backupNumber(owner, name string) int {
	digits, ok := strings.CutPrefix(name, awsAuthName+"-"+owner+"-")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || backupName(owner, n) != name {
		return 0
	}
	return n
}

// encodeBackup is the backup as the cluster keeps it; nobody can change it there, only delete it.
func encodeBackup(b access.Backup) (*corev1.ConfigMap, error) {
	immutable := true
	out := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: access.BackupNamespace, Name: backupName(b.Owner, b.Number),
			Labels: map[string]string{
				access.LabelManagedBy: access.ManagedByValue, access.LabelOwner: b.Owner, access.LabelBackup: awsAuthName,
			},
			Annotations: map[string]string{
				annotationTaken: b.Taken.UTC().Format(time.RFC3339), annotationRun: b.Run, annotationCommand: b.Command,
				annotationCaller: string(b.Caller),
			},
		},
		Immutable: &immutable,
	}
	sum, err := digest(b.ConfigMap)
	if err != nil {
		return nil, err
	}
	out.Annotations[annotationDigest] = sum
	if b.Wrote != "" {
		out.Annotations[annotationWrote] = b.Wrote
	}
	if b.ConfigMap == nil {
		out.Annotations[annotationAbsent] = "true"
		return out, nil
	}
	out.Annotations[annotationVersion] = b.ConfigMap.ResourceVersion
	return out, fillBackup(out, *b.ConfigMap)
}

// fillBackup puts the text into the backup, as it is where it fits and compressed where it does not.
func fillBackup(out *corev1.ConfigMap, cm access.ConfigMap) error {
	annotations, err := json.Marshal(cm.Annotations)
	if err != nil {
		return fmt.Errorf("encoding annotations: %w", err)
	}
	size := len(annotations)
	for k, v := range cm.Data {
		size += len(k) + len(v)
	}
	_, taken := cm.Data[keyAnnotations]
	if size <= awsauth.MaxDataBytes && !taken {
		out.Data = maps.Clone(cm.Data)
		if len(cm.Annotations) > 0 {
			if out.Data == nil {
				out.Data = map[string]string{}
			}
			out.Data[keyAnnotations] = string(annotations)
		}
		return nil
	}
	plain, err := json.Marshal(cm)
	if err != nil {
		return fmt.Errorf("encoding aws-auth: %w", err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		return fmt.Errorf("compressing aws-auth: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compressing aws-auth: %w", err)
	}
	out.BinaryData = map[string][]byte{keyPacked: packed.Bytes()}
	return nil
}

// digest is of what a ConfigMap says, its annotations included.
func digest(cm *access.ConfigMap) (string, error) {
	var content any
	if cm != nil {
		content = []map[string]string{filled(cm.Data), filled(cm.Annotations)}
	}
	b, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("encoding aws-auth: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// decodeBackup reads what the cluster keeps; what cannot be trusted is Damaged.
func decodeBackup(owner string, cm *corev1.ConfigMap) access.Backup {
	b := access.Backup{
		Number: backupNumber(owner, cm.Name), Owner: owner, Run: cm.Annotations[annotationRun],
		Command: cm.Annotations[annotationCommand], Caller: access.ARN(cm.Annotations[annotationCaller]), Wrote: cm.Annotations[annotationWrote],
	}
	var err error
	if b.Taken, err = time.Parse(time.RFC3339, cm.Annotations[annotationTaken]); err != nil {
		b.Damaged = "it does not say when it was taken"
		b.Taken = cm.CreationTimestamp.Time
	}
	if cm.Annotations[annotationAbsent] != "true" {
		text, err := backupText(cm)
		if err != nil {
			b.Damaged = err.Error()
			return b
		}
		text.ResourceVersion = cm.Annotations[annotationVersion]
		b.ConfigMap = &text
	}
	if sum, err := digest(b.ConfigMap); err != nil || sum != cm.Annotations[annotationDigest] {
		b.Damaged = "it is not what was saved: its digest differs"
	}
	return b
}

// maxUnpacked bounds what a packed backup may hold: the largest ConfigMap there can be, with what JSON adds at most.
const maxUnpacked = 6 * (awsauth.MaxDataBytes + awsauth.MaxAnnotationBytes)

func backupText(cm *corev1.ConfigMap) (access.ConfigMap, error) {
	var out access.ConfigMap
	if packed, ok := cm.BinaryData[keyPacked]; ok {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return out, fmt.Errorf("it cannot be unpacked: %w", err)
		}
		plain, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
		if err == nil {
			err = json.Unmarshal(plain, &out)
		}
		if err != nil {
			return out, fmt.Errorf("it cannot be unpacked: %w", err)
		}
		return out, nil
	}
	out.Data = maps.Clone(cm.Data)
	if text, ok := out.Data[keyAnnotations]; ok {
		if err := json.Unmarshal([]byte(text), &out.Annotations); err != nil {
			return out, fmt.Errorf("its annotations cannot be read: %w", err)
		}
		delete(out.Data, keyAnnotations)
	}
	return out, nil
}

// Backups lists the owner's backups with one request, newest first.
func (c *Client) Backups(ctx context.Context, cluster access.Cluster, owner string) ([]access.Backup, error) {
	a, err := c.api(cluster)
	if err != nil {
		return nil, err
	}
	l, err := a.core.ConfigMaps(access.BackupNamespace).List(ctx, metav1.ListOptions{LabelSelector: backupSelector(owner)})
	if err := a.did(ctx, backups("list"), err); err != nil {
		return nil, fmt.Errorf("listing backups of aws-auth: %w", explainBackup(err))
	}
	var out []access.Backup
	for i := range l.Items {
		if b := decodeBackup(owner, &l.Items[i]); b.Number > 0 {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b access.Backup) int { return b.Number - a.Number })
	return out, nil
}

func backupSelector(owner string) string {
	return access.LabelBackup + "=" + awsAuthName + "," + access.LabelOwner + "=" + owner
}

func backups(verb string) target {
	return target{verb: verb, resource: "configmaps", namespace: access.BackupNamespace}
}

// explainBackup says what a cluster lacks that keeps no backups.
func explainBackup(err error) error {
	if errors.Is(err, access.ErrDenied) || errors.Is(err, access.ErrNotFound) {
		return fmt.Errorf("%w: docs/permissions/cluster-rbac.yaml has the namespace %q and the rights in it", err, access.BackupNamespace)
	}
	return err
}

// backupNumbers lists the numbers of the owner's backups, sorted; only their names cross the network.
func (a *api) backupNumbers(ctx context.Context, owner string) ([]int, error) {
	raw, err := a.core.RESTClient().Get().Namespace(access.BackupNamespace).Resource("configmaps").
		VersionedParams(&metav1.ListOptions{LabelSelector: backupSelector(owner)}, metav1.ParameterCodec).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json").
		Do(ctx).Raw()
	var l metav1.PartialObjectMetadataList
	if err := a.did(ctx, backups("list"), err); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("reading the list of backups: %w", err)
	}
	var out []int
	for _, o := range l.Items {
		if n := backupNumber(owner, o.Name); n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (a *api) createBackup(ctx context.Context, b access.Backup) error {
	cm, err := encodeBackup(b)
	if err != nil {
		return err
	}
	_, err = a.core.ConfigMaps(access.BackupNamespace).Create(ctx, cm, metav1.CreateOptions{})
	return a.did(ctx, backups("create"), err)
}

func (a *api) deleteBackup(ctx context.Context, owner string, number int) error {
	return a.did(ctx, backups("delete"), a.core.ConfigMaps(access.BackupNamespace).Delete(ctx, backupName(owner, number), metav1.DeleteOptions{}))
}
