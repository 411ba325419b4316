#include "experiment_folder.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "eval/content_hash.h"
#include "eval/csv_table.h"
#include "eval/markdown_table.h"
#include "eval/utf8_text.h"
#include "fail.h"
#include "format.h"
#include "input.h"
#include "json.h"
#include "options.h"
#include "output_file.h"
#include "outputs.h"
#include "processor.h"
#include "progress.h"
#include "standard_output.h"

namespace snapkv::cli {
namespace {

/// What does not change results: how fast they come and where they go.
bool is_incidental(const Option & option) {
    return option.long_name() == "--threads" || option.long_name() == "--threads-batch" ||
           option.long_name() == "--output";
}

/// What the inputs say, whatever their names. Names that are not UTF-8 may become the same.
Json content_hashes(const Document & document, const std::vector<std::filesystem::path> & data) {
    Json hashes = Json::object();
    const auto add = [&](const std::string & name, const std::string & hash) {
        Json & known = hashes[eval::valid_utf8(name)];
        known = known.is_null() ? hash : known.get<std::string>() + " " + hash;
    };
    for (std::size_t i = 0; i < document.sources.size(); ++i) {
        add(document.sources[i].name, eval::content_hash(document.part(i)));
    }
    for (const std::filesystem::path & file : data) {
        add(file.string(), eval::file_hash(file));
    }
    return hashes;
}

/// Everything that results depend on.
Json settings_json(const Settings & settings, const std::string & name, const Model & model, Json hashes) {
    Json json{{"experiment", name}, {"model_hash", model.hash()}, {"rope", model.info().rope}};
    for (const Option & option : options()) {
        if (option.serves(settings.command) && option.show != nullptr && !is_incidental(option)) {
            json[option.long_name()] = option.show(settings);
        }
    }
    json["--raw"] = settings.raw;
    if (!settings.chat_template.empty() || !settings.chat_template_file.empty()) {
        json["--chat-template"] = eval::content_hash(model.info().chat_template);
    }
    json["--allow-long"] = settings.allow_long;
    json["--file"] = Json::array();
    for (const std::filesystem::path & file : settings.files) {
        json["--file"].push_back(file.string());
    }
    json["--question"] = settings.questions;
    json["--data"] = Json::array();
    for (const std::filesystem::path & file : settings.eval.data) {
        json["--data"].push_back(file.string());
    }
    json["SHA-256"] = std::move(hashes);
    return json;
}

Json heading_json(const Settings & settings, const std::string & name, const Model & model, Json hashes) {
    const std::time_t now = std::time(nullptr);
    return {{"settings", settings_json(settings, name, model, std::move(hashes))},
            {"model", settings.model.string()},
            {"model_name", model.info().name},
            {"quantisation", model.info().quantisation},
            {"build", version()},
            {"processor", processor_name()},
            {"begun", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))}};
}

std::filesystem::path folder_of(const Settings & settings, const std::string & name) {
    std::filesystem::path folder = settings.output.empty() ? std::filesystem::path("snapkv-" + name) : settings.output;
    check_experiment_folder(settings, folder);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error || !std::filesystem::is_directory(folder)) {
        machine_error("--output: {}: cannot create the folder: {}", folder.string(),
                      error ? error.message() : "a file with that name exists");
    }
    return folder;
}

std::string cell_text(const Json & value) {
    return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// One row a record; members of an object are columns of their own, lists are left to the JSON.
eval::Table flat(const std::vector<Json> & records) {
    std::vector<std::string> names;
    std::vector<std::map<std::string, std::string>> rows;
    for (const Json & record : records) {
        std::map<std::string, std::string> & row = rows.emplace_back();
        const auto put = [&](const std::string & name, const Json & value) {
            if (value.is_array()) {
                return;
            }
            if (std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
            row[name] = cell_text(value);
        };
        for (const auto & [name, value] : record.items()) {
            if (!value.is_object()) {
                put(name, value);
                continue;
            }
            for (const auto & [inner, member] : value.items()) {
                put(fmt::format("{}.{}", name, inner), member);
            }
        }
    }
    eval::Table table;
    for (const std::string & name : names) {
        table.columns.push_back({name});
    }
    for (const auto & row : rows) {
        std::vector<std::string> & cells = table.rows.emplace_back();
        for (const std::string & name : names) {
            const auto found = row.find(name);
            cells.push_back(found == row.end() ? std::string() : found->second);
        }
    }
    return table;
}

/// The heading's members as rows of the report, settings that are empty left out.
std::vector<std::pair<std::string, std::string>> settings_rows(const Json & heading) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto & [name, value] : heading.items()) {
        if (name != "settings") {
            rows.emplace_back(name, cell_text(value));
        }
    }
    for (const auto & [name, value] : heading["settings"].items()) {
        const bool empty =
            (value.is_string() && value.get<std::string>().empty()) || (value.is_array() && value.empty());
        if (value.is_object()) {
            for (const auto & [member, text] : value.items()) {
                rows.emplace_back(fmt::format("{} of {}", name, member), cell_text(text));
            }
        } else if (!empty) {
            rows.emplace_back(name, cell_text(value));
        }
    }
    return rows;
}

}  // namespace

ExperimentFolder::ExperimentFolder(const Settings & settings, const std::string & name, const Model & model,
                                   const Document & document, const std::vector<std::filesystem::path> & data)
    : ExperimentFolder(settings, name, heading_json(settings, name, model, content_hashes(document, data))) {}

ExperimentFolder::ExperimentFolder(const Settings & settings, const std::string & name, const eval::Json & heading)
    : folder_(folder_of(settings, name)), journal_(folder_ / "results.jsonl", heading) {
    if (!journal_.records().empty()) {
        note("{}: resuming after {}", (folder_ / "results.jsonl").string(),
             count_text(journal_.records().size(), "result"));
    }
}

void ExperimentFolder::write(eval::PicturedReport report) const {
    report.report.settings = settings_rows(journal_.heading());
    for (const auto & [name, svg] : report.pictures) {
        write_file(folder_ / (name + ".svg"), svg);
    }
    write_file(folder_ / "report.md", eval::markdown_report(report));
    write_file(folder_ / "report.html", eval::html_report(report.report));
    write_file(folder_ / "results.csv", eval::csv_table(flat(journal_.records())));
    Json all = journal_.heading();
    all["results"] = journal_.records();
    write_file(folder_ / "results.json", json_text(all) + "\n");
    for (const eval::ReportSection & section : report.report.sections) {
        if (!section.table.rows.empty()) {
            print("## {}\n\n{}\n", section.heading, eval::markdown_table(section.table));
        }
    }
    flush_standard_output();
    note("{}: wrote report.html, report.md, results.json, results.csv and {}", folder_.string(),
         count_text(report.pictures.size(), "picture"));
    finish_standard_output();
}

const std::string & required_text(const Document & document, const std::string & what) {
    if (document.sources.empty()) {
        usage_error("{} needs a text (-f FILE)", what);
    }
    return document.text;
}

}  // namespace snapkv::cli
