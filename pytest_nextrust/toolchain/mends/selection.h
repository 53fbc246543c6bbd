// Which mends are on: all, but for those that the variable NEXTRUST_MENDS_OFF names, separated by commas.
//
// A variable, because rustc reads the options that it hands to LLVM before it loads plugins. An unknown name is fatal,
// for a switch that does nothing would make a diagnosis of nothing.
#pragma once

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdlib>

namespace mends {
using namespace llvm;

inline constexpr StringLiteral Names[] = {
    "and-address-register", "call-sequence", "ccr-immediate", "cmp-subx",
    "copy-before-branch", "division-remainder", "fastcc-byval", "fastcc-result",
    "movem-order", "shift-128", "stack-index", "store-pc-relative",
    "struct-vararg", "volatile-half", "word-immediate",
};

class Selection {
  SmallVector<StringRef, 16> Off;

public:
  Selection() {
    if (const char *Named = std::getenv("NEXTRUST_MENDS_OFF"))
      StringRef(Named).split(Off, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
    for (StringRef Name : Off)
      if (!is_contained(Names, Name))
        reportFatalUsageError(Twine("NEXTRUST_MENDS_OFF: no mend ") + Name);
  }
  bool has(StringRef Name) const { return !is_contained(Off, Name); }
};

} // namespace mends
