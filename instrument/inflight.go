// SPDX-License-Identifier: MIT

package instrument

// inflight are the calls of one connection that wait for an answer, by message id. Ids follow each other, so that of a few
// calls each mostly has the place near its number; the others are in a map. The zero value is empty.
type inflight struct {
	near  [16]*call
	rest  map[int64]*call
	count int
}

func (f *inflight) place(id int64) **call { return &f.near[uint64(id)%uint64(len(f.near))] }

// get returns the call of an id, nil for none.
func (f *inflight) get(id int64) *call {
	if k := *f.place(id); k != nil && k.id == id {
		return k
	}
	return f.rest[id]
}

// add puts a call in, in place of another one of its id.
func (f *inflight) add(k *call) {
	f.remove(k.id)
	f.count++
	if place := f.place(k.id); *place == nil {
		*place = k
		return
	}
	if f.rest == nil {
		f.rest = map[int64]*call{}
	}
	f.rest[k.id] = k
}

// remove takes a call out.
func (f *inflight) remove(id int64) {
	if place := f.place(id); *place != nil && (*place).id == id {
		*place = nil
		f.count--
	} else if _, known := f.rest[id]; known {
		delete(f.rest, id)
		f.count--
	}
}

// each yields every call, in no order.
func (f *inflight) each(yield func(*call) bool) {
	for _, k := range f.near {
		if k != nil && !yield(k) {
			return
		}
	}
	for _, k := range f.rest {
		if !yield(k) {
			return
		}
	}
}
