// SPDX-License-Identifier: MIT

package instrument

// operations are those of a request, oldest first. They come at the end and leave at the front, in the same memory. The zero
// value is empty.
type operations struct {
	all  []*record
	gone int // places in front whose operations have left
}

func (o *operations) held() []*record { return o.all[o.gone:] }

func (o *operations) add(rec *record) {
	if len(o.all) == cap(o.all) && o.gone > len(o.all)/2 {
		held := copy(o.all, o.held())
		clear(o.all[held:])
		o.all, o.gone = o.all[:held], 0
	}
	o.all = append(o.all, rec)
}

// shift takes the oldest one out.
func (o *operations) shift() *record {
	rec := o.all[o.gone]
	o.all[o.gone] = nil
	o.gone++
	return rec
}
