#include "received_shapes.hpp"

namespace ringpost::filter {

namespace {

using Shape = ReceivedShape;
using Says = ReceivedSays;
using Reading = ReceivedReading;

constexpr Shape kNone{};
constexpr auto kPrograms = std::to_array<ReceivedProgram>({
    {" SMTPSVC",
     {{{"", "%H ([%i]%)) by %b with Microsoft SMTPSVC"},
       {"", "mail pickup service by %x with Microsoft SMTPSVC$", Says::skip},
       kNone,
       kNone}}},
    {" with Microsoft SMTP Server",
     {{{"", "%h (%[%i%z%]) by %b ", Says::relay, Reading::no_id}, kNone, kNone, kNone}}},
    {" with mapi id", {{{"", "%h (%[%i%z%]) by %b ", Says::relay, Reading::no_id}, kNone, kNone, kNone}}},
    {"[XMail ", {{{"", "%h (%[%i%]:%n) by %b ", Says::relay}, kNone, kNone, kNone}}},
    {"(ecelerity", {{{"", "([%i:%n] helo=%h) by %b "}, {"", "%x ([%i:%n]) by %b "}, kNone, kNone}}},
    {" (Postfix) with",
     {{{"", "%h (%r [%i]) by %b ", Says::looked_up, Reading::unknown_rdns},
       {"", "%h (%r[%i]) by %b ", Says::looked_up, Reading::unknown_rdns},
       kNone,
       kNone}}},
    {"(Scalix SMTP Relay", {{{"", "%h (%_%i) by %b"}, kNone, kNone, kNone}}},
    {" (Lotus Domino ", {{{"", "%h ([%i]) by %b (Lotus"}, kNone, kNone, kNone}}},
});

constexpr auto kGeneral = std::to_array<Shape>({
    {"with HTTP", "%i ([%x]) by %b"},
    {"!qmail", "%h (%r [%i]%*) by %b (", Says::looked_up, Reading::ident_in_rdns},
    {"", "%h (%r [%i]) by %b with %x (", Says::looked_up},
    {"", "%r ([%i] helo=%h) by %b with "},
    {"(<unknown", "%h (<unknown%X>[%i]) by %b "},
    {"", "%h (%r[%i]) by %b ", Says::looked_up, Reading::dotted_rdns},
    {"", "%h (%D@[%i]%*) by %b (", Says::looked_up},
    {"(qpsmtpd/", "%r (%^ %H) (%i) by %b (qpsmtpd/"},
    {"(LHLO ", "%r (LHLO %H) (%i) by %b with LMTP"},
    {"", "%r (%^ %H) [%i] by %b (%)) with "},
    {"via smtpd", "%h ([%i]) by %b via smtpd (for %x) with SMTP("},
    {kOverSmtp, "%r (%^ %H) (%D@%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%D@%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%D@%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%D@%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {" via HTTP", "[%i] by %b via HTTP$"},
    {"( [", "%x ( [%i])%* by %b "},
    {"", "(%h [%i]) by %b "},
    {"", "[%i] by %b "},
    {"", "(%[%i%]) by %b "},
    {"", "%h [%i] by %b [%x] with ", Says::looked_up},
    {"", "%h [(%i)] by %b (%x) "},
    {"", "%h ([%i]) by %b (", Says::looked_up},
    {"", "%h (%r [%i])%* by %b", Says::looked_up, Reading::soft_error},
    {"", "%h ([%i%p])%* by %b ", Says::looked_up},
});

// What a fetcher of mailboxes writes comes between these and those above.
constexpr auto kRare = std::to_array<Shape>({
    {"", "%r (%^ %)) (%D@%[%i%])%* by %b ", Says::looked_up},
    {"", "%r (%^ %)) (%[%i%])%* by %b ", Says::looked_up},
    {"", "%r (%D@%[%i%])%* by %b ", Says::looked_up, Reading::rdns_is_helo},
    {"", "%r (%[%i%])%* by %b ", Says::looked_up, Reading::rdns_is_helo},
    {" with http for ", "[%i] by %b with http for "},
    {" via smap ", "%r(%i) by %b via smap ", Says::looked_up},
    {" via smap ", "%r(%i, %^ %H) by %b via smap ", Says::looked_up},
    {"", "%i by %b (SMTPL"},
    {"", "%i by %b (InterScan"},
    {"", "%x by %x with BSMTP", Says::skip},
    {"", "%r (%^ %H) (%d@%i%*) by %b with ", Says::looked_up},
    {"", "%r (%^ %H) (%i%*) by %b with ", Says::looked_up},
    {"", "[%i] (%^ %H) by %b ("},
    {"", "[%i] (account %x %^ %H) by %b ("},
    {" (CommuniGate Pro", "%r ([%i] verified) by %b (", Says::looked_up, Reading::rdns_is_helo},
    {"", "([%i]) by %b with "},
    {"", "%h (%i) by %b "},
    {"", "%x (%x) by %x (Content Technologies ", Says::skip},
    {"", "%h ([%i] [%x]) by %b with "},
    {"", "%i by %b with "},
    {"", "%h (%r[%i]) by %b ", Says::looked_up},
    {"", "[%i]%x (%^ %H) by %b "},
    {"", "%i (%^ %H) by %b "},
    {"", "%h [%i] by %b "},
    {"", "%r(%i) by %b "},
    {"", "%h (unverified [%i]) by %b "},
    {"", "[%i] (%)) by %b "},
    {"", "%r (%x@%i) by %b with "},
    {"", "%r(%i), claiming to be \"%h\" via %x by %b,"},
    {"", "%r(%i) via %x by %b,"},
    {".yahoo.com with SMTP", "%h (%x@%i with login) by %b with SMTP"},
    {"", "X-Originating-IP: %i$"},
    // Hand-overs inside of a host, or without an address.
    {"", "%x %x by %x with local-smtp ", Says::skip},
    {"", "%x %x by %x with local-esmtp ", Says::skip},
    {"", "127.0.0.1 (AVG SMTP %x [%x])", Says::skip},
    {"", "%x@%x by %x ", Says::skip},
    {"", "Unknown/Local (", Says::skip},
    {"", "localhost (localhost)", Says::skip},
    {"", "%x (localhost) ", Says::skip},
    {"", "%x (%x@localhost) ", Says::skip},
    {"", "(AUTH: %x) by %x with ", Says::skip},
    {"", "localhost (localhost [[UNIX: localhost]]) by ", Says::skip},
    {"", "no.name.available by %x via smtpd (for ", Says::skip},
    {"", "%x ([unix socket]) by %x (Cyrus v%x) with LMTPA", Says::skip},
    {"", "%x by %x with", Says::skip},
    {"", "%x by %x via", Says::skip},
    {"", "%x by %x for", Says::skip},
    {"", "%x by %x (", Says::skip},
    {"", "%x with %x by", Says::skip},
    {"", "%x via %x by", Says::skip},
    {"", "%x for %x by", Says::skip},
    {"", "%x (unverified) by", Says::skip},
    {"", "%x (unknown) by %x (SG) with ", Says::skip},
    {"", "%x (%x [local]) by %x (OpenSMTPD) with ", Says::skip},
    {"(LSMTP for", "%*", Says::skip},
    {"", "facebook.com (%)) by facebook.com with Thrift id %x$", Says::skip},
    {"", "%x named %x by gmailapi.google.com with HTTPREST$", Says::skip},
    {"", "%x id %x$", Says::skip},
    {" (Jetsend", "[<%*", Says::skip},
});

}  // namespace

std::span<const ReceivedProgram> received_programs() {
  return kPrograms;
}
std::span<const ReceivedShape> general_received_shapes() {
  return kGeneral;
}
std::span<const ReceivedShape> rare_received_shapes() {
  return kRare;
}

}  // namespace ringpost::filter
