// Faults of calling conventions.
//
// fastcc-result: a local function of the fast convention that returns by memory takes the address of its result in a
// register, and still pops it off the stack. It gets the C convention, as do the calls of it.
//
// fastcc-byval: a local function of the fast convention that takes a structure by value gets the address of the caller's
// own structure in a register, where the C convention pushes a copy: what the function writes to its argument, the
// caller sees. It gets the C convention, as do the calls of it.
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

// A local function or a call of the fast convention of which Wrong holds gets the C convention.
template <typename Predicate> bool cConventionWhere(Function &F, Predicate Wrong) {
  bool Changed = false;
  auto Give = [&](auto &Of) {
    if (Of.getCallingConv() != CallingConv::Fast || !Wrong(Of))
      return;
    Of.setCallingConv(CallingConv::C);
    Changed = true;
  };
  Give(F);
  for (Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallBase>(&I))
      Give(*Call);
  return Changed;
}

inline bool fastccResult(Function &F) {
  return cConventionWhere(F, [](const auto &Of) { return Of.hasStructRetAttr(); });
}

inline bool fastccByval(Function &F) {
  return cConventionWhere(F, [](const auto &Of) {
    for (unsigned N = 0, Count = Of.arg_size(); N < Count; ++N)
      if (Of.getAttributes().hasParamAttr(N, Attribute::ByVal))
        return true;
    return false;
  });
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
