// Faults of calling conventions.
//
// fastcc-result: a local function of the fast convention that returns by memory takes the address of its result in a
// register, and still pops it off the stack. It gets the C convention, as do the calls of it.
//
// struct-vararg: va_arg of a structure reads its address, where callers push the structure itself. va_arg is written out
// by the front end, and cannot be told there from a read through a pointer, so callers push the address of a copy: what
// this compiler makes then fits together, though not with what GNU C makes.
#pragma once

#include "llvm/IR/AttributeMask.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"

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

inline bool structVararg(Function &F) {
  const DataLayout &Layout = F.getParent()->getDataLayout();
  bool Changed = false;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || !Call->getFunctionType()->isVarArg())
      continue;
    for (unsigned N = Call->getFunctionType()->getNumParams(); N < Call->arg_size(); ++N) {
      Type *Structure = Call->getParamByValType(N);
      if (!Structure)
        continue;
      const MaybeAlign Alignment(2);
      IRBuilder<> Entry(&F.getEntryBlock(), F.getEntryBlock().getFirstInsertionPt());
      AllocaInst *Copy = Entry.CreateAlloca(Structure);
      IRBuilder<>(Call).CreateMemCpy(Copy, Alignment, Call->getArgOperand(N), Alignment,
                                     Layout.getTypeAllocSize(Structure).getFixedValue());
      Call->setArgOperand(N, Copy);
      Call->removeParamAttrs(N, AttributeMask().addAttribute(Attribute::ByVal).addAttribute(Attribute::Alignment));
      if (auto *Plain = dyn_cast<CallInst>(Call))
        Plain->setTailCallKind(CallInst::TCK_None); // the copy lies in this frame
      Changed = true;
    }
  }
  return Changed;
}

} // namespace mends
