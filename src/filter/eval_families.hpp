// What each family of eval functions adds to the registry: one function here for each eval_FAMILY.cpp.
#pragma once

#include "ringpost/filter/eval.hpp"
