// Mends of single instructions, made behind register allocation and the expansion of pseudo instructions.
#pragma once

#include "back_end.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"

namespace mends {
using namespace llvm;

// Instructions that the back end cannot write are put there as words, in an inline assembly statement.
inline MachineInstrBuilder words(MachineInstr &Before, const BackEnd &Target, const Twine &Text) {
  MachineBasicBlock &B = *Before.getParent();
  const char *Kept = B.getParent()->createExternalSymbolName((".short " + Text).str());
  return BuildMI(B, Before.getIterator(), Before.getDebugLoc(), Target.TII.get(TargetOpcode::INLINEASM))
      .addExternalSymbol(Kept)
      .addImm(0);
}

// division-remainder: divs.l and divu.l are encoded with d0 as the register of the remainder, whatever the quotient's.
inline bool divisionRemainder(MachineFunction &MF, const BackEnd &Target) {
  SmallVector<MachineInstr *, 8> Wrong;
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : B) {
      StringRef Name = Target.name(MI);
      if ((Name == "SDIVd32d32" || Name == "UDIVd32d32") && Target.number(MI.getOperand(0).getReg()) != 0)
        Wrong.push_back(&MI);
    }
  for (MachineInstr *MI : Wrong) {
    Register Quotient = MI->getOperand(0).getReg(), Divisor = MI->getOperand(2).getReg();
    const unsigned Signed = Target.name(*MI).starts_with("S"), Q = Target.number(Quotient);
    words(*MI, Target, Twine(0x4c40 | Target.number(Divisor)) + ", " + Twine(Q << 12 | Signed << 11 | Q))
        .addReg(Quotient, RegState::ImplicitDefine)
        .addReg(Quotient, RegState::Implicit)
        .addReg(Divisor, RegState::Implicit)
        .addReg(Target.CCR, RegState::ImplicitDefine);
    MI->eraseFromParent();
  }
  return !Wrong.empty();
}

// and-address-register: an operation that only data registers have, with an address register as its target, as where a
// word is extended with zeros in one. It is encoded with the data register of the same number. So it is done in a data register, with which the address register is exchanged
// before and after: exg changes no flag.
inline bool andAddressRegister(MachineFunction &MF, const BackEnd &Target) {
  static constexpr StringLiteral DataOnly[] = {"AND", "OR", "XOR", "EXT", "NEG", "NOT", "LS", "AS", "RO", "SWAP"};
  bool Changed = false;
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : make_early_inc_range(B)) {
      if (!Target.named(MI, DataOnly) || !MI.getNumOperands() || !MI.getOperand(0).isReg() ||
          !MI.getOperand(0).isDef() || !Target.isAddress(MI.getOperand(0).getReg()))
        continue;
      MCRegister Named = MI.getOperand(0).getReg().asMCReg(), A = Target.whole(Named);
      MCRegister D = *find_if(Target.Data, [&](MCRegister R) { return !MI.readsRegister(R, &Target.TRI); });
      MCRegister Instead = Named == A ? D : Target.part(D, 'W');
      for (MachineOperand &O : MI.operands())
        if (O.isReg() && O.getReg() == Named)
          O.setReg(Instead);
      const std::string Text = std::to_string(0xc188 | Target.number(D) << 9 | Target.number(A));
      auto Exg = [&](MachineInstr &Before) {
        MachineInstrBuilder Words = words(Before, Target, Text);
        for (MCRegister R : {A, D})
          Words.addReg(R, RegState::ImplicitDefine).addReg(R, RegState::Implicit | RegState::Undef);
        return Words;
      };
      Exg(MI);
      MachineInstr *After = Exg(MI);
      After->moveBefore(&*std::next(MI.getIterator()));
      Changed = true;
    }
  return Changed;
}

// word-immediate: a constant of 0x8000 to 0xffff is loaded into an address register by movea.w, which extends the sign.
inline bool wordImmediate(MachineFunction &MF, const BackEnd &Target) {
  bool Changed = false;
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : B) {
      if (Target.name(MI) != "MOV16ai" || !MI.getOperand(1).isImm() || isInt<16>(MI.getOperand(1).getImm()))
        continue;
      MI.getOperand(0).setReg(Target.whole(MI.getOperand(0).getReg().asMCReg()));
      MI.setDesc(Target.instruction("MOV32ri"));
      Changed = true;
    }
  return Changed;
}

// cmp-subx: "all ones where the carry is set" is made by subx, which takes X; the comparison before it sets C only.
// It becomes scs, and ext to the width.
inline bool cmpSubx(MachineFunction &MF, const BackEnd &Target) {
  bool Changed = false;
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : make_early_inc_range(B)) {
      StringRef Name = Target.name(MI);
      if (!Name.starts_with("SUBX") || MI.getNumOperands() < 3 || !MI.getOperand(1).isReg() ||
          !MI.getOperand(2).isReg() || !MI.getOperand(1).isUndef() || !MI.getOperand(2).isUndef())
        continue;
      MCRegister D = Target.whole(MI.getOperand(0).getReg().asMCReg());
      MCRegister Byte = Target.part(D, 'B'), Word = Target.part(D, 'W');
      auto Insert = [&](StringRef What, MCRegister R) {
        return BuildMI(B, MI.getIterator(), MI.getDebugLoc(), Target.instruction(What), R);
      };
      Insert("SETd8cs", Byte);
      if (!Name.starts_with("SUBX8"))
        Insert("EXT16", Word).addReg(Word);
      if (Name.starts_with("SUBX32"))
        Insert("EXT32", D).addReg(D);
      MI.eraseFromParent();
      Changed = true;
    }
  return Changed;
}

} // namespace mends
