#include "ringpost/mail/header_address.hpp"

#include <algorithm>
#include <optional>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"

#include "address_list.hpp"
#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// A phrase as people read it.
std::string display_text(std::string_view phrase) {
  return decode_encoded_words(phrase_text(phrase));
}

// What a list of addresses is for the rest of the house: canonical, with decoded names.
class CanonicalList {
 public:
  void entry(std::string_view words, std::optional<std::string_view> angle, std::string_view comment) {
    const std::string spec = without_obsolete_blanks(angle ? *angle : words);
    if (!spec.empty())
      add(spec, display_text(angle ? words : comment));
    else if (angle)
      ++list.refused;  // "Somebody <>"
  }
  void group_begin(std::string_view words) { group_ = display_text(words); }
  void group_end() { group_.clear(); }
  bool full() const { return list.truncated; }

  HeaderAddressList list;

 private:
  void add(const std::string& spec, std::string display_name) {
    const PathRules rules{.allow_bare_local_part = true, .smtputf8 = true};
    const std::string path_text = "<" + spec + ">";
    const auto path = parse_path(path_text, rules);
    std::string address;
    if (!path || path->size != path_text.size() || !append_canonical(*path, address)) {
      ++list.refused;
      return;
    }
    if (list.addresses.size() == kHeaderAddressesMax) {
      list.truncated = true;
      return;
    }
    list.addresses.push_back({std::move(address), std::move(display_name), group_});
  }

  std::string group_;
};

}  // namespace

HeaderAddressList parse_address_list(std::string_view value) {
  CanonicalList sink;
  AddressListReader(value, sink).read();
  return std::move(sink.list);
}

}  // namespace ringpost::mail
