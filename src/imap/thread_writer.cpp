// THREAD's nested lists (RFC 5256 section 4): a chain of single answers is one list, a branching opens lists inside.
#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/imap/response_writer.hpp"

namespace ringpost::imap {

namespace {

// Threads may be as deep as a mailbox is large, so the branches that are open are kept here, not on the stack.
class ThreadText {
 public:
  explicit ThreadText(std::string& out) : out_(out) {}

  void write(const ThreadNode& root) {
    open(root);
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.children.size()) {
        levels_.pop_back();
        out_ += ')';
        continue;
      }
      open(level.children[level.next++]);
    }
  }

 private:
  struct Level {
    std::span<const ThreadNode> children;  // of the last of the chain
    std::size_t next = 0;
  };

  // "(1 2 3": the chain to the first that has none or several answers.
  void open(const ThreadNode& first) {
    out_ += '(';
    const ThreadNode* node = &first;
    bool begun = false;
    for (;;) {
      if (node->number != 0) {
        if (begun) out_ += ' ';
        fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), node->number);
        begun = true;
      }
      if (node->children.size() != 1) break;
      node = &node->children.front();
    }
    if (begun && !node->children.empty()) out_ += ' ';
    levels_.push_back({node->children, 0});
  }

  std::string& out_;
  std::vector<Level> levels_;
};

}  // namespace

void ResponseWriter::thread(std::span<const ThreadNode> threads) {
  out_ += "* THREAD";
  if (!threads.empty()) out_ += ' ';
  for (const ThreadNode& root : threads) ThreadText(out_).write(root);
  out_ += "\r\n";
}

}  // namespace ringpost::imap
