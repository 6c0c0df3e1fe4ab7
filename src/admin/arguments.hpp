// The arguments of one request, each taken once by the verb that knows it. What nobody took is an error that names it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ringpost/admin/json.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/deliver/queue_view.hpp"

namespace ringpost::admin {

// What a verb answers instead of its lines.
struct Refused {
  std::string text;
  std::string mend;
};
template <class T = void>
using Answered = std::expected<T, Refused>;
inline std::unexpected<Refused> refuse(std::string text, std::string mend) {
  return std::unexpected(Refused{std::move(text), std::move(mend)});
}
// The text of a module's error, "what is wrong; how to mend it", in two.
std::unexpected<Refused> refuse(const Error& error);

class Arguments {
 public:
  explicit Arguments(const Json& json) : json_(json) {}

  // Absent, null and "" are nothing.
  std::optional<std::string> text(std::string_view name);
  bool flag(std::string_view name);
  Answered<std::optional<Duration>> duration(std::string_view name);
  Answered<std::size_t> count(std::string_view name, std::size_t otherwise, std::size_t max);
  // None: absent. `mend` says where ids are shown.
  Answered<MessageId> id(std::string_view name, std::string_view mend = "`ringpost queue list` shows them");
  // id, domain, sender, recipient, state, older_than; canonical, as the queue keeps them.
  Answered<deliver::Selector> selector();
  bool gave_selector() const { return gave_selector_; }

  Answered<> finish() const;

 private:
  Answered<> take_addresses(deliver::Selector& selector);
  const Json& json_;
  std::set<std::string, std::less<>> taken_;
  bool gave_selector_ = false;
};

}  // namespace ringpost::admin
