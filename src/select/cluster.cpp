#include "select/cluster.h"

#include <cassert>

namespace snapkv::select {

void cluster(const Cluster & how, std::span<const float> votes, std::span<const Mark> marks, std::span<float> scores) {
    assert(scores.size() == votes.size() && (marks.size() == votes.size() || !how.reads_text()));
    switch (how.rule) {
        case Cluster::Rule::Kernel:
            pool(how, votes, scores);
            break;
        case Cluster::Rule::Reach:
            reach(how, votes, marks, scores);
            break;
        case Cluster::Rule::Chunk:
            score_chunks(how, votes, scores);
            break;
    }
    if (how.words) {
        keep_words(marks, scores);
    }
}

}  // namespace snapkv::select
