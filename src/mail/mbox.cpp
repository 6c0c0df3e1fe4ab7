#include "ringpost/mail/mbox.hpp"

#include <algorithm>

#include "ringpost/mail/date.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

void LfWriter::write(std::string_view piece, std::string& out) {
  while (!piece.empty()) {
    if (after_cr_ && piece.front() != '\n') out += '\r';
    after_cr_ = false;
    const std::size_t cr = piece.find('\r');
    out += piece.substr(0, cr);
    if (cr == std::string_view::npos) return;
    after_cr_ = true;
    piece.remove_prefix(cr + 1);
  }
}

void LfWriter::finish(std::string& out) {
  if (after_cr_) out += '\r';
  after_cr_ = false;
}

namespace {
constexpr std::string_view kFrom = "From ";
}  // namespace

void MboxWriter::begin(std::string_view reverse_path, WallTime arrival, std::string& out) {
  *this = MboxWriter{};
  out += kFrom;
  if (reverse_path.empty()) out += "MAILER-DAEMON";
  // A blank, in a quoted local part, would end the address for those who read the line.
  for (const char c : reverse_path) out += is_control(c) || c == ' ' ? '-' : c;
  out.append(" ").append(format_mbox_date(arrival)).append("\n");
}

// The marks and the part of "From " that were held back are an ordinary line's.
void MboxWriter::release(std::string& out) {
  for (; marks_ != 0; --marks_) lines_.write(">", out);
  lines_.write(kFrom.substr(0, matched_), out);
  matched_ = 0;
  at_start_ = false;
}

void MboxWriter::write_at_start(char c, std::string& out) {
  if (matched_ == 0 && c == '>') {
    ++marks_;
    return;
  }
  if (c == kFrom[matched_]) {
    if (++matched_ < kFrom.size()) return;
    ++marks_;  // the quoting
    return release(out);
  }
  release(out);
  lines_.write({&c, 1}, out);
  at_start_ = c == '\n';
}

void MboxWriter::write(std::string_view piece, std::string& out) {
  while (!piece.empty()) {
    if (at_start_) {
      write_at_start(piece.front(), out);
      piece.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min(piece.find('\n'), piece.size() - 1) + 1;
    at_start_ = piece[size - 1] == '\n';
    lines_.write(piece.substr(0, size), out);
    piece.remove_prefix(size);
  }
}

void MboxWriter::finish(std::string& out) {
  const bool ended = at_start_ && marks_ == 0 && matched_ == 0;
  if (!ended) release(out);
  lines_.finish(out);
  out += ended ? "\n" : "\n\n";
}

}  // namespace ringpost::mail
