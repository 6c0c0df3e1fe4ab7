#include "stock.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/find.hpp"

#include "limits.hpp"
#include "message_fields.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view kTailStart = "id ";
constexpr std::size_t kTailSize = kTailStart.size() + kIdSize + 2;
constexpr std::size_t kLineSize = 76;  // of generated text, without CRLF

// Appends our fields, each with room for what each message writes there.
class FrontWriter {
 public:
  explicit FrontWriter(Sample& sample) : sample_(sample) {}
  FrontWriter& text(std::string_view text) {
    sample_.front += text;
    return *this;
  }
  FrontWriter& id() {
    sample_.id_slots.push_back(slot(kIdSize));
    return *this;
  }
  void fields(std::string_view subject) {
    text("Message-ID: <")
        .id()
        .text("@loadgen.invalid>\r\nSubject: [")
        .id()
        .text("]")
        .text(subject)
        .text("\r\n");
    text(kIdField).text(": ").id().text("\r\n").text(kSentField).text(": ");
    sample_.sent_slot = slot(kNanosecondsSize);
    text("\r\n").text(kChecksumField).text(": ");
    sample_.checksum_slot = slot(kChecksumSize);
    text("\r\n");
  }

 private:
  std::uint32_t slot(std::size_t size) {
    const auto offset = static_cast<std::uint32_t>(sample_.front.size());
    sample_.front.append(size, '0');
    return offset;
  }
  Sample& sample_;
};

std::string dot_stuffed(std::string_view text) {
  if (!text.starts_with('.') && !text.contains("\r\n.")) return {};
  std::string stuffed;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && c == '.') stuffed += '.';
    stuffed += c;
    line_start = c == '\n';
  }
  return stuffed;
}

// What the text says is known only when it is complete.
void seal(Sample& sample, std::size_t body_offset) {
  const std::string_view text = sample.text;
  sample.body_crc = scan::crc32c(scan::as_bytes(text.substr(body_offset)));
  sample.stuffed = dot_stuffed(text);
  sample.eight_bit = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// Letters and blanks, five bits of chance each.
class Letters {
 public:
  explicit Letters(std::mt19937_64& random) : random_(random) {}
  char next(bool blank_allowed) {
    if (left_ == 0) {
      bits_ = random_();
      left_ = 12;
    }
    const auto letter = bits_ % 32;
    bits_ >>= 5U;
    --left_;
    return letter < 26 || !blank_allowed ? static_cast<char>('a' + letter % 26) : ' ';
  }

 private:
  std::mt19937_64& random_;
  std::uint64_t bits_ = 0;
  unsigned left_ = 0;
};

// So many bytes in lines of words; the last line is as short as it must be.
std::string random_text(std::size_t size, std::mt19937_64& random, bool with_dot) {
  Letters letters(random);
  std::string text;
  text.reserve(size);
  while (size - text.size() >= 2) {
    // What is left over must not be too short for a line of its own.
    const std::size_t rest = size - text.size();
    const std::size_t line = rest <= kLineSize + 4 ? rest : kLineSize + 2;
    for (std::size_t i = 0; i + 2 < line; ++i) text += letters.next(i != 0);
    text += "\r\n";
  }
  // A line that begins with a dot, so that stuffing is tested as well.
  if (with_dot && text.size() > 2 * kLineSize + 4) text[kLineSize + 2] = '.';
  return text;
}

Sample generated(Bytes size, const StockOptions& options, std::mt19937_64& random, bool with_dot) {
  Sample sample;
  FrontWriter front(sample);
  front.text(fmt::format("Date: {}\r\nFrom: <{}>\r\nTo: {}\r\n", mail::format_date(options.now), options.from,
                         options.to));
  front.fields(" load test");
  front.text("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
  sample.has_tail = true;
  const std::size_t fixed = sample.front.size() + kTailSize;
  if (size.count > fixed)
    sample.text = random_text(static_cast<std::size_t>(size.count) - fixed, random, with_dot);
  seal(sample, 0);
  return sample;
}

// Every way to end a line becomes CRLF, and the last line has its end.
std::string with_crlf(std::string_view mail) {
  std::string text;
  text.reserve(mail.size() + mail.size() / 32 + 2);
  for (std::size_t i = 0; i < mail.size(); ++i) {
    if (mail[i] == '\r' && i + 1 < mail.size() && mail[i + 1] == '\n') continue;
    if (mail[i] == '\r' || mail[i] == '\n')
      text += "\r\n";
    else
      text += mail[i];
  }
  if (!text.ends_with("\r\n")) text += "\r\n";
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find("\r\n") + 2);
  text.remove_prefix(line.size());
  return line;
}

// One field with its continuation lines.
std::string_view take_field(std::string_view& text) {
  const std::string_view from = text;
  std::size_t size = take_line(text).size();
  while (text.starts_with(' ') || text.starts_with('\t')) size += take_line(text).size();
  return from.substr(0, size);
}

bool is_field(std::string_view field, std::string_view name) {
  return field.size() > name.size() && field[name.size()] == ':' &&
         mail::equal_ignoring_case(field.substr(0, name.size()), name);
}

}  // namespace

std::size_t Sample::tail_size() const {
  return has_tail ? kTailSize : 0;
}

void OwnParts::fill(const Sample& sample, const LoadId& id, WallTime sent) {
  std::array<char, kIdSize> id_text;
  write_id(id, id_text);
  tail.clear();
  if (sample.has_tail) tail.append(kTailStart).append(id_text.data(), kIdSize).append("\r\n");
  checksum = scan::crc32c(scan::as_bytes(tail), sample.body_crc);
  front = sample.front;
  for (const std::uint32_t slot : sample.id_slots) std::ranges::copy(id_text, front.begin() + slot);
  const std::span<char> all(front);
  write_decimal(static_cast<std::uint64_t>(sent.nanoseconds),
                all.subspan(sample.sent_slot, kNanosecondsSize));
  write_checksum(checksum, all.subspan(sample.checksum_slot).first<kChecksumSize>());
}

std::vector<Sample> generate_stock(Bytes size, const StockOptions& options) {
  std::mt19937_64 random(options.seed);
  const std::uint64_t fitting = kBodiesBytesMax.count / std::max<std::uint64_t>(size.count, 1);
  const auto count = std::clamp<std::uint64_t>(fitting, 1, kBodiesMax);
  std::vector<Sample> stock;
  for (std::uint64_t i = 0; i < count; ++i) stock.push_back(generated(size, options, random, i == 0));
  return stock;
}

namespace {

// Sizes in equal steps of their logarithm, each in the middle of its step.
std::vector<Sample> generate_range(const SizeShare& share, const StockOptions& options) {
  if (share.smallest == share.largest) return generate_stock(share.smallest, options);
  std::mt19937_64 random(options.seed);
  const auto smallest = static_cast<double>(std::max<std::uint64_t>(share.smallest.count, 1));
  const double ratio = static_cast<double>(share.largest.count) / smallest;
  std::vector<Sample> stock;
  for (std::size_t i = 0; i < kSizesOfRange; ++i) {
    const double step = (static_cast<double>(i) + 0.5) / kSizesOfRange;
    const Bytes size{static_cast<std::uint64_t>(smallest * std::pow(ratio, step))};
    stock.push_back(generated(size, options, random, i == 0));
  }
  return stock;
}

}  // namespace

void Stock::add(double weight, std::vector<Sample> group) {
  groups_.push_back(std::move(group));
  weights_.push_back(weight);
  choice_.add(weight);
}

// Which group is by chance, so that large messages come in no rhythm; within one, each has its turn.
const Sample& Stock::pick(std::uint64_t number) const {
  const std::vector<Sample>& group = groups_[choice_.pick(scattered(number))];
  return group[number % group.size()];
}

std::size_t Stock::size() const {
  std::size_t count = 0;
  for (const auto& group : groups_) count += group.size();
  return count;
}

double Stock::mean_size() const {
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    double bytes = 0;
    for (const Sample& sample : groups_[i]) bytes += static_cast<double>(sample.size());
    sum += weights_[i] * bytes / static_cast<double>(groups_[i].size());
    weights += weights_[i];
  }
  return sum / weights;
}

Stock generate_mix(const SizeMix& mix, const StockOptions& options) {
  Stock stock;
  for (const SizeShare& share : mix.shares) stock.add(share.weight, generate_range(share, options));
  return stock;
}

Sample sample_of_mail(std::string_view mail, const StockOptions& options) {
  const std::string whole = with_crlf(mail);
  std::string_view rest = whole;
  if (rest.starts_with("From ")) take_line(rest);
  Sample sample;
  std::string header;
  std::string_view subject = " \r\n";
  bool has_date = false;
  bool has_from = false;
  while (!rest.empty() && !rest.starts_with("\r\n")) {
    const std::string_view field = take_field(rest);
    // What has no colon is no field: the body begins without its empty line.
    if (field.find(':') == std::string_view::npos) {
      rest = {field.data(), field.size() + rest.size()};
      break;
    }
    if (is_field(field, "Subject")) {
      subject = field.substr(std::string_view("Subject:").size());
    } else if (!is_field(field, "Message-ID") && !field.starts_with("X-Loadgen-")) {
      header += field;
      has_date = has_date || is_field(field, "Date");
      has_from = has_from || is_field(field, "From");
    }
  }
  if (rest.starts_with("\r\n")) take_line(rest);
  FrontWriter(sample).fields(subject.substr(0, subject.size() - 2));
  if (!has_date) sample.front += fmt::format("Date: {}\r\n", mail::format_date(options.now));
  if (!has_from) sample.front += fmt::format("From: <{}>\r\n", options.from);
  sample.text = header + "\r\n";
  const std::size_t body_offset = sample.text.size();
  sample.text += rest;
  seal(sample, body_offset);
  return sample;
}

}  // namespace ringpost::loadgen
