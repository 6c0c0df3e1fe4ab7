// The header of a mail as Bayes reads it: which fields, and what of them.
//
// Layer:   private to `filter`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ringpost/filter/bayes.hpp"

namespace ringpost::filter {

// {"*F", "U*joe D*example.com ..."}: the short name of a field, and the text of all fields of that name.
using BayesFields = std::vector<std::pair<std::string, std::string>>;
BayesFields bayes_fields(const MessageView& message, const BayesSettings& settings);

}  // namespace ringpost::filter
