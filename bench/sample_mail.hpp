// The message that the benchmarks send: a header and lines of text, as most mail is.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ringpost::bench {

// About `size` bytes, CRLF at the end, no line that begins with a dot.
inline std::string sample_mail(std::size_t size) {
  std::string mail =
      "Received: from client.example (client.example [192.0.2.1])\r\n\tby mx.example with ESMTP id "
      "0123456789ABC\r\n"
      "\tfor <bob@example.net>; Fri, 21 Nov 1997 09:55:06 -0600\r\n"
      "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nFrom: Ann <ann@example.com>\r\nTo: Bob <bob@example.net>\r\n"
      "Subject: figures of this week\r\nMessage-ID: <1997.abc@example.com>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n\r\n";
  while (mail.size() + 78 <= size)
    mail += std::string(76, static_cast<char>('a' + mail.size() % 26)) + "\r\n";
  if (mail.size() + 2 <= size) mail += std::string(size - mail.size() - 2, 'z') + "\r\n";
  return mail;
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace ringpost::bench
