#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace snapkv::cli::test {
namespace {

/// A pipe, or a terminal that a program writes to.
struct Pipe {
    enum class Kind { Pipe, Terminal };

    int read_end = -1;
    int write_end = -1;

    explicit Pipe(Kind kind = Kind::Pipe) {
        std::array<int, 2> ends{};
        const int failed = kind == Kind::Pipe ? pipe2(ends.data(), O_CLOEXEC)
                                              : openpty(ends.data(), &ends[1], nullptr, nullptr, nullptr);
        if (failed != 0) {
            throw std::runtime_error("no pipe");
        }
        read_end = ends[0];
        write_end = ends[1];
        fcntl(read_end, F_SETFD, FD_CLOEXEC);
    }
    ~Pipe() {
        close_read();
        close_write();
    }
    Pipe(const Pipe &) = delete;
    Pipe & operator=(const Pipe &) = delete;

    void close_read() { close_one(read_end); }
    void close_write() { close_one(write_end); }

private:
    static void close_one(int & end) {
        if (end >= 0) {
            close(end);
            end = -1;
        }
    }
};

struct CloseFile {
    void operator()(std::FILE * file) const { std::fclose(file); }
};

/// A nameless file that holds the text, at its beginning.
std::unique_ptr<std::FILE, CloseFile> text_file(const std::string & text) {
    std::unique_ptr<std::FILE, CloseFile> file(std::tmpfile());
    std::fwrite(text.data(), 1, text.size(), file.get());
    std::rewind(file.get());
    return file;
}

[[noreturn]] void become_program(std::vector<std::string> command, int in, int out, int err) {
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    // Tests may be run where these are ignored, in the background of a script for instance.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        std::signal(number, SIG_DFL);
    }
    std::vector<char *> argv;
    for (std::string & argument : command) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    execv(argv.front(), argv.data());
    _exit(127);
}

/// Appends what there is to read; false at the end.
bool drain(int descriptor, std::string & text) {
    std::array<char, 4096> buffer;
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return count > 0;
}

/// What is done to the child, once.
struct Deed {
    std::function<bool(const Outcome &)> when;
    std::function<void(pid_t)> act;
};

void collect(Pipe & out, Pipe & err, Outcome & outcome, pid_t child, const Deed & deed) {
    bool waiting = static_cast<bool>(deed.when);
    std::array<pollfd, 2> ends{pollfd{out.read_end, POLLIN, 0}, pollfd{err.read_end, POLLIN, 0}};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        // What a deed waits for may be seen elsewhere than in the output.
        if (poll(ends.data(), ends.size(), waiting ? 20 : -1) < 0) {
            throw std::runtime_error("poll failed");
        }
        if (ends[0].revents != 0 && !drain(ends[0].fd, outcome.out)) {
            ends[0].fd = -1;
        }
        if (ends[1].revents != 0 && !drain(ends[1].fd, outcome.err)) {
            ends[1].fd = -1;
        }
        if (waiting && deed.when(outcome)) {
            deed.act(child);
            waiting = false;
        }
    }
}

}  // namespace

std::vector<std::string> Outcome::err_lines() const {
    std::vector<std::string> lines;
    std::istringstream stream(err);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

namespace {

void set_columns(const Pipe & terminal, unsigned short columns) {
    struct winsize size {};
    size.ws_col = columns;
    size.ws_row = 24;
    ioctl(terminal.read_end, TIOCSWINSZ, &size);
}

Outcome run_program(const std::vector<std::string> & command, const std::string & input, Pipe & err, const Deed & deed,
                    const Terminal * terminal = nullptr) {
    const auto in = text_file(input);
    Pipe out;
    const pid_t child = fork();
    if (child < 0) {
        throw std::runtime_error("no child process");
    }
    if (child == 0) {
        if (terminal != nullptr) {
            unsetenv("COLUMNS");
            terminal->type.empty() ? unsetenv("TERM") : setenv("TERM", terminal->type.c_str(), 1);
            terminal->no_color ? setenv("NO_COLOR", "1", 1) : unsetenv("NO_COLOR");
        }
        const bool output_too = terminal != nullptr && terminal->output_too;
        become_program(command, fileno(in.get()), output_too ? err.write_end : out.write_end, err.write_end);
    }
    out.close_write();
    err.close_write();
    Outcome outcome;
    collect(out, err, outcome, child, deed);
    int status = 0;
    waitpid(child, &status, 0);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
}

std::vector<std::string> program_with(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SNAPKV_PROGRAM);
    return arguments;
}

}  // namespace

Outcome run_snapkv(const std::vector<std::string> & arguments, const std::string & input,
                   const std::function<bool(const Outcome &)> & interrupt_when) {
    Pipe err;
    return run_program(program_with(arguments), input, err, {interrupt_when, [](pid_t child) { kill(child, SIGINT); }});
}

Outcome run_command(const std::vector<std::string> & command) {
    Pipe err;
    return run_program(command, {}, err, {});
}

Outcome run_snapkv_on_terminal(const std::vector<std::string> & arguments, const Terminal & terminal) {
    Pipe err(Pipe::Kind::Terminal);
    set_columns(err, terminal.columns);
    Deed resize;
    if (terminal.later_columns != 0) {
        resize = {[](const Outcome & so_far) { return so_far.err.find("\x1b[K") != std::string::npos; },
                  [&](pid_t) { set_columns(err, terminal.later_columns); }};
    }
    return run_program(program_with(arguments), {}, err, resize, &terminal);
}

std::vector<std::string> with_model(const std::string & command, const std::vector<std::string> & rest) {
    std::vector<std::string> arguments{command, "-m", SNAPKV_TEST_MODEL};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return arguments;
}

}  // namespace snapkv::cli::test
