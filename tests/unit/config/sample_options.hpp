// Option structs in the shape of the real ones, and a file system in memory, for the tests of config.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/config/load.hpp"

namespace ringpost::config {

enum class TlsUse : unsigned char { none, offered, required, implicit };
constexpr auto option_choices(const TlsUse*) {
  return std::to_array<Choice<TlsUse>>({{"none", TlsUse::none},
                                        {"offered", TlsUse::offered},
                                        {"required", TlsUse::required},
                                        {"implicit", TlsUse::implicit}});
}

struct ServerOptions {
  std::string hostname;
  std::string origin = "example.com";
  std::vector<std::string> ip_versions{"ipv4", "ipv6"};
};
inline const OptionTable& option_table(const ServerOptions*) {
  static const OptionTable table = options_of<ServerOptions>(
      "server", "Who this server is.",
      {field<&ServerOptions::hostname>("hostname", "Name in EHLO and Received.", required(),
                                       postfix("myhostname"), example("\"mx1.example.com\"")),
       field<&ServerOptions::origin>("origin", "Completes bare addresses.", postfix("myorigin")),
       field<&ServerOptions::ip_versions>("ip_versions", "IP versions to use.", one_of("ipv4", "ipv6"),
                                          not_empty())});
  return table;
}

struct CoreOptions {
  std::variant<Word<"all">, std::vector<unsigned>> use;
  Bytes receive_buffers = 16_MiB;
};
inline const OptionTable& option_table(const CoreOptions*) {
  static const OptionTable table =
      options_of<CoreOptions>("cores", "One pinned thread and one spool shard each.",
                              {field<&CoreOptions::use>("use", "Which CPUs to run on.", needs_restart()),
                               field<&CoreOptions::receive_buffers>(
                                   "receive_buffers", "Receive buffers of each core.", range(1_MiB, 1_GiB))});
  return table;
}

struct Certificate {
  FilePath certificate;
  FilePath key;
};
inline const OptionTable& option_table(const Certificate*) {
  static const OptionTable table = options_of<Certificate>(
      "sni", "A certificate of its own.",
      {field<&Certificate::certificate>("certificate", "PEM file of the chain.", required()),
       field<&Certificate::key>("key", "PEM file of the key.", required())});
  return table;
}
struct TlsOptions {
  FilePath certificate;
  std::optional<Duration> session_lifetime;
  Named<Certificate> sni;
};
inline const OptionTable& option_table(const TlsOptions*) {
  static const OptionTable table = options_of<TlsOptions>(
      "tls", "Certificates.",
      {field<&TlsOptions::certificate>("certificate", "PEM file of the chain.",
                                       postfix("smtpd_tls_cert_file")),
       field<&TlsOptions::session_lifetime>("session_lifetime", "How long a session can resume."),
       field<&TlsOptions::sni>("sni", "Other names.")});
  return table;
}

struct ListenerOptions {
  std::vector<Endpoint> address;
  TlsUse tls = TlsUse::offered;
  std::string banner = "ESMTP";
  std::uint32_t connection_limit = 10'000;
  std::uint32_t client_connection_limit = 50;
  std::vector<Network> proxy_protocol_from;
};
inline void check_listener(const ListenerOptions& options, OptionReport& report) {
  if (options.client_connection_limit > options.connection_limit)
    report.error("client_connection_limit", "is over the limit of the listener",
                 "lower it to connection_limit");
}
inline const OptionTable& option_table(const ListenerOptions*) {
  using L = ListenerOptions;
  static const OptionTable table = options_of<L>(
      "listener", "A set of addresses that one protocol is spoken at.",
      {field<&L::address>("address", "Where to listen.", required(), not_empty()),
       field<&L::tls>("tls", "Encryption."),
       field<&L::banner>("banner", "After the hostname.", postfix("smtpd_banner")),
       field<&L::connection_limit>("connection_limit", "Open connections.", range(1, 1'000'000)),
       field<&L::client_connection_limit>("client_connection_limit", "Open connections of one address."),
       field<&L::proxy_protocol_from>("proxy_protocol_from", "Networks that speak PROXY.")},
      &check_listener);
  return table;
}

struct Backoff {
  Duration first = 20min;
  unsigned factor = 2;
};
inline const OptionTable& option_table(const Backoff*) {
  static const OptionTable table = options_of<Backoff>(
      "backoff", "Growing intervals.",
      {field<&Backoff::first>("first", "The first."), field<&Backoff::factor>("factor", "Growth.")});
  return table;
}
struct RetryOptions {
  std::variant<std::vector<Duration>, Backoff> intervals = std::vector<Duration>{5min, 15min};
  Duration expire_after = 120h;
};
inline const OptionTable& option_table(const RetryOptions*) {
  static const OptionTable table = options_of<RetryOptions>(
      "retry", "When to try again.",
      {field<&RetryOptions::intervals>("intervals", "The last repeats.", at_least(1s)),
       field<&RetryOptions::expire_after>("expire_after", "Then it bounces.")});
  return table;
}

struct Limits {
  Layered<unsigned> connection_limit;
  Layered<Rate> message_rate;
  Named<Limits> source;  // a table that holds tables of its own kind
};
inline const OptionTable& option_table(const Limits*) {
  static const OptionTable table = options_of<Limits>(
      "limits", "Limits.",
      {field<&Limits::connection_limit>("connection_limit", "Connections.", range(1, 10'000)),
       field<&Limits::message_rate>("message_rate", "Messages."),
       field<&Limits::source>("source", "For one source.")});
  return table;
}
struct ShapingOptions {
  Limits everyone;
  Named<Limits> domain;
};
inline const OptionTable& option_table(const ShapingOptions*) {
  static const OptionTable table =
      options_of<ShapingOptions>("shaping", "How much to send.",
                                 {field<&ShapingOptions::everyone>("default", "For all."),
                                  field<&ShapingOptions::domain>("domain", "For one.")});
  return table;
}

struct PoolOptions {
  Named<unsigned> weights;
  std::string spill_to;
};
inline const OptionTable& option_table(const PoolOptions*) {
  static const OptionTable table = options_of<PoolOptions>(
      "pool", "Sources that share mail.",
      {field<&PoolOptions::weights>("weights", "Share of each.", range(0, 100)),
       field<&PoolOptions::spill_to>("spill_to", "The pool for what is over a limit.")});
  return table;
}

struct Everything {
  ServerOptions server;
  CoreOptions cores;
  TlsOptions tls;
  Named<ListenerOptions> listener;
  RetryOptions retry;
  ShapingOptions shaping;
  Named<PoolOptions> pool;

  Schema schema() {
    Schema made;
    made.section("server", server).section("cores", cores).section("tls", tls).named("listener", listener);
    made.section("retry", retry).section("shaping", shaping).named("pool", pool);
    return made;
  }
};

// A folder in memory: "conf.d/*.toml" matches by its part before the star.
struct Disk {
  std::map<std::string, std::string> files;

  Loader loader() const {
    return [this](const std::string& path) -> Result<std::string> {
      const auto at = files.find(path);
      if (at == files.end()) return fail(ErrorKind::permanent, "No such file or directory");
      return at->second;
    };
  }
  Glob glob() const {
    return [this](const std::string& pattern) -> Result<std::vector<std::string>> {
      if (pattern.find('?') != std::string::npos) return fail(ErrorKind::permanent, "bad pattern");
      std::vector<std::string> found;
      const std::string prefix = pattern.substr(0, pattern.find('*'));
      for (const auto& [path, text] : files)
        if (path.starts_with(prefix)) found.push_back(path);
      return found;
    };
  }
};

inline constexpr const char* kMain = "/etc/ringpost/ringpost.toml";

inline std::vector<std::string> texts(const Loaded& loaded) {
  std::vector<std::string> all;
  for (const Finding& finding : loaded.findings) {
    std::string text = to_string(finding);
    const std::string folder = "/etc/ringpost/";
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.erase(at, folder.size());
    all.push_back(std::move(text));
  }
  return all;
}

// Loads one text as the main file.
inline std::vector<std::string> findings_of(const std::string& text, Everything* into = nullptr) {
  Everything own;
  Everything& options = into != nullptr ? *into : own;
  const Disk disk{{{kMain, text}}};
  return texts(load(options.schema(), kMain, disk.loader(), disk.glob()));
}

}  // namespace ringpost::config
