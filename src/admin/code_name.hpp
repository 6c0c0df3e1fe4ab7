// The name of a function of this program by an address in it: what a stall is blamed on.
//
// Layer: program. Any thread; reads the symbol table of the executable at the first call, and keeps it.
#pragma once

#include <string>

namespace ringpost::admin {

// "ringpost::receive::Conversation::run() [clone .resume]"; in a stripped program "0x1a2b3c of ringpost"; "" for null.
std::string code_name(const void* code);

}  // namespace ringpost::admin
