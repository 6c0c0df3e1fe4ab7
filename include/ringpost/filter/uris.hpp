// The URIs of a message: where each stood, what it means, and whose it is.
//
// Layer:  pure. Values.
// Owner:  MessageView.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ringpost::filter {

struct UriDetail {
  std::string uri;                 // as it stood; of text, with a scheme
  std::vector<std::string> types;  // HTML elements; "parsed" of text, "unlinked", "schemeless", "domainkeys"
  // As it stood and all that it may be read as; empty for domains of signatures.
  std::vector<std::string> cleaned;
  std::vector<std::string> domains;                        // that somebody registered
  std::vector<std::pair<std::string, std::string>> hosts;  // each with its domain
  std::vector<std::string> anchor_texts;

  bool has_type(std::string_view type) const {
    for (const std::string& one : types)
      if (one == type) return true;
    return false;
  }
};

}  // namespace ringpost::filter
