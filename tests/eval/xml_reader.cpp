#include "xml_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    std::vector<XmlElement> read() {
        read_element("");
        while (take("\n")) {
        }
        require(rest_.empty(), "more than one root");
        return std::move(elements_);
    }

private:
    static void require(bool good, const char * what) {
        if (!good) {
            throw std::runtime_error(what);
        }
    }

    bool take(std::string_view token) {
        if (!rest_.starts_with(token)) {
            return false;
        }
        rest_.remove_prefix(token.size());
        return true;
    }

    std::string until(std::string_view ends) {
        const std::size_t size = rest_.find_first_of(ends);
        require(size != std::string_view::npos, "ends too early");
        std::string text(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return text;
    }

    static std::string resolved(std::string_view raw) {
        std::string out;
        while (!raw.empty()) {
            if (raw.front() != '&') {
                out += raw.front();
                raw.remove_prefix(1);
                continue;
            }
            const std::map<std::string_view, char> entities{
                {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
            const auto found = entities.find(raw.substr(0, raw.find(';') + 1));
            require(found != entities.end(), "a bare ampersand");
            out += found->second;
            raw.remove_prefix(found->first.size());
        }
        return out;
    }

    void read_attributes(XmlElement & element) {
        while (take(" ")) {
            const std::string name = until("= >");
            require(take("=\""), "an attribute without a value");
            const std::string raw = until("\"<");
            require(take("\""), "a bare < in a value");
            require(element.attributes.emplace(name, resolved(raw)).second, "an attribute twice");
        }
    }

    void read_element(const std::string & parent) {
        require(take("<"), "no element");
        XmlElement element{until(" />"), {}, {}, parent};
        const std::string name = element.name;
        require(!name.empty() && name.find_first_of("!?<&\"") == std::string::npos, "no name");
        read_attributes(element);
        const std::size_t index = elements_.size();
        elements_.push_back(std::move(element));
        if (take("/>")) {
            return;
        }
        require(take(">"), "an unfinished tag");
        for (;;) {
            elements_[index].text += resolved(until("<"));
            if (take("</")) {
                require(until(">") == name && take(">"), "tags cross");
                return;
            }
            read_element(name);
        }
    }

    std::string_view rest_;
    std::vector<XmlElement> elements_;
};

/// Of a path, a list of points and the like.
bool only_finite_numbers(const std::string & value) {
    return value.find("nan") == std::string::npos && value.find("inf") == std::string::npos;
}

}  // namespace

double XmlElement::number(const std::string & attribute) const {
    const auto found = attributes.find(attribute);
    if (found == attributes.end()) {
        ADD_FAILURE() << name << " has no " << attribute;
        return 0;
    }
    std::size_t used = 0;
    const double value = std::stod(found->second, &used);
    EXPECT_EQ(used, found->second.size()) << found->second;
    return value;
}

std::vector<XmlElement> read_xml(std::string_view text) {
    return Reader(text).read();
}

std::vector<XmlElement> elements(std::string_view text, std::string_view name) {
    std::vector<XmlElement> found = read_xml(text);
    std::erase_if(found, [&](const XmlElement & element) { return element.name != name; });
    return found;
}

std::vector<std::string> shown_texts(std::string_view svg) {
    std::vector<std::string> texts;
    for (const XmlElement & element : elements(svg, "text")) {
        texts.push_back(element.text);
    }
    return texts;
}

void expect_sound_svg(std::string_view svg) {
    EXPECT_EQ(valid_utf8(svg), svg);
    EXPECT_TRUE(std::none_of(svg.begin(), svg.end(),
                             [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }));
    std::vector<XmlElement> all;
    ASSERT_NO_THROW(all = read_xml(svg)) << svg;
    EXPECT_EQ(all.front().name, "svg");
    for (const XmlElement & element : all) {
        for (const char * attribute : {"x", "y", "width", "height", "cx", "cy", "r"}) {
            if (element.attributes.contains(attribute)) {
                EXPECT_TRUE(std::isfinite(element.number(attribute))) << attribute;
            }
        }
        for (const char * attribute : {"d", "points", "viewBox", "transform"}) {
            const auto found = element.attributes.find(attribute);
            if (found != element.attributes.end()) {
                EXPECT_TRUE(only_finite_numbers(found->second)) << found->second;
            }
        }
        if (element.name == "rect") {
            EXPECT_GE(element.number("width"), 0);
            EXPECT_GE(element.number("height"), 0);
        }
    }
}

}  // namespace snapkv::eval
