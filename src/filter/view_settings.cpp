#include "ringpost/filter/view_settings.hpp"

#include "ringpost/filter/settings.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

template <class Use>
void each_word(std::string_view text, Use use) {
  for (text = trim_front(text); !text.empty(); text = trim_front(text)) {
    std::size_t size = 0;
    while (size < text.size() && !is_space(text[size])) ++size;
    use(text.substr(0, size));
    text.remove_prefix(size);
  }
}

// The lines of a list of networks, and its clear_ lines. True when there is one.
bool read_networks(const Settings& settings, std::string_view key, Networks& networks) {
  bool set = false;
  // SpamAssassin takes the host itself for granted.
  const auto restart = [&] {
    networks.clear();
    for (const std::string_view own : {"127.0.0.0/8", "::1"}) networks.add(own);
  };
  restart();
  for (const Settings::Line& line : settings.lines(key)) {
    if (line.key != key) {
      restart();
      set = false;
      continue;
    }
    each_word(line.value, [&](std::string_view word) { networks.add(word); });
    set = true;
  }
  return set;
}

void read_registrars(const Settings& settings, RegistrarBoundaries& registrars) {
  using Level = RegistrarBoundaries::Level;
  for (const auto& [key, level] :
       {std::pair{"util_rb_tld", Level::one}, std::pair{"util_rb_2tld", Level::two},
        std::pair{"util_rb_3tld", Level::three}})
    for (const std::string_view word : settings.words(key)) registrars.add(level, word);
}

void read_redirectors(const Settings& settings, ViewSettings& view) {
  for (const Settings::Line& line : settings.lines("redirector_pattern")) {
    const auto pattern = patterns::parse_delimited(trim(line.value));
    if (!pattern) continue;
    if (auto expression = patterns::Expression::compile(*pattern))
      view.redirectors.push_back(std::make_shared<const patterns::Expression>(*std::move(expression)));
  }
}

}  // namespace

ViewSettings make_view_settings(const Settings& settings) {
  ViewSettings view;
  view.trusted_networks_set = read_networks(settings, "trusted_networks", view.trusted_networks);
  view.internal_networks_set = read_networks(settings, "internal_networks", view.internal_networks);
  (void)read_networks(settings, "msa_networks", view.msa_networks);
  if (settings.lines("msa_networks").empty()) view.msa_networks.clear();
  view.envelope_sender_header = settings.text("envelope_sender_header").value_or("");
  for (const std::string_view header : settings.words("originating_ip_headers"))
    view.originating_ip_headers.emplace_back(header);
  view.parse_dkim_uris = settings.flag("parse_dkim_uris", true);
  read_registrars(settings, view.registrars);
  read_redirectors(settings, view);
  return view;
}

}  // namespace ringpost::filter
