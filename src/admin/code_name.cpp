#include "code_name.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>

namespace ringpost::admin {

namespace {

// The modules of this process, with their symbols.
class Symbols {
 public:
  Symbols() : session_(dwfl_begin(&kCallbacks)) {
    if (session_ == nullptr) return;
    dwfl_report_begin(session_);
    // Not by process id: that looks into files which a process that was root may not read any more.
    if (std::FILE* maps = std::fopen("/proc/self/maps", "re"); maps != nullptr) {
      (void)dwfl_linux_proc_maps_report(session_, maps);
      (void)std::fclose(maps);
    }
    dwfl_report_end(session_, nullptr, nullptr);
  }
  ~Symbols() { dwfl_end(session_); }
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  std::string name_of(std::uintptr_t address) const {
    Dwfl_Module* module = session_ == nullptr ? nullptr : dwfl_addrmodule(session_, address);
    if (module == nullptr) return fmt::format("{:#x}", address);
    if (const char* symbol = dwfl_module_addrname(module, address); symbol != nullptr)
      return readable(symbol);
    Dwarf_Addr start = 0;
    const char* file = dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);
    return fmt::format("{:#x} of {}", address - start, file == nullptr ? "?" : file);
  }

 private:
  static std::string readable(const char* symbol) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
    return status == 0 ? text.get() : symbol;
  }
  // Symbols only: nothing is looked for outside the program.
  static int no_debug_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                           char**) {
    return -1;
  }
  static constexpr Dwfl_Callbacks kCallbacks{.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = no_debug_file,
                                             .section_address = nullptr,
                                             .debuginfo_path = nullptr};
  Dwfl* session_;
};

}  // namespace

std::string code_name(const void* code) {
  if (code == nullptr) return {};
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  static const Symbols symbols;
  return symbols.name_of(reinterpret_cast<std::uintptr_t>(code));
}

}  // namespace ringpost::admin
