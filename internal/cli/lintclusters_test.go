package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pathRow is a row that nobody comes through, because its ARN keeps the path.
const pathRow = `# by hand
- rolearn: arn:aws:iam::111122223333:role/ci/deployer   # keep this comment
  username: deployer
`

func TestLintMendsAClusterAndKeepsABackup(t *testing.T) {
	s := newStage(t)
	s.rows(stagedRows + pathRow)
	stdout, stderr := s.run(t, 0, "lint", "--cluster", "eu", "--fix", "--auto-approve")
	contains(t, stdout, "-- rolearn: arn:aws:iam::111122223333:role/ci/deployer ", "+- rolearn: arn:aws:iam::111122223333:role/deployer ", "Mended 1 cluster: 0 errors")
	contains(t, stderr, "Backup of aws-auth: eu#1 (rolecall rollback eu#1)")
	if want := stagedRows + strings.Replace(pathRow, "ci/deployer", "deployer", 1); s.mapRoles() != want {
		t.Errorf("mapRoles is\n%swant\n%s", s.mapRoles(), want)
	}
	stdout, _ = s.run(t, 0, "lint", "--cluster", "eu", "--fix", "--auto-approve")
	contains(t, stdout, "Mended 0 clusters: 0 errors")
	stdout, _ = s.run(t, 0, "backup", "show", "eu#1")
	contains(t, stdout, "role/ci/deployer   # keep this comment")
}

func TestWhatLintMendedCanBeUndoneUntilSomebodyElseWrites(t *testing.T) {
	s := newStage(t)
	s.rows(stagedRows + pathRow)
	s.run(t, 0, "lint", "--cluster", "eu", "--fix", "--auto-approve")
	mended := s.mapRoles()
	s.run(t, 0, "rollback", "eu#1", "--auto-approve")
	if want := stagedRows + pathRow; s.mapRoles() != want {
		t.Errorf("mapRoles is\n%swant\n%s", s.mapRoles(), want)
	}
	// The same text with one more byte of somebody else's is theirs.
	s.rows(mended + "# seen by ops\n")
	_, stderr := s.run(t, exitRefused, "rollback", "eu#1", "--auto-approve")
	contains(t, stderr, "RC4006", "role/deployer")
}

func TestLintWritesToAClusterOnlyWhenSomebodySaysYes(t *testing.T) {
	s := newStage(t)
	s.rows(stagedRows + pathRow)
	_, stderr := s.run(t, exitUsage, "lint", "--cluster", "eu", "--fix")
	contains(t, stderr, "there is no terminal to ask on")
	stdout, stderr := s.run(t, 0, "lint", "--cluster", "eu", "--diff")
	contains(t, stdout, "+- rolearn: arn:aws:iam::111122223333:role/deployer ")
	contains(t, stderr, "To write it: rolecall lint --fix --cluster eu")
	if s.mapRoles() != stagedRows+pathRow {
		t.Errorf("mapRoles became\n%s", s.mapRoles())
	}
}

func TestAFileIsJudgedAgainstALiveCluster(t *testing.T) {
	s := newStage(t)
	path := filepath.Join(s.dir, "aws-auth.yaml")
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n" +
		"    - rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0000000000000000\n      username: \"dev:{{SessionNameRaw}}\"\n"
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _ := s.run(t, exitFindings, "lint", "--cluster", "eu", path)
	contains(t, stdout, "aws-auth.yaml:6:16: error RC3002: the role was made again: it is AWSReservedSSO_Dev_")
}
