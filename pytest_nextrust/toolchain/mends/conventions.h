// Faults of calling conventions.
//
// fastcc-result: a local function of the fast convention that returns by memory takes the address of its result in a
// register, and still pops it off the stack. It gets the C convention, as do the calls of it.
#pragma once

#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"

namespace mends {
using namespace llvm;

inline bool fastccResult(Function &F) {
  bool Changed = false;
  if (F.getCallingConv() == CallingConv::Fast && F.hasStructRetAttr()) {
    F.setCallingConv(CallingConv::C);
    Changed = true;
  }
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (Call && Call->getCallingConv() == CallingConv::Fast && Call->hasStructRetAttr()) {
      Call->setCallingConv(CallingConv::C);
      Changed = true;
    }
  }
  return Changed;
}

} // namespace mends
