// Where an export goes: standard output, or a file that has its name only once it is whole. Until
// then it is NAME.partial, locked against a second export, with its state in NAME.export.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/output.h"
#include "cli/result.h"

namespace phoenix::cli::transfer {

class ExportFile final {
 public:
  /// `standard_output` is used for "-". Unless `is_resumed`, a part that is there already is not
  /// touched: a failure says what to do.
  static Result<std::unique_ptr<ExportFile>> open(const std::string& path, bool is_resumed,
                                                  Output& standard_output);

  ExportFile(const ExportFile&) = delete;
  ExportFile& operator=(const ExportFile&) = delete;
  ~ExportFile();

  bool is_file() const { return own_ != nullptr; }
  const std::string& state_path() const { return state_path_; }
  std::uint64_t bytes_on_opening() const { return bytes_on_opening_; }

  /// Where to append; written by flush_when_large(), sync() and complete().
  std::string& buffer() { return output_->buffer(); }
  Result<void> flush_when_large() { return output_->flush_when_large(); }

  /// What a resumed one goes on from: the first `bytes`.
  Result<void> truncate(std::uint64_t bytes);

  /// All of it is on stable storage when it returns.
  Result<void> sync();

  /// sync(), and gives it its name in place of what had it; the state goes.
  Result<void> complete();

  /// Nothing worth keeping came: takes the part away.
  void discard();

 private:
  explicit ExportFile(Output& standard_output) : output_(&standard_output) {}

  Result<void> open_part(bool is_resumed);
  tl::unexpected<Failure> failed(const char* what, const std::string& path, int error) const;

  std::string path_;
  std::string part_path_;
  std::string state_path_;
  int fd_ = -1;
  std::unique_ptr<Output> own_;
  Output* output_;
  std::uint64_t bytes_on_opening_ = 0;
};

}  // namespace phoenix::cli::transfer
