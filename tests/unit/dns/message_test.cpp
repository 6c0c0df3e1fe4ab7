#include "ringpost/dns/message.hpp"

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace ringpost::dns {
namespace {

using namespace std::string_literals;
using std::chrono::seconds;

Name name(std::string_view text) {
  return *Name::parse(text);
}
std::span<const std::byte> octets(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const Question kMxQuestion{name("example.com"), Type::mx};

// A response as a recursive server on the Internet writes it, with compressed names: two MX, EDNS.
const std::string kMxResponse =
    "\x12\x34\x81\xa0\x00\x01\x00\x02\x00\x00\x00\x01"s  // id, QR RD RA AD, counts
    "\7Example\3com\0\x00\x0f\x00\x01"s                  // the question at 12
    "\xc0\x0c\x00\x0f\x00\x01\x00\x00\x01\x2c\x00\x08"s  // 300 s, 8 octets
    "\x00\x0a\3mx1\xc0\x0c"s                             // 10 mx1.example.com
    "\xc0\x0c\x00\x0f\x00\x01\x00\x00\x00\x3c\x00\x06"s  // 60 s
    "\x00\x14\1B\xc0\x0c"s                               // 20 b.example.com
    "\0\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"s;       // OPT

// NXDOMAIN with an SOA: TTL 900, minimum 120.
const std::string kNegativeResponse =
    "\x12\x34\x81\x83\x00\x01\x00\x00\x00\x01\x00\x00"s
    "\7example\3com\0\x00\x0f\x00\x01"s
    "\xc0\x14\x00\x06\x00\x01\x00\x00\x03\x84\x00\x20"s  // com SOA
    "\2ns\xc0\x14\4root\xc0\x14"s                        // ns.com root.com
    "\x00\x00\x00\x01\x00\x00\x0e\x10\x00\x00\x02\x58\x00\x01\x51\x80\x00\x00\x00\x78"s;

Answer parse(std::string_view response, const Question& asked) {
  auto answer = parse_message(octets(response), asked);
  EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().text);
  return answer ? *answer : Answer{};
}

Answer parse(const Message& message) {
  return parse(text(message.encode(kMessageBytesMax)), message.query.question);
}

Message response_to(Question question) {
  return {.query = {.id = 7, .question = std::move(question)}};
}

TEST(ParseMessage, reads_an_mx_set_with_its_least_ttl_and_the_ad_bit) {
  const Answer answer = parse(kMxResponse, kMxQuestion);
  EXPECT_EQ(answer.status, Status::ok);
  EXPECT_TRUE(answer.authentic);
  EXPECT_EQ(answer.ttl, seconds(60));
  EXPECT_EQ(answer.canonical, name("example.com"));
  ASSERT_EQ(answer.records.size(), 2U);
  EXPECT_EQ(std::get<Mx>(answer.records[0]), (Mx{10, name("mx1.example.com")}));
  EXPECT_EQ(std::get<Mx>(answer.records[1]), (Mx{20, name("b.example.com")}));
}

TEST(ParseMessage, takes_the_negative_ttl_from_the_soa) {
  const Answer answer = parse(kNegativeResponse, kMxQuestion);
  EXPECT_EQ(answer.status, Status::nxdomain);
  EXPECT_EQ(answer.ttl, seconds(120));
  EXPECT_FALSE(answer.authentic);
}

TEST(ParseMessage, reads_back_every_record_type_that_we_write) {
  const Soa soa{name("ns.x"), name("root.x"), 1, 2, 3, 4, 0xffff'ffff};
  const std::string long_text(600, 't');
  const std::vector<std::pair<Type, Data>> cases = {
      {Type::a, IpAddress::ipv4(192, 0, 2, 1)}, {Type::aaaa, *parse_address("2001:db8::1")},
      {Type::mx, Mx{65535, name("mx.x")}},      {Type::mx, Mx{0, Name()}},
      {Type::txt, Txt{"v=spf1 -all"}},          {Type::txt, Txt{""}},
      {Type::txt, Txt{std::string(255, 'a')}},  {Type::txt, Txt{long_text}},
      {Type::ptr, Target{name("host.x")}},      {Type::ns, Target{name("ns.x")}},
      {Type::cname, Target{name("other.x")}},   {Type::soa, soa},
      {Type::tlsa, Tlsa{3, 1, 1, "\0\1\xff"s}},
  };
  for (const auto& [type, data] : cases) {
    Message message = response_to({name("host.example.com"), type});
    message.authentic = true;
    message.answers.push_back({message.query.question.name, type, 77, data});
    const Answer answer = parse(message);
    EXPECT_EQ(answer.status, Status::ok) << to_string(type);
    EXPECT_TRUE(answer.authentic);
    ASSERT_EQ(answer.records.size(), 1U) << to_string(type);
    EXPECT_EQ(answer.records[0], data) << to_string(type);
    EXPECT_EQ(answer.ttl, seconds(77));
  }
}

TEST(ParseMessage, joins_the_strings_of_a_txt_record) {
  std::string response =
      "\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\1x\0\x00\x10\x00\x01"
      "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x05\x00\x06\2ab\0\1c"s;
  const Answer answer = parse(response, {name("x"), Type::txt});
  ASSERT_EQ(answer.records.size(), 1U);
  EXPECT_EQ(std::get<Txt>(answer.records[0]).text, "abc");
}

TEST(ParseMessage, follows_aliases_in_any_order_and_takes_the_least_ttl) {
  Message message = response_to({name("www.x"), Type::a});
  message.answers = {{name("c.x"), Type::a, 300, IpAddress::ipv4(192, 0, 2, 1)},
                     {name("b.x"), Type::cname, 30, Target{name("c.x")}},
                     {name("www.x"), Type::cname, 200, Target{name("b.x")}},
                     {name("else.x"), Type::a, 1, IpAddress::ipv4(192, 0, 2, 9)}};
  const Answer answer = parse(message);
  EXPECT_EQ(answer.status, Status::ok);
  EXPECT_EQ(answer.canonical, name("c.x"));
  EXPECT_EQ(answer.ttl, seconds(30));
  EXPECT_EQ(answer.records, (std::vector<Data>{IpAddress::ipv4(192, 0, 2, 1)}));
}

TEST(ParseMessage, gives_an_alias_itself_when_it_was_asked_for) {
  Message message = response_to({name("www.x"), Type::cname});
  message.answers = {{name("www.x"), Type::cname, 9, Target{name("b.x")}},
                     {name("b.x"), Type::cname, 1, Target{name("c.x")}}};
  const Answer answer = parse(message);
  EXPECT_EQ(answer.canonical, name("www.x"));
  EXPECT_EQ(answer.records, (std::vector<Data>{Target{name("b.x")}}));
  EXPECT_EQ(answer.ttl, seconds(9));
}

TEST(ParseMessage, calls_an_alias_without_a_record_behind_it_nodata) {
  Message message = response_to({name("www.x"), Type::aaaa});
  message.answers = {{name("www.x"), Type::cname, 40, Target{name("b.x")}}};
  message.authority = {{name("x"), Type::soa, 600, Soa{name("ns.x"), name("r.x"), 1, 2, 3, 4, 500}}};
  const Answer answer = parse(message);
  EXPECT_EQ(answer.status, Status::nodata);
  EXPECT_EQ(answer.canonical, name("b.x"));
  EXPECT_EQ(answer.ttl, seconds(40));
}

TEST(ParseMessage, fails_on_aliases_that_go_in_circles) {
  Message message = response_to({name("a.x"), Type::a});
  message.answers = {{name("a.x"), Type::cname, 40, Target{name("b.x")}},
                     {name("b.x"), Type::cname, 40, Target{name("a.x")}}};
  EXPECT_EQ(parse(message).status, Status::servfail);
  message.answers = {{name("a.x"), Type::cname, 40, Target{name("a.x")}}};
  EXPECT_EQ(parse(message).status, Status::servfail);
}

TEST(ParseMessage, follows_twelve_aliases_and_not_thirteen) {
  for (const std::size_t count : {kCnameChainMax, kCnameChainMax + 1}) {
    Message message = response_to({name("0.x"), Type::a});
    for (std::size_t i = 0; i < count; ++i)
      message.answers.push_back(
          {name(std::to_string(i) + ".x"), Type::cname, 9, Target{name(std::to_string(i + 1) + ".x")}});
    message.answers.push_back(
        {name(std::to_string(count) + ".x"), Type::a, 9, IpAddress::ipv4(192, 0, 2, 1)});
    EXPECT_EQ(parse(message).status, count == kCnameChainMax ? Status::ok : Status::servfail);
  }
}

TEST(ParseMessage, tells_failures_apart) {
  Message message = response_to(kMxQuestion);
  for (const auto& [rcode, status] :
       {std::pair{Rcode::refused, Status::refused}, std::pair{Rcode::servfail, Status::servfail},
        std::pair{Rcode::format_error, Status::servfail}, std::pair{Rcode::not_implemented, Status::servfail},
        std::pair{Rcode{9}, Status::servfail}, std::pair{Rcode::nxdomain, Status::nxdomain}}) {
    message.rcode = rcode;
    EXPECT_EQ(parse(message).status, status);
    EXPECT_EQ(parse(message).ttl, seconds(0));
  }
}

TEST(ParseMessage, accepts_a_failure_without_question_but_no_success) {
  const std::string refused = "\x00\x07\x81\x85\x00\x00\x00\x00\x00\x00\x00\x00"s;
  EXPECT_EQ(parse(refused, kMxQuestion).status, Status::refused);
  std::string success = refused;
  success[3] = '\x80';
  EXPECT_FALSE(parse_message(octets(success), kMxQuestion));
}

TEST(ParseMessage, distrusts_records_under_a_name_that_does_not_exist) {
  Message message = response_to({name("a.x"), Type::a});
  message.rcode = Rcode::nxdomain;
  message.answers = {{name("a.x"), Type::a, 40, IpAddress::ipv4(192, 0, 2, 1)}};
  EXPECT_EQ(parse(message).status, Status::servfail);
}

TEST(ParseMessage, calls_a_referral_a_failure_and_an_authoritative_empty_answer_nodata) {
  Message message = response_to({name("a.x"), Type::mx});
  message.authority = {{name("x"), Type::ns, 40, Target{name("ns.x")}}};
  EXPECT_EQ(parse(message).status, Status::servfail);
  message.authoritative = true;
  EXPECT_EQ(parse(message).status, Status::nodata);
  message = response_to({name("a.x"), Type::mx});
  EXPECT_EQ(parse(message).status, Status::nodata);
}

TEST(ParseMessage, calls_a_truncated_answer_a_failure) {
  std::string response = kMxResponse;
  response[2] = static_cast<char>(response[2] | 0x02);
  EXPECT_EQ(parse(response, kMxQuestion).status, Status::servfail);
}

TEST(ParseMessage, counts_a_ttl_with_the_highest_bit_as_zero) {
  Message message = response_to({name("a.x"), Type::a});
  message.answers = {{name("a.x"), Type::a, 0x8000'0000U, IpAddress::ipv4(192, 0, 2, 1)}};
  EXPECT_EQ(parse(message).ttl, seconds(0));
  message.answers[0].ttl = 0x7fff'ffff;
  EXPECT_EQ(parse(message).ttl, seconds(0x7fff'ffff));
}

TEST(ParseMessage, refuses_a_response_to_another_question) {
  EXPECT_FALSE(parse_message(octets(kMxResponse), {name("example.org"), Type::mx}));
  EXPECT_FALSE(parse_message(octets(kMxResponse), {name("example.com"), Type::a}));
  const auto refused = parse_message(encode_query(1, kMxQuestion), kMxQuestion);
  ASSERT_FALSE(refused) << "a query is no response";
  EXPECT_EQ(refused.error().kind, ErrorKind::temporary);
  std::string chaos = kMxResponse;
  chaos[28] = '\3';  // the class of the question
  EXPECT_FALSE(parse_message(octets(chaos), kMxQuestion));
}

TEST(ParseMessage, refuses_an_address_of_the_wrong_length) {
  const std::string response =
      "\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\1x\0\x00\x01\x00\x01"
      "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x03\1\2\3"s;
  EXPECT_FALSE(parse_message(octets(response), {name("x"), Type::a}));
}

TEST(ParseMessage, ignores_records_of_other_classes_and_types) {
  const std::string response =
      "\x00\x01\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\1x\0\x00\x01\x00\x01"
      "\xc0\x0c\x00\x01\x00\x03\x00\x00\x00\x05\x00\x04\1\2\3\4"
      "\xc0\x0c\xff\x01\x00\x01\x00\x00\x00\x05\x00\x04\1\2\3\4"s;
  EXPECT_EQ(parse(response, {name("x"), Type::a}).status, Status::nodata);
}

TEST(ParseMessage, reads_512_records_and_refuses_513) {
  Message message = response_to({name("x"), Type::a});
  message.answers.assign(kRecordsMax, {name("x"), Type::a, 5, IpAddress::ipv4(192, 0, 2, 1)});
  std::string response = text(message.encode(kMessageBytesMax));
  EXPECT_EQ(parse(response, message.query.question).records.size(), kRecordsMax);
  response += "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\1\2\3\4"s;
  response[7] = '\1';  // 513 answers
  EXPECT_FALSE(parse_message(octets(response), message.query.question));
}

TEST(ParseMessage, refuses_names_that_point_in_circles_or_out_of_bounds) {
  for (const std::string& owner : {"\xc0\x12"s, "\xc0\x13"s, "\xff\xff"s, "\xc0"s, "\x40"s}) {
    const std::string response = "\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\1x\0\x00\x01\x00\x01"s +
                                 owner + "\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\1\2\3\4"s;
    EXPECT_FALSE(parse_message(octets(response), {name("x"), Type::a}));
  }
}

// Whatever comes, we neither crash nor read out of bounds (the sanitizers watch), and an answer is whole.
void read_anything(std::string_view message) {
  // A fresh allocation of the exact size, so that one octet too far is seen.
  const std::vector<std::byte> exact(octets(message).begin(), octets(message).end());
  for (const Question& asked : {kMxQuestion, Question{name("example.com"), Type::a}}) {
    const auto answer = parse_message(exact, asked);
    if (answer && answer->ok()) {
      EXPECT_FALSE(answer->records.empty());
    }
  }
  (void)parse_query(exact);
}

std::vector<std::string> samples() {
  Message aliases = response_to({name("example.com"), Type::a});
  aliases.answers = {{name("example.com"), Type::cname, 40, Target{name("b.x")}},
                     {name("b.x"), Type::a, 40, IpAddress::ipv4(192, 0, 2, 1)},
                     {name("b.x"), Type::txt, 40, Txt{"text"}},
                     {name("b.x"), Type::tlsa, 40, Tlsa{3, 1, 1, "abcd"}},
                     {name("b.x"), Type::aaaa, 40, *parse_address("2001:db8::1")}};
  return {kMxResponse, kNegativeResponse, text(aliases.encode(kMessageBytesMax)),
          text(encode_query(1, kMxQuestion))};
}

TEST(ParseMessage, blames_the_message_for_a_name_that_is_none) {
  // An alias whose labels hold zero octets and end too early.
  const std::string response =
      "\x00\x07\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x07\x65\x78\x61\x6d\x70\x6c\x65"s
      "\x03\x63\x6f\x6d\x00\x00\x01\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x5a\x00\x00"s
      "\x00\x03\x77\x77\x77\x07\x01\x00\x00\x00\x00\x00\x00\x01\x6e\x65\x74\x00\x03\x77"s
      "\x77\x77\x07\x9b\x85\x61\x6d\x70\x6c\x65\x74\x00\x65\x74\x00\x00\x01\x00\x01\x00"s
      "\x00\x01\x2c\x00\x04\x79\x00\x00\x00"s;
  const auto answer = parse_message(octets(response), {name("example.com"), Type::a});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::temporary);
}

TEST(ParseMessage, survives_every_truncation) {
  for (const std::string& sample : samples()) {
    for (std::size_t size = 0; size < sample.size(); ++size)
      read_anything(std::string_view(sample).substr(0, size));
  }
  // Cut inside the records that it announces, a response is an error, never a shorter answer.
  for (std::size_t size = 0; size + 11 < kMxResponse.size(); ++size)
    EXPECT_FALSE(parse_message(octets(std::string_view(kMxResponse).substr(0, size)), kMxQuestion)) << size;
}

TEST(ParseMessage, survives_every_bit_flip_and_every_octet_value) {
  for (const std::string& sample : samples()) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      std::string bent = sample;
      for (int bit = 0; bit < 8; ++bit) {
        bent[at] = static_cast<char>(sample[at] ^ (1 << bit));
        read_anything(bent);
      }
      for (const char extreme : {'\0', '\x3f', '\x40', '\xc0', '\xff'}) {
        bent[at] = extreme;
        read_anything(bent);
      }
    }
  }
}

TEST(ParseMessage, survives_noise_behind_a_plausible_header) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 3000; ++round) {
    std::string message = kMxResponse.substr(0, 12 + 17);
    message[7] = static_cast<char>(random() % 8);
    message[9] = static_cast<char>(random() % 8);
    const std::size_t size = random() % 200;
    for (std::size_t i = 0; i < size; ++i)
      message.push_back(static_cast<char>(random() % 4 != 0 ? random() % 48 : random()));
    read_anything(message);
  }
}

TEST(EncodeQuery, is_a_recursive_query_with_edns_and_the_ad_bit) {
  EXPECT_EQ(text(encode_query(0x1234, kMxQuestion)),
            "\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\7example\3com\0\x00\x0f\x00\x01"
            "\0\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(text(encode_query(0x1234, kMxQuestion, false)),
            "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\7example\3com\0\x00\x0f\x00\x01"s);
}

TEST(ParseQuery, reads_what_encode_query_writes) {
  const auto query = parse_query(encode_query(9, kMxQuestion));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->id, 9);
  EXPECT_EQ(query->question, kMxQuestion);
  EXPECT_TRUE(query->recursion_desired);
  EXPECT_EQ(query->payload_bytes_max, kEdnsPayloadBytes);
  EXPECT_EQ(parse_query(encode_query(9, kMxQuestion, false))->payload_bytes_max, kPlainPayloadBytes);
}

TEST(ParseQuery, keeps_a_type_that_we_do_not_know) {
  const auto query = parse_query(encode_query(9, {name("x"), Type{65}}));
  ASSERT_TRUE(query);
  EXPECT_EQ(to_string(query->question), "x TYPE65");
}

TEST(RefuseQuery, answers_what_cannot_be_answered_with_a_code) {
  const std::string plain = text(encode_query(9, kMxQuestion, false));
  const auto code = [&](std::size_t at, char value) {
    std::string bent = plain;
    bent[at] = value;
    EXPECT_FALSE(parse_query(octets(bent)));
    const auto refusal = refuse_query(octets(bent));
    if (!refusal) return -1;
    EXPECT_EQ(refusal->size(), 12U);
    EXPECT_EQ(text(*refusal).substr(0, 2), plain.substr(0, 2));
    EXPECT_EQ(std::to_integer<int>((*refusal)[2]) & 0x80, 0x80);
    return std::to_integer<int>((*refusal)[3]) & 15;
  };
  EXPECT_EQ(code(2, '\x20'), 4);  // another operation
  EXPECT_EQ(code(5, '\2'), 1);    // two questions
  EXPECT_EQ(code(5, '\0'), 1);
  EXPECT_EQ(code(28, '\3'), 5);    // class CH
  EXPECT_EQ(code(2, '\x81'), -1);  // a response
  EXPECT_FALSE(refuse_query(octets(plain.substr(0, 11))));
  EXPECT_EQ(std::to_integer<int>((*refuse_query(octets(plain.substr(0, 14))))[3]) & 15, 1);
}

TEST(ParseQuery, refuses_what_is_not_a_standard_query) {
  EXPECT_FALSE(parse_query(octets(kMxResponse)));
  EXPECT_FALSE(parse_query({}));
  const std::string plain = text(encode_query(9, kMxQuestion, false));
  for (const auto& [at, value] : {std::pair{2, '\x28'}, std::pair{5, '\2'}, std::pair{5, '\0'},
                                  std::pair{7, '\1'}, std::pair{9, '\1'}, std::pair{28, '\3'}}) {
    std::string bent = plain;
    bent[static_cast<std::size_t>(at)] = value;
    EXPECT_FALSE(parse_query(octets(bent))) << at;
  }
}

TEST(Message, repeats_the_query_and_says_what_it_is) {
  Message message = response_to(kMxQuestion);
  message.authoritative = true;
  message.rcode = Rcode::nxdomain;
  EXPECT_EQ(text(message.encode(512)),
            "\x00\x07\x85\x83\x00\x01\x00\x00\x00\x00\x00\x00\7example\3com\0\x00\x0f\x00\x01"s);
}

TEST(Message, fits_its_limit_and_truncates_one_octet_below) {
  Message message = response_to(kMxQuestion);
  message.answers = {{kMxQuestion.name, Type::mx, 5, Mx{1, name("mx.x")}}};
  message.authority = {{name("x"), Type::ns, 5, Target{name("ns.x")}}};
  const std::size_t size = message.encode(kMessageBytesMax).size();
  EXPECT_EQ(message.encode(size).size(), size);
  const std::string cut = text(message.encode(size - 1));
  EXPECT_EQ(cut, "\x00\x07\x83\x80\x00\x01\x00\x00\x00\x00\x00\x00\7example\3com\0\x00\x0f\x00\x01"s);
}

}  // namespace
}  // namespace ringpost::dns
