// What DNS lists answer, and what rules make of it.
//
// Layer:   private to `filter`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/dns/answer.hpp"
#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/rules.hpp"

#include "eval_support.hpp"

namespace ringpost::filter {

// "4.3.2.1.zen.example", "bad.example.dbl.example"; nullopt when that is no name.
std::optional<dns::Question> list_question(std::string_view host_or_address, std::string_view zone,
                                           dns::Type type);

// A or TXT record; others are passed over.
struct ListEntry {
  std::string text;          // "127.0.0.2", or the TXT
  std::uint32_t number = 0;  // of an address of IPv4
  bool is_address = false;
};
std::optional<ListEntry> list_entry(const dns::Data& data);
bool is_in_127(const ListEntry& entry);

// The third argument of check_rbl: nothing, "127.0.0.2", a bit mask "4", or an expression.
class ListTest {
 public:
  static Result<ListTest> parse(std::string_view text);
  bool holds(const ListEntry& entry, patterns::Scratch& scratch) const;

 private:
  std::string exact_;
  std::optional<std::uint32_t> mask_;
  std::shared_ptr<const patterns::Expression> expression_;
};

// The last word of uridnssub: "127.0.0.2", "4" (a mask), "127.0.1.2-127.0.1.9", "127.0.0.0/255.0.0.0".
class UriListTest {
 public:
  static Result<UriListTest> parse(std::string_view text);  // "" for lists whose every answer counts
  bool holds(const ListEntry& entry) const;

 private:
  enum class Kind : unsigned char { any, mask, range, masked } kind_ = Kind::any;
  std::uint32_t first_ = 0, second_ = 0;
};

bool flagged(const Rule& rule, std::string_view word);  // in its tflags

}  // namespace ringpost::filter
