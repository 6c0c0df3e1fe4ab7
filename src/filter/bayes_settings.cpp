// What .cf files say about Bayes.
#include <algorithm>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/settings.hpp"

#include "characters.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

std::uint64_t count_of(const Settings& settings, std::string_view key, std::uint64_t otherwise) {
  return static_cast<std::uint64_t>(
      std::clamp(settings.number(key, static_cast<double>(otherwise)), 0.0, 1e12));
}

// "all nouri header": taken one after the other.
void choose_sources(const Settings& settings, BayesSettings& bayes) {
  const std::pair<std::string_view, bool BayesSettings::*> sources[] = {
      {"header", &BayesSettings::reads_header},
      {"visible", &BayesSettings::reads_visible},
      {"invisible", &BayesSettings::reads_invisible},
      {"uri", &BayesSettings::reads_uris},
      {"mimepart", &BayesSettings::reads_parts}};
  for (const std::string_view written : settings.words("bayes_token_sources")) {
    const std::string word = lower(written);
    for (const auto& [name, member] : sources) {
      if (word == "all" || word == name) bayes.*member = true;
      if (word == "none" || word == "noall" || word == "no" + std::string(name)) bayes.*member = false;
    }
  }
}

void choose_stopwords(const Settings& settings, BayesSettings& bayes) {
  std::vector<std::string> languages{"en"};
  if (const auto text = settings.text("bayes_stopword_languages")) {
    languages.clear();
    std::string words = lower(*text);
    std::ranges::replace(words, ',', ' ');
    for (std::string_view rest = trim(words); !rest.empty(); rest = trim(rest)) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      languages.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
  }
  for (const std::string& language : languages) {
    const auto text = settings.text("bayes_stopword_" + language);
    if (!text) continue;
    auto expression = patterns::Expression::compile({"^(?i:" + std::string(trim(*text)) + ")$", {}});
    if (expression)
      bayes.stopwords.push_back(std::make_shared<const patterns::Expression>(*std::move(expression)));
  }
}

std::vector<std::string> globs(const Settings& settings, std::string_view key) {
  std::vector<std::string> list;
  for (const std::string_view word : settings.words(key)) list.push_back(lower(word));
  return list;
}

bool any_matches(const std::vector<std::string>& globs, const std::vector<std::string>& addresses) {
  return std::ranges::any_of(addresses, [&](const std::string& address) {
    return std::ranges::any_of(globs,
                               [&](const std::string& glob) { return glob_matches(glob, lower(address)); });
  });
}

}  // namespace

BayesSettings make_bayes_settings(const Settings& settings) {
  BayesSettings bayes;
  bayes.used = settings.flag("use_bayes", true) && settings.flag("use_bayes_rules", true) &&
               settings.flag("use_learner", true);
  bayes.autolearns = bayes.used && settings.flag("bayes_auto_learn", true);
  bayes.autolearns_on_error_only = settings.flag("bayes_auto_learn_on_error", false);
  bayes.autolearn_ham_below =
      settings.number("bayes_auto_learn_threshold_nonspam", bayes.autolearn_ham_below);
  bayes.autolearn_spam_from = settings.number("bayes_auto_learn_threshold_spam", bayes.autolearn_spam_from);
  bayes.ham_min = count_of(settings, "bayes_min_ham_num", bayes.ham_min);
  bayes.spam_min = count_of(settings, "bayes_min_spam_num", bayes.spam_min);
  bayes.counts_hapaxes = settings.flag("bayes_use_hapaxes", true);
  bayes.token_size_max = count_of(settings, "bayes_max_token_length", bayes.token_size_max);
  bayes.tokens_max = std::clamp<std::size_t>(
      count_of(settings, "bayes_expiry_max_db_size", kBayesTokensDefault), 1'000, kBayesTokensMax);
  choose_sources(settings, bayes);
  choose_stopwords(settings, bayes);
  for (const std::string_view name : settings.words("bayes_ignore_header"))
    bayes.ignored_fields.insert(lower(name));
  bayes.ignored_senders = globs(settings, "bayes_ignore_from");
  bayes.ignored_recipients = globs(settings, "bayes_ignore_to");
  return bayes;
}

bool is_ignored_by_bayes(const MessageView& message, const BayesSettings& settings) {
  if (settings.ignored_senders.empty() && settings.ignored_recipients.empty()) return false;
  EvalScratch scratch;
  const EvalCall call{message, message.facts(), scratch};
  return (!settings.ignored_senders.empty() && any_matches(settings.ignored_senders, from_addresses(call))) ||
         (!settings.ignored_recipients.empty() &&
          any_matches(settings.ignored_recipients, to_addresses(call)));
}

}  // namespace ringpost::filter
