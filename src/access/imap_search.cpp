// SEARCH, SORT and THREAD.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/date.hpp"

#include "imap_steps.hpp"
#include "search.hpp"
#include "sorting.hpp"
#include "threads.hpp"

namespace ringpost::access {

namespace {

constexpr std::string_view kNoSuchNumber = "There are not so many messages";

// What SEARCH and SORT answer, in the words of the command: UIDs or numbers.
struct Hits {
  std::vector<std::uint32_t> numbers;  // in the order of the answer
  std::uint64_t highest_modseq = 0;
};

Hits hits_of(const Selection& selection, const std::vector<store::Message>& found, bool uid) {
  Hits hits;
  for (const store::Message& message : found) {
    const std::size_t number = uid ? message.uid.value : selection.view().sequence_of(message.uid);
    if (number == 0) continue;
    hits.numbers.push_back(static_cast<std::uint32_t>(number));
    hits.highest_modseq = std::max(hits.highest_modseq, message.modseq.value);
  }
  return hits;
}

}  // namespace

void ImapConversation::tell_damaged(const store::Message& message, const Error& why, std::string_view what) {
  if (!has_selection() || selection_->mailbox()->find(message.uid) == nullptr) return;  // it went meanwhile
  session_.respond().status({imap::Condition::no, std::string(imap::codes::kCorruption),
                             fmt::format("UID {} {}: {}", message.uid.value, what, why.text)});
}

MessageParts::Damaged ImapConversation::tells_unordered() {
  return [this](const store::Message& message, const Error& why) {
    tell_damaged(message, why, "has its place by what is known of it");
  };
}

// Messages that match, by rising UIDs.
Task<Result<std::vector<store::Message>>> ImapConversation::find(const imap::SearchKey& key, Steps& steps) {
  Search search(*selection_, *mail_, service_.core().wall_now());
  if (!search.prepare(key)) co_return fail(ErrorKind::permanent, std::string(kNoSuchNumber));
  std::vector<store::Message> found;
  const store::UidSet all = store::UidSet::all();
  for (store::Uid from{1}; has_selection();) {
    const store::Message* next = selection_->next(all, from);
    if (next == nullptr) break;
    const store::Message message = *next;
    from = {message.uid.value + 1};
    auto matches = co_await search.matches(key, message);
    const bool there = has_selection() && selection_->mailbox()->find(message.uid) != nullptr;
    if (!matches && there && matches.error().kind == ErrorKind::permanent)
      tell_damaged(message, matches.error(), "was not searched");  // the others are found
    else if (!matches && there)
      co_return fail(matches.error());
    if (matches && *matches) found.push_back(message);
    if (steps.step() && !co_await steps.pause()) break;
  }
  co_return found;
}

namespace {

// All, or the page that was asked for.
std::span<const std::uint32_t> page_of(std::span<const std::uint32_t> numbers,
                                       const imap::ReturnOptions& options) {
  if (!options.partial) return numbers;
  const imap::Page::Span page = options.partial->of(numbers.size());
  return numbers.subspan(page.begin, page.end - page.begin);
}

std::optional<std::uint64_t> modseq_of(bool wanted, const Hits& hits) {
  return wanted && !hits.numbers.empty() ? std::optional(hits.highest_modseq) : std::nullopt;
}

}  // namespace

// RFC 5182 section 2.1: after NO nothing is saved any more, after BAD what was.
Answer ImapConversation::not_found(const Error& why, bool save, std::string_view code) {
  if (why.text == kNoSuchNumber) return Answer::bad(why.text);
  if (save) selection_->saved = {};
  return Answer::no(code, why.text);
}
Answer ImapConversation::unknown_charset() {
  return not_found({ErrorKind::permanent, 0, "This charset is not known"}, true, imap::codes::bad_charset());
}

Task<Answer> ImapConversation::run(imap::Search& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (!command.charset_known) co_return unknown_charset();
  ToldSteps steps(*this, {.messages = selection_->view().exists()});
  auto found = co_await find(command.key, steps);
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (!found) co_return not_found(found.error(), command.options.save);
  const Hits hits = hits_of(*selection_, *found, command.uid);
  const auto modseq = modseq_of(command.uses_mod_sequence, hits);
  const imap::ReturnOptions& options = command.options;
  if (options.save) selection_->saved = saved_of(*found, options);
  if (!options.given && !session_.dialect().search_by_esearch()) {
    session_.respond().search(hits.numbers, modseq);
    co_return Answer::ok();
  }
  // RFC 5182: SAVE alone answers nothing.
  const bool told = options.min || options.max || options.all || options.count || options.partial;
  if (options.save && !told) co_return Answer::ok();
  imap::NumberSet all;
  for (const std::uint32_t number : page_of(hits.numbers, options)) all.add(number);
  imap::EsearchResult result{.tag = session_.tag(), .uid = command.uid, .mod_sequence = modseq};
  const bool any = !hits.numbers.empty();
  if (options.min && any) result.min = hits.numbers.front();
  if (options.max && any) result.max = hits.numbers.back();
  if (options.count) result.count = hits.numbers.size();
  if ((options.all || !options.given || options.partial) && any) result.all = &all;
  result.partial = options.partial;
  session_.respond().esearch(result);
  co_return Answer::ok();
}

Task<Answer> ImapConversation::run(imap::Sort& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (!command.charset_known) co_return unknown_charset();
  ToldSteps steps(*this, {.messages = selection_->view().exists(), .stages = 2});
  auto found = co_await find(command.search, steps);
  if (found) steps.next_stage(found->size());
  if (found && has_selection())
    found = co_await sorted(*mail_, std::move(*found), command.keys, steps, tells_unordered());
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (!found) co_return not_found(found.error(), command.options.save);
  const Hits hits = hits_of(*selection_, *found, command.uid);
  const auto modseq = modseq_of(command.uses_mod_sequence, hits);
  const imap::ReturnOptions& options = command.options;
  if (options.save) selection_->saved = saved_of(*found, options);
  if (!options.given) {
    session_.respond().sort(hits.numbers, modseq);
    co_return Answer::ok();
  }
  imap::EsearchResult result{.tag = session_.tag(), .uid = command.uid, .mod_sequence = modseq};
  const bool any = !hits.numbers.empty();
  if (options.min && any) result.min = hits.numbers.front();
  if (options.max && any) result.max = hits.numbers.back();
  if (options.count) result.count = hits.numbers.size();
  if (options.all || options.partial) result.all_in_order = page_of(hits.numbers, options);
  result.partial = options.partial;
  session_.respond().esearch(result);
  co_return Answer::ok();
}

Task<Answer> ImapConversation::run(imap::Thread& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  ToldSteps steps(*this, {.messages = selection_->view().exists(), .stages = 2});
  auto found = co_await find(command.search, steps);
  if (!found) co_return not_found(found.error(), false);
  steps.next_stage(found->size());
  auto about = co_await read_threading(*mail_, *found, steps, tells_unordered());
  if (!about) co_return Answer::no(imap::codes::kUnavailable, about.error().text);
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  for (Threading& each : *about)
    each.number =
        command.uid ? each.uid.value : static_cast<std::uint32_t>(selection_->view().sequence_of(each.uid));
  std::erase_if(*about, [](const Threading& each) { return each.number == 0; });
  const auto threads = command.algorithm == imap::ThreadAlgorithm::references
                           ? threads_by_references(std::move(*about))
                           : threads_by_subject(std::move(*about));
  session_.respond().thread(threads);
  co_return Answer::ok();
}

}  // namespace ringpost::access
