#include "uri_reference.hpp"

#include <optional>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

using Text = std::optional<std::string>;

struct Parts {
  Text scheme;
  Text authority;
  std::string path;
  Text query;
  Text fragment;
};

Parts split(std::string_view uri) {
  Parts parts;
  if (const std::size_t hash = uri.find('#'); hash != kNowhere) {
    parts.fragment = uri.substr(hash + 1);
    uri = uri.substr(0, hash);
  }
  if (const std::size_t question = uri.find('?'); question != kNowhere) {
    parts.query = uri.substr(question + 1);
    uri = uri.substr(0, question);
  }
  const std::size_t end = uri.find_first_of(":/");
  if (end != kNowhere && end > 0 && uri[end] == ':') {
    parts.scheme = uri.substr(0, end);
    uri.remove_prefix(end + 1);
  }
  if (uri.starts_with("//")) {
    uri.remove_prefix(2);
    parts.authority = uri.substr(0, uri.find('/'));
    uri.remove_prefix(parts.authority->size());
  }
  parts.path = uri;
  return parts;
}

std::string without_dots(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(1);
  if (path.starts_with("../")) path.remove_prefix(2);
  std::string out;
  while (!path.empty()) {
    const std::size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, next);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      // At the end, the slash stays.
      if (next == path.size()) return out + "/";
    } else {
      out += segment;
    }
    path.remove_prefix(next);
  }
  return out;
}

std::string merge(const Parts& base, std::string_view path) {
  if (base.authority && base.path.empty()) return "/" + std::string(path);
  const std::size_t slash = base.path.rfind('/');
  return (slash == std::string::npos ? std::string{} : base.path.substr(0, slash + 1)) + std::string(path);
}

std::string join(const Parts& parts) {
  std::string out;
  if (parts.scheme && !parts.scheme->empty()) {
    out = *parts.scheme + ":";
  } else if (parts.authority) {
    std::string_view rest = *parts.authority;
    const bool www = starts_nocase(rest, "www");
    const bool ftp = starts_nocase(rest, "ftp");
    rest.remove_prefix(www || ftp ? 3 : 0);
    while (!rest.empty() && is_digit(rest.front())) rest.remove_prefix(1);
    if (rest.starts_with('.') && (www || ftp)) out = www ? "http:" : "ftp:";
  }
  if (parts.authority) out += "//" + *parts.authority;
  out += parts.path;
  if (parts.query) out += "?" + *parts.query;
  if (parts.fragment) out += "#" + *parts.fragment;
  return out;
}

}  // namespace

std::string resolve_uri(std::string_view base_text, std::string_view reference) {
  const Parts base = split(base_text);
  Parts parts = split(reference);
  if (parts.scheme && parts.scheme == base.scheme) parts.scheme.reset();
  if (parts.scheme || parts.authority) {
    parts.path = without_dots(parts.path);
  } else {
    parts.authority = base.authority;
    if (parts.path.empty()) {
      parts.path = base.path;
      if (!parts.query) parts.query = base.query;
    } else {
      parts.path = without_dots(parts.path.starts_with('/') ? parts.path : merge(base, parts.path));
    }
  }
  if (!parts.scheme) parts.scheme = base.scheme;
  return join(parts);
}

}  // namespace ringpost::filter
