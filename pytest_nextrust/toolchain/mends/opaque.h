// A pointer that instruction selection cannot look through: an empty assembly statement gives it back unchanged, in an
// address register.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"

namespace mends {
using namespace llvm;

inline Value *opaque(Value *Pointer, Instruction *Before) {
  Type *Ptr = Pointer->getType();
  InlineAsm *Nothing = InlineAsm::get(FunctionType::get(Ptr, {Ptr}, false), "", "=a,0", /*hasSideEffects=*/false);
  CallInst *Call = IRBuilder<>(Before).CreateCall(Nothing, {Pointer});
  Call->setDoesNotThrow();
  Call->setDoesNotAccessMemory();
  Call->addFnAttr(Attribute::WillReturn);
  return Call;
}

} // namespace mends
