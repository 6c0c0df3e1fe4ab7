// The settings of rule files that shape the view of a message: networks, registrar boundaries, redirectors.
//
// Layer:   pure. Made once from the rule files' settings.
// Owner:   the rule set; immutable once made, shared by all cores.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/networks.hpp"
#include "ringpost/filter/registrar.hpp"
#include "ringpost/patterns/expression.hpp"

namespace ringpost::filter {

class Settings;

struct ViewSettings {
  // Without lines for either, relays are trusted as long as they have private addresses or authenticated. With lines for one
  // only, it stands for both.
  Networks trusted_networks;
  Networks internal_networks;
  Networks msa_networks;
  bool trusted_networks_set = false;
  bool internal_networks_set = false;
  std::string envelope_sender_header;  // empty: found by itself
  std::vector<std::string> originating_ip_headers;
  bool parse_dkim_uris = true;
  // In order: an URI that matches one carries another in its first group.
  std::vector<std::shared_ptr<const patterns::Expression>> redirectors;
  RegistrarBoundaries registrars;
};

ViewSettings make_view_settings(const Settings& settings);

}  // namespace ringpost::filter
