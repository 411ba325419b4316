#pragma once

#include "model/family.h"

namespace snapkv::model {

// The families, each in the file of its name. Immutable.

extern const Family kLlama;
extern const Family kQwen2;
extern const Family kQwen2Moe;
extern const Family kQwen3;
extern const Family kQwen3Moe;
extern const Family kQwen3Next;
extern const Family kQwen35;
extern const Family kQwen35Moe;
extern const Family kGemma2;
extern const Family kGemma3;
extern const Family kCommandR;
extern const Family kCohere2;
extern const Family kPhi3;
extern const Family kSmolLm3;
extern const Family kGranite;
extern const Family kGraniteMoe;
extern const Family kGptOss;
extern const Family kDeepSeek2;

}  // namespace snapkv::model
