//! Reading a project file. Whatever is wrong with it is said with its place, all of it at once.

use std::ops::Range;
use std::path::Path;

use sema_machine::host::native::Capability;
use sema_machine::platform::tier::Tier;
use semac_core::front::datum::{FileId, Span};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::suggest::nearest_name;
use semac_core::front::source::SourceMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::bundle::{Excludes, Grant, TARGETS, Target};
use crate::paths::shown;

use super::{Project, ProjectError, WRONG_PROJECT};

/// The table that is read.
const TABLE: &str = "build";

const KEYS: &[&str] = &[
    "entry",
    "include",
    "exclude",
    "output",
    "tier",
    "capabilities",
    "target",
];

const TIERS: &[&str] = &["core", "std", "net", "full"];

/// Reads the text of the project file `path`, which lies in `directory`.
pub(super) fn read(
    path: &Path,
    text: String,
    directory: &Path,
) -> Result<Option<Project>, ProjectError> {
    let mut sources = SourceMap::new();
    let file = sources.add(shown(&path).to_string(), text);
    let text = sources.file(file).map_or("", |file| file.text());
    let mut reading = Reading {
        file,
        sources: &sources,
        problems: Vec::new(),
    };
    let mut project = Project {
        directory: directory.to_owned(),
        ..Project::default()
    };
    let mut found = false;
    match DeTable::parse(text) {
        Ok(document) => {
            for (key, value) in document.get_ref().iter() {
                found |= key.get_ref() == TABLE;
                reading.top_level(&mut project, key.span(), key.get_ref(), value);
            }
        }
        Err(error) => reading.problem(error.span().unwrap_or_default(), error.message(), None),
    }
    let mut problems = reading.problems;
    problems.sort_by_key(|problem| problem.span().start);
    match problems.is_empty() {
        true => Ok(found.then_some(project)),
        false => Err(ProjectError::Wrong(sources, problems)),
    }
}

struct Reading<'s> {
    file: FileId,
    sources: &'s SourceMap,
    problems: Vec<Diagnostic>,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reading<'_> {
    fn problem(&mut self, place: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span {
            file: self.file,
            start: offset(place.start),
            // A place of nothing could not be shown.
            end: offset(place.end.max(place.start + 1)),
            ..Span::default()
        };
        let problem = Diagnostic::error(WRONG_PROJECT, message).at(span);
        self.problems.push(*problem.with_optional_hint(hint));
    }

    fn top_level(
        &mut self,
        project: &mut Project,
        place: Range<usize>,
        key: &str,
        value: &Value<'_>,
    ) {
        if key != TABLE {
            // Other tables are none of our business, unless one is a slip of the pen.
            if nearest_name(key, [TABLE]).is_some() {
                let hint = Some(format!("Did you mean '{TABLE}'?"));
                self.problem(place, format!("unknown table '{key}'"), hint);
            } else if KEYS.contains(&key) {
                let message = format!("'{key}' stands outside of a table");
                let hint = Some(format!("put it below a line `[{TABLE}]`"));
                self.problem(place, message, hint);
            }
            return;
        }
        match value.get_ref() {
            DeValue::Table(table) => {
                for (key, value) in table.iter() {
                    self.setting(project, key.span(), key.get_ref(), value);
                }
            }
            _ => self.expected(value, "a table, `[build]`"),
        }
    }

    fn setting(
        &mut self,
        project: &mut Project,
        place: Range<usize>,
        key: &str,
        value: &Value<'_>,
    ) {
        match key {
            "entry" => {
                project.entry = self.path(value).map(|path| project.path(&path));
                project.entry_place = self.place(&value.span());
            }
            "output" => project.output = self.path(value).map(|path| project.path(&path)),
            "include" => {
                let texts = self.texts(value);
                for (text, place) in &texts {
                    let include = project.include(text, self.place(place));
                    if include.directory_of_pattern().is_some() {
                        self.pattern(text, place);
                    }
                    project.include.push(include);
                }
            }
            "exclude" => {
                for (text, place) in self.texts(value) {
                    self.pattern(&text, &place);
                    project.exclude.push(text);
                }
            }
            "target" => {
                for (text, place) in self.texts(value) {
                    if text != "all" && Target::named(&text).is_none() {
                        let triples = TARGETS.iter().map(|target| target.triple);
                        let names: Vec<&str> = triples.chain(["all"]).collect();
                        self.unknown(place, "target", &text, &names);
                    }
                    project.target.push(text);
                }
            }
            "tier" => {
                if let Some((text, place)) = self.text(value) {
                    project.tier = Tier::named(&text);
                    if project.tier.is_none() {
                        self.unknown(place, "tier", &text, TIERS);
                    }
                }
            }
            "capabilities" => {
                let mut capabilities = Vec::new();
                for (text, place) in self.texts(value) {
                    let name = text.split('=').next().unwrap_or_default();
                    match Grant::parse(&text) {
                        Ok(grant) => capabilities.push(grant),
                        Err(problem) if Grant::parse(name).is_ok() => {
                            self.problem(place, problem, None);
                        }
                        Err(_) => {
                            let names = Capability::ALL.map(Capability::name);
                            self.unknown(place, "capability", name, &names);
                        }
                    }
                }
                project.capabilities = Some(capabilities);
            }
            _ => self.unknown(place, "key", key, KEYS),
        }
    }

    /// A place as messages name it.
    fn place(&self, place: &Range<usize>) -> String {
        let Some(file) = self.sources.file(self.file) else {
            return super::NAME.to_owned();
        };
        let at = file.location(u32::try_from(place.start).unwrap_or(u32::MAX));
        format!("{}:{}:{}", file.name(), at.line, at.column)
    }

    /// Checks a pattern of paths.
    fn pattern(&mut self, text: &str, place: &Range<usize>) {
        if let Err(error) = Excludes::new([text]) {
            self.problem(place.clone(), error.to_string(), None);
        }
    }

    /// Something that is none of the names there are.
    fn unknown(&mut self, place: Range<usize>, what: &str, name: &str, names: &[&str]) {
        let hint = match nearest_name(name, names.iter().copied()) {
            Some(near) => format!("Did you mean '{near}'?"),
            None => format!("there are {}", names.join(", ")),
        };
        self.problem(place, format!("unknown {what} '{name}'"), Some(hint));
    }

    fn expected(&mut self, value: &Value<'_>, what: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(value.span(), format!("expected {what}, got {found}"), None);
    }

    fn text(&mut self, value: &Value<'_>) -> Option<(String, Range<usize>)> {
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            _ => {
                self.expected(value, "a string");
                None
            }
        }
    }

    fn path(&mut self, value: &Value<'_>) -> Option<String> {
        let (text, place) = self.text(value)?;
        if text.is_empty() {
            self.problem(place, "the path is empty", None);
            return None;
        }
        Some(text)
    }

    /// One string, or a list of strings.
    fn texts(&mut self, value: &Value<'_>) -> Vec<(String, Range<usize>)> {
        match value.get_ref() {
            DeValue::Array(items) => {
                let items = items.iter();
                items.filter_map(|item| self.text(item)).collect()
            }
            DeValue::String(_) => self.text(value).into_iter().collect(),
            _ => {
                self.expected(value, "a string or a list of strings");
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Project>, Vec<String>> {
        let path = Path::new("p/sema.toml");
        match read(path, text.to_owned(), Path::new("p")) {
            Ok(project) => Ok(project),
            Err(ProjectError::Wrong(sources, problems)) => Err(problems
                .iter()
                .map(|problem| {
                    let span = problem.span();
                    let at = sources.file(span.file).unwrap().location(span.start);
                    let hint = problem.hint.as_deref().unwrap_or("");
                    format!("{}:{}: {} [{hint}]", at.line, at.column, problem.message)
                })
                .collect()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn all_settings() {
        let text = r#"
[package]
entrypoint = "x.sema"
[build]
entry = "src/main.sema"
include = ["data/*.csv", "logo.svg=images/"]
exclude = "*.bak"
output = "dist/report"
tier = "std"
capabilities = ["fs-read=data"]
target = ["arm64"]
"#;
        let project = parse(text).unwrap().unwrap();
        assert_eq!(project.entry.as_deref(), Some(Path::new("p/src/main.sema")));
        assert_eq!(project.output.as_deref(), Some(Path::new("p/dist/report")));
        assert_eq!(project.entry_place, "p/sema.toml:5:9");
        assert_eq!(project.include.len(), 2);
        assert_eq!(project.include[1].said.as_deref(), Some("p/sema.toml:6:26"));
        assert_eq!(project.include[1].place.as_deref(), Some("images/"));
        assert_eq!(project.include[1].on_disk(), Path::new("p/logo.svg"));
        assert_eq!(project.exclude, ["*.bak"]);
        assert_eq!(project.tier, Some(Tier::Std));
        assert_eq!(
            project.capabilities,
            Some(vec![Grant::parse("fs-read=data").unwrap()])
        );
        assert_eq!(project.target, ["arm64"]);
    }

    #[test]
    fn files_of_others() {
        assert_eq!(parse("[package]\nname = \"x\"\n"), Ok(None));
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("[build]").unwrap().unwrap().entry, None);
    }

    #[test]
    fn mistakes_have_places_and_ways_out() {
        let wrong = |text: &str| parse(text).unwrap_err().join("\n");
        let text = "[build]\nentri = \"a\"\ntier = \"stq\"\n  shape = 1\ninclude = 3\n";
        assert_eq!(
            wrong(text),
            "2:1: unknown key 'entri' [Did you mean 'entry'?]\n\
             3:8: unknown tier 'stq' [there are core, std, net, full]\n\
             4:3: unknown key 'shape' [there are entry, include, exclude, output, tier, capabilities, target]\n\
             5:11: expected a string or a list of strings, got an integer []"
        );
        assert!(wrong("[biuld]\n").contains("1:2: unknown table 'biuld' [Did you mean 'build'?]"));
        assert!(wrong("entry = \"a\"\n").contains("1:1: 'entry' stands outside of a table"));
        assert!(wrong("build = 1\n").contains("expected a table"));
        assert!(wrong("[build]\nentry = \"\"\n").contains("2:9: the path is empty"));
        assert!(wrong("[build]\nentry = [\"\"]\n").contains("expected a string, got a list"));
        assert!(wrong("[build]\ncapabilities = [\"fs-raed\"]").contains("'fs-read'"));
        assert!(wrong("[build]\ncapabilities = [\"serial=x\"]").contains("2:17: "));
        assert!(
            wrong("[build]\ntarget = [\"arm64\", \"foo\"]").contains("2:20: unknown target 'foo'")
        );
        assert!(wrong("[build]\nexclude = \"[\"").contains("2:11: the pattern '['"));
        assert!(wrong("[build]\ninclude = [\"{a\"]").contains("2:12: the pattern '{a'"));
        // What is no TOML at all.
        let broken = wrong("[build]\nentry = \n");
        assert!(broken.starts_with("2:9: "), "{broken}");
    }
}
