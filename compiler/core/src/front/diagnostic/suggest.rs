//! Suggestions for names that are not bound: names of other Lisps, then near misses.

/// A hint for an unbound name: what another Lisp's name is called here, else the nearest of `candidates`.
#[must_use]
pub fn unbound_hint<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    if let Some(tier) = tier_elsewhere(name) {
        return Some(format!(
            "'{name}' is a builtin of tier {tier}, which this semac does not have: `semac doc --list` shows what \
             it has; build with one that has the tier"
        ));
    }
    if let Some(foreign) = foreign_name(name) {
        return Some(foreign.hint());
    }
    nearest_name(name, candidates).map(|near| format!("Did you mean '{near}'?"))
}

/// The candidate with the smallest edit distance to `name`, if that is at most a fourth of the name's length, and
/// at most three; in names of less than four letters only two neighbours may have changed places. Of several
/// equally near ones the first in alphabetical order, so that the answer does not depend on the order of the
/// candidates.
#[must_use]
pub fn nearest_name<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().collect();
    // In a short name every letter counts: what differs in one is another word.
    let limit = (wanted.len() / 4).clamp(1, 3);
    let short = wanted.len() < 4;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let allowed = best.map_or(limit, |(distance, _)| distance);
        let other: Vec<char> = candidate.chars().collect();
        if other.len().abs_diff(wanted.len()) > allowed
            || short && !has_same_letters(&wanted, &other)
        {
            continue;
        }
        if let Some(distance) = edit_distance(&wanted, &other, allowed)
            && candidate != name
            && best.is_none_or(|best| (distance, candidate) < best)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn has_same_letters(left: &[char], right: &[char]) -> bool {
    let sorted = |letters: &[char]| {
        let mut letters = letters.to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(left) == sorted(right)
}

/// The number of insertions, deletions, replacements and exchanges of neighbours between the two, if it is at most
/// `limit`.
fn edit_distance(left: &[char], right: &[char], limit: usize) -> Option<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (line, character) in right.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(line + 1);
        for (column, other) in left.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, column) + usize::from(other != character);
            let mut cell = replaced
                .min(at(&row, column + 1) + 1)
                .min(at(&next, column) + 1);
            let exchanged = line > 0
                && column > 0
                && right.get(line - 1) == Some(other)
                && left.get(column - 1) == Some(character);
            if exchanged {
                cell = cell.min(at(&before, column - 1) + 1);
            }
            next.push(cell);
        }
        if next
            .iter()
            .min()
            .is_some_and(|smallest| *smallest > limit + 1)
        {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

/// The tier that has a builtin which this compiler lacks.
#[must_use]
pub fn tier_elsewhere(name: &str) -> Option<&'static str> {
    let mut lines = BUILTINS_ELSEWHERE.lines();
    lines
        .find_map(|line| line.split_once(' ').filter(|(builtin, _)| *builtin == name))
        .map(|(_, tier)| tier)
}

/// Builtins of the language above tier core, a line each with the tier. Those that this compiler has are never
/// looked up here.
static BUILTINS_ELSEWHERE: &str = include_str!("builtins-elsewhere.txt");

/// What a name of another language is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The same thing has this name.
    Named(&'static str),
    /// There is no such thing; this says what to do.
    Advice(&'static str),
}

impl Foreign {
    /// The hint to print.
    #[must_use]
    pub fn hint(self) -> String {
        match self {
            Self::Named(name) => format!("in Sema this is '{name}'"),
            Self::Advice(text) => text.to_owned(),
        }
    }
}

/// Looks a name up among those of Scheme, Common Lisp, Emacs Lisp, Clojure and Racket (and a few other
/// languages) that do not exist in Sema.
#[must_use]
pub fn foreign_name(name: &str) -> Option<Foreign> {
    let index = FOREIGN_NAMES
        .binary_search_by(|(foreign, _)| (*foreign).cmp(name))
        .ok()?;
    FOREIGN_NAMES.get(index).map(|(_, meaning)| *meaning)
}

const NO_CONTINUATIONS: Foreign = Foreign::Advice(
    "there are no first-class continuations; leave a computation with 'throw' and 'try'",
);
const NO_ATOMS: Foreign =
    Foreign::Advice("assign a variable with 'set!', or keep shared state in a 'mutable-cell/new'");
const NO_LOCAL_EXIT: Foreign = Foreign::Advice(
    "there is no local exit; use the value of the last expression, or 'throw' and 'try'",
);
const NO_RECUR: Foreign =
    Foreign::Advice("loop with a named let: (let loop ((i 0)) ... (loop (+ i 1)))");
const NO_HANDLERS: Foreign =
    Foreign::Advice("conditions are handled with 'try' and 'catch', or with 'guard'");
const NO_CLEANUP: Foreign = Foreign::Advice(
    "there is no 'finally'; clean up after 'try', or use 'with-stream' for streams",
);
const NO_SETTERS: Foreign = Foreign::Advice("maps are immutable; 'assoc' gives an updated copy");
const NO_VECTOR_SETTERS: Foreign =
    Foreign::Advice("vectors are immutable; use a 'mutable-array/new' for elements that change");
const NO_STRUCTS: Foreign = Foreign::Advice("define records with 'define-record-type'");
const NO_NAMESPACES: Foreign = Foreign::Advice("declare exports with 'module', and use 'import'");

/// Sorted by name.
#[rustfmt::skip]
static FOREIGN_NAMES: &[(&str, Foreign)] = &[
    ("!=", Foreign::Advice("write (not (= a b))")),
    ("**", Foreign::Named("expt")),
    ("++", Foreign::Advice("write (set! x (+ x 1)), or use 'str' to join strings")),
    ("+=", Foreign::Advice("write (set! x (+ x n))")),
    ("/=", Foreign::Advice("write (not (= a b))")),
    ("<!", Foreign::Named("channel/recv")),
    ("<>", Foreign::Advice("write (not (= a b))")),
    ("==", Foreign::Named("=")),
    ("=>", Foreign::Advice("'cond' has no '=>' clauses; bind the value with 'if-let'")),
    (">!", Foreign::Named("channel/send")),
    ("False", Foreign::Named("#f")),
    ("NIL", Foreign::Named("nil")),
    ("Nil", Foreign::Named("nil")),
    ("None", Foreign::Named("nil")),
    ("T", Foreign::Named("#t")),
    ("True", Foreign::Named("#t")),
    ("add1", Foreign::Advice("write (+ x 1)")),
    ("aref", Foreign::Named("nth")),
    ("array/get", Foreign::Named("nth")),
    ("aset", NO_VECTOR_SETTERS),
    ("assoc!", NO_SETTERS),
    ("assoc-ref", Foreign::Named("get")),
    ("atom", NO_ATOMS),
    ("block", NO_LOCAL_EXIT),
    ("box", NO_ATOMS),
    ("br", Foreign::Advice("print a line feed with (newline)")),
    ("break", NO_LOCAL_EXIT),
    ("butlast", Foreign::Named("list/drop-last")),
    ("call-with-current-continuation", NO_CONTINUATIONS),
    ("call-with-escape-continuation", NO_CONTINUATIONS),
    ("call/cc", NO_CONTINUATIONS),
    ("call/ec", NO_CONTINUATIONS),
    ("case-lambda", Foreign::Advice("take a rest parameter, (lambda (a . rest) ...), and look at its length")),
    ("catch", Foreign::Advice("'catch' stands last in a 'try': (try ... (catch e ...))")),
    ("chan", Foreign::Named("channel/new")),
    ("char-at", Foreign::Named("string/ref")),
    ("clojure.string/join", Foreign::Named("string/join")),
    ("comment", Foreign::Advice("comments start with ';'")),
    ("comp", Foreign::Advice("compose with a function: (fn (x) (f (g x)))")),
    ("compose", Foreign::Advice("compose with a function: (fn (x) (f (g x)))")),
    ("concat", Foreign::Named("append")),
    ("concatenate", Foreign::Named("append")),
    ("condition/report-string", Foreign::Advice("the message of a caught condition is (:message e)")),
    ("conj", Foreign::Advice("'cons' adds to the front, 'append' to the end")),
    ("cons*", Foreign::Named("cons")),
    ("console.log", Foreign::Named("println")),
    ("consp", Foreign::Named("pair?")),
    ("constantly", Foreign::Advice("write (fn (. ignored) value)")),
    ("dec", Foreign::Advice("write (- x 1)")),
    ("decf", Foreign::Advice("write (set! x (- x 1))")),
    ("def!", Foreign::Named("define")),
    ("defclass", NO_STRUCTS),
    ("defconst", Foreign::Named("define")),
    ("defconstant", Foreign::Named("define")),
    ("defgeneric", Foreign::Named("defmulti")),
    ("define-macro", Foreign::Named("defmacro")),
    ("define-struct", NO_STRUCTS),
    ("defparameter", Foreign::Named("define")),
    ("defrecord", NO_STRUCTS),
    ("defstruct", NO_STRUCTS),
    ("deftype", NO_STRUCTS),
    ("defvar", Foreign::Named("define")),
    ("delete-duplicates", Foreign::Named("list/unique")),
    ("deref", Foreign::Advice("'force' gives the value of a promise, 'await' that of a task")),
    ("dict", Foreign::Named("hash-map")),
    ("disj", Foreign::Named("dissoc")),
    ("displayln", Foreign::Named("println")),
    ("distinct", Foreign::Named("list/unique")),
    ("div", Foreign::Named("quotient")),
    ("dolist", Foreign::Named("for-each")),
    ("doseq", Foreign::Named("for-each")),
    ("dynamic-wind", NO_CLEANUP),
    ("echo", Foreign::Named("println")),
    ("elif", Foreign::Advice("'cond' takes several tests: (cond (test value) ... (else value))")),
    ("elseif", Foreign::Advice("'cond' takes several tests: (cond (test value) ... (else value))")),
    ("elt", Foreign::Named("nth")),
    ("empty", Foreign::Named("empty?")),
    ("eq", Foreign::Named("eq?")),
    ("eql", Foreign::Named("eq?")),
    ("equal", Foreign::Named("equal?")),
    ("equalp", Foreign::Named("equal?")),
    ("equals", Foreign::Named("equal?")),
    ("equals?", Foreign::Named("equal?")),
    ("eqv?", Foreign::Named("equal?")),
    ("error-message", Foreign::Advice("the message of a caught condition is (:message e)")),
    ("error-object-message", Foreign::Advice("the message of a caught condition is (:message e)")),
    ("evenp", Foreign::Named("even?")),
    ("ex-data", Foreign::Advice("a caught condition is a map: (:message e), (:type e), (:value e)")),
    ("ex-info", Foreign::Advice("throw a map: (throw {:message \"...\" :data ...})")),
    ("ex-message", Foreign::Advice("the message of a caught condition is (:message e)")),
    ("except", Foreign::Advice("'catch' stands last in a 'try': (try ... (catch e ...))")),
    ("exit!", Foreign::Named("exit")),
    ("exp", Foreign::Named("math/exp")),
    ("false?", Foreign::Named("not")),
    ("finally", NO_CLEANUP),
    ("find", Foreign::Named("list/find")),
    ("find-if", Foreign::Named("list/find")),
    ("flet", Foreign::Named("letrec")),
    ("fmt", Foreign::Named("format")),
    ("fn*", Foreign::Named("fn")),
    ("fold-left", Foreign::Named("foldl")),
    ("fold-right", Foreign::Named("foldr")),
    ("for", Foreign::Advice("iterate with 'for-each', 'for-range', 'dotimes' or 'map'")),
    ("for-in", Foreign::Named("for-each")),
    ("for/list", Foreign::Named("map")),
    ("for/sum", Foreign::Named("foldl")),
    ("foreach", Foreign::Named("for-each")),
    ("format-string", Foreign::Named("format")),
    ("func", Foreign::Named("define")),
    ("funcall", Foreign::Advice("functions are called directly: (f x)")),
    ("function", Foreign::Advice("a function is named without a prefix: f")),
    ("function?", Foreign::Named("procedure?")),
    ("functionp", Foreign::Named("procedure?")),
    ("future", Foreign::Named("async")),
    ("getenv", Foreign::Named("env")),
    ("gethash", Foreign::Named("get")),
    ("go", Foreign::Named("async")),
    ("go-loop", Foreign::Advice("run a named let inside 'async'")),
    ("group-by", Foreign::Named("list/group-by")),
    ("handler-bind", NO_HANDLERS),
    ("handler-case", NO_HANDLERS),
    ("hash-get", Foreign::Named("get")),
    ("hash-has-key?", Foreign::Named("contains?")),
    ("hash-keys", Foreign::Named("keys")),
    ("hash-map/get", Foreign::Named("get")),
    ("hash-remove", Foreign::Named("dissoc")),
    ("hash-set", Foreign::Named("assoc")),
    ("hash-set!", NO_SETTERS),
    ("hash-table", Foreign::Named("hash-map")),
    ("hash-table-ref", Foreign::Named("get")),
    ("hash-table-set", Foreign::Named("assoc")),
    ("hash-table-set!", NO_SETTERS),
    ("hash-table-update!", NO_SETTERS),
    ("hash-table/get", Foreign::Named("get")),
    ("hash-update", Foreign::Named("map/update")),
    ("hash-values", Foreign::Named("vals")),
    ("head", Foreign::Named("first")),
    ("identity", Foreign::Advice("write (fn (x) x)")),
    ("if-not", Foreign::Advice("write (if (not test) ...)")),
    ("if-some", Foreign::Named("if-let")),
    ("ignore-errors", NO_HANDLERS),
    ("in-ns", NO_NAMESPACES),
    ("in-package", NO_NAMESPACES),
    ("inc", Foreign::Advice("write (+ x 1)")),
    ("incf", Foreign::Advice("write (set! x (+ x 1))")),
    ("input", Foreign::Named("read-line")),
    ("int->str", Foreign::Named("number->string")),
    ("int->string", Foreign::Named("number->string")),
    ("interleave", Foreign::Named("list/interleave")),
    ("intern", Foreign::Named("string->symbol")),
    ("into", Foreign::Advice("convert with a function for the type, such as 'list->vector'")),
    ("io/println", Foreign::Named("println")),
    ("is-empty?", Foreign::Named("empty?")),
    ("isEmpty", Foreign::Named("empty?")),
    ("join", Foreign::Named("string/join")),
    ("json-decode", Foreign::Named("json/decode")),
    ("json-encode", Foreign::Named("json/encode")),
    ("json-parse", Foreign::Named("json/decode")),
    ("keep", Foreign::Named("filter")),
    ("labels", Foreign::Named("letrec")),
    ("lambda*", Foreign::Named("lambda")),
    ("last-pair", Foreign::Named("last")),
    ("lazy-seq", Foreign::Named("delay")),
    ("len", Foreign::Named("length")),
    ("let-rec", Foreign::Named("letrec")),
    ("let-syntax", Foreign::Named("define-syntax")),
    ("let/cc", NO_CONTINUATIONS),
    ("let/ec", NO_CONTINUATIONS),
    ("letfn", Foreign::Named("letrec")),
    ("letrec*", Foreign::Named("letrec")),
    ("letrec-syntax", Foreign::Named("define-syntax")),
    ("list*", Foreign::Named("cons")),
    ("list-length", Foreign::Named("length")),
    ("list-ref", Foreign::Named("nth")),
    ("list-tail", Foreign::Named("drop")),
    ("list/filter", Foreign::Named("filter")),
    ("list/length", Foreign::Named("length")),
    ("list/map", Foreign::Named("map")),
    ("list/ref", Foreign::Named("nth")),
    ("listp", Foreign::Named("list?")),
    ("load-file", Foreign::Named("load")),
    ("loop", NO_RECUR),
    ("make-hash", Foreign::Named("hash-map")),
    ("make-hash-table", Foreign::Named("hash-map")),
    ("make-vector", Foreign::Advice("build a list with 'make-list' and turn it into a vector with 'list->vector'")),
    ("map/assoc", Foreign::Named("assoc")),
    ("map/get", Foreign::Named("get")),
    ("map/keys", Foreign::Named("keys")),
    ("map/vals", Foreign::Named("vals")),
    ("map/values", Foreign::Named("vals")),
    ("mapc", Foreign::Named("for-each")),
    ("mapcan", Foreign::Named("flat-map")),
    ("mapcat", Foreign::Named("flat-map")),
    ("mapconcat", Foreign::Named("string/join")),
    ("maphash", Foreign::Named("map/entries")),
    ("mapv", Foreign::Advice("turn the result of 'map' into a vector with 'list->vector'")),
    ("memq", Foreign::Named("member")),
    ("memv", Foreign::Named("member")),
    ("multiple-value-bind", Foreign::Named("let-values")),
    ("nconc", Foreign::Named("append")),
    ("not=", Foreign::Advice("write (not (= a b))")),
    ("nreverse", Foreign::Named("reverse")),
    ("ns", NO_NAMESPACES),
    ("null", Foreign::Named("nil")),
    ("nullp", Foreign::Named("null?")),
    ("number-to-string", Foreign::Named("number->string")),
    ("numberp", Foreign::Named("number?")),
    ("oddp", Foreign::Named("odd?")),
    ("os/getenv", Foreign::Named("env")),
    ("otherwise", Foreign::Named("else")),
    ("parse-int", Foreign::Named("string->number")),
    ("parseInt", Foreign::Named("string->number")),
    ("partial", Foreign::Advice("write a function: #(f fixed %)")),
    ("plusp", Foreign::Named("positive?")),
    ("pop", Foreign::Advice("lists are immutable; use 'first' and 'rest'")),
    ("pr", Foreign::Named("print")),
    ("prin1", Foreign::Named("print")),
    ("princ", Foreign::Named("display")),
    ("print-line", Foreign::Named("println")),
    ("print-string", Foreign::Named("display")),
    ("printf", Foreign::Named("format")),
    ("prn", Foreign::Named("println")),
    ("procedurep", Foreign::Named("procedure?")),
    ("provide", NO_NAMESPACES),
    ("push", Foreign::Advice("lists are immutable; 'cons' gives a longer one")),
    ("puthash", NO_SETTERS),
    ("puts", Foreign::Named("println")),
    ("quit", Foreign::Named("exit")),
    ("raise-continuable", NO_HANDLERS),
    ("rand", Foreign::Named("math/random")),
    ("rand-int", Foreign::Named("math/random-int")),
    ("random", Foreign::Named("math/random")),
    ("re-find", Foreign::Named("regex/match")),
    ("re-seq", Foreign::Named("regex/find-all")),
    ("read-file", Foreign::Named("file/read")),
    ("readline", Foreign::Named("read-line")),
    ("recur", NO_RECUR),
    ("reduce-right", Foreign::Named("foldr")),
    ("regexp-match", Foreign::Named("regex/match")),
    ("rem", Foreign::Named("remainder")),
    ("remhash", Foreign::Named("dissoc")),
    ("remove", Foreign::Named("list/reject")),
    ("remove-if", Foreign::Named("list/reject")),
    ("remove-if-not", Foreign::Named("filter")),
    ("repeat", Foreign::Named("list/repeat")),
    ("require", Foreign::Named("import")),
    ("reset!", NO_ATOMS),
    ("return", NO_LOCAL_EXIT),
    ("return-from", NO_LOCAL_EXIT),
    ("second", Foreign::Named("cadr")),
    ("set", Foreign::Advice("a variable is assigned with (set! name value); there is no type of sets")),
    ("set-car!", Foreign::Advice("lists are immutable; build a new one")),
    ("set-cdr!", Foreign::Advice("lists are immutable; build a new one")),
    ("setf", Foreign::Named("set!")),
    ("setq", Foreign::Named("set!")),
    ("signal", Foreign::Named("throw")),
    ("size", Foreign::Named("length")),
    ("slurp", Foreign::Named("file/read")),
    ("some", Foreign::Named("any")),
    ("spawn", Foreign::Named("async")),
    ("spit", Foreign::Named("file/write")),
    ("split", Foreign::Named("string/split")),
    ("split-string", Foreign::Named("string/split")),
    ("sprintf", Foreign::Named("format")),
    ("str->int", Foreign::Named("string->number")),
    ("str-length", Foreign::Named("string/length")),
    ("str/join", Foreign::Named("string/join")),
    ("str/split", Foreign::Named("string/split")),
    ("string+", Foreign::Named("string-append")),
    ("string->int", Foreign::Named("string->number")),
    ("string-concat", Foreign::Named("string-append")),
    ("string-contains", Foreign::Named("string/contains?")),
    ("string-contains?", Foreign::Named("string/contains?")),
    ("string-index", Foreign::Named("string/index-of")),
    ("string-prefix?", Foreign::Named("string/starts-with?")),
    ("string-replace", Foreign::Named("string/replace")),
    ("string-search", Foreign::Named("string/index-of")),
    ("string-suffix?", Foreign::Named("string/ends-with?")),
    ("string-to-number", Foreign::Named("string->number")),
    ("string/concat", Foreign::Named("string-append")),
    ("string/downcase", Foreign::Named("string/lower")),
    ("string/format", Foreign::Named("format")),
    ("string/lowercase", Foreign::Named("string/lower")),
    ("string/substring", Foreign::Named("substring")),
    ("string/upcase", Foreign::Named("string/upper")),
    ("string/uppercase", Foreign::Named("string/upper")),
    ("string=?", Foreign::Named("=")),
    ("stringp", Foreign::Named("string?")),
    ("struct", NO_STRUCTS),
    ("sub1", Foreign::Advice("write (- x 1)")),
    ("subs", Foreign::Named("substring")),
    ("subseq", Foreign::Named("substring")),
    ("substr", Foreign::Named("substring")),
    ("sum", Foreign::Advice("write (apply + numbers)")),
    ("swap!", NO_ATOMS),
    ("switch", Foreign::Named("case")),
    ("symbolp", Foreign::Named("symbol?")),
    ("syntax-case", Foreign::Advice("macros are written with 'define-syntax' and 'syntax-rules', or 'defmacro'")),
    ("sys/env", Foreign::Named("env")),
    ("sys/getenv", Foreign::Named("env")),
    ("system", Foreign::Named("shell")),
    ("t", Foreign::Named("#t")),
    ("tail", Foreign::Named("rest")),
    ("terpri", Foreign::Named("newline")),
    ("third", Foreign::Named("caddr")),
    ("throw-error", Foreign::Named("throw")),
    ("throw-exception", Foreign::Named("throw")),
    ("to-string", Foreign::Named("str")),
    ("toString", Foreign::Named("str")),
    ("tostring", Foreign::Named("str")),
    ("try-catch", Foreign::Named("try")),
    ("typeof", Foreign::Named("type")),
    ("typep", Foreign::Named("type")),
    ("undefined", Foreign::Named("nil")),
    ("unquote", Foreign::Advice("',' is only meaningful inside a quasiquote")),
    ("unwind-protect", NO_CLEANUP),
    ("update", Foreign::Advice("use 'map/update', or 'update-in' for a path of keys")),
    ("var", Foreign::Named("define")),
    ("vec", Foreign::Named("list->vector")),
    ("vector-length", Foreign::Named("length")),
    ("vector-map", Foreign::Named("map")),
    ("vector-ref", Foreign::Named("nth")),
    ("vector-set!", NO_VECTOR_SETTERS),
    ("vector/get", Foreign::Named("nth")),
    ("void", Foreign::Advice("the value of nothing is nil")),
    ("when-not", Foreign::Named("unless")),
    ("when-some", Foreign::Named("when-let")),
    ("with-exception-handler", NO_HANDLERS),
    ("with-open-file", Foreign::Named("with-stream")),
    ("write", Foreign::Named("print")),
    ("write-line", Foreign::Named("println")),
    ("write-string", Foreign::Named("display")),
    ("zerop", Foreign::Named("zero?")),
    ("zipmap", Foreign::Named("map/zip")),
    ("λ", Foreign::Named("lambda")),
];

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "map",
        "mapcar",
        "println",
        "print",
        "string-append",
        "vector",
        "reverse",
        "filter",
    ];

    #[test]
    fn near_names() {
        for (name, expected) in [
            ("prntln", Some("println")),
            ("prinltn", Some("println")),
            ("printn", Some("print")),
            ("fliter", Some("filter")),
            ("string-apend", Some("string-append")),
            ("mapp", Some("map")),
            ("amp", Some("map")),
            ("ma", None),
            ("mep", None),
            ("set", None),
            ("qqq", None),
            ("λ", None),
            ("", None),
            ("completely-different-name", None),
        ] {
            assert_eq!(nearest_name(name, NAMES), expected, "{name}");
        }
        assert_eq!(nearest_name("set", ["get"]), None);
        assert_eq!(nearest_name("br", ["or"]), None);
        // Not itself, and independent of the order of the candidates.
        assert_eq!(nearest_name("map", ["map"]), None);
        assert_eq!(nearest_name("cats", ["cars", "bats"]), Some("bats"));
        assert_eq!(nearest_name("cats", ["bats", "cars"]), Some("bats"));
    }

    #[test]
    fn distances() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let distance = |left, right, limit| edit_distance(&letters(left), &letters(right), limit);
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
        assert_eq!(distance("", "ab", 3), Some(2));
        assert_eq!(distance("é", "e", 3), Some(1));
        assert_eq!(distance("abc", "abc", 0), Some(0));
        assert_eq!(distance("abcd", "abdc", 1), Some(1));
    }

    #[test]
    fn builtins_of_other_tiers() {
        assert_eq!(tier_elsewhere("http/get"), Some("net"));
        assert_eq!(tier_elsewhere("http"), None);
        let hint = unbound_hint("http/get", NAMES).unwrap();
        assert!(hint.contains("tier net"), "{hint}");
    }

    #[test]
    fn names_of_other_languages() {
        assert_eq!(
            unbound_hint("setq", NAMES).as_deref(),
            Some("in Sema this is 'set!'")
        );
        assert_eq!(foreign_name("call/cc"), Some(NO_CONTINUATIONS));
        assert_eq!(
            unbound_hint("prntln", NAMES).as_deref(),
            Some("Did you mean 'println'?")
        );
        assert_eq!(unbound_hint("my-own-thing", NAMES), None);
    }

    #[test]
    fn the_table_is_sorted() {
        for pair in FOREIGN_NAMES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
    }
}
