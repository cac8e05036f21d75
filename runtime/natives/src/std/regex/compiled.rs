//! Compiled patterns, the last ones of which are kept.

use std::rc::Rc;

use super::properties;
use regex_automata::meta::{BuildError, Config, Regex};
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
}

/// The patterns of a host, the last used one first.
#[derive(Default)]
struct Cache {
    patterns: Vec<Rc<Compiled>>,
}

impl Cache {
    fn find(&mut self, pattern: &str) -> Option<Rc<Compiled>> {
        let place = (self.patterns.iter()).position(|compiled| compiled.pattern == pattern)?;
        if let Some(before) = self.patterns.get_mut(..=place) {
            before.rotate_right(1);
        }
        self.patterns.first().cloned()
    }

    fn keep(&mut self, compiled: &Rc<Compiled>) {
        self.patterns.insert(0, compiled.clone());
        self.patterns.truncate(KEPT);
        let mut bytes = 0;
        self.patterns.retain(|compiled| {
            bytes += compiled.engine.memory_usage();
            bytes <= KEPT_BYTES
        });
    }
}

/// The compiled form of a pattern.
///
/// # Errors
/// An `:eval` condition if it is malformed or too large.
pub fn compiled(host: &Host, pattern: &str) -> Outcome<Rc<Compiled>> {
    let found = host.with_extension::<Cache, _>(|cache| cache.find(pattern));
    if let Some(compiled) = found {
        return Ok(compiled);
    }
    let config = Config::new()
        .nfa_size_limit(Some(LARGEST_AUTOMATON))
        .hybrid_cache_capacity(LAZY_CACHE);
    let build = |pattern: &str| {
        let built = Regex::builder().configure(config.clone()).build(pattern);
        built.map_err(|error| refused(&error))
    };
    let engine = build(pattern).or_else(|refusal| match properties::written_out(pattern) {
        Some(pattern) => build(&pattern).map_err(|_| refusal),
        None => Err(refusal),
    })?;
    let compiled = Rc::new(Compiled {
        pattern: pattern.to_owned(),
        engine,
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
