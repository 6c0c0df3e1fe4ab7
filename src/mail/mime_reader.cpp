// One pass over a message: where its parts begin and end.
//
// The header of a part ends at its first empty line and nowhere else, but at a boundary. A boundary is the beginning of a line
// (RFC 2046 section 5.1.1); of several that match the longest counts, and of equal ones the innermost. The line end before it
// is the boundary's.
#include <algorithm>
#include <cstring>

#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/mime.hpp"

#include "mime_header.hpp"

namespace ringpost::mail {

namespace {

bool is_empty_line(std::string_view line) {
  return line == "\n" || line == "\r\n";
}

struct ByteFacts {
  bool nul = false;
  bool eight_bit = false;
};
// Without a branch in the loop: the compiler takes 32 bytes at a time.
ByteFacts facts_of(std::string_view bytes) {
  std::uint8_t all = 0;
  std::uint8_t zero = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    all |= byte;
    zero |= static_cast<std::uint8_t>(byte == 0);
  }
  return {zero != 0, (all & 0x80U) != 0};
}

}  // namespace

class MimeReader::Tree {
 public:
  Tree() { start_part(true); }

  void write(std::string_view piece) {
    while (!piece.empty()) {
      if (in_header_) {
        read_header(piece);
      } else if (boundaries_ == 0) {
        read_leaf(piece);
      } else {
        read_lines(piece);
      }
    }
  }

  std::string finish() {
    if (line_size_ != 0) {
      offset_ += line_size_;
      const std::string last = std::move(line_);
      line_.clear();
      const std::uint64_t size = std::exchange(line_size_, 0);
      const bool boundary = take_boundary(last, size, false);
      if (in_header_ && !boundary) header_.line(last);
    }
    while (in_header_) end_header_at(offset_);
    while (!open_.empty()) close_back(offset_, lines_);
    return record();
  }

 private:
  struct Part {
    std::uint64_t header_offset = 0;
    std::uint64_t header_size = 0;
    std::uint64_t body_size = 0;
    std::uint64_t body_lines = 0;  // while it is open: lines_ at its begin
    std::size_t depth = 0;
    std::uint8_t flags = 0;
    std::string fields;

    std::uint64_t body_offset() const { return header_offset + header_size; }
  };
  struct Open {
    std::size_t part = 0;
    std::string boundary;  // empty: none, or its last one was seen
    bool digest = false;
  };

  // ---- lines ----
  // A header line; long ones are cut.
  void read_header(std::string_view& piece) {
    const std::string_view part = take_part(piece);
    const bool complete = part.ends_with('\n');
    line_size_ += part.size();
    if (!complete || !line_.empty()) {
      const std::size_t room = kMimeFieldBytesMax - std::min(kMimeFieldBytesMax, line_.size());
      line_ += part.substr(0, room);
      if (!complete) return;
      if (room < part.size()) line_ += '\n';
    }
    const std::string_view line = line_.empty() ? part : std::string_view(line_);
    end_line();
    const std::uint64_t size = std::exchange(line_size_, 0);
    if (is_empty_line(line)) {
      end_header_at(offset_);
    } else if (!take_boundary(line, size, true)) {
      header_.line(line);
    } else if (!in_header_) {
      line_end_size_ = line.ends_with("\r\n") ? 2 : 1;
    }
    line_.clear();
  }

  // No boundary can come: only counting is left.
  void read_leaf(std::string_view& piece) {
    note(piece);
    lines_ += static_cast<std::uint64_t>(std::ranges::count(piece, '\n'));
    offset_ += line_size_ + piece.size();
    line_size_ = 0;
    line_.clear();
    piece = {};
  }

  // Lines until one is a boundary. Of each line only the first bytes are looked at.
  void read_lines(std::string_view& piece) {
    while (!piece.empty() && !in_header_ && boundaries_ != 0) {
      const std::string_view part = take_part(piece);
      const bool complete = part.ends_with('\n');
      const bool crlf = part.size() > 1 ? part[part.size() - 2] == '\r' : after_cr_;
      if (line_.size() < kLineKept && (line_size_ != 0 || !complete))
        line_ += part.substr(0, kLineKept - line_.size());
      const std::string_view line = line_.empty() ? part : std::string_view(line_);
      line_size_ += part.size();
      after_cr_ = part.ends_with('\r');
      note(part);  // a boundary too: whether it is one may not be known yet
      if (!complete) return;
      end_line();
      const std::uint64_t size = std::exchange(line_size_, 0);
      take_boundary(line, size, true);
      if (!in_header_) line_end_size_ = crlf ? 2 : 1;
      line_.clear();
    }
  }

  static std::string_view take_part(std::string_view& piece) {
    const void* const found = std::memchr(piece.data(), '\n', piece.size());
    const std::size_t size =
        found == nullptr ? piece.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - piece.data()) + 1;
    const std::string_view part = piece.substr(0, size);
    piece.remove_prefix(size);
    return part;
  }

  void end_line() {
    offset_ += line_size_;
    ++lines_;
  }

  void note(std::string_view bytes) {
    const ByteFacts facts = facts_of(bytes);
    auto& flags = parts_[open_.back().part].flags;
    if (facts.nul) flags |= mime_record::kNul;
    if (facts.eight_bit) flags |= mime_record::kEightBit;
  }

  // ---- parts ----
  // The line of `size` bytes ends at offset_, in a line end when `complete`. True when it is a boundary; then parts are
  // closed and opened.
  bool take_boundary(std::string_view line, std::uint64_t size, bool complete) {
    if (!line.starts_with("--")) return false;
    std::size_t level = open_.size();
    for (std::size_t i = open_.size(); i-- > 0;) {
      const std::string& boundary = open_[i].boundary;
      const bool longer = level == open_.size() || boundary.size() > open_[level].boundary.size();
      if (!boundary.empty() && longer && line.substr(2).starts_with(boundary)) level = i;
    }
    if (level == open_.size()) return false;
    const std::uint64_t begin = offset_ - size;
    const std::string_view rest = line.substr(2 + open_[level].boundary.size());
    while (in_header_) end_header_at(begin);
    // Its own line end does not count, nor that before it.
    const std::uint64_t line_ends = complete ? 2 : 1;
    while (open_.size() > level + 1) close_back(begin - line_end_size_, lines_ - std::min(lines_, line_ends));
    if (rest.starts_with("--")) {
      open_[level].boundary.clear();
      --boundaries_;
    } else if (parts_.size() < kMimePartsMax) {
      start_part(false);
    }
    return true;
  }

  void start_part(bool message) {
    Part part;
    part.header_offset = offset_;
    part.depth = open_.size();
    part.flags = message ? mime_record::kEnvelope : 0;
    open_.push_back({parts_.size(), {}, false});
    parts_.push_back(std::move(part));
    header_ = {};
    in_header_ = true;
    line_end_size_ = 0;
  }

  // What is a container and may be one opens; then its first part, or its message, may begin.
  void end_header_at(std::uint64_t end) {
    Part& part = parts_[open_.back().part];
    in_header_ = false;
    line_end_size_ = 0;
    after_cr_ = false;
    part.header_size = end - part.header_offset;
    part.body_lines = lines_;
    const bool in_digest = open_.size() > 1 && open_[open_.size() - 2].digest;
    MimeHeader::Type type = header_.type(in_digest);
    const bool container = type.multipart || type.message;
    const bool opaque = container && (open_.size() >= kMimeDepthMax || parts_.size() >= kMimePartsMax);
    mime_record::Writer fields(budget_);
    header_.write_part(in_digest, opaque, fields);
    if ((part.flags & mime_record::kEnvelope) != 0) {
      mime_record::Writer envelope(budget_);
      header_.write_envelope(envelope);
      if (open_.size() == 1)
        envelope_ = envelope.take();
      else
        fields.raw(envelope.take());
    }
    part.fields = fields.take();
    if (opaque) return;
    if (type.multipart && !type.boundary.empty()) {
      open_.back().boundary = std::move(type.boundary);
      open_.back().digest = type.digest;
      ++boundaries_;
    } else if (type.message) {
      const std::uint64_t here = std::exchange(offset_, end);
      start_part(true);
      offset_ = here;
    }
  }

  // `lines` counts the line ends before `end`.
  void close_back(std::uint64_t end, std::uint64_t lines) {
    const Open open = std::move(open_.back());
    open_.pop_back();
    if (!open.boundary.empty()) --boundaries_;
    Part& part = parts_[open.part];
    part.body_size = end > part.body_offset() ? end - part.body_offset() : 0;
    part.body_lines = lines > part.body_lines ? lines - part.body_lines : 0;
    if (!open_.empty())
      parts_[open_.back().part].flags |= part.flags & (mime_record::kNul | mime_record::kEightBit);
  }

  std::string record() {
    std::size_t unused = 0;
    mime_record::Writer out(unused);
    out.raw(mime_record::kMagic);
    out.number(envelope_.size());
    out.raw(envelope_);
    out.number(parts_.size());
    std::uint64_t before = 0;
    for (const Part& part : parts_) {
      out.number(part.depth);
      out.number(part.flags);
      out.number(part.header_offset - before);
      out.number(part.header_size);
      out.number(part.body_size);
      out.number(part.body_lines);
      out.raw(part.fields);
      before = part.header_offset;
    }
    return out.take();
  }

  // "--", the boundary, "--" and a line end.
  static constexpr std::size_t kLineKept = kMimeBoundaryBytesMax + 6;

  std::vector<Part> parts_;
  std::vector<Open> open_;
  MimeHeader header_;
  std::string envelope_;
  std::string line_;             // the front of an unfinished line
  std::uint64_t line_size_ = 0;  // of it
  std::uint64_t offset_ = 0;     // where the line begins
  std::uint64_t lines_ = 0;      // line ends before it
  std::size_t boundaries_ = 0;   // open ones
  std::size_t budget_ = kMimeTextBytesMax;
  std::uint64_t line_end_size_ = 0;  // of the line before, in this body
  bool in_header_ = true;
  bool after_cr_ = false;
};

MimeReader::MimeReader() : tree_(std::make_unique<Tree>()) {}
MimeReader::MimeReader(MimeReader&&) noexcept = default;
MimeReader& MimeReader::operator=(MimeReader&&) noexcept = default;
MimeReader::~MimeReader() = default;

void MimeReader::write(std::string_view piece) {
  tree_->write(piece);
}

std::string MimeReader::finish() {
  return tree_->finish();
}

std::string make_mime_record(std::string_view message) {
  MimeReader reader;
  reader.write(message);
  return reader.finish();
}

}  // namespace ringpost::mail
