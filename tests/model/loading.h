#pragma once

#include <filesystem>
#include <string>

#include "gguf/file.h"
#include "model/decoder.h"
#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "support/error_of.h"
#include "support/tiny_model.h"

namespace snapkv::test {

/// Reads the model's parameters and takes its weights, as loading does.
inline model::HyperParameters load(const std::filesystem::path & path, const RopeOptions & rope = {}) {
    const gguf::File file = gguf::File::open(path);
    model::HyperParameters params = model::read_hyper_parameters(file, rope);
    model::Weights weights(file);
    const model::Decoder decoder(params, weights);
    weights.finish({});
    return params;
}

inline model::HyperParameters load(const TinyModelFile & tiny, const RopeOptions & rope = {}) {
    return load(tiny.path(), rope);
}

/// The message with which the model is refused, without the path that it must begin with.
inline std::string load_refusal(const TinyModel & tiny) {
    const TinyModelFile file(tiny);
    const std::string message = error_of(ErrorKind::Input, [&] { load(file); });
    const std::string path = file.path().string() + ": ";
    EXPECT_TRUE(message.starts_with(path)) << message;
    return message.substr(std::min(path.size(), message.size()));
}

}  // namespace snapkv::test
