#include "ringpost/tables/sqlite.hpp"

#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpost::tables {

namespace {

constexpr int kPatienceMilliseconds = 5000;

ErrorKind kind_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return ErrorKind::temporary;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return ErrorKind::exhausted;
    default:
      return ErrorKind::permanent;
  }
}

// Made by us, so that its mode is ours and not the umask's.
Result<void> make_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return fail_system(errno, path);
  ::close(descriptor);
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int position, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), position, text.data() == nullptr ? "" : text.data(), text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int position, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), position, number);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(database_->error("query"));
}

Result<void> Statement::run() {
  while (RP_TRY(step())) {
  }
  return {};
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, std::string_view schema) {
  if (path != ":memory:") RP_CHECK(make_file(path));
  std::unique_ptr<Database> database(new Database(path));
  const int code =
      sqlite3_open_v2(path.c_str(), &database->handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  if (code != SQLITE_OK) return fail(database->error("open"));
  sqlite3_busy_timeout(database->handle_, kPatienceMilliseconds);
  for (const std::string_view pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                                        "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF"})
    RP_CHECK(database->execute(pragma));
  RP_CHECK(database->execute(schema));
  return database;
}

Database::~Database() {
  sqlite3_close(handle_);
}

Error Database::error(std::string_view doing) const {
  const int code = handle_ != nullptr ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
  std::string text =
      path_ + ": " + std::string(doing) + ": " + (handle_ != nullptr ? sqlite3_errmsg(handle_) : "no memory");
  if ((code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB)
    text += "; move the file away and restore it from a backup, or save what is left with: sqlite3 " + path_ +
            " .recover";
  return {kind_of(code), 0, std::move(text)};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
    return fail(error("prepare"));
  return Statement(*this, statement);
}

Result<void> Database::execute(std::string_view sql) {
  if (sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(error("execute"));
  return {};
}

int Database::changes() const {
  return sqlite3_changes(handle_);
}

Result<Transaction> Transaction::begin(Database& database) {
  RP_CHECK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

// A commit that failed may have left the transaction open; then the destructor ends it.
Result<void> Transaction::commit() {
  RP_CHECK(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace ringpost::tables
