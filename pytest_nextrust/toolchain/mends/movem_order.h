// movem-order: the pass that joins reloads and spills of single registers into one movem joins such as movem cannot do.
// A movem has the registers in the order of their numbers, lowest address first; the pass takes one that comes at the next
// lower address if its bit is less than the mask joined so far, which compares it with the highest register there, not the
// lowest: d5 at 8, d0 at 4 and d1 at 0 become d0-d1/d5 at 0, and d0 and d1 are exchanged.
//
// Ahead of that pass, an instruction that makes no code is put between such movems; it is taken out again behind it.
#pragma once

#include "back_end.h"
#include "llvm/ADT/bit.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"

namespace mends {
using namespace llvm;

// The registers of a movem, by bits; 0 for any other instruction.
inline unsigned movemMask(const MachineInstr &MI, const BackEnd &Target) {
  StringRef Name = Target.name(MI);
  if (Name.size() != 8 || !(Name.starts_with("MOVM16") || Name.starts_with("MOVM32")))
    return 0;
  const MachineOperand &Mask = MI.getOperand(Name[6] == 'm' ? 0 : MI.getNumExplicitOperands() - 1);
  return Mask.isImm() ? Mask.getImm() : 0;
}

inline bool partMovems(MachineFunction &MF, const BackEnd &Target) {
  bool Changed = false;
  for (MachineBasicBlock &B : MF) {
    unsigned Joined = 0, Opcode = 0;
    for (MachineInstr &MI : B) {
      const unsigned Mask = movemMask(MI, Target);
      const bool Goes = Mask && Joined && MI.getOpcode() == Opcode;
      const bool Below = bit_width(Mask) <= countr_zero(Joined), Above = bit_width(Joined) <= countr_zero(Mask);
      const bool InOrder = Below || Above;
      if (Goes && !InOrder) {
        BuildMI(B, MI.getIterator(), MI.getDebugLoc(), Target.TII.get(TargetOpcode::KILL));
        Changed = true;
      }
      Joined = Goes && InOrder ? Joined | Mask : Mask;
      Opcode = MI.getOpcode();
    }
  }
  return Changed;
}

inline bool unpartMovems(MachineFunction &MF) {
  bool Changed = false;
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : make_early_inc_range(B))
      if (MI.isKill() && !MI.getNumOperands()) {
        MI.eraseFromParent();
        Changed = true;
      }
  return Changed;
}

} // namespace mends
