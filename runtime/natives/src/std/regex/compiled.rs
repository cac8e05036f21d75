//! Compiled patterns, the last ones of which are kept.

use std::cell::OnceCell;
use std::rc::Rc;

use super::properties;
use regex_automata::meta::{BuildError, Config, FindMatches, Regex};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Input, Match, MatchKind};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, Signal, eval_error};

/// Bytes of the automaton of one pattern at most.
const LARGEST_AUTOMATON: usize = 10 << 20;
/// Bytes that searching with one pattern may use for its lazy automaton.
const LAZY_CACHE: usize = 2 << 20;
/// Bytes of a message that shows the pattern.
const LONGEST_MESSAGE: usize = 2000;
/// Patterns that are kept compiled at most, and bytes of their automata.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 32 << 20;

/// How the engine refuses properties that it does not know, and what is added to that.
const UNKNOWN_PROPERTY: &str = "Unicode property not found";
const KNOWN_PROPERTIES: &str =
    "; there are general categories, scripts, Alphabetic, Lowercase, Uppercase and White_Space";

/// A compiled pattern.
pub struct Compiled {
    pattern: String,
    /// What searches.
    pub engine: Regex,
    /// What has been compiled: the pattern, or what stands for it.
    source: String,
    /// What searches where matches are dense, once that was asked for; `None`: what searches everywhere.
    dense: OnceCell<Option<Regex>>,
}

impl Compiled {
    /// All matches in a text, from left to right and without overlaps.
    pub fn matches<'p, 't>(&'p self, subject: &'t str) -> Matches<'p, 't> {
        Matches {
            compiled: self,
            subject,
            inner: self.engine.find_iter(subject),
            left: MANY,
            end: None,
        }
    }

    /// What searches where matches are dense. If all matches contain a literal that is not at their start, the engine
    /// looks for the literal, then for the start and the end of a match around it. Where matches are near, walking through the text
    /// takes less than half as long. A literal at the start is the better way everywhere.
    fn dense(&self) -> Option<&Regex> {
        let build = || {
            let syntax = regex_automata::util::syntax::parse(&self.source).ok()?;
            let prefix = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &syntax);
            if !self.engine.is_accelerated() || prefix.is_some_and(|prefix| prefix.is_fast()) {
                return None;
            }
            build(&self.source, config().auto_prefilter(false)).ok()
        };
        self.dense.get_or_init(build).as_ref()
    }

    /// Whether it has searched dense matches in another way.
    #[cfg(test)]
    pub fn is_searched_densely(&self) -> bool {
        self.dense.get().is_some_and(Option::is_some)
    }

    fn bytes(&self) -> usize {
        let dense = self.dense.get().and_then(Option::as_ref);
        self.engine.memory_usage() + dense.map_or(0, Regex::memory_usage)
    }
}

/// So many matches are looked at to find out whether they are dense.
const MANY: usize = 256;
/// They are, if they lie in so many bytes.
const DENSE: usize = MANY * 128;
/// Bytes for which it is worth compiling the pattern in another way.
const LONG: usize = 256 << 10;

/// The matches in a text.
pub struct Matches<'p, 't> {
    compiled: &'p Compiled,
    subject: &'t str,
    inner: FindMatches<'p, 't>,
    /// Matches until it is decided whether they are dense.
    left: usize,
    /// Where the last match before that decision has ended. An empty match there would touch it.
    end: Option<usize>,
}

impl Iterator for Matches<'_, '_> {
    type Item = Match;

    fn next(&mut self) -> Option<Match> {
        let mut found = self.inner.next()?;
        if let Some(end) = self.end.take()
            && found.is_empty()
            && found.start() == end
        {
            found = self.inner.next()?;
        }
        if self.left > 0 {
            self.left -= 1;
            let end = found.end();
            let is_dense = self.left == 0 && end <= DENSE && self.subject.len() - end >= LONG;
            if is_dense && let Some(dense) = self.compiled.dense() {
                let rest = Input::new(self.subject).range(end..);
                self.inner = dense.find_iter(rest);
                self.end = Some(end);
            }
        }
        Some(found)
    }
}

/// The patterns of a host, the last used one first.
#[derive(Default)]
struct Cache {
    patterns: Vec<Rc<Compiled>>,
}

impl Cache {
    #[inline(always)]
    fn find(&mut self, pattern: &str) -> Option<Rc<Compiled>> {
        match self.patterns.first() {
            Some(last) if last.pattern == pattern => Some(last.clone()),
            _ => self.find_behind(pattern),
        }
    }

    /// The same of those that were not used last.
    #[inline(never)]
    fn find_behind(&mut self, pattern: &str) -> Option<Rc<Compiled>> {
        let place = (self.patterns.iter()).position(|compiled| compiled.pattern == pattern)?;
        self.patterns.get_mut(..=place)?.rotate_right(1);
        self.patterns.first().cloned()
    }

    fn keep(&mut self, compiled: &Rc<Compiled>) {
        self.patterns.insert(0, compiled.clone());
        self.patterns.truncate(KEPT);
        let mut bytes = 0;
        self.patterns.retain(|compiled| {
            bytes += compiled.bytes();
            bytes <= KEPT_BYTES
        });
    }
}

/// The compiled form of a pattern.
///
/// # Errors
/// An `:eval` condition if it is malformed or too large.
#[inline]
pub fn compiled(host: &Host, pattern: &str) -> Outcome<Rc<Compiled>> {
    let found = host.with_extension::<Cache, _>(|cache| cache.find(pattern));
    match found {
        Some(compiled) => Ok(compiled),
        None => compile(host, pattern),
    }
}

fn config() -> Config {
    Config::new()
        .nfa_size_limit(Some(LARGEST_AUTOMATON))
        .hybrid_cache_capacity(LAZY_CACHE)
}

fn build(source: &str, config: Config) -> Result<Regex, Box<BuildError>> {
    let built = Regex::builder().configure(config).build(source);
    built.map_err(Box::new)
}

#[cold]
#[inline(never)]
fn compile(host: &Host, pattern: &str) -> Outcome<Rc<Compiled>> {
    let mut source = pattern.to_owned();
    let engine = match build(pattern, config()) {
        Ok(engine) => engine,
        Err(error) => {
            source = properties::written_out(pattern).ok_or_else(|| refused(&error))?;
            build(&source, config()).map_err(|_| refused(&error))?
        }
    };
    let compiled = Rc::new(Compiled {
        pattern: pattern.to_owned(),
        engine,
        source,
        dense: OnceCell::new(),
    });
    host.with_extension::<Cache, _>(|cache| cache.keep(&compiled));
    Ok(compiled)
}

fn refused(error: &BuildError) -> Box<Signal> {
    if let Some(limit) = error.size_limit() {
        return eval_error(format!(
            "invalid regex pattern: compiled regex exceeds size limit of {limit} bytes"
        ));
    }
    match error.syntax_error() {
        Some(syntax) => {
            let mut text = format!("invalid regex pattern: {syntax}");
            // It shows the pattern, twice even if that has more lines, and says in the last line what is wrong.
            if text.len() > LONGEST_MESSAGE
                && let Some(what) = text.lines().last()
            {
                text = format!("invalid regex pattern: {what}");
            }
            if text.ends_with(UNKNOWN_PROPERTY) {
                text.push_str(KNOWN_PROPERTIES);
            }
            eval_error(text)
        }
        None => eval_error(format!("invalid regex pattern: {error}")),
    }
}
