// SPDX-License-Identifier: MIT

package instrument

// list is a doubly linked list whose nodes lie in its elements, so that moving one allocates nothing. The zero value is empty.
type list struct{ first, last *node }

// node is the place of an operation or of a request in a list; which of the two says that it is one.
type node struct {
	prev, next *node
	updated    uint64 // seq of the last change, in the list by update; 0 while it is not in it
	op         *record
	request    *request
}

func (s *list) push(n *node) {
	n.prev, n.next = s.last, nil
	if s.last != nil {
		s.last.next = n
	} else {
		s.first = n
	}
	s.last = n
}

func (s *list) remove(n *node) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		s.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		s.last = n.prev
	}
	n.prev, n.next = nil, nil
}
