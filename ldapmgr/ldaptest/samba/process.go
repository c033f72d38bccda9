// SPDX-License-Identifier: MIT

package samba

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	startLimit = 2 * time.Minute
	stopLimit  = 5 * time.Second
)

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	input  io.Closer
}

// run starts the server in the foreground and waits until it answers.
func run(program, dir, ip string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, "samba.out"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// One process is enough for a test, quick to start and sure to end. It ends by itself when its input does, and so with
	// this process, even where that is killed.
	cmd := exec.Command(program, "--interactive", "--model=single", "--no-process-group", "--configfile="+filepath.Join(dir, "etc", "smb.conf")) //nolint:gosec // found by require; ended by end
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{}), input: input}
	go func() { // ends with the process, which end ends
		_ = cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ip); err != nil {
		p.end()
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return p, nil
}

// await asks until the server answers.
func (p *process) await(ip string) error {
	deadline := time.Now().Add(startLimit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ping(ip)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %v: %w", startLimit, err)
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended before it answered: %w", err)
		case <-tick.C:
		}
	}
}

// ping looks for the last service to listen, then binds anonymously: a connection alone may only have reached the queue of
// the operating system.
func ping(ip string) error {
	dialer := &net.Dialer{Timeout: time.Second}
	for _, port := range []string{"464", "3269", "636"} {
		conn, err := dialer.Dial("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			return err
		}
		conn.Close()
	}
	conn, err := ldap.DialURL("ldap://"+ip+":389", ldap.DialWithDialer(dialer))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetTimeout(5 * time.Second)
	return conn.UnauthenticatedBind("")
}

// end ends the server and waits for it.
func (p *process) end() {
	terminate(p.cmd)
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
	}
	kill(p.cmd)
	<-p.exited
	_ = p.input.Close() // fails where Wait has closed it
}
