#include "outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "eval/read_file.h"
#include "fail.h"
#include "options.h"
#include "output_file.h"

namespace snapkv::cli {
namespace {

namespace fs = std::filesystem;

/// What tells a file from all others: device and inode, and where there is none yet, those of its folder and its name.
using Place = std::tuple<::dev_t, ::ino_t, std::string>;

/// Devices and pipes have none: what goes into one is not what comes out of it.
std::optional<Place> place_of(const struct stat & status) {
    return S_ISREG(status.st_mode) ? std::optional(Place(status.st_dev, status.st_ino, {})) : std::nullopt;
}

std::optional<Place> place_of(const fs::path & path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
        return place_of(status);
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (::stat(folder.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return Place(status.st_dev, status.st_ino, path.filename().string());
}

std::optional<Place> place_of_stream(int number) {
    struct stat status {};
    return ::fstat(number, &status) == 0 ? place_of(status) : std::nullopt;
}

/// A file that is read or written, as messages call it.
struct Named {
    std::string name;
    std::optional<Place> place;
    std::string_view option = {};
};

/// The parts of a split model ("name-00001-of-00003.gguf"), of any other file itself.
std::vector<fs::path> parts_of(const fs::path & path) {
    constexpr std::string_view pattern = "-00000-of-00000.gguf";
    const std::string name = path.filename().string();
    const std::size_t stem = name.size() - std::min(name.size(), pattern.size());
    const auto matches = [](char c, char wanted) { return wanted == '0' ? c >= '0' && c <= '9' : c == wanted; };
    if (!std::equal(pattern.begin(), pattern.end(), name.begin() + static_cast<std::ptrdiff_t>(stem), name.end(),
                    [&](char wanted, char c) { return matches(c, wanted); })) {
        return {path};
    }
    const int count = std::stoi(name.substr(stem + std::string_view("-00000-of-").size()));
    std::vector<fs::path> parts;
    for (int part = 1; part <= count; ++part) {
        parts.push_back(path.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", name.substr(0, stem), part, count));
    }
    return parts;
}

/// What lies behind the name of an input.
std::vector<fs::path> files_of(const fs::path & path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        return parts_of(path);
    }
    std::vector<fs::path> files;
    for (const auto & entry : fs::directory_iterator(path, error)) {
        files.push_back(entry.path());
    }
    return files;
}

/// Calls `take` with each option that names files of the role, and each of these.
template <typename Take>
void for_each_path(const Settings & settings, bool inputs, const Take & take) {
    for (const Option & option : options()) {
        if (!option.serves(settings.command) || !option.names_files() || (option.files == Files::Input) != inputs) {
            continue;
        }
        for (const fs::path & path : option.paths(settings)) {
            if (!path.empty()) {
                take(option, path);
            }
        }
    }
}

std::vector<Named> inputs_of(const Settings & settings) {
    std::vector<Named> inputs{{"standard input", place_of_stream(STDIN_FILENO)}};
    for_each_path(settings, true, [&](const Option & option, const fs::path & path) {
        for (const fs::path & file : files_of(path)) {
            inputs.push_back(
                {fmt::format("{} {}", option.long_name(), file.string()), place_of(file), option.long_name()});
        }
    });
    return inputs;
}

void refuse_inputs(const Named & output, const std::vector<Named> & inputs) {
    for (const Named & input : inputs) {
        // A sequence that goes on under its own name is read whole before it is replaced whole.
        const bool goes_on = output.option == "--save-kv" && input.option == "--load-kv";
        if (output.place && output.place == input.place && !goes_on) {
            usage_error("{}: the same file as {}, which this run reads; expected another name", output.name,
                        input.name);
        }
    }
}

void refuse_outputs(const Named & output, const std::vector<Named> & others) {
    for (const Named & other : others) {
        if (output.place && output.place == other.place) {
            usage_error("{}: the same file as {}, which this run writes too; expected another name", output.name,
                        other.name);
        }
    }
}

bool begins_as_html(const std::string & bytes) {
    std::string text = bytes;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text.starts_with("<!doctype html") || text.starts_with("<html");
}

/// A kind of file, told by its first bytes.
struct Kind {
    const char * name;
    bool (*begins)(const std::string & bytes);
};

Kind kind_of(Files files) {
    switch (files) {
        case Files::SavedCache:
            return {"a saved cache", [](const std::string & bytes) { return bytes.starts_with("SNAPKV\r\n"); }};
        case Files::Model:
            return {"a GGUF model", [](const std::string & bytes) { return bytes.starts_with("GGUF"); }};
        case Files::JsonFile:
            return {"JSON", [](const std::string & bytes) { return bytes.starts_with('{') || bytes.starts_with('['); }};
        case Files::Html:
            return {"an HTML page", begins_as_html};
        case Files::None:
        case Files::Input:
        case Files::Folder:
            break;
    }
    return {"a file", [](const std::string &) { return true; }};
}

/// A file without a byte may be of any kind.
void refuse_other_kind(const Named & output, Files files, const fs::path & path) {
    constexpr std::size_t enough = 512;
    constexpr const char * blanks = " \t\r\n";
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
        return;
    }
    const std::string bytes = eval::read_file(path, enough);
    const std::size_t begin = std::min(bytes.find_first_not_of(blanks), bytes.size());
    const Kind kind = kind_of(files);
    if (!bytes.empty() && !kind.begins(bytes.substr(begin))) {
        usage_error("{}: exists and is not {}; expected another name", output.name, kind.name);
    }
}

void check_writable(const Named & output, Files files, const fs::path & path) {
    if (files == Files::JsonFile || files == Files::Html) {
        cli::check_writable(output.option, path);
    } else {
        check_replaceable(output.option, path);
    }
}

constexpr std::array experiment_files{"results.jsonl", "results.json", "results.csv", "report.md", "report.html"};

}  // namespace

void check_outputs(const Settings & settings) {
    const std::vector<Named> inputs = inputs_of(settings);
    std::vector<Named> outputs{{"standard output", place_of_stream(STDOUT_FILENO)},
                               {"standard error", place_of_stream(STDERR_FILENO)}};
    for_each_path(settings, false, [&](const Option & option, const fs::path & path) {
        if (option.files == Files::Folder) {
            return;  // see check_experiment_folder()
        }
        Named output{fmt::format("{} {}", option.long_name(), path.string()), place_of(path), option.long_name()};
        refuse_inputs(output, inputs);
        refuse_outputs(output, outputs);
        if (option.files == Files::Model && !settings.force) {
            check_absent(option.long_name(), path);
        }
        refuse_other_kind(output, option.files, path);
        if (!settings.dry_run) {
            check_writable(output, option.files, path);
        }
        outputs.push_back(std::move(output));
    });
}

void check_experiment_folder(const Settings & settings, const fs::path & folder) {
    std::error_code error;
    for_each_path(settings, true, [&](const Option & option, const fs::path & path) {
        if (fs::is_directory(path, error) && fs::equivalent(path, folder, error)) {
            usage_error("--output {}: also {}, which this run reads; expected another folder", folder.string(),
                        option.long_name());
        }
    });
    const std::vector<Named> inputs = inputs_of(settings);
    const bool goes_on = fs::exists(folder / experiment_files.front(), error);
    for (const char * name : experiment_files) {
        const fs::path file = folder / name;
        refuse_inputs({file.string(), place_of(file)}, inputs);
        if (!goes_on && fs::exists(file, error)) {
            usage_error(
                "{}: exists and is not from an earlier run, which would have left {}; expected another "
                "folder (--output)",
                file.string(), experiment_files.front());
        }
    }
}

}  // namespace snapkv::cli
