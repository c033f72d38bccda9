// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

var update = flag.Bool("update", false, "write what the acceptance rows do on the wire and leave behind locally; to be read before it is kept")

// ledger is what the applications of one acceptance row do: each operation on the wire, and the local accounts in the end.
type ledger struct {
	mu   sync.Mutex // guards apps
	apps []witnessed
}

// witnessed is one application of a row.
type witnessed struct {
	scope   *instrument.Scope
	service string         // bind name of the service account
	store   *usersql.Store // nil for one without accounts of its own
}

// watch adds an application. A nil ledger watches nothing.
func (l *ledger) watch(app witnessed) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apps = append(l.apps, app)
}

// text is the ledger line by line. Applications that did the same one after the other share their lines.
func (l *ledger) text(t *testing.T) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	last := ""
	for i, app := range l.apps {
		lines := strings.Join(append(app.wire(t), app.local(t)...), "")
		if i > 0 && lines != last {
			b.WriteString("\t--\n")
		}
		if lines != last {
			b.WriteString(lines)
		}
		last = lines
	}
	return b.String()
}

// What is different each time: the entryUUID or objectGUID of an entry, as filters and as people write it, and the name that a
// bind takes which only costs what a real one would.
var (
	uuid  = regexp.MustCompile(`(?i)(\\[0-9a-f]{2}){16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	decoy = regexp.MustCompile(`cn=[A-Z2-7]{26},`)
)

// settled returns what was done once nothing is under way any more: of two searches that start together, one may have been over
// before the connection for the other was bound, and have lent its own.
func (w witnessed) settled(t *testing.T) (ops []instrument.Operation) {
	t.Helper()
	waitFor(t, func() bool {
		ops = w.scope.Recorder().Latest(10_000).Operations
		return !slices.ContainsFunc(ops, func(op instrument.Operation) bool { return op.State == instrument.StateRunning })
	})
	return ops
}

// wire is what a pool does to have a connection, each once, for it makes them when it likes; then every other operation in the
// order of its start. Searches of one union start together, and stand in the order of their bases.
func (w witnessed) wire(t *testing.T) (lines []string) {
	t.Helper()
	ops := w.settled(t)
	slices.SortFunc(ops, func(a, b instrument.Operation) int { return a.Start.Compare(b.Start) })
	var connecting []string
	filter, union := "", 0 // the last search's filter, and where the searches with it begin
	var bases []string     // of the lines that are searches
	for _, op := range ops {
		text := decoy.ReplaceAllString(uuid.ReplaceAllString(wireLine(op), "KEY"), "cn=DECOY,")
		if op.Kind == instrument.KindUnbind {
			continue
		}
		if w.connects(op) {
			connecting = append(connecting, "\tconn  "+text+"\n")
			continue
		}
		at, base := len(lines), ""
		if op.Search == nil {
			filter = ""
		} else {
			if op.Search.Filter != filter {
				filter, union = op.Search.Filter, len(lines)
			}
			base = op.Search.Base
			for at > union && bases[at-1] > base {
				at--
			}
		}
		lines, bases = slices.Insert(lines, at, "\twire  "+text+"\n"), slices.Insert(bases, at, base)
	}
	slices.Sort(connecting)
	return append(slices.Compact(connecting), lines...)
}

// connects reports whether an operation is one that a new connection begins with.
func (w witnessed) connects(op instrument.Operation) bool {
	switch {
	case op.Bind != nil:
		return op.Bind.Name == w.service
	case op.Search != nil:
		return op.Search.Base == ""
	}
	return op.Extended != nil && op.Extended.OID == "1.3.6.1.4.1.1466.20037" // StartTLS
}

func wireLine(op instrument.Operation) string {
	text := op.Kind.String()
	switch {
	case op.Search != nil:
		text += fmt.Sprintf(" %q %s %s", op.Search.Base, op.Search.Scope, op.Search.Filter)
	case op.Bind != nil:
		text += fmt.Sprintf(" %q", op.Bind.Name)
	case op.Extended != nil:
		text += " " + op.Extended.OID
	case op.DN != "":
		text += fmt.Sprintf(" %q", op.DN)
	}
	switch {
	case !op.Result.Received:
		return text + ": " + op.State.String()
	case op.Result.Code != 0:
		return text + ": " + op.Result.Name
	case op.Search != nil:
		return text + fmt.Sprintf(": %d", op.Entries)
	}
	return text + ": ok"
}

// local is every account, ordered by name.
func (w witnessed) local(t *testing.T) (lines []string) {
	t.Helper()
	if w.store == nil {
		return nil
	}
	for account, err := range w.store.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "\tlocal "+localLine(account)+"\n")
	}
	slices.Sort(lines)
	if lines == nil {
		lines = []string{"\tlocal nobody\n"}
	}
	return lines
}

func localLine(account ldapmgr.Stored) string {
	text := fmt.Sprintf("%q", account.Name)
	if account.Domain == "" {
		text += " of no domain"
	} else if account.Domain != "example" {
		text += " of " + account.Domain
	}
	for _, name := range slices.Sorted(maps.Keys(account.Fields)) {
		text += fmt.Sprintf(" %s=%q", name, account.Fields[name])
	}
	for _, name := range slices.Sorted(maps.Keys(account.Flags)) {
		if account.Flags[name] {
			text += " +" + name
		}
	}
	slices.Sort(account.Groups)
	if len(account.Groups) > 0 {
		text += fmt.Sprintf(" in %q", account.Groups)
	}
	if account.LastError != "" {
		text += ", its sync failed"
	}
	return text
}

// ledgers is testdata/acceptance/rows.txt: by the name of the row, what it must do on every directory that it runs on.
type ledgers struct {
	path string
	want map[string]string
	mu   sync.Mutex // guards got
	got  map[string]string
}

func openLedgers(t *testing.T) *ledgers {
	t.Helper()
	l := &ledgers{path: filepath.Join("testdata", "acceptance", "rows.txt"), want: map[string]string{}, got: map[string]string{}}
	text, err := os.ReadFile(l.path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	name := ""
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "#"), line == "\n":
		case strings.HasPrefix(line, "\t"):
			l.want[name] += line
		default:
			name = strings.TrimSpace(line)
			l.want[name] = ""
		}
	}
	return l
}

// hold runs a row, and holds it to what it must do.
func (l *ledgers) hold(t *testing.T, name string, p site, run func(*testing.T, site)) {
	t.Helper()
	p.ledger = &ledger{}
	run(t, p)
	l.check(t, name, p.ledger)
}

// check compares what a row did with what it must do.
func (l *ledgers) check(t *testing.T, name string, did *ledger) {
	t.Helper()
	got := did.text(t)
	l.mu.Lock()
	other, again := l.got[name]
	l.got[name] = got
	l.mu.Unlock()
	if again && *update && got != other {
		t.Errorf("two directories see different things:\n%s\nand\n%s", other, got)
	}
	if want, known := l.want[name]; !*update && (!known || got != want) {
		t.Errorf("the row does\n%s\nand must do\n%s", got, want)
	}
}

const ledgerHead = `# What each acceptance row does on the wire, operation by operation with filter and result (of a search, the number of entries),
# and which local accounts it leaves; -- divides applications. The same on every directory that the row runs on.
# Written by go test ./ldapmgr -run TestAcceptance -update, and read by a person before it is kept.
`

// save writes the file anew, where that is asked for.
func (l *ledgers) save(t *testing.T) {
	t.Helper()
	if !*update {
		return
	}
	var b strings.Builder
	b.WriteString(ledgerHead)
	for _, r := range acceptance() {
		if text, ran := l.got[r.name]; ran {
			fmt.Fprintf(&b, "\n%s\n%s", r.name, text)
		}
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
