#pragma once

#include <optional>
#include <vector>

/// Which of the processor's instructions products of eight-bit integers use: the best, or those that were asked for.
/// One switch for all of these products, so that a test can go through them.
namespace snapkv::product {

enum class InstructionSet {
    Avx512Vnni,  ///< sums of four products, in 512 bits
    AvxVnni,     ///< the same in 256 bits, on processors without AVX-512 as well
    Avx2,        ///< sums of two products, which 16 bits must hold; with FMA and F16C, as all processors with it have
};

[[nodiscard]] const char * name_of(InstructionSet set);

/// Those that this processor can run and this build may use, best first; none where there are no such products.
[[nodiscard]] const std::vector<InstructionSet> & instruction_sets();

/// The one that products use.
[[nodiscard]] std::optional<InstructionSet> instruction_set();

/// While this lives, products that are made use `set`. Not thread-safe: for tests and benchmarks.
class OnlySet {
public:
    explicit OnlySet(InstructionSet set);
    ~OnlySet();
    OnlySet(const OnlySet &) = delete;
    OnlySet & operator=(const OnlySet &) = delete;
    OnlySet(OnlySet &&) = delete;
    OnlySet & operator=(OnlySet &&) = delete;
};

}  // namespace snapkv::product
