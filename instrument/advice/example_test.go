// SPDX-License-Identifier: MIT

package advice_test

import (
	"fmt"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

// As a rule request and operations come from Recorder.Request.
func ExampleReview() {
	request := instrument.Request{ID: "4f1c", Kind: "http"}
	login := instrument.Operation{
		Kind: instrument.KindBind, State: instrument.StateDone,
		Bind:   &instrument.Bind{Method: "unauthenticated", Name: "uid=ada,ou=people,dc=example,dc=org"},
		Result: instrument.Result{Received: true},
	}
	for _, f := range advice.Review(request, []instrument.Operation{login}, advice.Facts{}) {
		fmt.Println(f)
	}
	// Output: critical E03 Login without a password: 1 bind with a name and an empty password succeeded. Refuse an empty password before the bind.
}
