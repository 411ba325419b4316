#include "process_setup.h"
#include "program.h"

int main(int argc, char ** argv) {
    snapkv::cli::set_up_process();
    return snapkv::cli::run_program(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
