#include "eval/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <string_view>
#include <utility>

#include "eval/fail.h"
#include "eval/read_file.h"

namespace snapkv::eval {

namespace {

/// The first setting that is not the same, as "name was found and is now expected"; of an object the first member, as
/// "name of member".
std::string difference(const Json & found, const Json & expected) {
    for (const auto & [name, value] : expected.items()) {
        if (!found.contains(name)) {
            return fmt::format("{} was not set and is now {}", name, value.dump());
        }
        if (found[name] == value) {
            continue;
        }
        if (found[name].is_object() && value.is_object()) {
            return fmt::format("{} of {}", name, difference(found[name], value));
        }
        return fmt::format("{} was {} and is now {}", name, found[name].dump(), value.dump());
    }
    for (const auto & [name, value] : found.items()) {
        if (!expected.contains(name)) {
            return fmt::format("{} was {} and is no longer set", name, value.dump());
        }
    }
    return {};
}

/// As one line of a file. What is no UTF-8, as file names may be, is replaced.
std::string line_of(const Json & json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Journal::Journal(const std::filesystem::path & path, const Json & heading) : path_(path) {
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) {
        fail("cannot be opened");
    }
    try {
        struct stat about {};
        if (::fstat(file_, &about) == 0 && !S_ISREG(about.st_mode)) {
            machine_error("{}: not a regular file; results need one", path_.string());
        }
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                machine_error("{}: in use by another run", path_.string());
            }
            fail("cannot be locked");
        }
        // As it would be read again, so that it can be compared with what was.
        read(read_all(file_, path.string()), Json::parse(line_of(heading)));
    } catch (...) {
        ::close(file_);
        throw;
    }
}

Journal::~Journal() {
    ::close(file_);
}

void Journal::read(const std::string & text, const Json & expected) {
    std::size_t number = 0;
    for (std::size_t end = 0; (end = text.find('\n', bytes_)) != std::string::npos; bytes_ = end + 1) {
        ++number;
        Json line = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(bytes_),
                                text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
        const bool is_heading = number == 1;
        const char * field = is_heading ? "settings" : "key";
        if (!line.is_object() || !line.contains(field) || (!is_heading && !line["key"].is_string())) {
            refuse_line(number, field);
        }
        if (is_heading) {
            heading_ = std::move(line);
        } else {
            keys_.insert(line["key"].get<std::string>());
            records_.push_back(std::move(line));
        }
    }
    if (number == 0) {
        // A heading that was cut off, or somebody's file of one unended line.
        if (!journal_begin.starts_with(text.substr(0, journal_begin.size()))) {
            refuse_line(1, "settings");
        }
        heading_ = expected;
        append(line_of(heading_) + "\n");
        return;
    }
    const std::string other = difference(heading_["settings"], expected["settings"]);
    if (!other.empty() && records_.empty()) {
        // A run that came to nothing binds no later one.
        bytes_ = 0;
        heading_ = expected;
        append(line_of(heading_) + "\n");
        return;
    }
    if (!other.empty()) {
        usage_error("{}: holds results obtained with other settings ({}); use the same settings or another folder",
                    path_.string(), other);
    }
}

void Journal::refuse_line(std::size_t number, const char * field) const {
    input_error(
        "{}:{}: not a JSON object with the field \"{}\", so not the results of an earlier run; move the file away or "
        "choose another folder",
        path_.string(), number, field);
}

void Journal::add(Json record) {
    const std::string key = record["key"].get<std::string>();
    assert(!has(key));
    append(line_of(record) + "\n");
    keys_.insert(key);
    records_.push_back(std::move(record));
}

void Journal::append(const std::string & line) {
    // What stands behind the last whole line was cut off when an earlier run ended.
    if (::ftruncate(file_, static_cast<off_t>(bytes_)) != 0) {
        fail("cannot be written");
    }
    for (std::size_t written = 0; written < line.size();) {
        const ssize_t count = ::write(file_, line.data() + written, line.size() - written);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            const int reason = errno;
            static_cast<void>(::ftruncate(file_, static_cast<off_t>(bytes_)));
            errno = reason;
            fail("cannot be written");
        }
        written += static_cast<std::size_t>(count);
    }
    bytes_ += line.size();
}

void Journal::fail(const char * what) const {
    machine_error("{}: {}: {}", path_.string(), what, system_text());
}

}  // namespace snapkv::eval
