// copy-before-branch: a copy or a store stands between what sets the flags and what reads them, and sets them anew.
//
// Before emission, where every move has its final place, each such instruction is put before the producer of the flags
// where nothing forbids it; else the flags are kept over it in a data register that is free there; else on the stack.
#pragma once

#include "back_end.h"
#include "llvm/CodeGen/LivePhysRegs.h"
#include "llvm/CodeGen/LiveRegUnits.h"
#include "llvm/CodeGen/MachineInstrBuilder.h"

namespace mends {
using namespace llvm;

// The pass that joins movems leaves their registers in the mask only, and liveness must know of them.
inline void nameMovemRegisters(MachineFunction &MF, const BackEnd &Target) {
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : B) {
      StringRef Name = Target.name(MI);
      if (Name.size() != 8 || !(Name.starts_with("MOVM16") || Name.starts_with("MOVM32")))
        continue;
      const bool Load = Name[6] == 'm';
      const MachineOperand Mask = MI.getOperand(Load ? 0 : MI.getNumExplicitOperands() - 1); // adding operands moves it
      if (!Mask.isImm())
        continue;
      for (unsigned N = 0; N < 16; ++N) {
        MCRegister R = N < 8 ? Target.Data[N] : Target.Address[N - 8];
        bool Named = Load ? MI.modifiesRegister(R, &Target.TRI) : MI.readsRegister(R, &Target.TRI);
        if ((Mask.getImm() >> N & 1) && !Named)
          MI.addOperand(MF, MachineOperand::CreateReg(R, /*isDef=*/Load, /*isImp=*/true));
      }
    }
}

// A return does not name the registers of its result, nor a jump to another function those of its arguments: the
// expansion of pseudo instructions leaves them out.
inline void nameReturned(MachineFunction &MF, const BackEnd &Target) {
  for (MachineBasicBlock &B : MF)
    for (MachineInstr &MI : B)
      if (MI.isReturn())
        for (MCRegister R : {Target.Data[0], Target.Data[1]})
          if (!MI.readsRegister(R, &Target.TRI))
            MI.addOperand(MF, MachineOperand::CreateReg(R, /*isDef=*/false, /*isImp=*/true));
}

class CopyBeforeBranch {
  using Iterator = MachineBasicBlock::iterator;

  const BackEnd &Target;
  DenseMap<const MachineBasicBlock *, bool> NeededAtStart;

  bool isMove(const MachineInstr &MI) const {
    StringRef Name = Target.name(MI);
    return Name.starts_with("MOV") && !Name.starts_with("MOVM") && !Name.starts_with("MOV16c") && Name != "MOV8cd" &&
           Name != "MOV16dc";
  }
  // Whether it reads N, Z, V or C. Extended arithmetic reads X, which no move writes.
  bool reads(const MachineInstr &MI) const {
    return MI.readsRegister(Target.CCR, &Target.TRI) && !Target.named(MI, {"ADDX", "SUBX", "NEGX", "ROX"});
  }
  // Whether it sets the flags for a reader, and not by the way.
  bool produces(const MachineInstr &MI) const {
    if (MI.isDebugInstr() || !MI.modifiesRegister(Target.CCR, &Target.TRI) || isMove(MI))
      return false;
    int Def = MI.findRegisterDefOperandIdx(Target.CCR, &Target.TRI, /*isDead=*/false, /*Overlap=*/true);
    return MI.isCall() || Def < 0 || !MI.getOperand(Def).isReg() || !MI.getOperand(Def).isDead();
  }
  bool spoils(const MachineInstr &MI) const {
    if (MI.isDebugInstr() || !MI.modifiesRegister(Target.CCR, &Target.TRI) || produces(MI))
      return false;
    const bool Movea = isMove(MI) && MI.getNumOperands() && MI.getOperand(0).isReg() && MI.getOperand(0).isDef() &&
                       Target.isAddress(MI.getOperand(0).getReg());
    return !Movea && Target.name(MI) != "MOV16dc";
  }
  bool neededAtEnd(const MachineBasicBlock &B) const {
    return any_of(B.successors(), [&](const MachineBasicBlock *S) { return NeededAtStart.lookup(S); });
  }
  // From the end upwards, whether the flags are needed after each instruction.
  template <typename F> bool walk(MachineBasicBlock &B, F Visit) {
    bool Needed = neededAtEnd(B);
    for (MachineInstr &MI : reverse(B)) {
      if (produces(MI))
        Needed = false;
      else if (Needed)
        Visit(MI);
      if (reads(MI))
        Needed = true;
    }
    return Needed;
  }
  bool anySpoiled(MachineFunction &MF) {
    for (bool Moved = true; Moved;) {
      Moved = false;
      for (MachineBasicBlock &B : reverse(MF))
        if (walk(B, [](MachineInstr &) {}) && !std::exchange(NeededAtStart[&B], true))
          Moved = true;
    }
    bool Any = false;
    for (MachineBasicBlock &B : MF)
      walk(B, [&](MachineInstr &MI) { Any |= spoils(MI); });
    return Any;
  }

  enum Memory : unsigned { None = 0, Loads = 1, Stores = 2, Unknown = 4 };
  // The back end marks most moves as having unmodelled side effects, so the name tells what memory is touched: after the
  // width it has a letter for each operand, the target's first.
  unsigned memory(const MachineInstr &MI) const {
    static constexpr StringLiteral Compares[] = {"CMP", "TST", "BTST"};
    static constexpr StringLiteral Known[] = {"MOV", "SUB", "ADD", "AND", "OR", "XOR", "EXT", "NEG", "NOT", "LS", "AS"};
    StringRef Name = Target.name(MI);
    if (Name.starts_with("LEA"))
      return None;
    const bool Compare = Target.named(MI, Compares);
    if (!Compare && !Target.named(MI, Known))
      return Unknown;
    Name.consume_back("_TC");
    StringRef Operands = Name.drop_front(Name.find_last_of("0123456789") + 1);
    unsigned Touched = None;
    for (size_t K = 0; K < Operands.size(); ++K)
      if (!StringRef("darimx").contains(Operands[K])) // registers, immediates, masks
        Touched |= Compare || K ? Loads : Stores;
    return Touched;
  }
  // Whether Mover may go before Other.
  bool independent(const MachineInstr &Mover, const MachineInstr &Other) const {
    if (Other.isCall() || Other.isInlineAsm() || Other.isTerminator() || Other.readsRegister(Target.CCR, &Target.TRI))
      return false;
    unsigned Mine = memory(Mover), Its = memory(Other);
    if ((Mine | Its) & Unknown || (Mine & Stores && Its) || (Mine && Its & Stores) ||
        (Mine && Its && (Mover.hasOrderedMemoryRef() || Other.hasOrderedMemoryRef())))
      return false;
    auto Counts = [&](const MachineOperand &O) {
      return O.isReg() && O.getReg() && !Target.TRI.regsOverlap(O.getReg(), Target.CCR);
    };
    for (const MachineOperand &A : Mover.operands())
      for (const MachineOperand &C : Other.operands()) {
        if (C.isRegMask())
          return false;
        if (Counts(A) && Counts(C) && (A.isDef() || C.isDef()) && Target.TRI.regsOverlap(A.getReg(), C.getReg()))
          return false;
      }
    return true;
  }
  // Moves the first spoiler that can go before the producer of the flags it spoils; false where none can.
  bool hoistOne(MachineBasicBlock &B) {
    bool Needed = neededAtEnd(B);
    SmallVector<MachineInstr *, 4> Spoilers;
    for (MachineInstr &MI : reverse(B)) {
      if (produces(MI)) {
        if (Needed && !MI.readsRegister(Target.CCR, &Target.TRI) && !MI.isCall())
          for (MachineInstr *Spoiler : reverse(Spoilers)) {
            auto Between = make_range(Iterator(MI), Iterator(Spoiler));
            if (!isMove(*Spoiler) || !all_of(Between, [&](MachineInstr &Other) {
                  return Other.isDebugInstr() || independent(*Spoiler, Other);
                }))
              continue;
            Spoiler->moveBefore(&MI);
            for (MachineInstr &Behind : make_range(Iterator(MI), B.end()))
              Behind.clearKillInfo();
            return true;
          }
        Needed = false;
        Spoilers.clear();
      } else if (Needed && spoils(MI)) {
        Spoilers.push_back(&MI);
      }
      if (reads(MI))
        Needed = true;
    }
    return false;
  }

  // A data register that holds nothing from First to Last, both included.
  MCRegister freeRegister(MachineBasicBlock &B, Iterator First, Iterator Last) const {
    LiveRegUnits Live(Target.TRI);
    Live.addLiveOuts(B);
    for (MachineInstr &MI : reverse(make_range(std::next(Last), B.end())))
      Live.stepBackward(MI);
    for (MachineInstr &MI : make_range(First, std::next(Last)))
      Live.accumulate(MI);
    for (MCRegister R : Target.Data)
      if (Live.available(R))
        return R;
    return MCRegister();
  }
  // What is addressed from the stack pointer lies two bytes further while the flags are on the stack.
  void shiftStackOffsets(MachineInstr &MI) const {
    for (unsigned K = 1; K < MI.getNumOperands(); ++K) {
      const MachineOperand &Base = MI.getOperand(K);
      MachineOperand &Distance = MI.getOperand(K - 1);
      if (Base.isReg() && Base.isUse() && !Base.isImplicit() && Base.getReg() == Target.SP && Distance.isImm())
        Distance.setImm(Distance.getImm() + 2);
    }
  }
  void keepFlags(MachineBasicBlock &B, Iterator First, Iterator Last) const {
    const DebugLoc None;
    const Iterator After = std::next(Last);
    if (MCRegister Free = freeRegister(B, First, Last)) {
      MCRegister Word = Target.part(Free, 'W');
      BuildMI(B, First, None, Target.instruction("MOV16dc"), Word).addReg(Target.CCR);
      BuildMI(B, After, None, Target.instruction("MOV16cd"), Target.CCR).addReg(Word, RegState::Kill);
      return;
    }
    for (MachineInstr &MI : make_range(First, After))
      shiftStackOffsets(MI);
    BuildMI(B, First, None, Target.instruction("MOV16ec"), Target.SP).addReg(Target.CCR);
    BuildMI(B, After, None, Target.instruction("MOV16co"), Target.CCR).addReg(Target.SP);
  }
  // Keeps the flags over every group of spoilers that is left.
  void keepAll(MachineBasicBlock &B) {
    bool Needed = neededAtEnd(B);
    for (auto At = B.rbegin(); At != B.rend(); ++At) {
      if (produces(*At))
        Needed = false;
      const bool Spoiled = Needed && spoils(*At);
      if (reads(*At))
        Needed = true;
      if (!Spoiled)
        continue;
      const Iterator Last = At->getIterator();
      Iterator First = Last;
      for (auto Up = std::next(At); Up != B.rend() && (spoils(*Up) || Up->isDebugInstr()) && !reads(*Up); ++Up)
        First = Up->getIterator();
      keepFlags(B, First, Last);
      At = MachineBasicBlock::reverse_iterator(First);
      Needed = true;
    }
  }

public:
  explicit CopyBeforeBranch(const BackEnd &Target) : Target(Target) {}

  bool run(MachineFunction &MF) {
    if (!anySpoiled(MF))
      return false;
    nameReturned(MF, Target);
    SmallVector<MachineBasicBlock *, 16> Blocks(make_pointer_range(MF));
    fullyRecomputeLiveIns(Blocks);
    for (MachineBasicBlock &B : MF) {
      while (hoistOne(B)) {
      }
      keepAll(B);
    }
    return true;
  }
};

} // namespace mends
