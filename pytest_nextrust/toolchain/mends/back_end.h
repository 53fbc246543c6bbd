// What the mends have to know of the M68k back end, whose headers are not installed: registers and opcodes, by name.
//
// A name that is gone is fatal: a release that renames an instruction needs the mends looked at again.
#pragma once

#include "llvm/ADT/StringMap.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineInstr.h"
#include "llvm/CodeGen/TargetInstrInfo.h"
#include "llvm/CodeGen/TargetRegisterInfo.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/Support/ErrorHandling.h"

namespace mends {
using namespace llvm;

class BackEnd {
  StringMap<MCRegister> Registers;
  StringMap<unsigned> Opcodes;

public:
  const TargetInstrInfo &TII;
  const TargetRegisterInfo &TRI;
  MCRegister CCR, SP;
  MCRegister Data[8], Address[8];

  explicit BackEnd(const MachineFunction &MF)
      : TII(*MF.getSubtarget().getInstrInfo()), TRI(*MF.getSubtarget().getRegisterInfo()) {
    for (unsigned R = 1; R < TRI.getNumRegs(); ++R)
      Registers[TRI.getName(R)] = R;
    for (unsigned O = 0; O < TII.getNumOpcodes(); ++O)
      Opcodes[TII.getName(O)] = O;
    CCR = named("CCR");
    SP = named("SP");
    for (unsigned N = 0; N < 8; ++N) {
      Data[N] = named(("D" + Twine(N)).str());
      Address[N] = N == 7 ? SP : named(("A" + Twine(N)).str());
    }
  }
  MCRegister named(StringRef Name) const {
    auto Found = Registers.find(Name);
    if (Found == Registers.end())
      reportFatalInternalError("nextrust: this LLVM has no register " + Name);
    return Found->second;
  }
  const MCInstrDesc &instruction(StringRef Name) const {
    auto Found = Opcodes.find(Name);
    if (Found == Opcodes.end())
      reportFatalInternalError("nextrust: this LLVM has no instruction " + Name);
    return TII.get(Found->second);
  }
  StringRef name(const MachineInstr &MI) const { return TII.getName(MI.getOpcode()); }
  bool named(const MachineInstr &MI, ArrayRef<StringLiteral> Prefixes) const {
    return any_of(Prefixes, [&](StringRef Prefix) { return name(MI).starts_with(Prefix); });
  }
  // An address register, or its lower half.
  bool isAddress(MCRegister R) const {
    StringRef Name = TRI.getName(R);
    return Name == "SP" || Name == "WSP" || Name.starts_with("A") || Name.starts_with("WA");
  }
  // The part of a data register that its first letter tells: W the lower word, B the lowest byte.
  MCRegister part(MCRegister D, char Letter) const { return named((Twine(Letter) + TRI.getName(D)).str()); }
  MCRegister whole(MCRegister Part) const {
    for (MCRegister R : concat<const MCRegister>(Data, Address))
      if (TRI.regsOverlap(R, Part))
        return R;
    reportFatalInternalError("nextrust: no whole register of a part");
  }
  unsigned number(MCRegister R) const { return TRI.getEncodingValue(R) & 7; }
};

} // namespace mends
