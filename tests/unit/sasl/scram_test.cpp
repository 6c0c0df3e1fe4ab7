// SCRAM-SHA-256 and -PLUS: the RFC's example, both sides against each other, and what either refuses.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/client.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {
namespace {

using namespace std::string_view_literals;

// The example of RFC 7677 section 3.
constexpr std::string_view kClientNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramKeys keys_of(std::string_view password, std::string_view salt = "pepper") {
  return {std::string(salt), kScramIterationsMin, {derive_scram_key(password, salt, kScramIterationsMin)}};
}

ScramKeys rfc_keys() {
  return keys_of("pencil", *mail::decode_base64("W22ZaJ0SNY7soEsUEjb6gQ=="));
}

const Material kServerMaterial{.nonce = "server"};

TEST(ScramServer, speaks_as_the_rfc_has_it) {
  auto server = make_server(Mechanism::scram_sha_256);
  ASSERT_EQ(server->start(kFirst), Step::keys);
  EXPECT_EQ(server->credentials().authentication_id, "user");
  ASSERT_EQ(server->take_keys(rfc_keys(), {.nonce = std::string(kServerNonce)}), Step::challenge);
  EXPECT_EQ(server->challenge(), kServerFirst);
  ASSERT_EQ(server->answer(kFinal), Step::verify);
  EXPECT_EQ(server->credentials().evidence, Evidence::proof);
  EXPECT_EQ(server->credentials().key, 0U);
  ASSERT_EQ(server->verdict(true), Step::challenge);
  EXPECT_EQ(server->challenge(), kServerFinal);
  EXPECT_EQ(server->answer(""), Step::accepted);
}

TEST(ScramClient, speaks_as_the_rfc_has_it) {
  const Credentials user{"", "user", Secret("pencil")};
  auto client = make_client(Mechanism::scram_sha_256, user, {.nonce = std::string(kClientNonce)});
  EXPECT_EQ(client->initial()->view(), kFirst);
  EXPECT_EQ(client->answer(kServerFirst)->view(), kFinal);
  EXPECT_FALSE(client->satisfied());
  EXPECT_EQ(client->answer(kServerFinal)->view(), "");
  EXPECT_TRUE(client->satisfied());
}

struct Outcome {
  Step step = Step::malformed;
  std::optional<std::size_t> key;
  bool satisfied = false;
};
Outcome duel(Mechanism mechanism, const Credentials& credentials, const ScramKeys& keys,
             const Material& client_material, const Material& server_material, bool use_initial = true) {
  auto client = make_client(mechanism, credentials, client_material);
  auto server = make_server(mechanism);
  std::optional<Secret> message;
  if (use_initial) message = client->initial();
  Outcome outcome{server->start(message ? std::optional(message->view()) : std::nullopt), {}, false};
  for (int round = 0; round < 10; ++round) {
    if (outcome.step == Step::keys) {
      outcome.step = server->take_keys(keys, server_material);
    } else if (outcome.step == Step::verify) {
      outcome.key = server->credentials().key;
      outcome.step = server->verdict(outcome.key.has_value());
    } else if (outcome.step == Step::challenge) {
      message = client->answer(server->challenge());
      if (!message) break;
      outcome.step = server->answer(message->view());
    } else {
      break;
    }
  }
  outcome.satisfied = client->satisfied();
  return outcome;
}

TEST(Scram, both_sides_agree_on_names_and_passwords_of_every_kind) {
  for (std::string_view name : {"ann"sv, "a,b=c"sv, "an n@example.com"sv, "\xc3\xa4nn"sv}) {
    for (std::string_view password : {"secret"sv, ","sv, "p\xc3\xa4ss w\xc3\xb6rd"sv, "\xff\xfe"sv}) {
      for (bool use_initial : {true, false}) {
        const Credentials ann{"", std::string(name), Secret(password)};
        const Outcome outcome = duel(Mechanism::scram_sha_256, ann, keys_of(password), {.nonce = "client"},
                                     kServerMaterial, use_initial);
        EXPECT_EQ(outcome.step, Step::accepted) << name << " " << password;
        EXPECT_TRUE(outcome.satisfied);
      }
    }
  }
}

TEST(Scram, a_wrong_password_is_refused) {
  const Credentials ann{"", "ann", Secret("wrong")};
  const Outcome outcome =
      duel(Mechanism::scram_sha_256, ann, keys_of("secret"), {.nonce = "client"}, kServerMaterial);
  EXPECT_EQ(outcome.step, Step::refused);
  EXPECT_EQ(outcome.key, std::nullopt);
  EXPECT_FALSE(outcome.satisfied);
}

TEST(Scram, different_forms_of_one_password_are_the_same) {
  const Credentials ann{"", "ann",
                        Secret("I\xc2\xadX \xe2\x85\xa8")};  // soft hyphen, roman nine: RFC 4013 section 3
  EXPECT_EQ(duel(Mechanism::scram_sha_256, ann, keys_of("IX IX"), {.nonce = "client"}, kServerMaterial).step,
            Step::accepted);
}

TEST(Scram, any_of_several_passwords_will_do_and_it_is_known_which) {
  ScramKeys keys = keys_of("main");
  for (const char* password : {"phone", "tablet"})
    keys.keys.push_back(derive_scram_key(password, keys.salt, keys.iterations));
  const Credentials tablet{"", "ann", Secret("tablet")};
  const Outcome outcome = duel(Mechanism::scram_sha_256, tablet, keys, {.nonce = "client"}, kServerMaterial);
  EXPECT_EQ(outcome.step, Step::accepted);
  EXPECT_EQ(outcome.key, 2U);
  EXPECT_TRUE(outcome.satisfied);
}

TEST(Scram, more_keys_than_the_limit_are_not_tried) {
  ScramKeys keys = keys_of("main");
  keys.keys.resize(kScramKeysMax, ScramKey{});
  const Credentials last{"", "ann", Secret("last")};
  keys.keys.back() = derive_scram_key("last", keys.salt, keys.iterations);
  EXPECT_EQ(duel(Mechanism::scram_sha_256, last, keys, {.nonce = "c"}, kServerMaterial).key,
            kScramKeysMax - 1);
  keys.keys.insert(keys.keys.begin(), ScramKey{});
  EXPECT_EQ(duel(Mechanism::scram_sha_256, last, keys, {.nonce = "c"}, kServerMaterial).key, std::nullopt);
}

TEST(Scram, plus_is_bound_to_the_channel) {
  const Credentials ann{"", "ann", Secret("secret")};
  const Material client{.nonce = "client", .channel_binding = "one channel"};
  Material server{.nonce = "server", .channel_binding = "one channel"};
  EXPECT_EQ(duel(Mechanism::scram_sha_256_plus, ann, keys_of("secret"), client, server).step, Step::accepted);
  server.channel_binding = "another";
  EXPECT_EQ(duel(Mechanism::scram_sha_256_plus, ann, keys_of("secret"), client, server).step, Step::refused);
  server.channel_binding = "";
  EXPECT_EQ(duel(Mechanism::scram_sha_256_plus, ann, keys_of("secret"), client, server).step, Step::refused);
}

TEST(Scram, a_plus_that_was_taken_out_of_the_offer_is_noticed) {
  const Credentials ann{"", "ann", Secret("secret")};
  const Material bound{.nonce = "n", .channel_binding = "channel"};
  EXPECT_EQ(duel(Mechanism::scram_sha_256, ann, keys_of("secret"), bound, bound).step, Step::refused);
  EXPECT_EQ(duel(Mechanism::scram_sha_256, ann, keys_of("secret"), bound, {.nonce = "n"}).step,
            Step::accepted);
  EXPECT_EQ(duel(Mechanism::scram_sha_256, ann, keys_of("secret"), {.nonce = "n"}, bound).step,
            Step::accepted);
}

TEST(ScramServer, says_whom_the_client_wants_to_act_as) {
  auto server = make_server(Mechanism::scram_sha_256);
  ASSERT_EQ(server->start("n,a=bo=2Css,n=an=3Dn,r=x"), Step::keys);
  EXPECT_EQ(server->credentials().authorization_id, "bo,ss");
  EXPECT_EQ(server->credentials().authentication_id, "an=n");
}

TEST(ScramServer, refuses_what_breaks_the_grammar) {
  const std::string long_nonce(kNonceBytesMax + 1, 'x');
  for (std::string_view bad :
       {""sv, "n"sv, "n,"sv, "n,,"sv, "n,,n=ann"sv, "n,,r=x,n=ann"sv, "x,,n=ann,r=x"sv, "n,ann,n=ann,r=x"sv,
        "n,a=,n=ann,r=x"sv, "n,,n=,r=x"sv, "n,,n=a=2b,r=x"sv, "n,,n=a=,r=x"sv, "n,,n=ann,r="sv,
        "n,,n=ann,r=a b"sv, "n,,m=x,n=ann,r=x"sv, "p=tls-exporter,,n=ann,r=x"sv, "n,,n=a\nb,r=x"sv})
    EXPECT_EQ(make_server(Mechanism::scram_sha_256)->start(bad), Step::malformed) << bad;
  EXPECT_EQ(make_server(Mechanism::scram_sha_256)->start("n,,n=ann,r=" + long_nonce), Step::malformed);
  EXPECT_EQ(make_server(Mechanism::scram_sha_256)->start("n,,n=ann,r=" + long_nonce.substr(1)), Step::keys);
  for (std::string_view bad : {"n,,n=ann,r=x"sv, "y,,n=ann,r=x"sv, "p=tls-unique,,n=ann,r=x"sv})
    EXPECT_EQ(make_server(Mechanism::scram_sha_256_plus)->start(bad), Step::malformed) << bad;
}

TEST(ScramServer, takes_no_final_message_but_its_own) {
  const std::string proof = mail::base64(std::string(32, 'x'));
  const std::vector<std::pair<std::string, Step>> finals{
      {"", Step::malformed},
      {"c=biws,r=xserver", Step::malformed},
      {"c=biws,p=" + proof, Step::malformed},
      {"c=biws,r=xserver,p=short", Step::malformed},
      {"c=biws,r=xserver,p=" + proof + ",z=1", Step::malformed},
      {"c=biws,r=xserver,p=" + proof, Step::verify},
      {"c=biws,r=another,p=" + proof, Step::verify},
      {"c=eSws,r=xserver,p=" + proof, Step::verify},
  };
  for (const auto& [final, step] : finals) {
    auto server = make_server(Mechanism::scram_sha_256);
    ASSERT_EQ(server->start("n,,n=ann,r=x"), Step::keys);
    ASSERT_EQ(server->take_keys(keys_of("secret"), kServerMaterial), Step::challenge);
    EXPECT_EQ(server->answer(final), step) << final;
    if (step != Step::verify) continue;
    EXPECT_EQ(server->credentials().key, std::nullopt);
    EXPECT_EQ(server->verdict(true), Step::refused) << "whatever the driver says";
  }
}

TEST(ScramServer, wants_silence_after_its_proof) {
  auto server = make_server(Mechanism::scram_sha_256);
  ASSERT_EQ(server->start(kFirst), Step::keys);
  server->take_keys(rfc_keys(), {.nonce = std::string(kServerNonce)});
  ASSERT_EQ(server->answer(kFinal), Step::verify);
  ASSERT_EQ(server->verdict(true), Step::challenge);
  EXPECT_EQ(server->answer("x"), Step::malformed);
}

TEST(ScramClient, gives_no_proof_to_a_server_that_breaks_the_rules) {
  const Credentials ann{"", "ann", Secret("secret")};
  for (std::string_view bad :
       {""sv, "r=other,s=c2FsdA==,i=4096"sv, "r=client,s=c2FsdA==,i=4096"sv, "r=clientserver,s=,i=4096"sv,
        "r=clientserver,s=c2FsdA==,i=4095"sv, "r=clientserver,s=c2FsdA==,i=1000001"sv,
        "r=clientserver,s=c2FsdA==,i=x"sv, "r=clientserver,s=***,i=4096"sv, "s=c2FsdA==,i=4096"sv,
        "m=x,r=clientserver,s=c2FsdA==,i=4096"sv}) {
    auto client = make_client(Mechanism::scram_sha_256, ann, {.nonce = "client"});
    client->initial();
    EXPECT_EQ(client->answer(bad), std::nullopt) << bad;
  }
  auto client = make_client(Mechanism::scram_sha_256, ann, {.nonce = "client"});
  client->initial();
  ASSERT_TRUE(client->answer("r=clientserver,s=c2FsdA==,i=4096"));
  EXPECT_EQ(client->answer("v=" + mail::base64(std::string(32, 'x'))), std::nullopt);
  EXPECT_FALSE(client->satisfied());
  EXPECT_EQ(client->answer(""), std::nullopt);
}

TEST(ScramKeys, are_read_as_dovecot_writes_them) {
  const ScramKeys keys = rfc_keys();
  const std::string text = "4096,W22ZaJ0SNY7soEsUEjb6gQ==," +
                           mail::base64(crypto::as_text(keys.keys[0].stored)) + "," +
                           mail::base64(crypto::as_text(keys.keys[0].server));
  EXPECT_EQ(parse_scram_keys(text), keys);
  for (const std::string& bad : {std::string(), text + ",x", text.substr(5), "4095" + text.substr(4),
                                 std::string("4096,,"), std::string("4096,c2FsdA==,c2FsdA==,c2FsdA==")})
    EXPECT_EQ(parse_scram_keys(bad), std::nullopt) << bad;
}

TEST(ScramKeys, nonces_are_printable_and_differ) {
  const std::uint64_t a[] = {1, 2, 3};
  const std::uint64_t b[] = {1, 2, 4};
  EXPECT_EQ(make_nonce(a).size(), 32U);
  EXPECT_EQ(make_nonce(a).find(','), std::string::npos);
  EXPECT_NE(make_nonce(a), make_nonce(b));
}

}  // namespace
}  // namespace ringpost::sasl
