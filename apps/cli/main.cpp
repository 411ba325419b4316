#include <cstdio>

#include "snapkv/snapkv.h"

int main() { std::puts(snapkv::version()); }
