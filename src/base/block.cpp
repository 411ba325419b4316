#include "base/block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <utility>

#include "base/raise.h"

namespace snapkv {

Block::Block(std::size_t bytes, std::shared_ptr<Meter> meter) : bytes_(bytes), meter_(std::move(meter)) {
    if (bytes_ == 0) {
        return;
    }
    if (!meter_->of_sizes()) {
        void * memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            raise_machine("the system refused {} MiB of memory", bytes_ >> 20U);
        }
        data_ = static_cast<std::byte *>(memory);
    }
    meter_->add(bytes_);
}

Block::Block(Block && other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      meter_(std::move(other.meter_)) {}

Block & Block::operator=(Block && other) noexcept {
    Block taken(std::move(other));  // what was held here dies with it, now and not when `other` does
    std::swap(data_, taken.data_);
    std::swap(bytes_, taken.bytes_);
    std::swap(meter_, taken.meter_);
    return *this;
}

void Block::shrink(std::size_t bytes) {
    assert(bytes <= bytes_);
    if (data_ != nullptr) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const auto pages_end = [page](std::size_t end) { return (end + page - 1) / page * page; };
        const std::size_t kept = pages_end(bytes);
        // Where the system cannot, the memory is given back with the rest.
        if (kept < pages_end(bytes_) && ::munmap(data_ + kept, pages_end(bytes_) - kept) != 0) {
            return;
        }
        data_ = kept == 0 ? nullptr : data_;
    }
    if (meter_) {
        meter_->remove(bytes_ - bytes);
    }
    bytes_ = bytes;
}

Block::~Block() {
    if (data_ != nullptr) {
        ::munmap(data_, bytes_);
    }
    if (meter_) {
        meter_->remove(bytes_);
    }
}

}  // namespace snapkv
