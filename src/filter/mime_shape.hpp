// What one pass over all parts of a mail finds: encodings, charsets, kinds, sizes.
//
// Layer:   private to `filter`. Owner: the EvalScratch of a call, which makes it once for a mail.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ringpost/filter/eval.hpp"

namespace ringpost::filter {

struct MimeShape {
  bool made = false;
  std::size_t base64_count = 0;
  std::size_t qp_count = 0;
  std::size_t html_count = 0;
  std::size_t text_count = 0;
  std::size_t attachment_count = 0;
  bool base64_text = false;
  bool bad_iso_charset = false;
  bool alternative = false;
  bool qp_long_line = false;
  bool missing_boundary = false;
  bool part_limit_exceeded = false;
  std::size_t illegal_ascii_lines = 0;
  double multipart_ratio = 1;
  double qp_ratio = 0;
  double unicode_ratio = 0;
  std::size_t base64_line_max = 0;
  std::vector<std::string> charsets;  // lower case
};

const MimeShape& mime_shape(const EvalCall& call);

}  // namespace ringpost::filter
