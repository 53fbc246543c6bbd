// call-sequence: an operation that the CPU lacks, of floating point or of 64 bits, is made a call of a routine during
// instruction selection, without an order to other calls. Two such calls are then begun within each other, and the
// scheduler, which cannot match their ends, crashes or never ends.
//
// So the calls are made before selection, where each has its place: of the routines that selection would call.
#pragma once

#include "llvm/ADT/APFloat.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

namespace mends {
using namespace llvm;

class LibraryCalls {
  Module &M;
  IRBuilder<> B;

  static bool ours(const Type *T) { return T->isFloatTy() || T->isDoubleTy(); }
  static StringRef mode(const Type *T) { return T->isFloatTy() ? "sf" : T->isDoubleTy() ? "df" : "di"; }

  Value *call(const Twine &Name, Type *Result, ArrayRef<Value *> Arguments) {
    SmallVector<Type *, 3> Types;
    for (Value *A : Arguments)
      Types.push_back(A->getType());
    FunctionCallee Routine = M.getOrInsertFunction(Name.str(), FunctionType::get(Result, Types, false));
    CallInst *Call = B.CreateCall(Routine, Arguments);
    Call->setDoesNotThrow();
    Call->setDoesNotAccessMemory();
    return Call;
  }

  // The routines answer a number that compares with 0 as the operands do with each other.
  Value *compare(CmpInst::Predicate How, Value *X, Value *Y) {
    auto Told = [&](StringRef Routine, CmpInst::Predicate With) {
      Value *Answer = call("__" + Routine + mode(X->getType()) + "2", B.getInt32Ty(), {X, Y});
      return B.CreateICmp(With, Answer, B.getInt32(0));
    };
    switch (How) {
    case CmpInst::FCMP_OEQ: return Told("eq", CmpInst::ICMP_EQ);
    case CmpInst::FCMP_UNE: return Told("ne", CmpInst::ICMP_NE);
    case CmpInst::FCMP_OGT: return Told("gt", CmpInst::ICMP_SGT);
    case CmpInst::FCMP_OGE: return Told("ge", CmpInst::ICMP_SGE);
    case CmpInst::FCMP_OLT: return Told("lt", CmpInst::ICMP_SLT);
    case CmpInst::FCMP_OLE: return Told("le", CmpInst::ICMP_SLE);
    // The routine of the opposite fails for what is unordered.
    case CmpInst::FCMP_ULE: return Told("gt", CmpInst::ICMP_SLE);
    case CmpInst::FCMP_ULT: return Told("ge", CmpInst::ICMP_SLT);
    case CmpInst::FCMP_UGE: return Told("lt", CmpInst::ICMP_SGE);
    case CmpInst::FCMP_UGT: return Told("le", CmpInst::ICMP_SGT);
    case CmpInst::FCMP_ORD: return Told("unord", CmpInst::ICMP_EQ);
    case CmpInst::FCMP_UNO: return Told("unord", CmpInst::ICMP_NE);
    case CmpInst::FCMP_UEQ: return B.CreateOr(Told("unord", CmpInst::ICMP_NE), Told("eq", CmpInst::ICMP_EQ));
    case CmpInst::FCMP_ONE: return B.CreateAnd(Told("unord", CmpInst::ICMP_EQ), Told("eq", CmpInst::ICMP_NE));
    default: return B.getInt1(How == CmpInst::FCMP_TRUE);
    }
  }

  Value *toInteger(Value *X, Type *Result, bool Signed) {
    unsigned Bits = Result->getIntegerBitWidth();
    if (Bits > 64)
      return nullptr;
    Type *Made = Bits > 32 ? B.getInt64Ty() : B.getInt32Ty();
    StringRef Routine = Signed || Bits < 32 ? "__fix" : "__fixuns";
    Value *Whole = call(Routine + mode(X->getType()) + (Bits > 32 ? "di" : "si"), Made, {X});
    return B.CreateTrunc(Whole, Result);
  }
  Value *toFloat(Value *X, Type *Result, bool Signed) {
    unsigned Bits = X->getType()->getIntegerBitWidth();
    if (Bits > 64)
      return nullptr;
    Type *Taken = Bits > 32 ? B.getInt64Ty() : B.getInt32Ty();
    StringRef Routine = Signed || Bits < 32 ? "__float" : "__floatun";
    Value *Whole = Signed ? B.CreateSExt(X, Taken) : B.CreateZExt(X, Taken);
    return call(Routine + (Bits > 32 ? "di" : "si") + mode(Result), Result, {Whole});
  }
  // A conversion whose result is the nearest there is, and 0 for what is no number.
  Value *saturated(Value *X, Type *Result, bool Signed) {
    unsigned Bits = Result->getIntegerBitWidth();
    Value *Whole = toInteger(X, Result, Signed);
    if (!Whole)
      return nullptr;
    APInt Least = Signed ? APInt::getSignedMinValue(Bits) : APInt::getMinValue(Bits);
    APInt Most = Signed ? APInt::getSignedMaxValue(Bits) : APInt::getMaxValue(Bits);
    auto Exact = [&](const APInt &Value) {
      APFloat F(X->getType()->getFltSemantics());
      F.convertFromAPInt(Value, Signed, APFloat::rmTowardZero);
      return ConstantFP::get(X->getType(), F);
    };
    Value *Above = B.CreateSelect(compare(CmpInst::FCMP_OGT, X, Exact(Most)), B.getInt(Most), Whole);
    Value *Below = B.CreateSelect(compare(CmpInst::FCMP_ULT, X, Exact(Least)), B.getInt(Least), Above);
    return Signed ? B.CreateSelect(compare(CmpInst::FCMP_UNO, X, X), ConstantInt::get(Result, 0), Below) : Below;
  }

  Value *binary(BinaryOperator &O) {
    Type *T = O.getType();
    Value *X = O.getOperand(0), *Y = O.getOperand(1);
    auto Routine = [&](const Twine &Name) { return call(Name, T, {X, Y}); };
    if (ours(T))
      switch (O.getOpcode()) {
      case Instruction::FAdd: return Routine("__add" + mode(T) + "3");
      case Instruction::FSub: return Routine("__sub" + mode(T) + "3");
      case Instruction::FMul: return Routine("__mul" + mode(T) + "3");
      case Instruction::FDiv: return Routine("__div" + mode(T) + "3");
      case Instruction::FRem: return Routine(T->isFloatTy() ? "fmodf" : "fmod");
      default: return nullptr;
      }
    const bool Remainder = O.getOpcode() == Instruction::SRem || O.getOpcode() == Instruction::URem;
    if (!T->isIntegerTy(64) && !(Remainder && T->isIntegerTy(32)))
      return nullptr;
    // Selection has better for these.
    if (auto *Constant = dyn_cast<ConstantInt>(Y))
      if (Constant->getValue().isPowerOf2() || Constant->getValue().isNegatedPowerOf2())
        return nullptr;
    StringRef Width = T->isIntegerTy(64) ? "di3" : "si3";
    switch (O.getOpcode()) {
    case Instruction::Mul: return Routine("__mul" + Width);
    case Instruction::SDiv: return Routine("__div" + Width);
    case Instruction::UDiv: return Routine("__udiv" + Width);
    case Instruction::SRem: return Routine("__mod" + Width);
    case Instruction::URem: return Routine("__umod" + Width);
    default: return nullptr;
    }
  }

  static StringRef mathematical(Intrinsic::ID Which) {
    switch (Which) {
    case Intrinsic::ceil: return "ceil";
    case Intrinsic::cos: return "cos";
    case Intrinsic::exp: return "exp";
    case Intrinsic::exp2: return "exp2";
    case Intrinsic::floor: return "floor";
    case Intrinsic::fma: return "fma";
    case Intrinsic::log: return "log";
    case Intrinsic::log10: return "log10";
    case Intrinsic::log2: return "log2";
    case Intrinsic::maxnum: return "fmax";
    case Intrinsic::minnum: return "fmin";
    case Intrinsic::nearbyint: return "nearbyint";
    case Intrinsic::pow: return "pow";
    case Intrinsic::rint: return "rint";
    case Intrinsic::round: return "round";
    case Intrinsic::roundeven: return "roundeven";
    case Intrinsic::sin: return "sin";
    case Intrinsic::sqrt: return "sqrt";
    case Intrinsic::trunc: return "trunc";
    default: return "";
    }
  }
  Value *intrinsic(IntrinsicInst &I) {
    Type *T = I.getType();
    if (I.getIntrinsicID() == Intrinsic::fptosi_sat || I.getIntrinsicID() == Intrinsic::fptoui_sat) {
      const bool Ours = T->isIntegerTy() && ours(I.getArgOperand(0)->getType());
      return Ours ? saturated(I.getArgOperand(0), T, I.getIntrinsicID() == Intrinsic::fptosi_sat) : nullptr;
    }
    if (!ours(T))
      return nullptr;
    if (I.getIntrinsicID() == Intrinsic::fmuladd) {
      Value *Product = call("__mul" + mode(T) + "3", T, {I.getArgOperand(0), I.getArgOperand(1)});
      return call("__add" + mode(T) + "3", T, {Product, I.getArgOperand(2)});
    }
    StringRef Name = mathematical(I.getIntrinsicID());
    SmallVector<Value *, 3> Arguments(I.args());
    return Name.empty() ? nullptr : call(Name + (T->isFloatTy() ? "f" : ""), T, Arguments);
  }

  Value *cast(CastInst &C) {
    Value *X = C.getOperand(0);
    Type *From = X->getType(), *To = C.getType();
    switch (C.getOpcode()) {
    case Instruction::FPToSI:
    case Instruction::FPToUI:
      return ours(From) && To->isIntegerTy() ? toInteger(X, To, C.getOpcode() == Instruction::FPToSI) : nullptr;
    case Instruction::SIToFP:
    case Instruction::UIToFP:
      return ours(To) && From->isIntegerTy() ? toFloat(X, To, C.getOpcode() == Instruction::SIToFP) : nullptr;
    case Instruction::FPExt:
      return From->isFloatTy() && To->isDoubleTy() ? call("__extendsfdf2", To, {X}) : nullptr;
    case Instruction::FPTrunc:
      return From->isDoubleTy() && To->isFloatTy() ? call("__truncdfsf2", To, {X}) : nullptr;
    default:
      return nullptr;
    }
  }

  Value *replacement(Instruction &I) {
    B.SetInsertPoint(&I);
    if (auto *Compare = dyn_cast<FCmpInst>(&I)) {
      Value *X = Compare->getOperand(0);
      return ours(X->getType()) ? compare(Compare->getPredicate(), X, Compare->getOperand(1)) : nullptr;
    }
    if (auto *Operator = dyn_cast<BinaryOperator>(&I))
      return binary(*Operator);
    if (auto *Call = dyn_cast<IntrinsicInst>(&I))
      return intrinsic(*Call);
    if (auto *Cast = dyn_cast<CastInst>(&I))
      return cast(*Cast);
    return nullptr;
  }

public:
  explicit LibraryCalls(Function &F) : M(*F.getParent()), B(F.getContext()) {}

  bool run(Function &F) {
    bool Changed = false;
    for (Instruction &I : make_early_inc_range(instructions(F)))
      if (Value *Made = replacement(I)) {
        I.replaceAllUsesWith(Made);
        I.eraseFromParent();
        Changed = true;
      }
    return Changed;
  }
};

} // namespace mends
