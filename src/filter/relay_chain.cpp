#include "relay_chain.hpp"

#include "ringpost/filter/view_limits.hpp"

namespace ringpost::filter {

namespace {

class Judge {
 public:
  explicit Judge(const ViewSettings& settings)
      : settings_(settings),
        configured_(settings.trusted_networks_set || settings.internal_networks_set),
        trusted_networks_(settings.trusted_networks_set ? settings.trusted_networks
                                                        : settings.internal_networks),
        internal_networks_(settings.internal_networks_set ? settings.internal_networks
                                                          : settings.trusted_networks) {}

  void add(const std::string& value) {
    ReceivedLine line = parse_received(value);
    std::optional<std::string> envelope_from = std::exchange(envelope_from_, line.next_envelope_from);
    if (line.kind == ReceivedKind::fetched && in_front_) restart();
    if (line.kind == ReceivedKind::unreadable) ++chain_.unparseable;
    if (line.kind != ReceivedKind::relay) {
      count_field();
      return;
    }
    if (envelope_from && !envelope_from->empty()) line.relay.envelope_from = std::move(envelope_from);
    judge(line.relay);
    line.relay.internal = in_internal_;
    in_front_ = in_trusted_;
    count_field();
    (in_internal_ ? chain_.internal : chain_.external).push_back(line.relay);
    (in_trusted_ ? chain_.trusted : chain_.untrusted).push_back(std::move(line.relay));
  }

  RelayChain finish() {
    chain_.trusted_text = text(chain_.trusted);
    chain_.untrusted_text = text(chain_.untrusted);
    // Mostly the same relays.
    const bool same = chain_.internal.size() == chain_.trusted.size();
    chain_.internal_text = same ? chain_.trusted_text : text(chain_.internal);
    chain_.external_text = same ? chain_.untrusted_text : text(chain_.external);
    return std::move(chain_);
  }

 private:
  static std::string text(const std::vector<Relay>& relays) {
    std::string out;
    for (const Relay& relay : relays) {
      if (!out.empty()) out += ' ';
      out += relay.as_rules_see();
    }
    return out;
  }

  // Mail that was fetched from a mailbox: what the fetcher added is no relay.
  void restart() {
    chain_.trusted.clear();
    chain_.internal.clear();
    chain_.external.clear();
  }

  void count_field() {
    if (in_trusted_) ++chain_.last_trusted_index;
    if (in_internal_) ++chain_.last_internal_index;
  }

  static bool lies_in(const Networks& networks, const std::string& ip) {
    const auto address = parse_address(ip);
    return address && networks.contains(*address);
  }

  void judge(Relay& relay) {
    if (!in_trusted_ || found_msa_) return;
    if (!configured_) {
      if (!relay.private_ip && relay.auth.empty()) in_trusted_ = in_internal_ = false;
      return;
    }
    if (relay.auth.empty() && !lies_in(trusted_networks_, relay.ip)) {
      in_trusted_ = in_internal_ = false;
      return;
    }
    if (in_internal_ && relay.auth.empty() && !lies_in(internal_networks_, relay.ip)) in_internal_ = false;
    relay.msa = found_msa_ = lies_in(settings_.msa_networks, relay.ip);
  }

  const ViewSettings& settings_;
  bool configured_;
  const Networks& trusted_networks_;
  const Networks& internal_networks_;
  RelayChain chain_;
  std::optional<std::string> envelope_from_;
  bool in_trusted_ = true;
  bool in_internal_ = true;
  bool found_msa_ = false;
  bool in_front_ = true;
};

}  // namespace

RelayChain judge_relays(const std::vector<std::string>& received, const ViewSettings& settings) {
  Judge judge(settings);
  for (std::size_t i = 0; i < received.size() && i < kRelaysMax; ++i) judge.add(received[i]);
  return judge.finish();
}

}  // namespace ringpost::filter
