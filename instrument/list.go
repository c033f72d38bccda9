// SPDX-License-Identifier: MIT

package instrument

// list is a doubly linked list whose links lie in its elements, so that moving one allocates nothing.
type list[T any, P linked[T]] struct{ first, last P }

type links[T any] struct{ prev, next *T }

type linked[T any] interface {
	*T
	link() *links[T]
}

func (s *list[T, P]) push(e P) {
	l := e.link()
	l.prev, l.next = s.last, nil
	if s.last != nil {
		s.last.link().next = e
	} else {
		s.first = e
	}
	s.last = e
}

func (s *list[T, P]) remove(e P) {
	l := e.link()
	if l.prev != nil {
		P(l.prev).link().next = l.next
	} else {
		s.first = l.next
	}
	if l.next != nil {
		P(l.next).link().prev = l.prev
	} else {
		s.last = l.prev
	}
	l.prev, l.next = nil, nil
}
