#include "ringpost/imap/response_writer.hpp"

#include <array>
#include <utility>

#include <gtest/gtest.h>

#include "ringpost/imap/limits.hpp"

namespace ringpost::imap {
namespace {

constexpr Dialect kRev1;
constexpr Dialect kRev2{.rev2 = true};

template <class Write>
std::string written(Write write, const Dialect& dialect = kRev1) {
  std::string out;
  ResponseWriter writer(dialect, out);
  write(writer);
  return out;
}

std::string string_of(std::string_view text, bool utf8 = false) {
  std::string out;
  append_string(text, utf8, out);
  return out;
}

TEST(Strings, choose_their_shape) {
  using namespace std::string_view_literals;
  EXPECT_EQ(string_of(""), "\"\"");
  EXPECT_EQ(string_of("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
  EXPECT_EQ(string_of("a\r\nb"), "{4}\r\na\r\nb");
  EXPECT_EQ(string_of("a\0b"sv), "~{3}\r\na\0b"sv);
  EXPECT_EQ(string_of("\u00e4"), "{2}\r\n\u00e4");
  EXPECT_EQ(string_of("\u00e4", true), "\"\u00e4\"");
  EXPECT_EQ(string_of("\xFF", true), "{1}\r\n\xFF");
  EXPECT_EQ(string_of(std::string(kQuotedBytesMax, 'a')).front(), '"');
  EXPECT_EQ(string_of(std::string(kQuotedBytesMax + 1, 'a')).front(), '{');
}

TEST(Strings, make_atoms_where_they_may) {
  const auto astring = [](std::string_view text) {
    std::string out;
    append_astring(text, false, out);
    return out;
  };
  EXPECT_EQ(astring("From"), "From");
  EXPECT_EQ(astring("NIL"), "\"NIL\"");
  EXPECT_EQ(astring("a b"), "\"a b\"");
  EXPECT_EQ(astring("]"), "]");
}

TEST(Strings, write_dates) {
  std::string out;
  append_date_time({760'686'745'000'000'000}, -480, out);
  EXPECT_EQ(out, "\" 7-Feb-1994 21:52:25 -0800\"");
}

TEST(ResponseWriter, tells_of_the_selected_mailbox) {
  EXPECT_EQ(written([](ResponseWriter& to) {
              to.exists(3);
              to.recent(1);
              to.flags("\\Seen");
              to.expunge(2);
              to.vanished({{1, 3}, {7, 7}}, true);
              to.vanished({}, false);
              to.status({Condition::ok, codes::highest_mod_sequence(12), "High\r\nest"});
            }),
            "* 3 EXISTS\r\n* 1 RECENT\r\n* FLAGS (\\Seen)\r\n* 2 EXPUNGE\r\n* VANISHED (EARLIER) 1:3,7\r\n"
            "* OK [HIGHESTMODSEQ 12] High  est\r\n");
  EXPECT_EQ(written([](ResponseWriter& to) { to.recent(1); }, kRev2), "");
}

TEST(ResponseWriter, tells_results) {
  const std::vector<std::uint32_t> numbers{2, 3, 4, 9, 1};
  const NumberSet set{{2, 4}, {9, 9}};
  EXPECT_EQ(written([&](ResponseWriter& to) {
              to.search(numbers, 17);
              to.search({});
              to.sort(numbers);
              to.esearch(
                  {.tag = "A1", .uid = true, .min = 2, .max = 9, .count = 4, .all = &set, .mod_sequence = 5});
              to.esearch({.tag = "A\"", .all_in_order = numbers});
              to.esearch({.tag = "x", .count = 0});
            }),
            "* SEARCH 2 3 4 9 1 (MODSEQ 17)\r\n* SEARCH\r\n* SORT 2 3 4 9 1\r\n"
            "* ESEARCH (TAG \"A1\") UID MIN 2 MAX 9 COUNT 4 ALL 2:4,9 MODSEQ 5\r\n"
            "* ESEARCH (TAG \"A\\\"\") ALL 2:4,9,1\r\n"
            "* ESEARCH (TAG \"x\") COUNT 0\r\n");
}

TEST(ResponseWriter, tells_mailboxes) {
  const ListEntry entry{.name = "Entw\u00fcrfe",
                        .attributes = {.has_no_children = true, .special_uses = {SpecialUses::kDrafts}}};
  EXPECT_EQ(
      written([&](ResponseWriter& to) {
        to.list(entry);
        to.lsub({.name = "a\"b", .separator = 0, .attributes = {.no_select = true}});
        to.list({.name = "x", .child_info_subscribed = true});
        to.namespaces("", '/');
      }),
      "* LIST (\\HasNoChildren \\Drafts) \"/\" \"Entw&APw-rfe\"\r\n* LSUB (\\Noselect) NIL \"a\\\"b\"\r\n"
      "* LIST () \"/\" \"x\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
  EXPECT_EQ(written(
                [&](ResponseWriter& to) {
                  to.list(entry);
                  to.list({.name = "x", .child_info_subscribed = true, .old_name = "y"});
                },
                kRev2),
            "* LIST (\\HasNoChildren \\Drafts) \"/\" \"Entw\u00fcrfe\"\r\n"
            "* LIST () \"/\" \"x\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"y\"))\r\n");
}

TEST(ResponseWriter, tells_namespaces) {
  EXPECT_EQ(written([](ResponseWriter& to) { to.namespaces("", '/', "Other Users/"); }),
            "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL\r\n");
}

// RFC 4314 section 7: identifiers and rights are astrings, and a client that knows no UTF-8 gets it in literals.
TEST(ResponseWriter, tells_access_lists) {
  const std::vector<AclEntry> entries{{"anna@example.com", "lrs"}, {"-anyone", "kxc"}, {"J\u00fcrg", ""}};
  const std::vector<std::string_view> optional{"l", "r", "swt"};
  const auto tell = [&](ResponseWriter& to) {
    to.acl("Entw\u00fcrfe", entries);
    to.acl("INBOX", {});
    to.list_rights("INBOX", "bert", "", optional);
    to.list_rights("INBOX", "a b", "lr", {});
    to.my_rights("Other Users/bert/Work", "lrswipkxtecda");
  };
  EXPECT_EQ(written(tell),
            "* ACL \"Entw&APw-rfe\" anna@example.com lrs -anyone kxc {5}\r\nJ\u00fcrg \"\"\r\n"
            "* ACL \"INBOX\"\r\n"
            "* LISTRIGHTS \"INBOX\" bert \"\" l r swt\r\n"
            "* LISTRIGHTS \"INBOX\" \"a b\" lr\r\n"
            "* MYRIGHTS \"Other Users/bert/Work\" lrswipkxtecda\r\n");
  EXPECT_NE(written(tell, kRev2).find("-anyone kxc \"J\u00fcrg\" \"\"\r\n"), std::string::npos);
}

TEST(ResponseWriter, tells_status_and_quota) {
  StatusValues values{.messages = 4, .uid_next = 9, .mailbox_id = "F1"};
  values.items.bits =
      StatusItems::kMessages | StatusItems::kUidNext | StatusItems::kAppendLimit | StatusItems::kMailboxId;
  const QuotaUsage usages[] = {{"STORAGE", 10, 512}, {"MESSAGE", 1, 5}};
  const std::string_view roots[] = {"", "user"};
  EXPECT_EQ(written([&](ResponseWriter& to) {
              to.status_of("INBOX", values);
              to.quota("", usages);
              to.quota_root("INBOX", roots);
            }),
            "* STATUS \"INBOX\" (MESSAGES 4 UIDNEXT 9 APPENDLIMIT NIL MAILBOXID (F1))\r\n"
            "* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 5)\r\n* QUOTAROOT \"INBOX\" \"\" user\r\n");
}

// RFC 5256 section 4's examples.
TEST(ResponseWriter, tells_threads) {
  const std::vector<ThreadNode> threads{
      {2, {}},
      {3, {{6, {{4, {{23, {}}}}, {44, {{7, {{96, {}}}}}}}}}},
      {0, {{3, {}}, {5, {}}}},
  };
  EXPECT_EQ(written([&](ResponseWriter& to) { to.thread(threads); }),
            "* THREAD (2)(3 6 (4 23)(44 7 96))((3)(5))\r\n");
  EXPECT_EQ(written([](ResponseWriter& to) { to.thread({}); }), "* THREAD\r\n");
}

TEST(FetchWriter, writes_items_between_blanks) {
  const std::string_view keywords[] = {"$Work"};
  const FetchItem part{
      .kind = FetchItem::Kind::section,
      .section = {.part = {1, 2}, .text = Section::Text::header_fields, .fields = {"From", "a b"}},
      .partial = Partial{7, 9}};
  EXPECT_EQ(written([&](ResponseWriter& to) {
              FetchWriter fetch = to.fetch({.number = 12, .uid = 99});
              fetch.uid(4711);
              fetch.flags({SystemFlags::kSeen | SystemFlags::kRecent}, keywords);
              fetch.mod_sequence(99);
              fetch.size(5);
              fetch.email_id("M1");
              fetch.thread_id({});
              fetch.save_date({});
              fetch.preview("hi");
              fetch.section(part, "abc");
              fetch.section_nil({.kind = FetchItem::Kind::binary, .section = {.part = {3}}});
              fetch.binary_size({.kind = FetchItem::Kind::binary_size}, 10);
              fetch.section({.kind = FetchItem::Kind::rfc822}, 4096);
              fetch.end();
            }),
            "* 12 FETCH (UID 4711 FLAGS (\\Seen \\Recent $Work) MODSEQ (99) RFC822.SIZE 5 EMAILID (M1) "
            "THREADID NIL "
            "SAVEDATE NIL PREVIEW \"hi\" BODY[1.2.HEADER.FIELDS (From \"a b\")]<7> \"abc\" BINARY[3] NIL "
            "BINARY.SIZE[] 10 RFC822 {4096}\r\n)\r\n");
}

std::string structure(std::string_view message, bool extended, bool utf8 = false) {
  const std::string record = mail::make_mime_record(message);
  std::string out;
  append_body_structure(*mail::MimeStructure::read(record), extended, utf8, out);
  return out;
}

TEST(MessageWriter, writes_envelopes) {
  const std::string record = mail::make_mime_record(
      "Date: D\r\nSubject: \xC3\xA4\r\nFrom: A B <a@b.example>\r\nTo: list:x@y.example;, "
      "<@r:c@d>\r\nMessage-ID: <1@x>\r\n\r\n");
  std::string out;
  append_envelope(*mail::read_envelope(record), false, out);
  EXPECT_EQ(out,
            "(\"D\" {2}\r\n\xC3\xA4 ((\"A B\" NIL \"a\" \"b.example\")) ((\"A B\" NIL \"a\" \"b.example\")) "
            "((\"A B\" NIL \"a\" \"b.example\")) ((NIL NIL \"list\" NIL)(NIL NIL \"x\" \"y.example\")(NIL "
            "NIL NIL NIL)"
            "(NIL \"@r\" \"c\" \"d\")) NIL NIL NIL \"<1@x>\")");
}

TEST(MessageWriter, writes_structures) {
  const std::string_view message =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Language: de\r\n\r\nx\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
      "s\r\n\r\ny\r\n\r\n--b\r\n"
      "Content-Type: image/png; name*=utf-8''%C3%A4.png\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment\r\n\r\nAAAA\r\n--b--\r\n";
  EXPECT_EQ(structure(message, false),
            "((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 1 0)"
            "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
            "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1) 3)"
            "(\"image\" \"png\" (\"name*\" \"utf-8''%C3%A4.png\") NIL NIL \"base64\" 4) \"mixed\")");
  EXPECT_EQ(
      structure(message, true, true),
      "((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 1 0 NIL NIL (\"de\") NIL)"
      "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
      "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL) 3 NIL NIL NIL "
      "NIL)"
      "(\"image\" \"png\" (\"name*\" \"\u00e4.png\") NIL NIL \"base64\" 4 NIL (\"attachment\" NIL) NIL NIL) "
      "\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)");
  EXPECT_EQ(structure("Content-Type: multipart/mixed\r\n\r\n", false),
            "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")");
}

TEST(Codes, carry_their_arguments) {
  EXPECT_EQ(codes::append_uid(7, {{1, 2}}), "APPENDUID 7 1:2");
  EXPECT_EQ(codes::copy_uid(7, {{1, 2}}, {{5, 6}}), "COPYUID 7 1:2 5:6");
  EXPECT_EQ(codes::modified({{3, 3}}), "MODIFIED 3");
  EXPECT_EQ(codes::permanent_flags("\\Seen \\*"), "PERMANENTFLAGS (\\Seen \\*)");
}

TEST(ResponseWriter, tells_a_page_as_it_was_asked) {
  const NumberSet none;
  const NumberSet some{{7, 9}, {20, 20}};
  const std::array<std::uint32_t, 3> sorted{20, 7, 8};
  EXPECT_EQ(written([&](ResponseWriter& to) {
              to.esearch({.tag = "a", .uid = true, .all = &some, .partial = Page{1, 100, true}});
            }),
            "* ESEARCH (TAG \"a\") UID PARTIAL (-1:-100 7:9,20)\r\n");
  EXPECT_EQ(written([&](ResponseWriter& to) {
              to.esearch({.tag = "a", .count = 0, .all = &none, .partial = Page{500, 400, false}});
            }),
            "* ESEARCH (TAG \"a\") COUNT 0 PARTIAL (500:400 NIL)\r\n");
  EXPECT_EQ(written([&](ResponseWriter& to) {
              to.esearch({.tag = "a", .all_in_order = sorted, .partial = Page{1, 3, false}});
            }),
            "* ESEARCH (TAG \"a\") PARTIAL (1:3 20,7:8)\r\n");
}

TEST(ResponseWriter, names_messages_by_uids_alone_when_the_client_wants_so) {
  constexpr Dialect kUidOnly{.uid_only = true};
  const auto fetch = [](ResponseWriter& to) {
    auto one = to.fetch({.number = 3, .uid = 25996});
    one.flags({SystemFlags::kSeen}, {});
    one.end();
  };
  EXPECT_EQ(written(fetch, kUidOnly), "* 25996 UIDFETCH (FLAGS (\\Seen))\r\n");
  EXPECT_EQ(written(fetch), "* 3 FETCH (FLAGS (\\Seen))\r\n");
}

TEST(ResponseWriter, tells_metadata_of_any_bytes) {
  using namespace std::string_literals;
  const std::array<MetadataEntry, 3> entries{MetadataEntry{"/private/comment", "My own"},
                                             MetadataEntry{"/shared/comment", std::nullopt},
                                             MetadataEntry{"/private/a b", "\0"s}};
  EXPECT_EQ(
      written([&](ResponseWriter& to) { to.metadata("INBOX", entries); }),
      "* METADATA \"INBOX\" (/private/comment \"My own\" /shared/comment NIL \"/private/a b\" ~{1}\r\n\0)\r\n"s);
  const std::array<std::string, 2> names{"/shared/comment", "/private/a b"};
  EXPECT_EQ(written([&](ResponseWriter& to) { to.metadata_changed("INBOX", names); }),
            "* METADATA \"INBOX\" /shared/comment \"/private/a b\"\r\n");
  EXPECT_EQ(written([&](ResponseWriter& to) { to.metadata("", std::span(entries).first(1)); }),
            "* METADATA \"\" (/private/comment \"My own\")\r\n");
}

TEST(Pages, are_counted_from_either_end) {
  const auto of = [](Page page, std::size_t count) {
    const Page::Span span = page.of(count);
    return std::pair(span.begin, span.end);
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(of({1, 3, false}, 10), Pair(0, 3));
  EXPECT_EQ(of({3, 1, false}, 10), Pair(0, 3));
  EXPECT_EQ(of({9, 20, false}, 10), Pair(8, 10));
  EXPECT_EQ(of({11, 20, false}, 10), Pair(10, 10));
  EXPECT_EQ(of({1, 3, true}, 10), Pair(7, 10));
  EXPECT_EQ(of({20, 9, true}, 10), Pair(0, 2));
  EXPECT_EQ(of({11, 20, true}, 10), Pair(0, 0));
  EXPECT_EQ(of({1, ~0U, false}, 0), Pair(0, 0));
}

}  // namespace
}  // namespace ringpost::imap
