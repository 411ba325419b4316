#pragma once

#include <functional>
#include <string>
#include <vector>

namespace snapkv::cli::test {

struct Outcome {
    int status = -1;  ///< the exit status; 128 and the signal's number where one ended it
    std::string out;
    std::string err;

    /// Lines of standard error.
    [[nodiscard]] std::vector<std::string> err_lines() const;
};

/// Runs the built program with `arguments`. Its standard input holds `input`. Once `interrupt_when`, asked
/// again and again with what it has printed so far, is true, SIGINT is sent to the child.
[[nodiscard]] Outcome run_snapkv(const std::vector<std::string> & arguments, const std::string & input = {},
                                 const std::function<bool(const Outcome &)> & interrupt_when = {});

/// Runs any program, by its path, with nothing on its standard input.
[[nodiscard]] Outcome run_command(const std::vector<std::string> & command);

struct Terminal {
    std::string type = "xterm";        ///< TERM; unset where empty
    unsigned short columns = 80;       ///< 0: it does not know
    unsigned short later_columns = 0;  ///< what it has from its first line on, unless 0
    bool no_color = false;
    bool output_too = false;  ///< standard output is the terminal as well; all comes as `err`
};

/// run_snapkv() with a terminal for standard error, where progress is drawn.
[[nodiscard]] Outcome run_snapkv_on_terminal(const std::vector<std::string> & arguments,
                                             const Terminal & terminal = {});

/// "run", "-m" and the demonstration model, then the rest.
[[nodiscard]] std::vector<std::string> with_model(const std::string & command,
                                                  const std::vector<std::string> & rest = {});

}  // namespace snapkv::cli::test
