#include "input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "fail.h"

namespace snapkv::cli {
namespace {

/// Reads to the end; the name is for the error's message.
std::string read_all(int descriptor, const std::string & name) {
    std::string bytes;
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t count = read(descriptor, buffer.data(), buffer.size());
        if (count == 0) {
            return bytes;
        }
        if (count > 0) {
            bytes.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            input_error("{}: cannot be read: {}", name, std::strerror(errno));
        }
    }
}

/// Closes a descriptor at the end of a scope.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            close(number_);
        }
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor & operator=(const Descriptor &) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

}  // namespace

std::string read_file(const std::filesystem::path & path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0) {
        input_error("{}: cannot be opened: {}", path.string(), std::strerror(errno));
    }
    return read_all(file.number(), path.string());
}

std::string read_standard_input() {
    return read_all(STDIN_FILENO, "standard input");
}

std::string read_document(const Settings & settings) {
    if (!settings.files.empty() && settings.prompt) {
        usage_error("-f and -p exclude each other: give the document as a file or as text");
    }
    if (settings.prompt) {
        return *settings.prompt;
    }
    if (settings.files.empty() && isatty(STDIN_FILENO) == 0) {
        return read_standard_input();
    }
    if (settings.files.empty() && settings.questions.empty()) {
        usage_error("no document: give -f FILE or -p TEXT, or pipe it to standard input");
    }
    std::string document;
    for (const std::filesystem::path & file : settings.files) {
        document += read_file(file);
    }
    return document;
}

}  // namespace snapkv::cli
