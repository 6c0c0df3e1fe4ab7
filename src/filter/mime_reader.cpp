#include "mime_reader.hpp"

#include <algorithm>

#include "ringpost/filter/view_limits.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

#include "characters.hpp"
#include "content_type.hpp"

namespace ringpost::filter {

MimePart::MimePart() : fields_(std::make_shared<const HeaderFields>()) {}
MimePart::~MimePart() = default;
MimePart::MimePart(MimePart&&) noexcept = default;

std::string_view MimePart::field(std::string_view field_name) const {
  return fields_->value(field_name);
}

bool MimePart::has_field(std::string_view field_name) const {
  return fields_->last(field_name) != nullptr;
}

std::string_view MimePart::effective_type() const {
  for (const std::string_view ending : {".htm", ".html", ".shtm", ".shtml"})
    if (ends_nocase(name, ending)) return "text/html";
  return type;
}

namespace {

bool is_text_or_message(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("message/");
}

}  // namespace

const std::string& MimePart::decoded() const {
  if (decoded_) return *decoded_;
  const std::string_view encoding = field("content-transfer-encoding");
  if (equal_nocase(encoding, "quoted-printable")) {
    decoded_ = crlf_to_lf(mail::decode_quoted_printable(encoded_));
  } else if (equal_nocase(encoding, "base64")) {
    decoded_ = mail::decode_base64_tolerant(encoded_);
    if (is_text_or_message(type)) decoded_ = crlf_to_lf(*decoded_);
  } else {
    decoded_ = encoded_;
  }
  return *decoded_;
}

namespace {

// A run of more than kBlankLinesMax blank lines is cut to so many: its first and its last. At the front, one more stays.
std::string without_blank_runs(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  std::vector<std::string_view> run;
  bool at_front = true;
  const auto flush = [&] {
    const std::size_t first = at_front ? 2 : 1;
    const std::size_t rest = kBlankLinesMax - 1;
    for (std::size_t i = 0; i < run.size(); ++i)
      if (i < first || i + rest >= run.size()) out += run[i];
    run.clear();
    at_front = false;
  };
  while (!body.empty()) {
    const std::string_view line = take_line(body);
    if (is_blank_line(line)) {
      run.push_back(line);
      continue;
    }
    flush();
    out += line;
  }
  flush();
  return out;
}

bool has_long_line(std::string_view text) {
  while (!text.empty())
    if (take_line(text).size() > kTextLineSizeMax) return true;
  return false;
}

std::string with_broken_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / kTextLineSizeMax);
  while (!text.empty()) {
    std::string_view line = take_line(text);
    for (; line.size() > kTextLineSizeMax; line.remove_prefix(kTextLineSizeMax)) {
      out += line.substr(0, kTextLineSizeMax);
      out += '\n';
    }
    out += line;
  }
  return out;
}

enum class BoundaryLine : unsigned char { none, part, last };

BoundaryLine boundary_line(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return BoundaryLine::none;
  std::string_view rest = line.substr(2 + boundary.size());
  if (is_blank_line(rest)) return BoundaryLine::part;
  if (!rest.starts_with("--") || !is_blank_line(rest.substr(2))) return BoundaryLine::none;
  return BoundaryLine::last;
}

// "Name:" or, with blanks allowed before the colon, "Name :".
bool begins_field(std::string_view line, bool blanks) {
  std::size_t at = 0;
  while (at < line.size() && line[at] > ' ' && line[at] < '\x7F' && line[at] != ':') ++at;
  if (at == 0) return false;
  while (blanks && at < line.size() && is_blank(line[at])) ++at;
  return at < line.size() && line[at] == ':';
}

void add_part_field(std::string_view text, HeaderFields& fields) {
  const std::size_t colon = text.find(':');
  if (colon == kNowhere) return;
  fields.add(text.substr(0, colon), trim_front(text.substr(colon + 1)));
}

std::string file_name(const HeaderFields& fields, const ContentType& type) {
  const std::string_view disposition = fields.value("content-disposition");
  for (std::size_t at = find_nocase(disposition, "name="); at != kNowhere;
       at = find_nocase(disposition, "name=", at + 1)) {
    std::string_view rest = trim_front(disposition.substr(at + 5));
    if (rest.starts_with('"')) rest.remove_prefix(1);
    rest = rest.substr(0, rest.find_first_of("\";"));
    if (!rest.empty()) return std::string(rest);
  }
  return type.name.value_or("");
}

}  // namespace

// One multipart's lines, sorted into its parts.
class MimeReader::Multipart {
 public:
  Multipart(MimeReader& reader, const Work& work) : reader_(reader), work_(work), boundary_(*work.boundary) {}

  void read() {
    skip_preamble();
    start_part();
    while (!rest_.empty() && !closed_) {
      const std::size_t begin = position();
      const std::string_view line = take_line(rest_);
      BoundaryLine found = boundary_line(line, boundary_);
      if (found != BoundaryLine::none && nested_) {
        nested_ = found != BoundaryLine::last;
        found = BoundaryLine::none;
      }
      if (rest_.empty() || found != BoundaryLine::none) {
        if (found == BoundaryLine::none && body_begin_ == kNowhere) body_begin_ = begin;
        finish_part(found == BoundaryLine::none ? position() : begin, found);
        if (reader_.result_.part_limit_reached) return;
        continue;
      }
      if (!in_body_) read_header_line(line, begin);
    }
    reader_.result_.mime_epilogue |=
        std::ranges::any_of(rest_, [](char c) { return !is_space(c) && c != '.'; });
  }

 private:
  std::size_t position() const { return work_.text.size() - rest_.size(); }

  void skip_preamble() {
    rest_ = work_.text;
    while (!rest_.empty()) {
      if (boundary_line(take_line(rest_), boundary_) != BoundaryLine::part) continue;
      reader_.boundaries_[boundary_] = 1;
      check_header_follows();
      return;
    }
    rest_ = work_.text;
  }

  void check_header_follows() {
    std::string_view after = rest_;
    if (!after.empty() && !begins_field(take_line(after), false)) reader_.result_.missing_mime_headers = true;
  }

  void start_part() {
    fields_ = {};
    field_.clear();
    in_body_ = false;
    body_begin_ = kNowhere;
  }

  void finish_field() {
    if (field_.empty()) return;
    add_part_field(field_, fields_);
    const std::string_view name = std::string_view(field_).substr(0, field_.find(':'));
    if (equal_nocase(name, "content-type") && in_body_) {
      const ContentType type = parse_content_type(fields_.value("content-type"));
      nested_ = nested_ || type.boundary == boundary_;
    }
    field_.clear();
  }

  void read_header_line(std::string_view line, std::size_t begin) {
    if (begins_field(line, true)) {
      finish_field();
      field_ = line;
      return;
    }
    if (is_blank(line.front()) && !field_.empty()) {
      field_ += line;
      return;
    }
    in_body_ = true;
    finish_field();
    const bool separator = line == "\n" || line == "\r\n";
    if (!separator) reader_.result_.missing_mime_header_body_separator = true;
    body_begin_ = separator ? position() : begin;
  }

  void finish_part(std::size_t end, BoundaryLine found) {
    std::string_view text;
    if (body_begin_ != kNowhere && body_begin_ < end) {
      text = work_.text.substr(body_begin_, end - body_begin_);
      if (found != BoundaryLine::none && text.ends_with('\n')) text.remove_suffix(1);
    }
    if (has_long_line(text)) text = reader_.keep(with_broken_lines(text));
    queue_part(text);
    if (found == BoundaryLine::last) {
      --reader_.boundaries_[boundary_];
      closed_ = true;
    } else if (found == BoundaryLine::part) {
      check_header_follows();
    }
    start_part();
  }

  void queue_part(std::string_view text) {
    Node* node = reader_.add_node();
    if (node == nullptr) return;
    ContentType type = parse_content_type(fields_.value("content-type"));
    node->part.type =
        type.missing && work_.node->part.type == "multipart/digest" ? "message/rfc822" : type.type;
    node->part.fields_ = std::make_shared<const HeaderFields>(std::move(fields_));
    if (!type.boundary || type.boundary->empty()) type.boundary = boundary_;
    reader_.queue_.push_back({node, std::move(type.boundary), text, work_.depth_left - 1});
    work_.node->children.push_back(node);
  }

  MimeReader& reader_;
  const Work& work_;
  const std::string boundary_;
  std::string_view rest_;
  bool nested_ = false;  // inside a part that uses the same boundary for itself
  bool closed_ = false;

  HeaderFields fields_;
  std::string field_;
  bool in_body_ = false;
  std::size_t body_begin_ = kNowhere;
};

MimeReader::Node* MimeReader::add_node() {
  if (nodes_.size() >= kPartsMax) {
    result_.part_limit_reached = true;
    return nullptr;
  }
  return &nodes_.emplace_back();
}

std::string_view MimeReader::keep(std::string text) {
  return texts_.emplace_back(std::move(text));
}

// Queues a message whose fields are already in its node.
void MimeReader::start_message(Node& node, std::string_view body, std::size_t depth_left) {
  ContentType type = parse_content_type(node.part.fields_->value("content-type"));
  node.part.type = type.type;
  std::string text = without_blank_runs(body);
  std::string_view rest = text;
  const std::string_view first = take_line(rest);
  // A multipart may begin without the blank line that its first part needs.
  if (type.type.starts_with("multipart/") && !rest.empty() && !is_blank_line(first)) {
    const bool at_boundary =
        type.boundary && first.starts_with("--") && first.substr(2).starts_with(*type.boundary);
    if (!at_boundary) text.insert(0, 1, '\n');
  }
  queue_.push_back({&node, std::move(type.boundary), keep(std::move(text)), depth_left});
}

void MimeReader::read_leaf(Work& work) {
  MimePart& part = work.node->part;
  const ContentType type = parse_content_type(part.fields_->value("content-type"));
  if (!type.missing)
    part.type = !type.type.starts_with("multipart/") || work.boundary ? type.type : "text/plain";
  part.charset = type.charset;
  part.name = file_name(*part.fields_, type);
  part.encoded_ = work.text;
}

void MimeReader::read_message_inside(Work& work) {
  MimePart& part = work.node->part;
  if ((part.type != "message/rfc822" && part.type != "message/global") || work.depth_left == 0) return;
  if (part.decoded().empty()) return;
  Node* inside = add_node();
  if (inside == nullptr) return;
  MessageText message = split_message(part.decoded());
  inside->part.fields_ = std::make_shared<const HeaderFields>(std::move(message.fields));
  work.node->children.push_back(inside);
  part.encoded_ = {};
  part.decoded_.emplace();
  part.leaf = false;
  start_message(*inside, message.body, work.depth_left - 1);
}

void MimeReader::read_multipart(const Work& work) {
  work.node->part.leaf = false;
  Multipart(*this, work).read();
}

void MimeReader::read_next() {
  Work work = std::move(queue_.front());
  queue_.pop_front();
  if (work.node->part.type.starts_with("multipart/") && work.boundary && work.depth_left > 0) {
    read_multipart(work);
    return;
  }
  read_leaf(work);
  read_message_inside(work);
}

void MimeReader::flatten(Node& node, std::size_t depth) {
  const std::size_t index = result_.parts.size();
  node.part.depth = depth;
  result_.parts.push_back(std::move(node.part));
  for (Node* child : node.children) flatten(*child, depth + 1);
  result_.parts[index].end = result_.parts.size();
}

// Breadth first, as the limits are counted; then in the order of the message.
MessageParts MimeReader::read(const HeaderFields& fields, std::string_view body) {
  Node* root = add_node();
  root->part.fields_ = std::shared_ptr<const HeaderFields>(std::shared_ptr<void>(), &fields);
  start_message(*root, body, kPartDepthMax);
  while (!queue_.empty()) read_next();
  result_.unbalanced_boundary =
      std::ranges::any_of(boundaries_, [](const auto& entry) { return entry.second != 0; });
  result_.parts.reserve(nodes_.size());
  flatten(*root, 0);
  // The texts die with the reader, so each leaf takes its own.
  for (MimePart& part : result_.parts) {
    part.storage_ = part.encoded_;
    part.encoded_ = {};
  }
  for (MimePart& part : result_.parts) part.encoded_ = part.storage_;
  return std::move(result_);
}

}  // namespace ringpost::filter
