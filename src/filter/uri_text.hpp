// URIs and mail addresses that stand in text, as mail programs make links of them.
//
// Layer:   private to `filter`. Linear in the size of the text, but for runs of at most kUriSizeMax without a blank.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/registrar.hpp"

namespace ringpost::filter {

struct TextUri {
  std::string raw;          // as it stood
  std::string uri;          // with a scheme
  bool schemeless = false;  // it had none in the text
  bool unlinked = false;    // no program would make a link of it
};
// Appends what is in `line`, in order. The caller drops what it has seen.
void find_text_uris(std::string_view line, const RegistrarBoundaries& registrars, std::vector<TextUri>& out);

}  // namespace ringpost::filter
