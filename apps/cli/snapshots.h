#pragma once

#include <span>

#include "settings.h"

namespace snapkv::cli {

/// What a run takes from other runs, and leaves to them.
struct Snapshots {
    PrefillOptions options;
    PrefillOptions without;  ///< where the document turns out to be damaged: what is left to do
};

/// What a run with --snapshots takes from the folder: the document's rows, as far as a file there has them, and the
/// name of the file that gets those of this run where none has nearly all of them. Nothing without that option, or for
/// a document that is read again in no time. A file that cannot be used is passed over; --verbose says so.
[[nodiscard]] Snapshots find_snapshots(const Settings & settings, const Session & session,
                                       std::span<const Branch> branches);

}  // namespace snapkv::cli
