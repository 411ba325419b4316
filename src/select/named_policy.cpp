#include "select/named_policy.h"

namespace snapkv::select {

NamedPolicy named_policy(Policy policy) {
    NamedPolicy own{.evidence = Evidence::Mean,
                    .group = GroupReduce::Mean,
                    .cluster = Cluster::kernel(7),
                    .fewest_voters = 32,
                    .voters_of_free_text = 32};
    if (policy == Policy::Auto) {  // docs/results.md, "Clusters and voters", says why
        own.evidence = Evidence::Recency;
        own.cluster.words = true;
        own.voters_of_free_text = 128;
        own.fewest_recent = 32;
    }
    return own;
}

}  // namespace snapkv::select
