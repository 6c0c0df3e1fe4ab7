// Bayes as SpamAssassin has it: which tokens a mail has, and what their counts say.
//
// Layer:  pure. Counts come in from whoever keeps them (`tables`), what is to be learned goes out.
// Owner:  BayesSettings belong to the rule set, one for all cores. A BayesReader belongs to one scan on one core.
// Tokens: the last 40 bits of the SHA-1 of a word; words carry where they stood ("HTo:", "I*:" for hidden text, "UD:" for
//         domains). The same words as SpamAssassin 4.0 makes, so counts that it learned mean the same here.
// Judged: of the 150 tokens that say most, by Robinson's f(w) and Fisher's method with chi-square.
// Limits: filter/limits.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/patterns/expression.hpp"

namespace ringpost::filter {

class MessageView;
class RuleSet;
class Settings;
struct Verdict;

using BayesToken = std::uint64_t;  // 40 bits

// What the .cf files say: use_bayes and bayes_*.
struct BayesSettings {
  bool used = true;
  bool autolearns = true;
  bool autolearns_on_error_only = false;
  double autolearn_ham_below = 0.1;
  double autolearn_spam_from = 12;
  std::uint64_t ham_min = 200;  // as many must have been learned before it says anything
  std::uint64_t spam_min = 200;
  bool counts_hapaxes = true;  // tokens of one mail
  std::size_t token_size_max = 15;
  std::size_t tokens_max = 0;  // kept; bayes_expiry_max_db_size
  bool reads_header = true, reads_visible = true, reads_invisible = true, reads_uris = true,
       reads_parts = false;
  std::set<std::string, std::less<>> ignored_fields;                   // in lower case
  std::vector<std::string> ignored_senders, ignored_recipients;        // globs in lower case
  std::vector<std::shared_ptr<const patterns::Expression>> stopwords;  // of each language
};
BayesSettings make_bayes_settings(const Settings& settings);

// Mail from or to those whom bayes_ignore_from and bayes_ignore_to name is neither judged nor learned.
bool is_ignored_by_bayes(const MessageView& message, const BayesSettings& settings);

// The tokens of a mail, in steps.
class BayesReader {
 public:
  // All outlive it. With `keeps_texts` it can say what a token was.
  BayesReader(const MessageView& message, const BayesSettings& settings, bool keeps_texts = false);
  ~BayesReader();
  BayesReader(const BayesReader&) = delete;
  BayesReader& operator=(const BayesReader&) = delete;

  // False: nothing is left to do.
  bool advance();
  // Each once, in the order in which they were found.
  std::span<const BayesToken> tokens() const;
  std::string_view text(BayesToken token) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct BayesCount {
  std::uint32_t spam = 0;
  std::uint32_t ham = 0;
};
struct BayesTotals {
  std::uint64_t spam = 0;
  std::uint64_t ham = 0;
};
bool is_trained(const BayesTotals& totals, const BayesSettings& settings);

struct BayesJudgement {
  std::optional<double> probability;       // absent: too little learned, or no token says anything
  std::vector<std::uint32_t> significant;  // positions of the tokens that decided, the strongest first
  std::size_t known = 0;                   // tokens that were learned before
  std::size_t spammy = 0, hammy = 0;       // of the significant
};
// `counts` stands beside `tokens`.
BayesJudgement judge(std::span<const BayesToken> tokens, std::span<const BayesCount> counts,
                     const BayesTotals& totals, const BayesSettings& settings);
// 0 ham to 1 spam; nullopt when it says nothing.
std::optional<double> token_probability(const BayesCount& count, const BayesTotals& totals,
                                        const BayesSettings& settings);

// --- learning ---

enum class MailKind : std::uint8_t { ham, spam };

// What this verdict teaches, by SpamAssassin's rules: at or beyond a threshold without Bayes' own points, for spam with three
// points each from header and body, and not against what Bayes and the whole score say. nullopt: nothing.
std::optional<MailKind> autolearned(const Verdict& verdict, const RuleSet& rules,
                                    const BayesSettings& settings);

// By it a mail is known again when it is learned twice or as the other kind: of To, Date and body.
std::array<std::byte, 20> learning_id(const MessageView& message);
// When it came, as its trace fields say; seconds since 1970. nullopt: it does not say.
std::optional<std::int64_t> received_time(const MessageView& message);

}  // namespace ringpost::filter
