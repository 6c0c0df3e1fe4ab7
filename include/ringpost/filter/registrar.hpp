// Where the domain that somebody registered begins in a host's name, by the lists of the rule files (util_rb_tld, _2tld,
// _3tld): rules were written and scored with these lists, so they and not the public suffix list decide here.
//
// Layer:  pure. A value; the texts that it answers with are copies.
// Names:  in lower case and A-labels; `canonical_host` makes them so.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace ringpost::filter {

class RegistrarBoundaries {
 public:
  enum class Level : unsigned char { one = 1, two = 2, three = 3 };
  // One word of a util_rb_ line; A-labels, U-labels or a domain as it is.
  void add(Level level, std::string_view name);
  void clear() { *this = {}; }

  // Its last label is a top-level domain.
  bool is_valid_tld(std::string_view label) const;
  bool is_valid_domain(std::string_view host) const;
  // "www.foo.co.uk" is "foo.co.uk".
  std::string trim_domain(std::string_view host) const;

  // The host and the registered domain in an URI; both empty when there is none that could exist. An address is its own domain.
  struct HostAndDomain {
    std::string host;
    std::string domain;
  };
  HostAndDomain host_of_uri(std::string_view uri) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Set = std::unordered_set<std::string, Hash, std::equal_to<>>;
  Set tlds_, two_, three_;
};

// Lower case and A-labels; what IDNA refuses stays as it is.
std::string canonical_host(std::string_view host);
// Labels of 1 to 63 letters, digits, hyphens and underscores, at least two of them, and no longer than 255.
bool is_valid_fqdn(std::string_view host);

}  // namespace ringpost::filter
