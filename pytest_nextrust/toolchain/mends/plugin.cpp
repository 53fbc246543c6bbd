// A plugin for LLVM 22 that mends the code generation of its M68k back end: `rustc -Zllvm-plugins=FILE` and
// `clang -fpass-plugin=FILE` load it, and it adds passes to every code generation: before instruction selection,
// before movems are joined, and before emission. Each mend has its own section or file, and a name (selection.h) by which it is switched.
//
// Only headers of llvm-22-dev are used, and none of the back end's own, which are not installed.
#include "call_sequence.h"
#include "ccr_immediate.h"
#include "conventions.h"
#include "copy_before_branch.h"
#include "movem_order.h"
#include "selection.h"
#include "shift_128.h"
#include "small_machine_mends.h"
#include "stack_index.h"
#include "volatile_half.h"

#include "llvm/CodeGen/MachineFunctionPass.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/StackProtector.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Target/RegisterTargetPassConfigCallback.h"
#include "llvm/Target/TargetMachine.h"

namespace mends {
namespace {

struct BeforeSelection : FunctionPass {
  inline static char ID = 0;
  const Selection On;

  BeforeSelection() : FunctionPass(ID) {}
  StringRef getPassName() const override { return "nextrust: mends before instruction selection"; }
  void getAnalysisUsage(AnalysisUsage &Usage) const override { Usage.setPreservesAll(); }

  bool runOnFunction(Function &F) override {
    bool Changed = false;
    if (On.has("ccr-immediate"))
      Changed |= ccrImmediate(F);
    if (On.has("struct-vararg"))
      Changed |= structVararg(F);
    if (On.has("fastcc-result"))
      Changed |= fastccResult(F);
    if (On.has("fastcc-byval"))
      Changed |= fastccByval(F);
    if (On.has("call-sequence"))
      Changed |= LibraryCalls(F).run(F);
    if (On.has("volatile-half"))
      Changed |= volatileHalf(F);
    if (On.has("shift-128"))
      Changed |= Shift128::run(F);
    if (On.has("stack-index"))
      Changed |= StackIndex().run(F);
    return Changed;
  }
};

struct BeforeMovems : MachineFunctionPass {
  inline static char ID = 0;
  const Selection On;

  BeforeMovems() : MachineFunctionPass(ID) {}
  StringRef getPassName() const override { return "nextrust: mends before movems are joined"; }

  bool runOnMachineFunction(MachineFunction &MF) override {
    return On.has("movem-order") && partMovems(MF, BackEnd(MF));
  }
};

struct BeforeEmission : MachineFunctionPass {
  inline static char ID = 0;
  const Selection On;
  std::optional<BackEnd> Target;

  BeforeEmission() : MachineFunctionPass(ID) {}
  StringRef getPassName() const override { return "nextrust: mends before emission"; }

  bool runOnMachineFunction(MachineFunction &MF) override {
    if (!Target || &Target->TII != MF.getSubtarget().getInstrInfo())
      Target.emplace(MF); // functions may differ in the CPU they are for
    nameMovemRegisters(MF, *Target);
    bool Changed = unpartMovems(MF);
    if (On.has("division-remainder"))
      Changed |= divisionRemainder(MF, *Target);
    if (On.has("word-immediate"))
      Changed |= wordImmediate(MF, *Target);
    if (On.has("cmp-subx"))
      Changed |= cmpSubx(MF, *Target);
    if (On.has("and-address-register"))
      Changed |= andAddressRegister(MF, *Target);
    if (On.has("copy-before-branch"))
      Changed |= CopyBeforeBranch(*Target).run(MF);
    return Changed;
  }
};

const RegisterTargetPassConfigCallback Added([](TargetMachine &Machine, legacy::PassManagerBase &,
                                                TargetPassConfig *Config) {
  if (Machine.getTargetTriple().getArch() != Triple::m68k)
    return;
  const Selection On;
  // store-pc-relative: the small code models store to data relative to the PC, which no 680x0 does.
  if (On.has("store-pc-relative"))
    Machine.setCodeModel(CodeModel::Large);
  Config->insertPass(&StackProtector::ID, IdentifyingPassPtr(new BeforeSelection));
  Config->insertPass(&PatchableFunctionID, IdentifyingPassPtr(new BeforeMovems));
  Config->insertPass(&LiveDebugValuesID, IdentifyingPassPtr(new BeforeEmission));
});

} // namespace
} // namespace mends

extern "C" LLVM_ATTRIBUTE_WEAK llvm::PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "nextrust-mends", "1", [](llvm::PassBuilder &) {}};
}
