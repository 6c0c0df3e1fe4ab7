// The replies that a server session or its driver says in fixed words.
//
// Layer: pure. A FixedReply costs nothing until it is said; it becomes a mail::Reply where one is asked for.
// RFCs:  5321 section 4.2 and 4.3.2, 3463, 5248, 4954 section 6, 3207 section 4, 6531 section 3.5.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/mail/reply.hpp"

namespace ringpost::smtp {

struct FixedReply {
  int code = 0;
  mail::EnhancedStatus status;
  std::string_view text;

  operator mail::Reply() const {  // NOLINT(google-explicit-constructor): they say the same
    return {code, status, std::string(text)};
  }
};

namespace replies {

// Last words, for close().
inline constexpr FixedReply kTimeout{421, {4, 4, 2}, "Timeout, closing connection"};
inline constexpr FixedReply kShutdown{421, {4, 3, 2}, "Service shutting down, closing connection"};
inline constexpr FixedReply kNoMemory{421, {4, 3, 1}, "Out of resources, try again later"};
inline constexpr FixedReply kTooManyErrors{421, {4, 7, 0}, "Too many errors, closing connection"};
inline constexpr FixedReply kTooManyConnections{421, {4, 7, 0}, "Too many connections, try again later"};
inline constexpr FixedReply kTlsFailed{454, {4, 7, 0}, "TLS not available due to temporary reason"};

// What a driver often answers.
inline constexpr FixedReply kInsufficientStorage{
    452, {4, 3, 1}, "Insufficient system storage, try again later"};
inline constexpr FixedReply kLocalError{451, {4, 3, 0}, "Local error in processing, try again later"};
inline constexpr FixedReply kRelayDenied{554, {5, 7, 1}, "Relay access denied"};
inline constexpr FixedReply kUnknownMailbox{550, {5, 1, 1}, "Mailbox unknown"};

// The session's own.
inline constexpr FixedReply kEarlyTalk{554, {5, 5, 0}, "Protocol error: the client spoke first"};
inline constexpr FixedReply kPipelining{503, {5, 5, 0}, "Unauthorised pipelining, closing connection"};
inline constexpr FixedReply kNotSmtp{500, {5, 5, 1}, "This is not a web server, closing connection"};
inline constexpr FixedReply kBareLineEnding{500, {5, 5, 2}, "Command lines must end with CR LF"};
inline constexpr FixedReply kBadBytes{500, {5, 5, 2}, "A command must not contain NUL or a bare CR"};
inline constexpr FixedReply kNonAscii{500, {5, 5, 2}, "A command must be ASCII"};
inline constexpr FixedReply kLineTooLong{500, {5, 5, 2}, "Command line too long"};
inline constexpr FixedReply kUnknownCommand{500, {5, 5, 1}, "Command not recognised"};
inline constexpr FixedReply kNotImplemented{502, {5, 5, 1}, "Command not implemented"};
inline constexpr FixedReply kNoArguments{501, {5, 5, 4}, "This command takes no arguments"};
inline constexpr FixedReply kNeedsArgument{501, {5, 5, 4}, "This command needs an argument"};

inline constexpr FixedReply kOk{250, {2, 0, 0}, "Ok"};
inline constexpr FixedReply kSenderOk{250, {2, 1, 0}, "Sender ok"};
inline constexpr FixedReply kRecipientOk{250, {2, 1, 5}, "Recipient ok"};
inline constexpr FixedReply kStartBody{354, {}, "End data with <CR><LF>.<CR><LF>"};
inline constexpr FixedReply kStartTls{220, {2, 0, 0}, "Ready to start TLS"};
inline constexpr FixedReply kCannotVerify{
    252, {2, 5, 0}, "Cannot VRFY user, but will accept message and attempt delivery"};
inline constexpr FixedReply kHelp{214, {2, 0, 0}, "See RFC 5321"};

inline constexpr FixedReply kHelloFirst{503, {5, 5, 1}, "Say EHLO first"};
inline constexpr FixedReply kBadHello{501, {5, 5, 4}, "The name is no host name"};
inline constexpr FixedReply kAlreadyTls{503, {5, 5, 1}, "TLS is already active"};
inline constexpr FixedReply kTlsFirst{530, {5, 7, 0}, "Must issue a STARTTLS command first"};
inline constexpr FixedReply kAuthFirst{530, {5, 7, 0}, "Authentication required"};

inline constexpr FixedReply kNestedMail{503, {5, 5, 1}, "A transaction is already open"};
inline constexpr FixedReply kMailFirst{503, {5, 5, 1}, "Say MAIL first"};
inline constexpr FixedReply kRecipientsFirst{554, {5, 5, 1}, "No valid recipients"};
inline constexpr FixedReply kChunksOpen{503, {5, 5, 1}, "Only BDAT may follow BDAT without LAST"};
inline constexpr FixedReply kNeedsChunking{503, {5, 5, 1}, "BODY=BINARYMIME needs BDAT"};
inline constexpr FixedReply kMailSyntax{501, {5, 5, 2}, "Syntax: MAIL FROM:<address> [parameters]"};
inline constexpr FixedReply kRcptSyntax{501, {5, 5, 2}, "Syntax: RCPT TO:<address> [parameters]"};
inline constexpr FixedReply kBdatSyntax{501, {5, 5, 4}, "Syntax: BDAT size [LAST], closing connection"};
inline constexpr FixedReply kParameterUnknown{555, {5, 5, 4}, "Parameter not recognised"};
inline constexpr FixedReply kParameterSyntax{501, {5, 5, 4}, "Bad parameter"};
inline constexpr FixedReply kSenderNeedsUtf8{550, {5, 6, 7}, "A non-ASCII sender needs SMTPUTF8"};
inline constexpr FixedReply kRecipientNeedsUtf8{553, {5, 6, 7}, "A non-ASCII recipient needs SMTPUTF8"};
inline constexpr FixedReply kTooManyRecipients{452, {4, 5, 3}, "Too many recipients"};
inline constexpr FixedReply kTooLarge{552, {5, 3, 4}, "Message size exceeds the limit"};
inline constexpr FixedReply kBareInBody{550, {5, 5, 2}, "The message contains a bare CR or LF"};
inline constexpr FixedReply kLongTextLine{554, {5, 6, 0}, "The message contains a line that is too long"};
inline constexpr FixedReply kUndeclared8bit{554, {5, 6, 0}, "8-bit content without BODY=8BITMIME"};

inline constexpr FixedReply kAuthOk{235, {2, 7, 0}, "Authentication successful"};
inline constexpr FixedReply kAuthTwice{503, {5, 5, 1}, "Already authenticated"};
inline constexpr FixedReply kAuthInMail{503, {5, 5, 1}, "AUTH is not allowed inside a transaction"};
inline constexpr FixedReply kAuthNeedsTls{538, {5, 7, 11}, "Encryption required for authentication"};
inline constexpr FixedReply kAuthUnknown{504, {5, 5, 4}, "Authentication mechanism not supported"};
inline constexpr FixedReply kAuthSyntax{501, {5, 5, 4}, "Syntax: AUTH mechanism [initial response]"};
inline constexpr FixedReply kAuthGarbage{501, {5, 5, 2}, "Malformed authentication message"};
inline constexpr FixedReply kAuthCancelled{501, {5, 7, 0}, "Authentication cancelled"};
inline constexpr FixedReply kAuthLineTooLong{500, {5, 5, 6}, "Authentication exchange line is too long"};
inline constexpr FixedReply kAuthFailed{535, {5, 7, 8}, "Authentication credentials invalid"};
inline constexpr FixedReply kAuthTemporary{454, {4, 7, 0}, "Temporary authentication failure"};
inline constexpr FixedReply kAuthTooWeak{534, {5, 7, 9}, "Authentication mechanism is too weak"};

}  // namespace replies
}  // namespace ringpost::smtp
