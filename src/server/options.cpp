#include "ringpost/server/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::server {

const OptionTable& option_table(const ServerOptions*) {
  static const OptionTable table = options_of<ServerOptions>(
      "server", "Who this host says it is, and as whom it runs.",
      {
          field<&ServerOptions::hostname>("hostname",
                                          "Our name in greetings, EHLO and Received; \"\": the system's.",
                                          postfix("myhostname"), example("\"mx1.example.com\"")),
          field<&ServerOptions::origin>("origin", "Completes addresses without a domain; \"\": the hostname.",
                                        postfix("myorigin"), example("\"example.com\"")),
          field<&ServerOptions::user>(
              "user", "After binding its ports the server becomes this user; it does not go on as root.",
              not_empty(), postfix("mail_owner"), needs_restart()),
          field<&ServerOptions::ip_versions>("ip_versions", "Versions of IP used to deliver.", not_empty(),
                                             postfix("inet_protocols"), needs_restart()),
          field<&ServerOptions::state_directory>("state_directory",
                                                 "Small durable facts: holds, suspensions, accounts.",
                                                 postfix("data_directory"), needs_restart()),
          field<&ServerOptions::pickup_directory>(
              "pickup_directory", "Where the sendmail command leaves mail, also while the server is stopped.",
              needs_restart()),
          field<&ServerOptions::drain>("drain", "How long open transactions may take to finish at a stop.",
                                       range(0s, 1h)),
      });
  return table;
}

}  // namespace ringpost::server
