// shift-128: selection makes a shift of 128 bits by a variable a load from a stack object at a variable index, and then
// loses the index, as of any stack object; the object is its own, so that stack-index cannot hide its address.
//
// So the shift is written out: words are chosen by the count's upper bits, then shifted by its lower five. The bits that come
// from the neighbouring word are shifted in two steps, so that none is by 32.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

namespace mends {
using namespace llvm;

class Shift128 {
  static constexpr int Words = 4, Width = 32;

  // One shift; words are numbered from the least significant.
  static Value *expand(BinaryOperator &Shift) {
    IRBuilder<> B(&Shift);
    const bool Left = Shift.getOpcode() == Instruction::Shl, Signed = Shift.getOpcode() == Instruction::AShr;
    Value *Count = B.CreateTrunc(Shift.getOperand(1), B.getInt32Ty());
    Value *Whole = B.CreateAnd(B.CreateLShr(Count, 5), Words - 1), *Bits = B.CreateAnd(Count, Width - 1);
    Value *In[Words];
    for (int K = 0; K < Words; ++K)
      In[K] = B.CreateTrunc(B.CreateLShr(Shift.getOperand(0), Width * K), B.getInt32Ty());
    Value *Fill = Signed ? B.CreateAShr(In[Words - 1], Width - 1) : B.getInt32(0);
    auto Beyond = [&](Value *const *From, int K) { return K < 0 || K >= Words ? Fill : From[K]; };
    Value *Moved[Words];
    for (int K = 0; K < Words; ++K) {
      Moved[K] = In[K];
      for (int By = 1; By < Words; ++By)
        Moved[K] = B.CreateSelect(B.CreateICmpEQ(Whole, B.getInt32(By)), Beyond(In, Left ? K - By : K + By), Moved[K]);
    }
    Value *Rest = B.CreateXor(Bits, Width - 1), *Result = nullptr;
    for (int K = 0; K < Words; ++K) {
      Value *Next = Beyond(Moved, Left ? K - 1 : K + 1);
      Value *Word = Left ? B.CreateOr(B.CreateShl(Moved[K], Bits), B.CreateLShr(B.CreateLShr(Next, 1), Rest))
                         : B.CreateOr(B.CreateLShr(Moved[K], Bits), B.CreateShl(B.CreateShl(Next, 1), Rest));
      Value *Placed = B.CreateShl(B.CreateZExt(Word, Shift.getType()), Width * K);
      Result = Result ? B.CreateOr(Result, Placed) : Placed;
    }
    return Result;
  }

public:
  static bool run(Function &F) {
    SmallVector<BinaryOperator *, 4> Shifts;
    for (Instruction &I : instructions(F))
      if (auto *Shift = dyn_cast<BinaryOperator>(&I))
        if (Shift->isShift() && Shift->getType()->isIntegerTy(128) && !isa<ConstantInt>(Shift->getOperand(1)))
          Shifts.push_back(Shift);
    for (BinaryOperator *Shift : Shifts) {
      Shift->replaceAllUsesWith(expand(*Shift));
      Shift->eraseFromParent();
    }
    return !Shifts.empty();
  }
};

} // namespace mends
