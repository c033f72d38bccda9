// SPDX-License-Identifier: MIT

package instrument

import (
	"fmt"
	"time"
)

// Background is the beginning of the id of the buckets for operations that belong to no HTTP request or job.
const Background = "background"

// A background bucket is closed after this many operations or this long, so that it can be evicted as a whole.
const (
	bucketOperations = 1000
	bucketAge        = time.Minute
)

// background returns the open bucket for operations outside of any request.
func (r *Recorder) background(now time.Time) *request {
	if b := r.bucket; b != nil {
		if b.Operations < bucketOperations && now.Sub(b.Start) < bucketAge {
			return b
		}
		b.Running, b.Duration = false, now.Sub(b.Start)
		r.publish(b)
	}
	r.buckets++
	r.bucket = newRequest(Request{ID: fmt.Sprintf("%s-%d", Background, r.buckets), Kind: Background, Start: now, Running: true})
	return r.bucket
}
