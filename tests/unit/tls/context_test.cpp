#include <gmock/gmock.h>
#include <openssl/err.h>

#include "ringpost/tls/limits.hpp"

#include "duel.hpp"

namespace ringpost::tls {
namespace {

// Whether a client that asks for `name` is shown `identity`: only then does it verify as its own authority.
bool shows(const ServerContext& server, const Identity& identity, const std::string& name) {
  const auto client = make_client({.authorities_pem = identity.certificate_pem});
  Duel duel = settled(server, *client, {.server_name = name});
  EXPECT_TRUE(duel.done());
  return duel.client.session.facts().peer_check == PeerCheck::verified ||
         duel.client.session.facts().peer_check_reason == "hostname mismatch";
}

TEST(ServerContext, shows_the_certificate_of_the_name_that_is_asked_for) {
  const Identity main = make_identity("mx.example.com");
  const Identity exact = make_identity("mail.example.net");
  const Identity wildcard = make_identity("*.example.net");
  const auto server =
      make_server({.main = main, .names = {{"Mail.example.net", exact}, {"*.example.net", wildcard}}});
  EXPECT_TRUE(shows(*server, main, "mx.example.com"));
  EXPECT_TRUE(shows(*server, main, ""));
  EXPECT_TRUE(shows(*server, main, "example.net"));
  EXPECT_TRUE(shows(*server, main, "a.b.example.net"));
  EXPECT_TRUE(shows(*server, exact, "mail.example.net"));
  EXPECT_TRUE(shows(*server, exact, "MAIL.example.NET."));
  EXPECT_TRUE(shows(*server, wildcard, "imap.example.net"));
  EXPECT_FALSE(shows(*server, exact, "imap.example.net"));
  EXPECT_FALSE(shows(*server, main, "mail.example.net"));
}

// RSA 2048, "rsa.example.com", made by openssl req -x509 -newkey rsa:2048 -days 36500.
constexpr const char* kRsaCertificate = R"(-----BEGIN CERTIFICATE-----
MIIDMzCCAhugAwIBAgIUTbSK8Li6VrzUF6KFye5pLgJdXdYwDQYJKoZIhvcNAQEL
BQAwGjEYMBYGA1UEAwwPcnNhLmV4YW1wbGUuY29tMCAXDTI2MTEyMjA4MTk1MloY
DzIxMjYxMDI5MDgxOTUyWjAaMRgwFgYDVQQDDA9yc2EuZXhhbXBsZS5jb20wggEi
MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDSd2FvYdbzjqSTqE56UpH5cYoJ
kA9CmcvEDTWBOu/f/dtafQOyVLpdZGK3VUbK/+Yq1ItQHP040Dch0/8wugzOABKK
xfv9M/EsVMdJg2EGe6cE+PnrNO6VgyIwrIs1LgwQqzyXTHZIzxcJ1wMabkobzsWA
V8aaR5bhkNQ3jtVoO7R3M6o05CHiT8as+go2LuZzHQmikEuMaf3Uyf1m7hwWDT3p
6aSCmVKOlajEqf7F1iB0IPwg6aMwCdEeT3l6qo5fi5So3jP2KD83WyL2MUj/brvK
vkmFyBTaxPm9GUvxP7C6RyjAYyzc9IIXJqV7cGNOZPAQEhLOFSoqWFdxXo55AgMB
AAGjbzBtMB0GA1UdDgQWBBRDC3URGKCwtXDEBG+wL/Nb5Yq//jAfBgNVHSMEGDAW
gBRDC3URGKCwtXDEBG+wL/Nb5Yq//jAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQT
MBGCD3JzYS5leGFtcGxlLmNvbTANBgkqhkiG9w0BAQsFAAOCAQEAd74guAnpL79o
TfQl2rleTlm+XXPJdmN8ZFc3fosYEeHnyv3meaUa0ptSO43IfLVEh46nkFNnaRa8
AROUw/Hk81l7BoYKWLrKjB++P3eQ52hAk2TOdGEFQQ+bMCFZ/29oAmCrL+MKIFJ3
YEfWOT9UoXiaVw3OJ94qdLksH6TWUt7CzK0NU3HBF7fNYkOGgKghY1ZC9nUMDyFA
3Y0+hyj5G2ES9jpwFEchrbk+ZREcGIJgzbCoWTHyRgwy85t0NEDxdCm56m0AAZZw
MMOVS5MMfmnishEhf7n7KsHjhvSYg1qG7WoyS1uoZkg80asqt2PlOUnHM4g9g3h9
Tc+SRRAbxA==
-----END CERTIFICATE-----
)";
constexpr const char* kRsaKey = R"(-----BEGIN PRIVATE KEY-----
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDSd2FvYdbzjqST
qE56UpH5cYoJkA9CmcvEDTWBOu/f/dtafQOyVLpdZGK3VUbK/+Yq1ItQHP040Dch
0/8wugzOABKKxfv9M/EsVMdJg2EGe6cE+PnrNO6VgyIwrIs1LgwQqzyXTHZIzxcJ
1wMabkobzsWAV8aaR5bhkNQ3jtVoO7R3M6o05CHiT8as+go2LuZzHQmikEuMaf3U
yf1m7hwWDT3p6aSCmVKOlajEqf7F1iB0IPwg6aMwCdEeT3l6qo5fi5So3jP2KD83
WyL2MUj/brvKvkmFyBTaxPm9GUvxP7C6RyjAYyzc9IIXJqV7cGNOZPAQEhLOFSoq
WFdxXo55AgMBAAECggEARBT6H922evMZqeo3+LndHqPr00wWo6S8lZ7wP+2gywSD
gLIQEA/4eV2P0V50mBZPjmtS5Yd7InW4X+kEE+8bVUgQt3N0IGQ9D+oczVsCd+Zo
EOO5dKyawSK6XKR0I6/Rl1LNNuQ1Hzhea4ByMIqczoIEwY+jXyTpWe5Pt+ksf5q6
YE8zY11LsSQRSndRfzMRksU+rd6AJM5JiBewqCQmzlpIfyQ+DTdaDkJOH+BQmWm6
M3mGixYM+nGQ27Gz3ffcqaWm6oRRqLcbWiMiwM0cNxMDyqA2w6aWTjTbkCT6X8wp
mYJ9fl5gCJ7DkCR8O91rwNLDIJUKGG2f0CGMltJ+QQKBgQDzF1dQf0RzxA6mOErp
YUYevTDtNZpp9brnutD9Lagbww82sa5THJCMNJHbxmw10OZ2sT1Fwvw6a6bNEoKa
3hu/xqWDUjkHUrpcqs4QWx88MGAbORNrfjBq0mb2/7VXhj4lwGEHRYsoHR0hk43W
oLHfz2j0UYIwxFO1VdhiHEWAJwKBgQDdpIbodXh4bOSNDl+TUzY/PE/7WXsGc4oC
tCM1KiUrL59GF20BlhPknhFec7r6TOoEN1lBOjmg/AxShX13cVS3ZOXeIuxSKA6V
oyyzHRnQej+SG2BFvEYCqDVRs4fDrAm8wVYbSW69Xw8RHnPBhNfs0Lqhq1X8JtY5
J/L02EwAXwKBgAvxlaSq3B4j/+RC18tnsB5KhWDiRVf3btt73lDSMXRLvS+ew0Xq
HWAGJTR7J03tmaUzSCNpVSM5rtRcmHYre4mMpQ0yuQKXGfj7m2xKTdqTNeWghEe/
x3k4JT71iV9nhR4tuZa14AR0ib3glhN5icPJWQrIBnGG8+Xw9dS8Nt35AoGBAJHn
ar/ABMwRsuqAWb5b+svp4iTuJKR8jo91EfA/jDQ/pzO23BU9PF81Bu4MdTusQikA
XosnzyQAiAQSyCNGwaPwkbmHd9YldGRhBF3sfD/XGd4Ok3OUmunI3UCpVGgk6kwN
YaeY0YNr/jkguMbdsl68kP84EORqlH8Po0o20OE1AoGBAMyGj5BehHle9lipOlSq
vHK6OXWIYyuZdxqtSZnEYdAm+boOvdilltqA+yeIaZMYQa0eOg5QOCBGN2cCdxsl
mlxSHSgJCW3U3ECk6VfoAE8jg2sqiWYf7jSQMcyYtIEuAd1fywO2A4fz4ThzHA0U
FhxQMj22XvM1XKYN+bYwVc8d
-----END PRIVATE KEY-----
)";
// The same with 1024 bits, "short.example.com".
constexpr const char* kShortCertificate = R"(-----BEGIN CERTIFICATE-----
MIICNDCCAZ2gAwIBAgIUNTt1FexfsB7THkR+X4SEU5Qdg8AwDQYJKoZIhvcNAQEL
BQAwHDEaMBgGA1UEAwwRc2hvcnQuZXhhbXBsZS5jb20wIBcNMjYxMTIyMDgxOTUy
WhgPMjEyNjEwMjkwODE5NTJaMBwxGjAYBgNVBAMMEXNob3J0LmV4YW1wbGUuY29t
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCz/MvdD8ihOZM8bVOdJXZWsCu
JPQ2LhOvgOwulbIunczpanTkaD6wjZF0oDAvr210VTiVmJjaJyN2Zi2TTSN8crMB
aoSF/w1BIjn22AGFSCk39GE45sedfPx0rydUxAcj/luCo32DiXdyLY+9FXDzNohO
ADiRmedv8dQMJ+m1VQIDAQABo3EwbzAdBgNVHQ4EFgQU0SHFO4zTPxQIWQ38+R9M
vy7E3ZwwHwYDVR0jBBgwFoAU0SHFO4zTPxQIWQ38+R9Mvy7E3ZwwDwYDVR0TAQH/
BAUwAwEB/zAcBgNVHREEFTATghFzaG9ydC5leGFtcGxlLmNvbTANBgkqhkiG9w0B
AQsFAAOBgQApmQef/R55KzlHDl+YL830RWONbmFDK+K5gHaIl4XNOpxjyJOuV+U2
HLrx4vIhw7uDA/WjplPeGu7B1sAHhe4IMXFHnd9sta9JaoPmoAW8B9Cq8q2s9Lc6
9Bmb1cTzCWMLRFUkCAG/3ZGVSzvgcLu5FXCUEjK/H6mEpAsyxaHgcw==
-----END CERTIFICATE-----
)";
constexpr const char* kShortKey = R"(-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMLP8y90PyKE5kzx
tU50ldlawK4k9DYuE6+A7C6Vsi6dzOlqdORoPrCNkXSgMC+vbXRVOJWYmNonI3Zm
LZNNI3xyswFqhIX/DUEiOfbYAYVIKTf0YTjmx518/HSvJ1TEByP+W4KjfYOJd3It
j70VcPM2iE4AOJGZ52/x1Awn6bVVAgMBAAECgYAirYWqgtTiPioItFYD2zj5cfAu
j6FxK46RhS+Fs1v+dFSPkEWyiuPt5aVoz0MEmgOv26Ow7XL4ElN7tgCS4f5Yzz2g
020h9bUdhpoO40V9VhGqSWuUegbAhg3meNwA22uIT9qVJsycHTDNrQkpXJZN7hWs
3pM6HpBW+9rSbcZ0wQJBAOa/KsjQMPxhHAZPf515YJpI8AfEj154C3AOdpofDa1K
eJhSRVlKH19RSRxqOdVGstfEmhYwT8jYuqHBx6fhogkCQQDYIgHh3rKbB1yLy8yP
4tjOYBNdwjuZ4g6s5JbAqzJuHCHdyZRVcP2DtG1REsOCLiVqDWoAPNHoADwtUO8J
YdvtAkBt7MJAGlZL1SNZqkO8TFeGCJs4yB4Yvg2M24cK0yJb3K9ouUDKUbJyYTH4
NG7KuLx4Z/OUAH3xy7XVW5B23NmpAkAGltLT3gQ38buCj44G/PV7JTax7w/+GwQz
hSyLZyy8aqMlrdWV3UH9V+zVQesv9tQxLYODylbj6c3r28HN2WvpAkEAnhb46uTP
EEOe3pWlGCs/bArWljMxYOu5kDkG4ziAkF445QnbsnojdSpNoYVvnbXB9d0GRTqL
9u7CCBkJlOq9Wg==
-----END PRIVATE KEY-----
)";

TEST(ServerContext, shows_no_certificate_of_another_kind_of_key) {
  const Identity rsa{kRsaCertificate, kRsaKey, "rsa.pem", "rsa.key"};
  const Identity curve = make_identity("mail.example.net");
  const auto server = make_server({.main = rsa, .names = {{"mail.example.net", curve}}});
  EXPECT_TRUE(shows(*server, rsa, "rsa.example.com"));
  EXPECT_TRUE(shows(*server, curve, "mail.example.net"));
  const auto reversed = make_server({.main = curve, .names = {{"rsa.example.com", rsa}}});
  EXPECT_TRUE(shows(*reversed, rsa, "rsa.example.com"));
  EXPECT_TRUE(shows(*reversed, curve, "mail.example.net"));
}

std::string refusal(const ServerSettings& settings) {
  const auto built = ServerContext::build(settings, make_keys());
  EXPECT_EQ(ERR_peek_error(), 0U);
  return built ? "" : built.error().text;
}

TEST(ServerContext, says_that_key_and_certificate_do_not_belong_together) {
  Identity mixed = make_identity("mx.example.com");
  mixed.key_pem = make_identity("mx.example.com").key_pem;
  EXPECT_EQ(refusal({.main = mixed}),
            "tls/mx.example.com.key: this key does not belong to the certificate in tls/mx.example.com.pem; "
            "use the key that it was requested with");
  EXPECT_EQ(refusal({.main = make_identity("mx"), .names = {{"mx.example.com", mixed}}}),
            "name \"mx.example.com\": tls/mx.example.com.key: this key does not belong to the certificate in "
            "tls/mx.example.com.pem; use the key that it was requested with");
  mixed.key_pem = kRsaKey;
  EXPECT_THAT(refusal({.main = mixed}), testing::HasSubstr("does not belong"));
}

TEST(ServerContext, says_that_the_chain_stands_in_the_wrong_order) {
  Identity identity = make_identity("mx.example.com");
  identity.certificate_pem = kRsaCertificate + identity.certificate_pem;
  EXPECT_EQ(
      refusal({.main = identity}),
      "tls/mx.example.com.pem: the server's own certificate must come first; it is number 2 in the file");
}

TEST(ServerContext, says_which_file_is_wrong) {
  Identity identity = make_identity("mx");
  std::swap(identity.certificate_pem, identity.key_pem);
  EXPECT_EQ(refusal({.main = identity}),
            "tls/mx.pem: holds a private key and no certificate: are the two swapped?");
  identity = make_identity("mx");
  identity.key_pem.clear();
  EXPECT_EQ(refusal({.main = identity}), "tls/mx.key: is empty");
}

TEST(ServerContext, refuses_a_key_that_is_too_short) {
  const std::string text = refusal({.main = {kShortCertificate, kShortKey, "short.pem", "short.key"}});
  EXPECT_EQ(text, "short.pem: cannot be used: ee key too small; get a certificate with a newer key");
}

TEST(ServerContext, refuses_what_is_no_name) {
  const Identity identity = make_identity("mx");
  for (const char* bad : {"", "*", "*.", "a.*.b", "mail example", ".example.com", "example.com."})
    EXPECT_THAT(refusal({.main = identity, .names = {{bad, identity}}}),
                testing::HasSubstr("neither a host name"))
        << bad;
  EXPECT_THAT(refusal({.main = identity, .names = {{"a.example", identity}, {"A.example", identity}}}),
              testing::HasSubstr("twice"));
}

TEST(ServerContext, warns_of_certificates_that_need_a_hand) {
  const WallTime day = k2020 + std::chrono::hours{24} * 100;
  auto valid = [&](int from_days, int for_days) {
    const auto made = crypto::make_self_signed({.common_name = "mx.example.com",
                                                .names = {},
                                                .not_before = day + std::chrono::hours{24} * from_days,
                                                .valid_for = std::chrono::hours{24} * for_days});
    return Identity{made->certificate_pem, made->key_pem, "mx.pem", "mx.key"};
  };
  EXPECT_THAT(warnings({.main = valid(-10, 60)}, day), testing::IsEmpty());
  EXPECT_THAT(warnings({.main = valid(-10, 9)}, day),
              testing::ElementsAre("mx.pem: the certificate has expired, renew it"));
  EXPECT_THAT(warnings({.main = valid(-10, 13)}, day),
              testing::ElementsAre("mx.pem: the certificate expires within 3 days, renew it"));
  EXPECT_THAT(warnings({.main = valid(1, 60)}, day),
              testing::ElementsAre("mx.pem: the certificate is not valid yet"));
  EXPECT_THAT(
      warnings({.main = valid(-10, 60), .names = {{"mail.example.net", valid(-10, 60)}}}, day),
      testing::ElementsAre("mx.pem: the certificate does not cover mail.example.net, only mx.example.com"));
  EXPECT_EQ(refusal({.main = valid(-10, 9)}), "") << "expired is a warning, not an error";
}

class Resuming : public testing::TestWithParam<Version> {
 protected:
  // The client bounds the version, so that both kinds of ticket are tried against the same server.
  bool resumes(const ServerContext& server, const Destination& where) {
    Duel duel = settled(server, *client, where);
    EXPECT_TRUE(duel.done());
    EXPECT_EQ(duel.client.session.facts().version, GetParam());
    EXPECT_EQ(duel.client.session.facts().resumed, duel.server.session.facts().resumed);
    return duel.client.session.facts().resumed;
  }
  Identity identity = make_identity("mx.example.com");
  std::shared_ptr<const TicketKeys> keys = make_keys();
  ServerSettings settings{
      .main = identity, .names = {}, .version_min = Version::tls_1_2, .version_max = GetParam()};
  std::unique_ptr<ClientContext> client = make_client({.authorities_pem = identity.certificate_pem});
  Destination mx{.server_name = "mx.example.com", .session_key = "mx.example.com:25"};
};
INSTANTIATE_TEST_SUITE_P(Versions, Resuming, testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& info) {
                           return info.param == Version::tls_1_2 ? "tls_1_2" : "tls_1_3";
                         });

TEST_P(Resuming, works_again_and_again) {
  const auto server = make_server(settings, keys);
  EXPECT_FALSE(resumes(*server, mx));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(resumes(*server, mx));
  EXPECT_EQ(client->cached_sessions(), 1U);
}

TEST_P(Resuming, works_on_another_core_and_after_a_reload) {
  const auto first = make_server(settings, keys);
  const auto second = make_server(settings, keys);
  settings.main = make_identity("mx.example.com");
  const auto reloaded = make_server(settings, keys);
  EXPECT_FALSE(resumes(*first, mx));
  EXPECT_TRUE(resumes(*second, mx));
  EXPECT_TRUE(resumes(*reloaded, mx));
}

TEST_P(Resuming, works_until_a_key_is_rotated_out) {
  const auto server = make_server(settings, keys);
  auto rotated = keys;
  for (std::size_t i = 0; i < kTicketKeysMax; ++i) {
    client = make_client();
    EXPECT_FALSE(resumes(*server, mx));
    EXPECT_TRUE(resumes(**server->with_keys(rotated), mx)) << i;
    rotated = *rotated->rotated();
  }
  client = make_client();
  EXPECT_FALSE(resumes(*server, mx));
  EXPECT_FALSE(resumes(**server->with_keys(rotated), mx));
}

TEST_P(Resuming, moves_a_ticket_to_the_newest_key) {
  const auto server = make_server(settings, keys);
  EXPECT_FALSE(resumes(*server, mx));
  auto rotated = keys;
  for (std::size_t i = 0; i < 2 * kTicketKeysMax; ++i) {
    rotated = *rotated->rotated();
    EXPECT_TRUE(resumes(**server->with_keys(rotated), mx)) << i;
  }
}

TEST_P(Resuming, falls_back_to_a_full_handshake_under_foreign_keys) {
  const auto server = make_server(settings, keys);
  const auto stranger = make_server(settings, make_keys());
  EXPECT_FALSE(resumes(*server, mx));
  EXPECT_FALSE(resumes(*stranger, mx));
  EXPECT_TRUE(resumes(*stranger, mx));
}

TEST_P(Resuming, keeps_destinations_names_and_verification_apart) {
  const auto server = make_server(settings, keys);
  EXPECT_FALSE(resumes(*server, mx));
  Destination other = mx;
  other.session_key = "mx.example.com:587";
  EXPECT_FALSE(resumes(*server, other));
  other = mx;
  other.server_name = "other.example.com";
  EXPECT_FALSE(resumes(*server, other));
  other = mx;
  other.verification = Verification::required;
  EXPECT_FALSE(resumes(*server, other));
  EXPECT_TRUE(resumes(*server, other));
  other.session_key.clear();
  EXPECT_FALSE(resumes(*server, other));
  EXPECT_FALSE(resumes(*server, other));
}

TEST_P(Resuming, keeps_the_result_of_the_verification) {
  const auto server = make_server(settings, keys);
  for (int i = 0; i < 2; ++i) {
    Duel duel = settled(*server, *client, mx);
    EXPECT_EQ(duel.client.session.facts().resumed, i == 1);
    EXPECT_EQ(duel.client.session.facts().peer_check, PeerCheck::verified);
  }
}

TEST_P(Resuming, forgets_a_session_that_failed) {
  const auto server = make_server(settings, keys);
  EXPECT_FALSE(resumes(*server, mx));
  Duel duel = start(*server, *client, mx);
  feed(duel.client, bytes_of("not TLS at all, but long enough"), whole());
  ASSERT_TRUE(duel.client.error);
  EXPECT_EQ(client->cached_sessions(), 0U);
  EXPECT_FALSE(resumes(*server, mx));
}

TEST(ClientContext, keeps_a_bounded_number_of_sessions) {
  const auto server = make_server({.main = make_identity("mx.example.com"),
                                   .names = {},
                                   .version_min = Version::tls_1_2,
                                   .version_max = Version::tls_1_2});
  const auto client = make_client();
  auto resumes = [&](std::size_t number) {
    return settled(*server, *client, {.session_key = fmt::format("mx{}", number)})
        .client.session.facts()
        .resumed;
  };
  for (std::size_t i = 0; i < kClientSessionsMax; ++i) EXPECT_FALSE(resumes(i));
  EXPECT_EQ(client->cached_sessions(), kClientSessionsMax);
  EXPECT_TRUE(resumes(0));
  EXPECT_FALSE(resumes(kClientSessionsMax));
  EXPECT_EQ(client->cached_sessions(), kClientSessionsMax);
  EXPECT_TRUE(resumes(0)) << "used lately, so it stays";
  EXPECT_FALSE(resumes(1)) << "unused for longest, so it went";
}

TEST(ClientContext, verifies_authority_and_name_when_that_is_required) {
  const Identity identity = make_identity("mx.example.com", {"127.0.0.1"});
  const auto server = make_server({.main = identity});
  const auto trusting = make_client({.authorities_pem = identity.certificate_pem});
  const auto strange = make_client({.authorities_pem = make_identity("ca").certificate_pem});
  const auto result = [&](ClientContext& client, const std::string& name) {
    Duel duel = settled(*server, client, {.server_name = name, .verification = Verification::required});
    EXPECT_EQ(duel.client.session.handshake_done(), !duel.client.error);
    if (duel.client.error) return duel.client.error->text;
    EXPECT_EQ(duel.client.session.facts().peer_check, PeerCheck::verified);
    return std::string("verified");
  };
  EXPECT_EQ(result(*trusting, "mx.example.com"), "verified");
  EXPECT_EQ(result(*trusting, "mx.example.com."), "verified");
  EXPECT_EQ(result(*trusting, "127.0.0.1"), "verified");
  EXPECT_EQ(result(*trusting, "mx2.example.com"),
            "TLS handshake: certificate not accepted: hostname mismatch");
  EXPECT_EQ(result(*trusting, "127.0.0.2"), "TLS handshake: certificate not accepted: IP address mismatch");
  EXPECT_THAT(result(*strange, "mx.example.com"),
              testing::StartsWith("TLS handshake: certificate not accepted: self-signed certificate"));
}

TEST(ClientContext, tells_the_server_why_it_refuses) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const auto client = make_client({.authorities_pem = make_identity("ca").certificate_pem});
  Duel duel =
      settled(*server, *client, {.server_name = "mx.example.com", .verification = Verification::required});
  ASSERT_TRUE(duel.server.error);
  EXPECT_EQ(duel.server.error->text, "TLS handshake: the peer refused with the alert \"unknown CA\"");
}

TEST(ClientContext, talks_to_anyone_opportunistically_and_says_what_was_wrong) {
  const Identity identity = make_identity("mx.example.com");
  const auto server = make_server({.main = identity});
  const auto facts = [&](const ClientSettings& settings, const std::string& name) {
    const auto client = make_client(settings);
    Duel duel = settled(*server, *client, {.server_name = name});
    EXPECT_TRUE(duel.done());
    return duel.client.session.facts();
  };
  EXPECT_EQ(facts({}, "mx.example.com").peer_check, PeerCheck::not_asked);
  EXPECT_EQ(facts({.authorities_pem = identity.certificate_pem}, "mx.example.com").peer_check,
            PeerCheck::verified);
  const Facts other = facts({.authorities_pem = identity.certificate_pem}, "other.example.com");
  EXPECT_EQ(other.peer_check, PeerCheck::failed);
  EXPECT_EQ(other.peer_check_reason, "hostname mismatch");
}

TEST(ClientContext, refuses_to_verify_without_means) {
  const auto blind = make_client();
  EXPECT_THAT(blind->new_session({.server_name = "mx", .verification = Verification::required}).error().text,
              testing::HasSubstr("install the package ca-certificates"));
  const auto client = make_client({.authorities_pem = make_identity("ca").certificate_pem});
  EXPECT_EQ(client->new_session({.verification = Verification::required}).error().text,
            "no name to compare the certificate with");
  EXPECT_THAT(client->new_session({.server_name = std::string(300, 'a')}).error().text,
              testing::HasSubstr("cannot be a TLS server name"));
}

TEST(ClientContext, says_which_file_of_authorities_is_damaged) {
  const auto built = ClientContext::build({.authorities_pem = "nothing", .authorities_path = "/etc/ca.pem"});
  ASSERT_FALSE(built);
  EXPECT_THAT(built.error().text, testing::StartsWith("/etc/ca.pem: holds no certificate"));
}

TEST(ClientContext, sends_no_address_as_server_name) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const auto client = make_client();
  EXPECT_EQ(settled(*server, *client, {.server_name = "192.0.2.1"}).server.session.facts().sni, "");
  EXPECT_EQ(settled(*server, *client, {.server_name = "a\r\nb"}).server.session.facts().sni, "a??b");
}

TEST(TicketKeys, keep_the_newest_and_no_more_than_the_limit) {
  auto keys = make_keys();
  EXPECT_EQ(keys->all().size(), 1U);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto next = *keys->rotated();
    EXPECT_EQ(next->all().size(), std::min(i + 2, kTicketKeysMax));
    EXPECT_NE(next->sealing().cipher, keys->sealing().cipher);
    EXPECT_EQ(next->all()[1].cipher, keys->sealing().cipher);
    keys = next;
  }
}

}  // namespace
}  // namespace ringpost::tls
