// HTML facts: html_*, iframes, links that do not go where they say.
#include <functional>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

HtmlFacts::Number HtmlFacts::number(std::string_view name) const {
  const auto count = [](auto value) { return Number{static_cast<double>(value), true}; };
  const auto share = [&](std::size_t part, std::size_t of) {
    return Number{of == 0 ? 0 : static_cast<double>(part) / static_cast<double>(of), of > 0};
  };
  if (source_size == 0) return {};
  if (name == "image_area") return count(image_area);
  if (name == "length") return count(source_size);
  if (name == "min_size") return count(min_size);
  if (name == "max_size") return count(max_size);
  if (name == "html_length") return count(html_length);
  if (name == "non_space_len") return count(non_space_length);
  if (name == "ratio") return count(ratio);
  if (name == "backhair_count") return {static_cast<double>(backhair), backhair > 0};
  if (name == "closed_extra_ratio") return share(closed_extra, tags);
  if (name == "bad_tag_ratio") return elements == 0 ? Number{} : share(tags - elements, tags);
  if (name == "non_element_ratio")
    return elements_seen == 0 ? Number{} : share(tags_seen - elements_seen, tags_seen);
  if (name == "obfuscation_ratio") return obfuscation == 0 ? Number{} : share(obfuscation, tags);
  return {};
}

namespace {

template <class Test>
bool any_html(const EvalCall& call, const Test& test) {
  for (const HtmlFacts* html : call.message.html())
    if (html->source_size > 0 && test(*html)) return true;
  return false;
}

EvalAnswer html_range(const EvalCall& call, Arguments arguments) {
  const double least = number(arguments, 1, 0);
  const bool bounded = is_given(arguments, 2);
  const double most = number(arguments, 2, 0);
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    const HtmlFacts::Number found = html.number(arguments[0]);
    return found.known && found.value > least && (!bounded || found.value <= most);
  }));
}

// "< 384", "!= 0"
bool compares(double value, std::string_view comparison) {
  comparison = trim(comparison);
  std::size_t size = 0;
  while (size < comparison.size() && contains("<>=!", comparison.substr(size, 1))) ++size;
  const std::string_view sign = comparison.substr(0, size);
  const std::string operand(trim(comparison.substr(size)));
  const double other = number(std::span(&operand, 1), 0, 0);
  if (sign == "<") return value < other;
  if (sign == "<=") return value <= other;
  if (sign == ">") return value > other;
  if (sign == ">=") return value >= other;
  if (sign == "==") return value == other;
  return sign == "!=" && value != other;
}

EvalAnswer html_eval(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    const HtmlFacts::Number found = html.number(arguments[0]);
    return found.known && compares(found.value, arguments[1]);
  }));
}

EvalAnswer html_tag_balance(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    const auto found = html.inside.find(arguments[0]);
    return found != html.inside.end() && compares(found->second, arguments[1]);
  }));
}

EvalAnswer html_tag_exists(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(
      any_html(call, [&](const HtmlFacts& html) { return html.inside.contains(arguments[0]); }));
}

bool has_fact(const HtmlFacts& html, std::string_view name) {
  if (name == "html") return true;
  if (name == "embeds") return html.embeds;
  if (name == "font_face_bad") return html.bad_face;
  if (name == "font_low_contrast") return html.low_contrast;
  if (name == "font_invalid_color") return html.invalid_color;
  if (name == "form_action_mailto") return html.mailto_form;
  return html.number(name).value != 0;
}

EvalAnswer html_test(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) { return has_fact(html, arguments[0]); }));
}

EvalAnswer html_image_only(const EvalCall& call, Arguments arguments) {
  const double least = number(arguments, 0, 0);
  const double most = number(arguments, 1, 0);
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    const auto size = static_cast<double>(html.source_size);
    return html.inside.contains("img") && size > least && size <= most;
  }));
}

EvalAnswer html_image_ratio(const EvalCall& call, Arguments arguments) {
  const double least = number(arguments, 0, 0);
  const double most = number(arguments, 1, 0);
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    if (html.image_area <= 0) return false;
    const double ratio = static_cast<double>(html.non_space_length) / html.image_area;
    return ratio > least && ratio <= most;
  }));
}

EvalAnswer html_title_subject_ratio(const EvalCall& call, Arguments arguments) {
  const std::string_view subject = text_of(call, "Subject");
  if (subject.empty()) return EvalAnswer::of(false);
  const double ratio = number(arguments, 0, 0);
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    for (const std::string& title : html.titles)
      if (static_cast<double>(mail::count_characters(title)) / static_cast<double>(subject.size()) > ratio)
        return true;
    return false;
  }));
}

EvalAnswer check_iframe_src(const EvalCall& call, Arguments) {
  return EvalAnswer::of(any_html(call, [](const HtmlFacts& html) {
    for (const auto& [uri, where] : html.uris)
      if (std::ranges::find(where.types, "iframe") != where.types.end()) return true;
    return false;
  }));
}

// Texts of one kind, by the name that rules use.
const std::vector<std::string>* texts_of(const HtmlFacts& html, std::string_view kind) {
  if (kind == "comment") return &html.comments;
  if (kind == "title") return &html.titles;
  if (kind == "anchor") return &html.anchors;
  return kind == "script" ? &html.scripts : nullptr;
}

// html_text_match and its opposite.
EvalFactory text_match(bool wanted) {
  return [wanted](const EvalSetup& setup) -> Result<EvalFunction> {
    if (setup.arguments.size() != 2)
      return fail(ErrorKind::permanent, "takes the kind of text and an expression");
    auto compiled = patterns::Expression::compile({setup.arguments[1], {}});
    if (!compiled) return std::unexpected(compiled.error());
    auto expression = std::make_shared<const patterns::Expression>(*std::move(compiled));
    return [wanted, expression, kind = setup.arguments[0]](const EvalCall& call) {
      return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
        const auto* texts = texts_of(html, kind);
        if (texts == nullptr) return false;
        for (const std::string& text : *texts)
          if ((expression->search(text, call.message.scratch()) == patterns::Match::yes) == wanted)
            return true;
        return false;
      }));
    };
  };
}

Result<EvalFunction> html_charset_faraway(const EvalSetup& setup) {
  return [locales = Locales(setup.settings)](const EvalCall& call) {
    if (locales.all()) return EvalAnswer::of(false);
    return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
      std::size_t okay = 0;
      std::size_t bad = 0;
      for (std::string_view rest = html.charsets; !rest.empty();) {
        const std::size_t size = std::min(rest.find(' '), rest.size());
        if (size > 0) ++(locales.welcomes(rest.substr(0, size)) ? okay : bad);
        rest.remove_prefix(std::min(size + 1, rest.size()));
      }
      return bad > 0 && bad >= okay;
    }));
  };
}

// --- links ---

// The address a link goes to is bare, and its text promises https.
EvalAnswer check_https_ip_mismatch(const EvalCall& call, Arguments) {
  static const Re address(R"(m{^https?:/*(?:[^\@/]+\@)?\d+\.\d+\.\d+\.\d+}i)");
  static const Re https_address(R"(m{^https:/*(?:[^\@/]+\@)?\d+\.\d+\.\d+\.\d+}i)");
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    for (const auto& [uri, where] : html.uris) {
      if (where.anchor_texts.empty() || !address.in(uri, call)) continue;
      for (const std::string& text : where.anchor_texts)
        if (contains_nocase(text, "https:") && !https_address.in(text, call)) return true;
    }
    return false;
  }));
}

bool is_ip(std::string_view host) {
  return parse_address(host).has_value();
}

// The domain of "https://host" in a text; empty when it has none that could exist.
std::string promised_domain(std::string_view text, const RegistrarBoundaries& registrars) {
  for (std::size_t at = find_nocase(text, "https://"); at != kNowhere;
       at = find_nocase(text, "https://", at + 1)) {
    std::string_view host = text.substr(at + 8);
    std::size_t size = 0;
    while (size < host.size() && !is_space(host[size]) && !contains("/:?#", host.substr(size, 1))) ++size;
    if (size == 0) continue;
    host = host.substr(0, size);
    if (is_ip(host)) return std::string(host);
    std::string domain = registrars.trim_domain(canonical_host(host));
    return registrars.is_valid_domain(domain) ? domain : std::string{};
  }
  return {};
}

// The domain that a link goes to; empty when it is an address, or no web link.
std::string linked_domain(std::string_view uri, const RegistrarBoundaries& registrars) {
  const std::size_t scheme = starts_nocase(uri, "http://") ? 7 : starts_nocase(uri, "https://") ? 8 : 0;
  if (scheme == 0) return {};
  const std::string_view host = uri.substr(scheme, uri.find_first_of("/:?#", scheme) - scheme);
  if (host.empty() || is_ip(host)) return {};
  const std::string domain = registrars.trim_domain(canonical_host(host));
  return registrars.host_of_uri(domain).domain.empty() ? std::string{} : domain;
}

EvalAnswer check_https_http_mismatch(const EvalCall& call, Arguments arguments) {
  const double least = std::max(number(arguments, 0, 1), 1.0);
  const bool bounded = is_given(arguments, 1);
  const double most = number(arguments, 1, 0);
  const RegistrarBoundaries& registrars = call.message.settings().registrars;
  return EvalAnswer::of(any_html(call, [&](const HtmlFacts& html) {
    bool hit = false;
    double anchors = 0;
    for (const auto& [uri, where] : html.uris) {
      if (where.anchor_texts.empty()) continue;
      const std::string domain = linked_domain(uri, registrars);
      if (domain.empty()) continue;
      ++anchors;
      for (const std::string& text : where.anchor_texts) {
        const std::string promised = promised_domain(text, registrars);
        hit |= !promised.empty() && promised != domain;
      }
    }
    return hit && anchors >= least && (!bounded || anchors < most);
  }));
}

}  // namespace

void add_html_evals(EvalRegistry& registry) {
  registry.add("html_range", {2, 3}, html_range);
  registry.add("html_eval", {2, 2}, html_eval);
  registry.add("html_tag_balance", {2, 2}, html_tag_balance);
  registry.add("html_tag_exists", {1, 1}, html_tag_exists);
  registry.add("html_test", {1, 1}, html_test);
  registry.add("html_image_only", {2, 2}, html_image_only);
  registry.add("html_image_ratio", {2, 2}, html_image_ratio);
  registry.add("html_title_subject_ratio", {1, 1}, html_title_subject_ratio);
  registry.add("html_text_match", text_match(true));
  registry.add("html_text_not_match", text_match(false));
  registry.add("html_charset_faraway", html_charset_faraway);
  registry.add("check_iframe_src", {0, 0}, check_iframe_src);
  registry.add("check_https_ip_mismatch", {0, 0}, check_https_ip_mismatch);
  registry.add("check_https_http_mismatch", {0, 2}, check_https_http_mismatch);
}

}  // namespace ringpost::filter
