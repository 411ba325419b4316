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

#include "eval/journal.h"
#include "eval/read_file.h"
#include "fail.h"
#include "html.h"
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
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
        files.push_back(entry->path());
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
            usage_error("{}: is the same file as {}, which this run reads; choose another name", output.name,
                        input.name);
        }
    }
}

void refuse_outputs(const Named & output, const std::vector<Named> & others) {
    for (const Named & other : others) {
        if (output.place && output.place == other.place) {
            usage_error("{}: is the same file as {}, which this run also writes; choose another name", output.name,
                        other.name);
        }
    }
}

/// A kind of file that this program writes, told by its first bytes.
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
            return {"a list of kept positions", [](const std::string & bytes) {
                        return bytes.starts_with(R"({"n_prompt":)") || bytes.starts_with(R"({"answers":[{"n_prompt":)");
                    }};
        case Files::Html:
            return {"a page that show wrote", [](const std::string & bytes) {
                        return bytes.starts_with("<!DOCTYPE html>") &&
                               bytes.find(fmt::format("<title>{}</title>", page_title)) != std::string::npos;
                    }};
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
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
        return;
    }
    const std::string bytes = eval::read_file(path, enough);
    const Kind kind = kind_of(files);
    if (!bytes.empty() && !kind.begins(bytes)) {
        usage_error("{}: already exists and is not {}; choose another name", output.name, kind.name);
    }
}

void check_place(const Named & output, Files files, const fs::path & path) {
    if (files == Files::JsonFile || files == Files::Html) {
        check_writable(output.option, path);
    } else {
        check_replaceable(output.option, path);
    }
}

constexpr const char * journal_name = "results.jsonl";
constexpr std::array report_names{"results.json", "results.csv", "report.md", "report.html"};

/// Whether an earlier run has left its results in the folder, at least their heading.
bool has_results(const fs::path & folder) {
    std::error_code error;
    const fs::path journal = folder / journal_name;
    return fs::is_regular_file(journal, error) &&
           eval::read_file(journal, eval::journal_begin.size()) == eval::journal_begin;
}

/// What a report in the folder may replace: its own files, and pictures, whose names depend on the results.
std::vector<fs::path> replaceable_files(const fs::path & folder) {
    std::vector<fs::path> files(report_names.begin(), report_names.end());
    std::transform(files.begin(), files.end(), files.begin(), [&](const fs::path & name) { return folder / name; });
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() == ".svg") {
            files.push_back(entry->path());
        }
    }
    return files;
}

}  // namespace

void check_outputs(const Settings & settings) {
    const std::vector<Named> inputs = inputs_of(settings);
    std::vector<Named> outputs{{"standard output", place_of_stream(STDOUT_FILENO)},
                               {"standard error", place_of_stream(STDERR_FILENO)}};
    refuse_inputs(outputs.front(), inputs);
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
            check_place(output, option.files, path);
        }
        outputs.push_back(std::move(output));
    });
}

void check_experiment_folder(const Settings & settings, const fs::path & folder) {
    std::error_code error;
    for_each_path(settings, true, [&](const Option & option, const fs::path & path) {
        if (fs::is_directory(path, error) && fs::equivalent(path, folder, error)) {
            usage_error("--output {}: is also the folder of {}, which this run reads; choose another folder",
                        folder.string(), option.long_name());
        }
    });
    const std::vector<Named> inputs = inputs_of(settings);
    const fs::path journal = folder / journal_name;  // which refuses foreign contents by itself
    refuse_inputs({journal.string(), place_of(journal)}, inputs);
    const bool goes_on = has_results(folder);
    for (const fs::path & file : replaceable_files(folder)) {
        refuse_inputs({file.string(), place_of(file)}, inputs);
        if (!goes_on && fs::exists(file, error)) {
            usage_error(
                "{}: already exists, but there is no {} from an earlier run beside it; choose another folder "
                "(--output)",
                file.string(), journal_name);
        }
    }
}

}  // namespace snapkv::cli
