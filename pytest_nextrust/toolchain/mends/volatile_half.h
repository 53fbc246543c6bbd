// volatile-half: a volatile load of a part that is extended with anything reads the whole and takes the wrong part.
//
// Selection widens it to a load of 32 bits where the alignment allows, as on a little-endian machine: the value is then
// the neighbours'. So its alignment is kept below that of the whole. Where selection knows the object, and with it a
// better alignment, the address is made opaque.
#pragma once

#include "opaque.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

namespace mends {
using namespace llvm;

inline bool knownObject(const Value *Pointer) {
  const Value *Base = getUnderlyingObject(Pointer);
  if (auto *A = dyn_cast<Argument>(Base))
    return A->hasByValAttr();
  return isa<GlobalVariable, AllocaInst>(Base);
}

inline bool volatileHalf(Function &F) {
  bool Changed = false;
  for (Instruction &I : instructions(F)) {
    auto *Load = dyn_cast<LoadInst>(&I);
    if (!Load || !Load->isVolatile() || Load->isAtomic() || !Load->getType()->isIntegerTy())
      continue;
    unsigned Bits = Load->getType()->getIntegerBitWidth();
    if (Bits == 32 || Bits == 64)
      continue;
    const Align Most(Bits <= 8 ? 1 : 2);
    bool Known = knownObject(Load->getPointerOperand());
    if (Load->getAlign() <= Most && !Known)
      continue;
    Load->setAlignment(std::min(Load->getAlign(), Most));
    if (Known)
      Load->setOperand(Load->getPointerOperandIndex(), opaque(Load->getPointerOperand(), Load));
    Changed = true;
  }
  return Changed;
}

} // namespace mends
