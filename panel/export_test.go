// SPDX-License-Identifier: MIT

package panel

// The frozen columns, for tests that read rows as the page does.
var (
	OperationColumns = operationColumns
	RequestColumns   = requestColumns
	RequestKinds     = requestKinds
)
