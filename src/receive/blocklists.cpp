#include "ringpost/receive/blocklists.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/receive/limits.hpp"

namespace ringpost::receive {

namespace {

const IpAddress kAnswersFirst = IpAddress::ipv4(127, 0, 0, 0);
const IpAddress kAnswersLast = IpAddress::ipv4(127, 255, 254, 255);

// What is put under the zone; nullopt: there is nothing to ask about.
std::optional<dns::Name> subject_name(const Blocklist& list, const BlocklistSubject& subject,
                                      std::string_view reverse_name) {
  std::string_view text;
  switch (list.check) {
    case BlocklistCheck::client:
      if (!subject.client) return std::nullopt;
      if (auto name = dns::reverse_labels(subject.client).under(list.zone)) return *std::move(name);
      return std::nullopt;
    case BlocklistCheck::reverse_client:
      text = reverse_name;
      break;
    case BlocklistCheck::helo:
      text = subject.helo;
      break;
    case BlocklistCheck::sender:
      text = subject.sender_domain;
      break;
    case BlocklistCheck::recipient:
      text = subject.recipient_domain;
      break;
  }
  if (text.empty() || text.starts_with('[')) return std::nullopt;
  auto name = dns::Name::parse(text);
  // A word without a dot is no domain, and may be a name inside the list.
  if (!name || name->label_count() < 2) return std::nullopt;
  auto whole = name->under(list.zone);
  return whole ? std::optional(*std::move(whole)) : std::nullopt;
}

std::string_view class_text(BlocklistCheck check) {
  switch (check) {
    case BlocklistCheck::client:
      return "Client host";
    case BlocklistCheck::reverse_client:
      return "Client name";
    case BlocklistCheck::helo:
      return "Helo name";
    case BlocklistCheck::sender:
      return "Sender domain";
    case BlocklistCheck::recipient:
      return "Recipient domain";
  }
  return "";
}

std::string subject_text(BlocklistCheck check, const BlocklistSubject& subject,
                         const std::string& reverse_name) {
  switch (check) {
    case BlocklistCheck::client:
      return "[" + to_string(subject.client) + "]";
    case BlocklistCheck::reverse_client:
      return reverse_name;
    case BlocklistCheck::helo:
      return std::string(subject.helo);
    case BlocklistCheck::sender:
      return std::string(subject.sender_domain);
    case BlocklistCheck::recipient:
      return std::string(subject.recipient_domain);
  }
  return {};
}

// A stranger wrote it, and it goes into a reply.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kBlocklistTextMax));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// What of a list's name may stand in the name of a figure.
std::string figure_name(std::string_view name) {
  std::string out(name);
  std::ranges::replace_if(
      out,
      [](char c) { return !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'); },
      '_');
  return out;
}

bool of_client(BlocklistCheck check) {
  return check == BlocklistCheck::client || check == BlocklistCheck::reverse_client;
}

}  // namespace

std::optional<AnswerRange> AnswerRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_address(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_address(text.substr(dash + 1));
  if (!first || !last || !first->is_ipv4() || !last->is_ipv4() || *last < *first) return std::nullopt;
  return AnswerRange{*first, *last};
}

bool Blocklist::counts(const IpAddress& answer) const {
  if (!answer.is_ipv4() || answer.octets()[0] != 127) return false;
  if (answers.empty()) return kAnswersFirst <= answer && answer <= kAnswersLast;
  return std::ranges::any_of(answers, [&](const AnswerRange& range) { return range.contains(answer); });
}

bool BlocklistRules::asks(BlocklistCheck check) const {
  return std::ranges::any_of(lists, [&](const Blocklist& list) { return list.check == check; });
}

bool BlocklistRules::spares(const IpAddress& client) const {
  return std::ranges::any_of(options.allow, [&](const Network& network) { return network.contains(client); });
}

BlocklistRules make_blocklist_rules(const Named<BlocklistOptions>& lists, const BlocklistsOptions& options) {
  BlocklistRules rules{.lists = {}, .options = options};
  for (const auto& [name, list] : lists) {
    auto zone = dns::Name::parse(list.zone);
    if (!zone) continue;  // `check` has said so
    Blocklist made{.name = name,
                   .zone_text = zone->to_string(),
                   .zone = *std::move(zone),
                   .check = list.check,
                   .act = list.act,
                   .answers = {},
                   .weight = list.weight};
    for (const std::string& answer : list.answers)
      if (const auto range = AnswerRange::parse(answer)) made.answers.push_back(*range);
    rules.lists.push_back(std::move(made));
  }
  return rules;
}

// Questions of one judgement; lives until the last of them is answered or given up.
struct Blocklists::Inquiry {
  std::shared_ptr<const BlocklistRules> rules;
  BlocklistSubject subject;
  std::string reverse_name;
  Instant deadline;
  std::vector<bool> listed;
  std::size_t open;
  shard::Signal ended;
};

struct Blocklists::Counted {
  std::string name;
  observe::Counter listed;
};

Blocklists::Blocklists(shard::Core& core, resolve::Resolver& resolver) : core_(core), resolver_(resolver) {
  auto& registry = core.figures();
  registry.add("blocklist_questions", "Questions to DNS lists about clients, senders and recipients.",
               figures_.asked);
  registry.add("blocklist_failures",
               "Of these, those that failed or took too long; they count as not listed.", figures_.failed);
  registry.add("blocklist_rejected", "Connections and recipients refused for a DNS list.", figures_.rejected);
  registry.add("blocklist_allowed", "Clients let through by a DNS list.", figures_.allowed);
}
Blocklists::~Blocklists() = default;

Blocklists::Counted* Blocklists::counted(std::string_view name) {
  const auto found = std::ranges::find_if(
      counted_, [&, figure = figure_name(name)](const auto& one) { return one->name == figure; });
  return found == counted_.end() ? nullptr : found->get();
}

void Blocklists::count_for(const BlocklistRules& rules) {
  for (const Blocklist& list : rules.lists) {
    if (counted(list.name) != nullptr) continue;
    counted_.push_back(std::make_unique<Counted>());
    counted_.back()->name = figure_name(list.name);
    core_.figures().add("blocklist_listed_" + figure_name(list.name),
                        "Entries found in blocklist." + list.name + ", whether they decided or not.",
                        counted_.back()->listed);
  }
}

Task<void> Blocklists::ask(Inquiry& inquiry, std::size_t list) {
  const Blocklist& one = inquiry.rules->lists[list];
  if (const auto name = subject_name(one, inquiry.subject, inquiry.reverse_name)) {
    figures_.asked.add();
    const dns::Answer answer = co_await resolver_.ask({*name, dns::Type::a}, inquiry.deadline);
    if (answer.temporary()) figures_.failed.add();
    for (const dns::Data& data : answer.records)
      if (const auto* address = std::get_if<IpAddress>(&data); address != nullptr && one.counts(*address))
        inquiry.listed[list] = true;
    if (inquiry.listed[list])
      if (Counted* counter = counted(one.name)) counter->listed.add();
  }
  if (--inquiry.open == 0) inquiry.ended.notify_all();
}

Task<std::string> Blocklists::reverse_name(IpAddress client, Instant deadline) {
  const dns::Answer answer = co_await resolver_.ask({dns::reverse_name(client), dns::Type::ptr}, deadline);
  for (const dns::Data& data : answer.records)
    if (const auto* target = std::get_if<dns::Target>(&data)) co_return target->name.to_string();
  co_return std::string();
}

Task<std::string> Blocklists::reason(dns::Name name, Instant deadline) {
  const dns::Answer answer = co_await resolver_.ask({std::move(name), dns::Type::txt}, deadline);
  for (const dns::Data& data : answer.records)
    if (const auto* text = std::get_if<dns::Txt>(&data)) co_return printable(text->text);
  co_return std::string();
}

Task<std::optional<mail::Reply>> Blocklists::judge(std::shared_ptr<const BlocklistRules> rules,
                                                   BlocklistSubject subject, bool client_only) {
  const Instant deadline = core_.now() + rules->options.timeout;
  Inquiry inquiry{.rules = rules,
                  .subject = subject,
                  .reverse_name = {},
                  .deadline = deadline,
                  .listed = std::vector<bool>(rules->lists.size(), false),
                  .open = 0,
                  .ended = shard::Signal(core_)};
  if (rules->asks(BlocklistCheck::reverse_client) && subject.client)
    inquiry.reverse_name = co_await reverse_name(subject.client, deadline);
  std::vector<std::size_t> asked;
  for (std::size_t n = 0; n < rules->lists.size(); ++n)
    if (!client_only || of_client(rules->lists[n].check)) asked.push_back(n);
  inquiry.open = asked.size();
  for (const std::size_t n : asked) core_.spawn(ask(inquiry, n));
  while (inquiry.open > 0) co_await inquiry.ended.wait();
  long sum = 0;
  const Blocklist* heaviest = nullptr;
  for (const std::size_t n : asked) {
    const Blocklist& list = rules->lists[n];
    if (!inquiry.listed[n]) continue;
    if (list.act == BlocklistAct::allow) {
      figures_.allowed.add();
      co_return std::nullopt;
    }
    sum += list.weight;
    if (heaviest == nullptr || list.weight > heaviest->weight) heaviest = &list;
  }
  if (heaviest == nullptr || sum < rules->options.threshold) co_return std::nullopt;
  figures_.rejected.add();
  std::string text = fmt::format("{} {} is blocked by {}", class_text(heaviest->check),
                                 printable(subject_text(heaviest->check, subject, inquiry.reverse_name)),
                                 heaviest->zone_text);
  const auto name = subject_name(*heaviest, subject, inquiry.reverse_name);
  if (const std::string why = co_await reason(*name, core_.now() + kBlocklistReasonTimeout); !why.empty())
    text += "; " + why;
  co_return mail::Reply{554, {5, 7, 1}, std::move(text)};
}

}  // namespace ringpost::receive
