package main

import (
	"sync"
	"time"
)

// runTimes knows when each run of a container began and ended, by container id. The API has that too, but in whole
// seconds, too coarse for a log that grows while a test looks.
type runTimes struct {
	mu   sync.Mutex
	runs map[string]runTime
}

type runTime struct{ started, ended time.Time }

func (r *runTimes) begin(id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs[id] = runTime{started: now}
}

func (r *runTimes) end(id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs[id] = runTime{started: r.runs[id].started, ended: now}
}

func (r *runTimes) of(id string) (started, ended time.Time, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, known := r.runs[id]
	return run.started, run.ended, known
}
