#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

using Json = nlohmann::ordered_json;

/// What the file of a Journal begins with, once its heading is written.
inline constexpr std::string_view journal_begin = R"({"settings":)";

/// Results as JSON lines in a file, appended as they come, so that a run that ends early goes on where it stopped. The
/// first line is the heading: what the results belong to. Every further line has a "key" that is its own. One writer at
/// a time: the file is locked. Not thread-safe.
class Journal {
public:
    /// Opens the file or begins it. Under `heading` "settings" has to be what stands in the file; what else is there
    /// may differ. A last line that was cut off is dropped; a heading without results is replaced. Throws Error(Usage)
    /// for a file with other settings, naming the first that differs; Error(Input) for one that is no journal, naming
    /// the line, and for one that cannot be read to its end: nothing of these is touched; Error(Machine) where it
    /// cannot be written, or another process has it.
    Journal(const std::filesystem::path & path, const Json & heading);
    ~Journal();
    Journal(const Journal &) = delete;
    Journal & operator=(const Journal &) = delete;

    [[nodiscard]] const Json & heading() const { return heading_; }
    [[nodiscard]] const std::vector<Json> & records() const { return records_; }
    [[nodiscard]] bool has(const std::string & key) const { return keys_.contains(key); }

    /// Appends one line. `record` must have a new "key". Throws Error(Machine) where the disk is full; what was there
    /// before stays whole.
    void add(Json record);

private:
    void read(const std::string & text, const Json & expected);
    void append(const std::string & line);
    [[noreturn]] void refuse_line(std::size_t number, const char * field) const;
    [[noreturn]] void fail(const char * what) const;

    std::filesystem::path path_;
    int file_ = -1;
    std::size_t bytes_ = 0;  ///< of whole lines
    Json heading_;
    std::vector<Json> records_;
    std::set<std::string, std::less<>> keys_;
};

}  // namespace snapkv::eval
