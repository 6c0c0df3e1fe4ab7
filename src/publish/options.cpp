#include "ringpost/publish/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::publish {

namespace {

std::optional<OptionComplaint> check_to(const std::string& to) {
  if (to == "stderr" || to == "syslog" || to == "journald") return std::nullopt;
  if (!to.starts_with("file:"))
    return OptionComplaint{
        "is no place for a log",
        "write \"stderr\", \"syslog\", \"journald\" or \"file:/var/log/ringpost/mail.log\""};
  if (!to.starts_with("file:/") || to.ends_with('/'))
    return OptionComplaint{"names no file", "write the whole path: \"file:/var/log/ringpost/mail.log\""};
  return std::nullopt;
}

}  // namespace

const OptionTable& option_table(const LogOptions*) {
  static const OptionTable table = options_of<LogOptions>(
      "log", "Where events are written, one a line.",
      {
          field<&LogOptions::to>("to", "stderr, syslog, journald, or file: and a path.", checked(&check_to),
                                 postfix("maillog_file"), example("\"file:/var/log/ringpost/mail.log\"")),
          field<&LogOptions::format>("format",
                                     "maillog: lines as mail servers write them; json: an object a line."),
      });
  return table;
}

}  // namespace ringpost::publish
