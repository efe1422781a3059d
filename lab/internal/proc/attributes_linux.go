package proc

import "syscall"

// attributes puts a child into its own process group and has the kernel kill
// it when the thread that starts it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
