// SPDX-License-Identifier: MIT

// Package metricsdb remembers what processes used of their directories after they are gone.
//
// A process writes its counters into a file of its own, its [Spool], whenever they have changed and once more at its end.
// Then it merges the spool into a SQLite database, if that is quick; otherwise, and if the process dies, the spool stays,
// and whoever asks the database next merges it first. So nothing but the last second of a killed process is lost, no process
// waits for another, and a question never needs anybody to have saved anything. The smallest program:
//
//	spool, err := metricsdb.NewSpool(metricsdb.Config{Path: "usage.db"}, metricsdb.NewRun("payroll", "1.4"))
//	...
//	err = spool.Run(ctx, scope.Snapshots)        // until ctx ends
//	...                                          // close connections: their counters still count
//	saved, err := spool.Finish(scope.Snapshots(), 0)
//
// or, for a program that has no order of its own at the end and leaves its signals to this package, [Keep] around its work:
//
//	saved, err := metricsdb.Keep(ctx, cfg, metricsdb.NewRun("payroll", "1.4"), scope.Snapshots, work)
//
// and, in the same process or another, then or years later:
//
//	db, err := metricsdb.Open(ctx, metricsdb.Config{Path: "usage.db"})
//	rows, err := db.Runs(ctx, metricsdb.Filter{Domain: "CORP", Limit: 20})
//
// # Order at exit
//
// Counters, spool, database, then whatever needs the network. A program that must close connections before it has its last
// figures calls [Spool.Checkpoint] first, so that a hanging server can cost nothing but the last unbind, and [Spool.Finish]
// after. Nothing here handles signals but Keep. The end of a process waits 80 ms for a database in use and at most two
// seconds for a disk that does not answer; whatever happens, usage changes no exit code.
//
// # How a run ended
//
// Clean means that Finish was called. A spool without that mark and without a live owner is unclean, and its run ended at
// its last checkpoint. Whether an owner lives is told by a lock that the system takes back with the process, never by a
// process id. Snapshots are ordered by their sequence number, their distance is monotonic time; wall time is a label only.
//
// # What outlives a run
//
// Slow and failed operations, which [DB.SaveOperations] keeps, go when [DB.Prune] or [DB.Delete] forgets their run. Pinned
// ones stay until they are given up; those pinned under one name are a [Recording]. Giving a recording up leaves a run that
// is still there what it had before.
//
// # Concurrency
//
// All methods of [DB] and [Spool] may be called from any goroutine and any number of processes may use one database. No
// goroutine outlives a call, except one that a dying disk holds in a system call; [Spool.Run] and Keep block. Files of
// different versions of this package can be used together: a newer file is readable, an older one is brought up to date by
// whoever first opens it for writing.
//
// # Errors
//
// Every error is an [*Error] or wraps one, with a class for errors.Is:
//
//	path is empty                                 ErrNoPath
//	an argument that makes no sense               ErrArgument
//	no such run, or nothing saved yet             ErrNotFound
//	several runs begin so                         ErrAmbiguous
//	delete a run that goes on                     ErrRunning
//	keep what is pinned already                   ErrKept
//	read-only file system, file or configuration  ErrReadOnly
//	folder or file not accessible                 ErrPermission
//	folder missing                                ErrNoFolder
//	path is a folder, pipe or device              ErrNotFile
//	not a database, or damaged, or of others;     ErrDamaged
//	    with Config.ReadOnly or Config.Existing
//	locked for longer than the busy timeout       ErrBusy
//	no space                                      ErrFull
//	other trouble with the disk, or no answer     ErrDisk
//	write to a file of a newer version            ErrNewer
//	use after Close or Finish                     ErrClosed
//	context ended                                 context.Canceled, context.DeadlineExceeded
//
// A damaged database opened for writing is no error: it is renamed with the time, one warning says so, and a new one takes
// its place. The same goes for a spool. That is for programs that keep usage; whoever only asks sets Config.Existing, and a
// wrong path costs nothing.
package metricsdb
