// stack-index: an element of a stack object, at a variable index, is addressed without the index.
//
// Selection of an address takes a frame index before it asks for an index register, and has then no place left for it.
// So the address of the object is made opaque wherever something variable is added to it: it comes from a register.
#pragma once

#include "opaque.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

namespace mends {
using namespace llvm;

class StackIndex {
  SmallVector<Use *, 16> Bases;
  SmallPtrSet<Value *, 16> Seen;

  // Uses of the object's address, or of one at a fixed distance from it, that may become part of a variable address.
  void collect(Value *Address) {
    if (!Seen.insert(Address).second)
      return;
    for (Use &U : Address->uses()) {
      auto *I = dyn_cast<Instruction>(U.getUser());
      if (!I)
        continue;
      if (auto *Element = dyn_cast<GetElementPtrInst>(I)) {
        if (U.getOperandNo() == 0 && Element->hasAllConstantIndices())
          collect(Element);
        else
          Bases.push_back(&U);
      } else if (isa<BitCastInst>(I)) {
        collect(I);
      } else if (isa<PtrToIntInst, PtrToAddrInst, FreezeInst, AddrSpaceCastInst>(I)) {
        Bases.push_back(&U);
      } else if (auto *Call = dyn_cast<IntrinsicInst>(I)) {
        if (Call->getIntrinsicID() == Intrinsic::ptrmask)
          Bases.push_back(&U);
      }
    }
  }

public:
  bool run(Function &F) {
    for (Instruction &I : instructions(F))
      if (isa<AllocaInst>(I))
        collect(&I);
    for (Argument &A : F.args())
      if (A.hasByValAttr())
        collect(&A);
    for (Use *U : Bases)
      U->set(opaque(U->get(), cast<Instruction>(U->getUser())));
    return !Bases.empty();
  }
};

} // namespace mends
