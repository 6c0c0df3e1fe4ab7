// Takes the body of a message apart.
//
// Layer:   private to `filter`.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/parts.hpp"

#include "header_fields.hpp"

namespace ringpost::filter {

class MimeReader {
 public:
  // `fields` and `body` are those of split_message; `fields` outlive the parts.
  MessageParts read(const HeaderFields& fields, std::string_view body);

 private:
  struct Node {
    MimePart part;
    std::vector<Node*> children;
  };
  struct Work {
    Node* node = nullptr;
    std::optional<std::string> boundary;
    std::string_view text;
    std::size_t depth_left = 0;
  };
  class Multipart;

  Node* add_node();
  void start_message(Node& node, std::string_view body, std::size_t depth_left);
  void read_next();
  void read_leaf(Work& work);
  void read_multipart(const Work& work);
  void read_message_inside(Work& work);
  void flatten(Node& node, std::size_t depth);
  std::string_view keep(std::string text);

  MessageParts result_;
  std::deque<Node> nodes_;
  std::deque<Work> queue_;
  std::deque<std::string> texts_;
  std::map<std::string, int> boundaries_;
};

}  // namespace ringpost::filter
