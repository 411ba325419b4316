// How rows of weights, as they are stored, go by few inputs. Included by the source of each instruction set inside its
// namespace, after what it defines:
//   SNAPKV_ROWS_TARGET           what the compiler may use
//   Vector, zero_vector()        partial sums of one row and one input
//   InputStep                    128 values of an input, rounded to eight bits by blocks of 32
//   kRowsAtOnce                  rows of weights whose sums leave the registers together
//   prepare_block<Blocks>(floats, index, step)    rounds one of a step's blocks
//   add_step(blocks, codes, input, sum)           the sum with the products of a step's codes added
//   store_sums(sums, input, count, out)           what `count` rows come to
// `Blocks` are as block_codes.h has them.

inline std::int64_t steps_of(std::int64_t depth) {
    return (depth / kCodeBlock + kStepBlocks - 1) / kStepBlocks;
}

inline std::size_t prepared_bytes(std::int64_t depth) {
    return static_cast<std::size_t>(steps_of(depth)) * sizeof(InputStep);
}

template <typename Blocks>
void prepare(ggml_type /*type*/, const float * input, std::int64_t depth, std::byte * prepared) {
    auto * steps = reinterpret_cast<InputStep *>(prepared);
    const std::int64_t blocks = depth / kCodeBlock;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const auto index = static_cast<std::size_t>(block % kStepBlocks);
        InputStep & step = steps[block / kStepBlocks];
        if (index == 0) {
            step = {};
        }
        prepare_block<Blocks>(input + block * kCodeBlock, index, step);
    }
}

/// Inputs whose sums stay in registers together.
inline constexpr std::uint32_t kInputsAtOnce = 8;
/// Of all inputs at once, what is to stay in the first cache while rows of weights go by.
inline constexpr std::size_t kPieceBytes = std::size_t{24} << 10U;
/// Bytes of weights that are fetched ahead.
inline constexpr std::size_t kAhead = 4096;

/// A vector of partial sums for each row of weights and input.
struct Sums {
    Vector of[kRowsAtOnce][kInputsAtOnce];
};

/// Steps [begin, end) of the depth, and how far ahead of them the next weights lie.
struct Piece {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::size_t ahead = 0;
};

/// Adds a row's products with kInputs inputs to their sums, over one piece of the depth.
template <typename Blocks, std::uint32_t kInputs>
SNAPKV_ROWS_TARGET inline void add_piece(const Blocks & unpack, const std::byte * row, std::int64_t row_blocks,
                                         const Piece & piece, const std::byte * prepared, std::size_t stride,
                                         Vector * sums) {
    Vector sum[kInputs];
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        sum[i] = sums[i];
    }
    const auto add = [&](std::int64_t step, std::int64_t blocks) __attribute__((always_inline)) SNAPKV_ROWS_TARGET {
        const auto codes = unpack.step(row, step, blocks);
        for (std::uint32_t i = 0; i < kInputs; ++i) {
            const auto & input = *reinterpret_cast<const InputStep *>(
                prepared + i * stride + static_cast<std::size_t>(step) * sizeof(InputStep));
            sum[i] = add_step(unpack, codes, input, sum[i]);
        }
    };
    const std::byte * ahead = row + static_cast<std::size_t>(piece.begin) * Blocks::kStepBytes + piece.ahead;
    const std::int64_t whole = std::min(piece.end, row_blocks / kStepBlocks);
    for (std::int64_t step = piece.begin; step < whole; ++step) {
        for (std::size_t line = 0; line < Blocks::kStepBytes; line += 64) {
            _mm_prefetch(ahead + line, _MM_HINT_T0);
        }
        ahead += Blocks::kStepBytes;
        add(step, kStepBlocks);
    }
    if (whole < piece.end) {
        add(whole, row_blocks % kStepBlocks);
    }
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        sums[i] = sum[i];
    }
}

/// `count` rows from `first_row` on with kInputs inputs from `first_input` on.
template <typename Blocks, std::uint32_t kInputs>
SNAPKV_ROWS_TARGET void dot_group(const WeightRows & of, std::uint32_t first_row, std::uint32_t count,
                                  const PreparedInputs & inputs, std::uint32_t first_input, float * out,
                                  std::size_t out_stride) {
    const Blocks unpack;
    const std::byte * prepared = inputs.prepared + first_input * inputs.stride;
    const std::int64_t steps = steps_of(of.depth);
    constexpr std::int64_t kSteps = kPieceBytes / (sizeof(InputStep) * kInputs);
    Sums sums;
    for (auto & of_row : sums.of) {
        std::fill_n(of_row, kInputs, zero_vector());
    }
    for (std::int64_t begin = 0; begin < steps; begin += kSteps) {
        const std::int64_t end = std::min(begin + kSteps, steps);
        const std::size_t ahead = end - begin == steps ? kAhead : 4 * of.row_bytes;
        for (std::uint32_t r = 0; r < count; ++r) {
            add_piece<Blocks, kInputs>(unpack, of.weights + (first_row + r) * of.row_bytes, of.depth / kCodeBlock,
                                       {begin, end, ahead}, prepared, inputs.stride, sums.of[r]);
        }
    }
    for (std::uint32_t i = 0; i < kInputs; ++i) {
        store_sums(sums.of, i, count, out + (first_input + i) * out_stride + first_row);
    }
}

using DotGroup = void (*)(const WeightRows &, std::uint32_t, std::uint32_t, const PreparedInputs &, std::uint32_t,
                          float *, std::size_t);

template <typename Blocks, std::uint32_t... kCounts>
constexpr std::array<DotGroup, sizeof...(kCounts)> dot_groups(
    std::integer_sequence<std::uint32_t, kCounts...> /*counts*/) {
    return {dot_group<Blocks, kCounts + 1>...};
}

/// Inputs in groups as even as can be: the rows of weights that a group has fetched are near for the next.
template <typename Blocks>
void dot(const WeightRows & rows, const PreparedInputs & inputs, float * out, std::size_t out_stride) {
    static constexpr auto kGroups = dot_groups<Blocks>(std::make_integer_sequence<std::uint32_t, kInputsAtOnce>());
    const std::uint32_t groups = (inputs.count + kInputsAtOnce - 1) / kInputsAtOnce;
    for (std::uint32_t row = 0; row < rows.rows; row += kRowsAtOnce) {
        const std::uint32_t count = std::min(kRowsAtOnce, rows.rows - row);
        for (std::uint32_t group = 0; group < groups; ++group) {
            const std::uint32_t first = inputs.count * group / groups;
            const std::uint32_t end = inputs.count * (group + 1) / groups;
            kGroups[end - first - 1](rows, row, count, inputs, first, out, out_stride);
        }
    }
}

template <typename Blocks>
constexpr RowDot kRowDot{prepared_bytes, prepare<Blocks>, dot<Blocks>};

/// Null: not of this type.
inline const RowDot * row_dot_of(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_0:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q4_0>>;
        case GGML_TYPE_Q4_1:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q4_1>>;
        case GGML_TYPE_Q5_0:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q5_0>>;
        case GGML_TYPE_Q5_1:
            return &kRowDot<NibbleBlocks<GGML_TYPE_Q5_1>>;
        case GGML_TYPE_IQ4_NL:
            return &kRowDot<NibbleBlocks<GGML_TYPE_IQ4_NL>>;
        case GGML_TYPE_Q8_0:
            return &kRowDot<ByteBlocks>;
        case GGML_TYPE_Q4_K:
            return &kRowDot<SuperBlocks<GGML_TYPE_Q4_K>>;
        case GGML_TYPE_Q5_K:
            return &kRowDot<SuperBlocks<GGML_TYPE_Q5_K>>;
        case GGML_TYPE_Q6_K:
            return &kRowDot<SixBitBlocks>;
        default:
            return nullptr;
    }
}
