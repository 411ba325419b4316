// The reader that the other tests trust.
#include "xml_reader.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace snapkv::eval {
namespace {

TEST(XmlReader, ReadsElementsAttributesAndText) {
    const auto all = read_xml("<a x=\"1\" y=\"&lt;&amp;\">t&gt;<b/>u</a>\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "a");
    EXPECT_EQ(all[0].number("x"), 1);
    EXPECT_EQ(all[0].attributes.at("y"), "<&");
    EXPECT_EQ(all[0].text, "t>u");
    EXPECT_EQ(all[1].name, "b");
    EXPECT_EQ(all[1].parent, "a");
}

TEST(XmlReader, RefusesWhatIsNotWellFormed) {
    for (const char * text : {"", "<a>", "<a></b>", "<a><b></a></b>", "<a x=1/>", "<a x=\"1\" x=\"2\"/>", "<a>&x;</a>",
                              "<a>a & b</a>", "<a x=\"<\"/>", "<a/><b/>", "text"}) {
        EXPECT_THROW(static_cast<void>(read_xml(text)), std::runtime_error) << text;
    }
}

}  // namespace
}  // namespace snapkv::eval
