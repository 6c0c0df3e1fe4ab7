#include "ringpost/mail/mime.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

#include "unit/mail/mime_text.hpp"

namespace ringpost::mail {
namespace {

using testing::describe;

// Lines of a test in CRLF.
std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::string structure_of(std::string_view message) {
  const std::string record = make_mime_record(message);
  const auto structure = MimeStructure::read(record);
  return structure ? describe(*structure) : "damaged";
}

std::string envelope_of(std::string_view message) {
  const std::string record = make_mime_record(message);
  const auto envelope = read_envelope(record);
  return envelope ? describe(*envelope) : "damaged";
}

// What stands in a part's body.
std::string body(std::string_view message, std::initializer_list<std::uint32_t> numbers) {
  const std::string record = make_mime_record(message);
  const auto structure = MimeStructure::read(record);
  const MimePart* part = structure->find(std::span(numbers.begin(), numbers.size()));
  return part == nullptr ? "none" : std::string(message.substr(part->body_offset, part->body_size));
}

const std::string kMixed = crlf(
    "From: a@b.example\n"
    "Content-Type: multipart/mixed; boundary=\"=_x\"\n"
    "\n"
    "preamble\n"
    "--=_x\n"
    "\n"
    "first\n"
    "second\n"
    "--=_x\n"
    "Content-Type: text/html; charset=utf-8\n"
    "Content-Transfer-Encoding: Quoted-Printable (yes)\n"
    "\n"
    "<p>\n"
    "\n"
    "--=_x--\n"
    "epilogue\n");

TEST(Mime, finds_the_parts_of_a_multipart) {
  EXPECT_EQ(structure_of(kMixed),
            "multipart/mixed boundary==_x 7bit [0 68 160 13]\n"
            "  text/plain charset=us-ascii 7bit [85 2 13 1]\n"
            "  text/html charset=utf-8 Quoted-Printable [109 93 5 1]\n");
  EXPECT_EQ(body(kMixed, {1}), "first\r\nsecond");
  EXPECT_EQ(body(kMixed, {2}), "<p>\r\n");
  EXPECT_EQ(body(kMixed, {3}), "none");
  EXPECT_EQ(body(kMixed, {1, 1}), "none");
  EXPECT_EQ(body(kMixed, {0}), "none");
}

TEST(Mime, takes_a_message_without_structure_as_its_only_part) {
  const std::string plain = crlf("Subject: x\n\nabc\ndef\n");
  EXPECT_EQ(structure_of(plain), "text/plain charset=us-ascii 7bit [0 14 10 2]\n");
  EXPECT_EQ(body(plain, {}), "abc\r\ndef\r\n");
  EXPECT_EQ(body(plain, {1}), "abc\r\ndef\r\n");
  EXPECT_EQ(body(plain, {2}), "none");
  EXPECT_EQ(body(plain, {1, 1}), "none");
  EXPECT_EQ(structure_of(""), "text/plain charset=us-ascii 7bit [0 0 0 0]\n");
  EXPECT_EQ(structure_of("Subject: x"), "text/plain charset=us-ascii 7bit [0 10 0 0]\n");
  EXPECT_EQ(structure_of("\r\n"), "text/plain charset=us-ascii 7bit [0 2 0 0]\n");
}

TEST(Mime, goes_into_messages_inside) {
  const std::string message = crlf(
      "Content-Type: multipart/mixed; boundary=a\n"
      "\n"
      "--a\n"
      "Content-Type: message/rfc822\n"
      "\n"
      "Subject: inner\n"
      "Content-Type: multipart/alternative; boundary=ab\n"
      "\n"
      "--ab\n"
      "\n"
      "one\n"
      "--ab\n"
      "Content-Type: text/html\n"
      "\n"
      "two\n"
      "--ab--\n"
      "\n"
      "--a--\n");
  EXPECT_EQ(structure_of(message),
            "multipart/mixed boundary=a 7bit [0 45 173 16]\n"
            "  message/rfc822 7bit [50 32 127 11]\n"
            "    multipart/alternative boundary=ab 7bit [82 68 59 8]\n"
            "      text/plain charset=us-ascii 7bit [156 2 3 0]\n"
            "      text/html 7bit [169 27 3 0]\n");
  EXPECT_EQ(body(message, {1, 1}), "one");
  EXPECT_EQ(body(message, {1, 2}), "two");
  const std::string record = make_mime_record(message);
  const auto structure = MimeStructure::read(record);
  const MimePart& outer = structure->parts[1];
  ASSERT_TRUE(outer.message());
  EXPECT_EQ(structure->envelopes[outer.envelope].subject, "inner");
  EXPECT_FALSE(structure->parts[0].message());
}

TEST(Mime, numbers_the_text_of_a_message_inside) {
  const std::string message = crlf("Content-Type: message/rfc822\n\nSubject: in\n\ntext\n");
  EXPECT_EQ(body(message, {1}), crlf("Subject: in\n\ntext\n"));
  EXPECT_EQ(body(message, {1, 1}), "text\r\n");
  EXPECT_EQ(body(message, {1, 1, 1}), "none");
}

TEST(Mime, gives_digests_their_default) {
  const std::string message = crlf(
      "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: 1\n\na\n--d\nContent-Type: "
      "text/x\n\nb\n--d--");
  EXPECT_EQ(structure_of(message),
            "multipart/digest boundary=d 7bit [0 46 61 9]\n"
            "  message/rfc822 7bit [51 2 15 2]\n"
            "    text/plain charset=us-ascii 7bit [53 14 1 0]\n"
            "  text/x 7bit [75 24 1 0]\n");
}

TEST(Mime, ends_parts_where_an_outer_boundary_stands) {
  const std::string message = crlf(
      "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; "
      "boundary=in\n\n--in\n\nx\n"
      "--out\n\ny\n");
  EXPECT_EQ(body(message, {1, 1}), "x");
  EXPECT_EQ(body(message, {2}), "y\r\n");
}

TEST(Mime, takes_the_longest_boundary_that_matches) {
  const std::string message = crlf(
      "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; "
      "boundary=ab\n\n--ab\n\nx\n"
      "--ab--\n--a\n\ny\n--a--\n");
  EXPECT_EQ(body(message, {1, 1}), "x");
  EXPECT_EQ(body(message, {2}), "y");
  EXPECT_EQ(body(message, {1}), crlf("--ab\n\nx\n--ab--"));
}

TEST(Mime, survives_boundaries_in_headers_and_empty_parts) {
  const std::string message = crlf(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\nContent-Type: "
      "text/html\n--b\n\n--b\n\n\n--b--");
  EXPECT_EQ(structure_of(message),
            "multipart/mixed boundary=b 7bit [0 45 56 8]\n"
            "  text/plain charset=us-ascii 7bit [50 0 0 0]\n"
            "  text/html 7bit [55 25 0 0]\n"
            "  text/plain charset=us-ascii 7bit [85 2 0 0]\n"
            "  text/plain charset=us-ascii 7bit [92 2 0 0]\n");
}

TEST(Mime, tells_bytes_that_need_care) {
  const std::string message = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\xE4\n--b\n\n") +
                              std::string(1, '\0') + crlf("\n--b--");
  EXPECT_EQ(structure_of(message),
            "multipart/mixed boundary=b 7bit [0 45 25 6] nul 8bit\n"
            "  text/plain charset=us-ascii 7bit [50 2 1 0] 8bit\n"
            "  text/plain charset=us-ascii 7bit [60 2 1 0] nul\n");
}

TEST(Mime, reads_parameters_as_people_write_them) {
  const auto parameters = [](std::string_view field) {
    const std::string record =
        make_mime_record(crlf("Content-Type: application/x" + std::string(field) + "\n\n"));
    return describe(MimeStructure::read(record)->parts[0].parameters);
  };
  EXPECT_EQ(parameters("; name=\"a \\\"b\\\" c.txt\""), " name=a \"b\" c.txt");
  EXPECT_EQ(parameters("; name = foo bar.doc ; ; x=1 (comment)"), " name=foo bar.doc x=1");
  EXPECT_EQ(parameters(";\n name=unquoted\n ; y=\"folded\n  value\""), " name=unquoted y=folded  value");
  EXPECT_EQ(parameters("; name=\"open"), " name=open");
  EXPECT_EQ(parameters("; noval; =x"), "");
  // RFC 2231: pieces, charsets, both, in any order.
  EXPECT_EQ(parameters("; name*0=long; name*1=\" name\"; z=1"), " name=long name z=1");
  EXPECT_EQ(parameters("; name*=utf-8'de'%C3%A4.txt"), " name(utf-8)=\u00e4.txt");
  EXPECT_EQ(parameters("; name*1*=%E4; name*0*=iso-8859-1''a; name*2=b"), " name(utf-8)=a\u00e4b");
  EXPECT_EQ(parameters("; name*=no-such''%E4"), " name*=no-such''%E4");
  EXPECT_EQ(parameters("; name*=utf-8''%FF"), " name*=utf-8''%FF");
  EXPECT_EQ(parameters("; name*1=b"), "");
}

TEST(Mime, takes_broken_types_as_plain_text) {
  for (const char* type : {"", "text", "text/", "/plain", "te xt/plain", "text/pl@in", "(only a comment)"})
    EXPECT_EQ(structure_of(std::string("Content-Type: ") + type + "\r\n\r\n").substr(0, 29),
              "text/plain charset=us-ascii 7")
        << type;
  EXPECT_EQ(structure_of("Content-Type: Text/HTML charset=utf-8\r\n\r\n"), "Text/HTML 7bit [0 41 0 0]\n");
}

TEST(Mime, keeps_the_other_fields_of_a_part) {
  const std::string record =
      make_mime_record(crlf("Content-ID: <1@x>\nContent-Description: what\n it is\nContent-MD5: Q2hl\n"
                            "Content-Disposition: attachment; filename=\"a.pdf\"; size=12\nContent-Language: "
                            "de, en (x)\nContent-Location: u\n\n"));
  const auto structure = MimeStructure::read(record);
  const MimePart& part = structure->parts[0];
  EXPECT_EQ(part.id, "<1@x>");
  EXPECT_EQ(part.description, "what it is");
  EXPECT_EQ(part.md5, "Q2hl");
  EXPECT_EQ(part.disposition, "attachment");
  EXPECT_EQ(describe(part.disposition_parameters), " filename=a.pdf size=12");
  EXPECT_EQ(part.languages, (std::vector<std::string_view>{"de", "en"}));
  EXPECT_EQ(part.location, "u");
}

TEST(Mime, keeps_the_envelope_as_it_was_written) {
  EXPECT_EQ(envelope_of(crlf(
                "Date: Mon, 1 Jan 2024 00:00:00 +0000\nSubject: =?utf-8?q?=C3=A4?=\n again\nSubject: second\n"
                "From: \"Doe, J\" <j.doe@x.example>, plain@x.example (Some Body)\n"
                "To: <@r1,@r2:u@x.example>,\n \"quo ted\"@x.example\nTo: nodomain\n"
                "Cc: Friends: a@x.example, b@x.example;, c@x.example\nBcc: undisclosed-recipients:;\n"
                "Reply-To: Nobody <>\nIn-Reply-To: <1@x>\nMessage-ID: <2@x>\nReferences: <0@x>\n <1@x>\n\n")),
            "date: Mon, 1 Jan 2024 00:00:00 +0000\n"
            "subject: =?utf-8?q?=C3=A4?= again\n"
            "from: {Doe, J||j.doe|x.example} {Some Body||plain|x.example}\n"
            "reply_to: {Nobody|||}\n"
            "to: {|@r1,@r2|u|x.example} {||quo ted|x.example} {||nodomain|}\n"
            "cc: Friends: {||a|x.example} {||b|x.example} ; {||c|x.example}\n"
            "bcc: undisclosed-recipients: ;\n"
            "in_reply_to: <1@x>\n"
            "message_id: <2@x>\n"
            "references: <0@x> <1@x>\n");
  EXPECT_EQ(envelope_of("X: y\r\n\r\n"), "");
  EXPECT_EQ(envelope_of("Subject:\r\n\r\n"), "subject: \n");
}

TEST(Mime, gives_the_same_record_for_any_split) {
  std::mt19937 random(7);
  std::string message = kMixed;
  for (int round = 0; round < 60; ++round) {
    const std::string whole = make_mime_record(message);
    MimeReader bytes;
    for (const char c : message) bytes.write({&c, 1});
    EXPECT_EQ(bytes.finish(), whole);
    MimeReader pieces;
    for (std::string_view rest = message; !rest.empty();) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 40);
      pieces.write(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    EXPECT_EQ(pieces.finish(), whole);
    message[random() % message.size()] = "\r\n-=_x:;\""[random() % 9];
  }
}

std::string nested(std::size_t depth) {
  std::string message;
  for (std::size_t i = 1; i < depth; ++i)
    message += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "x\r\n\r\n--b" +
               std::to_string(i) + "x\r\n";
  return message + "\r\ndeep\r\n";
}

TEST(Mime, stops_at_its_depth) {
  const auto at = [](std::size_t depth) { return *MimeStructure::read(make_mime_record(nested(depth))); };
  EXPECT_EQ(at(kMimeDepthMax).parts.size(), kMimeDepthMax);
  const std::string record = make_mime_record(nested(kMimeDepthMax + 1));
  const auto deeper = MimeStructure::read(record);
  EXPECT_EQ(deeper->parts.size(), kMimeDepthMax);
  EXPECT_EQ(deeper->parts.back().type, "application");
  EXPECT_EQ(deeper->parts.back().subtype, "octet-stream");
}

TEST(Mime, stops_at_its_number_of_parts) {
  const auto count = [](std::size_t parts) {
    std::string message = "Content-Type: multipart/mixed; boundary=b\r\n";
    for (std::size_t i = 1; i < parts; ++i) message += "\r\n--b\r\n\r\nx";
    return MimeStructure::read(make_mime_record(message + "\r\n--b--\r\n"))->parts.size();
  };
  EXPECT_EQ(count(kMimePartsMax), kMimePartsMax);
  EXPECT_EQ(count(kMimePartsMax + 1), kMimePartsMax);
}

TEST(Mime, bounds_its_record) {
  std::string message = "Subject: " + std::string(kMimeFieldBytesMax + 10, 's') + "\r\nTo: ";
  for (int i = 0; i < 50'000; ++i) message += "a@b,";
  message += "\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 50; ++i)
    message += "--b\r\nContent-Description: " + std::string(30'000, 'd') + "\r\n\r\n\r\n";
  const std::string record = make_mime_record(message);
  EXPECT_LT(record.size(), kMimeTextBytesMax + 64 * kMimePartsMax);
  const auto structure = MimeStructure::read(record);
  ASSERT_TRUE(structure);
  EXPECT_EQ(structure->envelopes[0].subject->size(), kMimeFieldBytesMax - 1);
  EXPECT_EQ(structure->parts.size(), 51U);
}

TEST(Mime, refuses_damaged_records) {
  const std::string record = make_mime_record(kMixed);
  ASSERT_TRUE(MimeStructure::read(record));
  for (std::size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(MimeStructure::read(record.substr(0, size))) << size;
  EXPECT_FALSE(MimeStructure::read(record + "x"));
  EXPECT_FALSE(read_envelope("M\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
}

}  // namespace
}  // namespace ringpost::mail
