// Mails out of files, folders of files, Maildirs and mboxes, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::command {

// A file with mails in it, and its size.
struct MailFile {
  std::string path;
  std::uint64_t size = 0;
};

// The files that a path stands for: itself; of a Maildir those in cur and new; of another folder all in it and below, but for
// names that begin with a dot. In the order of their names.
Result<std::vector<MailFile>> mail_files(const std::string& path);

struct MailInFile {
  std::string_view text;   // of a larger mail its beginning; valid during the call
  std::uint64_t read = 0;  // bytes of the file so far
};
// An error when it is a pipe or a device, which may have no end, or when it is not there.
Result<void> regular_file(const std::string& path);
// A file that begins with "From " is an mbox (a ">" before such a line in a body goes), any other is one mail. Of each mail
// `size_max` bytes are kept, and of the file a piece in memory however long its lines are. `take` says false to end it.
Result<void> for_each_mail(const MailFile& file, std::size_t size_max,
                           const std::function<bool(const MailInFile&)>& take);

}  // namespace ringpost::command
