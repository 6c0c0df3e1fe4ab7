#include "ringpost/shaping/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::shaping {

const OptionTable& option_table(const ShapingOptions*) {
  static const OptionTable table = options_of<ShapingOptions>(
      "shaping", "How much at once for one destination, over all cores of this machine.",
      {
          field<&ShapingOptions::connection_limit>("connection_limit", "Open connections to one destination.",
                                                   range(1, 100'000),
                                                   postfix("default_destination_concurrency_limit")),
          field<&ShapingOptions::messages_per_connection>(
              "messages_per_connection", "Messages sent over one connection before it is closed.",
              range(1, 1'000'000)),
          field<&ShapingOptions::recipients_per_transaction>(
              "recipients_per_transaction", "Recipients of one message in one transaction.", range(1, 10'000),
              postfix("default_destination_recipient_limit")),
          field<&ShapingOptions::tls>(
              "tls",
              "opportunistic: TLS when the receiver offers it; required: never without it, and "
              "with a certificate that fits.",
              postfix("smtp_tls_security_level")),
      });
  return table;
}

}  // namespace ringpost::shaping
