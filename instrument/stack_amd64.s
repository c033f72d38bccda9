// SPDX-License-Identifier: MIT

#include "go_asm.h"
#include "textflag.h"

// func walk(to *callStack)
//
// Each frame begins with the address of the frame around it, below the address at which the call returns. Both are read
// between the ends of this goroutine's stack (the first two words of its g) and upwards alone, so that a frame which is
// none, such as one of C code, ends the walk and cannot be followed to where nothing is. Assembly is not preempted, so that
// the stack stays where it is meanwhile.
TEXT ·walk(SB), NOSPLIT, $0-8
	MOVQ to+0(FP), DI
	MOVQ (TLS), AX
	MOVQ 0(AX), R8
	MOVQ 8(AX), R9
	SUBQ $16, R9
	MOVQ BP, SI
	MOVQ $const_callerDepth, CX

next:
	CMPQ SI, R8
	JLS  done
	CMPQ SI, R9
	JHI  done
	MOVQ 8(SI), DX
	MOVQ DX, 0(DI)
	MOVQ SI, R8
	MOVQ 0(SI), SI
	ADDQ $8, DI
	DECQ CX
	JNZ  next

done:
	RET
