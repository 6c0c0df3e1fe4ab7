#include "ringpost/tls/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/tls/limits.hpp"

namespace ringpost::tls {

namespace {

void check_pair(const TlsOptions& options, OptionReport& report) {
  if (options.certificate.empty() == options.key.empty()) {
    if (options.certificate.empty() && !options.sni.empty())
      report.error("sni", "names have certificates, but clients that ask for no name have none",
                   "set certificate and key too");
    return;
  }
  if (options.key.empty())
    report.error("certificate", "a certificate without its key", "set key to the file of its private key");
  else
    report.error("key", "a key without its certificate",
                 "set certificate to the file of its certificate chain");
}

}  // namespace

const OptionTable& option_table(const SniOptions*) {
  static const OptionTable table = options_of<SniOptions>(
      "sni", "The certificate for clients that ask for this name; \"*.example.net\" stands for one label.",
      {
          field<&SniOptions::certificate>("certificate", "The certificate and its issuers, a PEM file.",
                                          required(), not_empty(), example("\"tls/net.pem\"")),
          field<&SniOptions::key>("key", "Its private key, a PEM file without passphrase.", required(),
                                  not_empty(), example("\"tls/net.key\"")),
      });
  return table;
}

const OptionTable& option_table(const TlsOptions*) {
  static const OptionTable table = options_of<TlsOptions>(
      "tls", "Certificates and versions of TLS, for all listeners.",
      {
          field<&TlsOptions::certificate>(
              "certificate", "The server's certificate, then its issuers, a PEM file; empty for no TLS.",
              postfix("smtpd_tls_cert_file"), example("\"tls/fullchain.pem\"")),
          field<&TlsOptions::key>("key", "Its private key, a PEM file without passphrase.",
                                  postfix("smtpd_tls_key_file"), example("\"tls/key.pem\"")),
          field<&TlsOptions::version_min>("version_min", "The oldest version of TLS to accept and to offer.",
                                          postfix("smtpd_tls_protocols")),
          field<&TlsOptions::ticket_key_lifetime>(
              "ticket_key_lifetime",
              "How long a key seals session tickets; clients can resume for three times as long.",
              range(1s, 7 * 24h)),
          field<&TlsOptions::sni>("sni", "Certificates by the name that a client asks for.",
                                  items_at_most(kServerNamesMax), postfix("tls_server_sni_maps")),
      },
      &check_pair);
  return table;
}

}  // namespace ringpost::tls
