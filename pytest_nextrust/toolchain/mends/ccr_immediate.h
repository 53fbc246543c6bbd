// ccr-immediate: LLVM's assembler takes `move.w #imm,%ccr` for a move to d0. In inline assembly statements it is put as
// words. An immediate that is an operand (`move.w %0,%%ccr`) is left as it is.
#pragma once

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/Support/Regex.h"

namespace mends {
using namespace llvm;

inline bool ccrImmediate(Function &F) {
  const Regex Move("move(\\.?w)?[ \t]+#([^,;#\n]+),[ \t]*%?ccr", Regex::IgnoreCase);
  bool Changed = false;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    auto *Statement = Call ? dyn_cast<InlineAsm>(Call->getCalledOperand()) : nullptr;
    if (!Statement || !Move.match(Statement->getAsmString()))
      continue;
    std::string Text = Statement->getAsmString().str();
    while (Move.match(Text))
      Text = Move.sub(".short 0x44fc, \\2", Text);
    Call->setCalledOperand(InlineAsm::get(Statement->getFunctionType(), Text, Statement->getConstraintString(),
                                          Statement->hasSideEffects(), Statement->isAlignStack(),
                                          Statement->getDialect(), Statement->canThrow()));
    Changed = true;
  }
  return Changed;
}

} // namespace mends
