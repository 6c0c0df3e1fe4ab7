// The URIs of one message, from all places, each once.
//
// Layer:   private to `filter`.
// Limits:  kUrisMax, kUriSizeMax.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/uris.hpp"
#include "ringpost/filter/view_settings.hpp"

namespace ringpost::filter {

class UriCollection {
 public:
  UriCollection(const ViewSettings& settings, patterns::Scratch& scratch)
      : settings_(&settings), scratch_(&scratch) {}

  void add_text(std::string_view line);
  // `wide`: the source was decoded, so that its URIs are matched in UTF-8.
  void add_html(const HtmlFacts& html, bool wide);
  void add_signature(std::string_view value);  // the domain of DKIM-Signature and its like
  void finish();

  const std::vector<std::string>& uris() const { return uris_; }
  const std::vector<UriDetail>& details() const { return details_; }
  bool truncated() const { return truncated_; }

 private:
  // False when it was left out.
  bool add(const std::string& uri, const std::vector<std::string>& types, bool valid_domain);
  UriDetail& detail(const std::string& uri);

  const ViewSettings* settings_;
  patterns::Scratch* scratch_;
  std::vector<UriDetail> details_;
  std::unordered_map<std::string, std::size_t> places_;
  std::unordered_set<std::string> seen_;
  std::vector<std::string> uris_;
  bool truncated_ = false;
};

}  // namespace ringpost::filter
