#include "threads.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "ringpost/access/limits.hpp"
#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/header_address.hpp"

#include "sorting.hpp"

namespace ringpost::access {

namespace {

std::vector<std::string> message_ids(std::string_view text) {
  std::vector<std::string> ids;
  for (std::size_t begin = text.find('<'); begin != std::string_view::npos;
       begin = text.find('<', begin + 1)) {
    const std::size_t end = text.find('>', begin);
    if (end == std::string_view::npos) break;
    if (end > begin + 1) ids.emplace_back(text.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return ids;
}

Threading threading_of(const store::Message& message, const mail::MessageEnvelope& envelope) {
  Threading about{.uid = message.uid, .time = sent_time(envelope, message)};
  if (const auto ids = message_ids(envelope.message_id.value_or("")); !ids.empty()) about.id = ids.front();
  about.references = message_ids(envelope.references.value_or(""));
  if (about.references.size() > kThreadReferencesMax)
    about.references.erase(about.references.begin() + 1, about.references.end() - (kThreadReferencesMax - 1));
  if (about.references.empty()) {
    about.references = message_ids(envelope.in_reply_to.value_or(""));
    if (about.references.size() > 1) about.references.resize(1);
  }
  const mail::BaseSubject subject = mail::base_subject(envelope.subject.value_or(""));
  about.subject = mail::casemap_key(subject.text);
  about.reply = subject.reply_or_forward;
  return about;
}

bool earlier(const Threading& a, const Threading& b) {
  return a.time != b.time ? a.time < b.time : a.number < b.number;
}

}  // namespace

Task<Result<std::vector<Threading>>> read_threading(store::UserMail& user,
                                                    const std::vector<store::Message>& messages, Steps& steps,
                                                    const MessageParts::Damaged& damaged) {
  std::vector<Threading> all;
  all.reserve(messages.size());
  for (const store::Message& message : messages) {
    MessageParts parts(user, message);
    const mail::MessageEnvelope* envelope = RP_CO_TRY(co_await parts.envelope(damaged));
    all.push_back(threading_of(message, *envelope));
    if (steps.step() && !co_await steps.pause()) co_return fail(ErrorKind::closed, "the client has gone");
  }
  co_return all;
}

// All of one base subject are a thread: the first, and the others as its answers.
std::vector<imap::ThreadNode> threads_by_subject(std::vector<Threading> messages) {
  std::ranges::sort(messages, earlier);
  std::vector<imap::ThreadNode> threads;
  std::unordered_map<std::string_view, std::size_t> by_subject;
  for (const Threading& message : messages) {
    const auto [place, fresh] = by_subject.try_emplace(message.subject, threads.size());
    if (fresh)
      threads.push_back({.number = message.number, .children = {}});
    else
      threads[place->second].children.push_back({.number = message.number, .children = {}});
  }
  return threads;
}

namespace {

// RFC 5256's algorithm REFERENCES, step by step. Containers live in one deque and link to each other.
class References {
 public:
  explicit References(std::vector<Threading> messages) : messages_(std::move(messages)) {}

  std::vector<imap::ThreadNode> threads() {
    std::ranges::sort(messages_, {}, &Threading::number);
    for (const Threading& message : messages_) link(message);
    collect_roots();
    for (Container* root : roots_) prune(*root);
    std::erase_if(roots_,
                  [](const Container* root) { return root->message == nullptr && root->children.empty(); });
    promote_only_children();
    sort(roots_);
    join_by_subject();
    sort(roots_);
    std::vector<imap::ThreadNode> result;
    for (const Container* root : roots_) result.push_back(node(*root));
    return result;
  }

 private:
  struct Container {
    const Threading* message = nullptr;
    Container* parent = nullptr;
    std::size_t place = 0;  // among the parent's children, until they are sorted
    std::vector<Container*> children;
    Container* set = this;  // towards one that stands for all that were ever linked with this one
  };

  Container& make() { return containers_.emplace_back(); }
  Container& of(const std::string& id) {
    Container*& known = by_id_[id];
    if (known == nullptr) known = &make();
    return *known;
  }
  static Container* set_of(Container* container) {
    while (container->set != container) container = container->set = container->set->set;
    return container;
  }
  // Whether a link would close a circle. Strangers never do, whatever their depth; among others nobody climbs further than any
  // thread of people is deep: a chain beyond it is made to cost time, and its link is left out.
  static bool is_above(Container* above, Container* below) {
    if (above == below) return true;
    if (above->children.empty() || set_of(above) != set_of(below)) return false;
    for (std::size_t steps = 0; below != nullptr; below = below->parent)
      if (below == above || ++steps > kThreadClimbMax) return true;
    return false;
  }
  static void detach(Container& child) {
    if (child.parent == nullptr) return;
    std::vector<Container*>& siblings = child.parent->children;
    siblings[child.place] = siblings.back();
    siblings[child.place]->place = child.place;
    siblings.pop_back();
    child.parent = nullptr;
  }
  static void attach(Container& parent, Container& child) {
    child.parent = &parent;
    child.place = parent.children.size();
    parent.children.push_back(&child);
    set_of(&child)->set = set_of(&parent);
  }

  // Step 1. A second message of one id is a message of its own.
  void link(const Threading& message) {
    Container* own = message.id.empty() ? nullptr : &of(message.id);
    if (own == nullptr || own->message != nullptr) own = &make();
    own->message = &message;
    Container* before = nullptr;
    for (const std::string& reference : message.references) {
      Container& next = of(reference);
      if (before != nullptr && next.parent == nullptr && !is_above(&next, before)) attach(*before, next);
      before = &next;
    }
    if (before != nullptr && (own->parent == before || is_above(own, before))) return;
    detach(*own);
    if (before != nullptr) attach(*before, *own);
  }

  // Step 2.
  void collect_roots() {
    for (Container& container : containers_)
      if (container.parent == nullptr) roots_.push_back(&container);
  }

  // Step 3: what holds no message goes; its children take its place.
  void prune(Container& top) {
    std::vector<Container*> path{&top};
    std::vector<Container*> order;  // parents before children
    while (!path.empty()) {
      Container* const here = path.back();
      path.pop_back();
      order.push_back(here);
      path.insert(path.end(), here->children.begin(), here->children.end());
    }
    for (auto each = order.rbegin(); each != order.rend(); ++each) {
      std::vector<Container*> kept;
      for (Container* child : (*each)->children) {
        if (child->message != nullptr) {
          kept.push_back(child);
          continue;
        }
        kept.insert(kept.end(), child->children.begin(), child->children.end());
      }
      (*each)->children = std::move(kept);
      for (Container* child : (*each)->children) child->parent = *each;
    }
  }
  // At the root an empty container with one child is that child.
  void promote_only_children() {
    for (Container*& root : roots_)
      if (root->message == nullptr && root->children.size() == 1) {
        root = root->children.front();
        root->parent = nullptr;
      }
  }

  // Step 4 and 6: by time, an empty one as its first child.
  static const Threading& first_of(const Container& container) {
    return container.message != nullptr ? *container.message : *container.children.front()->message;
  }
  void sort(std::vector<Container*>& top) {
    std::vector<std::vector<Container*>*> open{&top};
    // Children first: an empty root compares as its first one.
    for (std::size_t i = 0; i < open.size(); ++i)
      for (Container* each : *open[i])
        if (!each->children.empty()) open.push_back(&each->children);
    for (auto list = open.rbegin(); list != open.rend(); ++list)
      std::ranges::sort(
          **list, [](const Container* a, const Container* b) { return earlier(first_of(*a), first_of(*b)); });
  }

  // Step 5: threads of one subject become one.
  void join_by_subject() {
    std::unordered_map<std::string_view, Container*> table;
    for (Container* root : roots_) {
      const Threading& first = first_of(*root);
      if (first.subject.empty()) continue;
      Container*& chosen = table[first.subject];
      const bool better = chosen == nullptr || (root->message == nullptr && chosen->message != nullptr) ||
                          (chosen->message != nullptr && chosen->message->reply && root->message != nullptr &&
                           !root->message->reply);
      if (better) chosen = root;
    }
    std::vector<Container*> joined;
    std::unordered_map<Container*, Container*> replaced;
    for (Container* root : roots_) {
      const Threading& first = first_of(*root);
      const auto found = first.subject.empty() ? table.end() : table.find(first.subject);
      Container* const into = found == table.end() ? nullptr : found->second;
      if (into == nullptr || into == root) {
        joined.push_back(root);
        continue;
      }
      merge(*into, *root);
    }
    roots_ = std::move(joined);
    for (Container*& root : roots_)
      if (const auto other = siblings_.find(root); other != siblings_.end()) root = other->second;
  }
  void merge(Container& into, Container& root) {
    Container* const parent = siblings_.contains(&into) ? siblings_[&into] : &into;
    if (parent->message == nullptr && root.message == nullptr) {
      for (Container* child : root.children) attach(*parent, *child);
    } else if (parent->message == nullptr ||
               (root.message != nullptr && root.message->reply && !parent->message->reply)) {
      attach(*parent, root);
    } else {
      Container& both = make();
      attach(both, *parent);
      attach(both, root);
      siblings_[&into] = &both;
    }
  }

  // Deeper answers stand side by side: a chain of a hundred thousand must not become as many levels.
  static imap::ThreadNode node(const Container& container, std::size_t depth = 0) {
    imap::ThreadNode result{.number = container.message == nullptr ? 0 : container.message->number,
                            .children = {}};
    for (const Container* child : container.children)
      if (depth < kThreadDepthMax)
        result.children.push_back(node(*child, depth + 1));
      else
        add_side_by_side(*child, result.children);
    return result;
  }
  static void add_side_by_side(const Container& top, std::vector<imap::ThreadNode>& into) {
    std::vector<const Container*> open{&top};
    while (!open.empty()) {
      const Container* const next = open.back();
      open.pop_back();
      into.push_back({.number = next->message->number, .children = {}});
      open.insert(open.end(), next->children.rbegin(), next->children.rend());
    }
  }

  std::vector<Threading> messages_;
  std::deque<Container> containers_;
  std::unordered_map<std::string, Container*> by_id_;
  std::unordered_map<Container*, Container*>
      siblings_;  // a root that is one of several under an empty one now
  std::vector<Container*> roots_;
};

}  // namespace

std::vector<imap::ThreadNode> threads_by_references(std::vector<Threading> messages) {
  return References(std::move(messages)).threads();
}

}  // namespace ringpost::access
