//! Which route a request takes.

use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, list_or_vector, on_foreign, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

use super::files::Below;
use super::{files, mime, responses};
use crate::net::http::client::options::{header_fields, option};
use crate::net::http::url::decode;

natives! {
    /// What is needed to find the route of a request: a list of the routes' methods, paths and handlers as a table, and of the handlers.
    "%http-routes" (routes: Any) -> List => routes;

    /// The first route, from one on, of a method and a path: a list of its number, its method, and the parameters. Nil if there is none.
    "%http-route" (table: Any, method: Any, path: String, from: Count) -> Any => route;

    /// The response to a request for the rest of a path, with a query or nil, below a directory, nil if there is no such file. With header fields for it the directory is a list of both.
    "%http-static" (directory: Any, rest: String, path: String, query: Any) -> Any, needs(Capability::FsRead), touches(Touches::Inside), embedded => static_file;
}

/// A part of a pattern.
enum Segment {
    Text(String),
    Parameter(String),
    /// Whatever is left.
    Rest,
    /// Whatever is left, still encoded: a path of files.
    Files,
}

struct Route {
    method: String,
    pattern: Vec<Segment>,
}

struct Table(Vec<Route>);

const METHODS: &[&str] = &[
    "get", "head", "post", "put", "patch", "delete", "options", "query", "any", "ws", "static",
];

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn pattern(text: &str, is_static: bool) -> Vec<Segment> {
    let trimmed = if is_static {
        text.trim_end_matches('/')
    } else {
        text
    };
    let mut pattern: Vec<Segment> = segments(trimmed)
        .filter(|segment| !is_static || !segment.is_empty())
        .map(|segment| match segment.strip_prefix(':') {
            Some(name) => Segment::Parameter(name.to_owned()),
            None if segment == "*" => Segment::Rest,
            None => Segment::Text(segment.to_owned()),
        })
        .collect();
    if is_static {
        pattern.push(Segment::Files);
    }
    pattern
}

/// What is wrong with a pattern that would mean something else than it says, or nothing.
fn problem_of(pattern: &[Segment], is_static: bool) -> Option<&'static str> {
    let last = pattern.len().saturating_sub(1);
    let is_odd = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '-' | '_');
    let mut problems = pattern
        .iter()
        .enumerate()
        .map(|(place, segment)| match segment {
            Segment::Rest if place < last || is_static => Some("has * before its end"),
            Segment::Parameter(name) if name.is_empty() || name.contains(is_odd) => {
                Some("has a :name of other characters than letters, digits, - and _")
            }
            Segment::Text(text) if text.contains('*') => Some("has * within a part"),
            Segment::Text(text)
                if matches!(text.as_str(), "." | "..") || text.is_empty() && place < last =>
            {
                Some("has a part that no path of a request has")
            }
            Segment::Text(text) if decode(text).is_some_and(|decoded| decoded != *text) => {
                Some("is percent-encoded: write it as it is meant")
            }
            _ => None,
        });
    problems.find_map(|problem| problem)
}

fn routes(host: &Host, args: &[Value]) -> Outcome {
    let given = argument(args, 0);
    let given =
        list_or_vector(host, given).map_err(|_| type_error(host, "list or vector", given))?;
    let mut table = Vec::new();
    let mut handlers = Vec::new();
    for &route in given.iter() {
        let parts = list_or_vector(host, route)?;
        let ([method, path, handler], options) = match *parts {
            [method, path, handler] => ([method, path, handler], Value::NIL),
            [method, path, handler, options] if host.name_of(method) == Some("static") => {
                ([method, path, handler], options)
            }
            _ => {
                return Err(eval_error(
                    "http/router: each route must have exactly 3 elements [method path handler]",
                ));
            }
        };
        let name = host
            .name_of(method)
            .filter(|_| method.kind() == Kind::Keyword);
        let name = name.ok_or_else(|| type_error(host, "keyword", method))?;
        if !METHODS.contains(&name) {
            return Err(eval_error(format!(
                "http/router: unknown method :{name}; there are :{}",
                METHODS.join(", :")
            )));
        }
        let path = host
            .heap
            .as_str(path)
            .ok_or_else(|| type_error(host, "string", path))?;
        let is_static = name == "static";
        let fits = if is_static {
            handler.kind() == Kind::String
        } else {
            matches!(
                handler.kind(),
                Kind::Closure | Kind::Native | Kind::Multimethod | Kind::Keyword
            )
        };
        if !fits {
            return Err(type_error(
                host,
                if is_static { "string" } else { "function" },
                handler,
            ));
        }
        let pattern = pattern(path, is_static);
        if let Some(problem) = problem_of(&pattern, is_static) {
            return Err(eval_error(format!(
                "http/router: the path {path:?} {problem}"
            )));
        }
        table.push(Route {
            method: name.to_owned(),
            pattern,
        });
        if options == Value::NIL {
            handlers.push(handler);
        } else {
            let headers = option(host, options, "headers")
                .ok_or_else(|| type_error(host, "map of :headers for :static", options))?;
            // What is wrong is seen at once, not by clients.
            header_fields(host, "http/router", headers)?;
            handlers.push(host.heap.list(&[handler, headers]));
        }
    }
    let table = host.heap.foreign(Box::new(Table(table)));
    let handlers = host.heap.vector(&handlers);
    Ok(host.heap.list(&[table, handlers]))
}

/// The parameters of a path that fits a pattern.
fn fit(pattern: &[Segment], path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = segments(path);
    for segment in pattern {
        match segment {
            Segment::Rest => {
                // Its slashes are those of the path.
                let part = |part| Some(decode(part)?.replace('/', "%2F"));
                let rest: Option<Vec<String>> = rest.map(part).collect();
                parameters.push(("*".to_owned(), rest?.join("/")));
                return Some(parameters);
            }
            Segment::Files => {
                let rest: Vec<&str> = rest.collect();
                parameters.push(("*".to_owned(), rest.join("/")));
                return Some(parameters);
            }
            Segment::Text(text) => {
                if decode(rest.next()?)? != *text {
                    return None;
                }
            }
            Segment::Parameter(name) => {
                let value = decode(rest.next()?)?;
                if value.is_empty() {
                    return None;
                }
                parameters.push((name.clone(), value));
            }
        }
    }
    rest.next().is_none().then_some(parameters)
}

fn takes(route: &str, method: &str) -> bool {
    match route {
        "any" => true,
        "ws" => method == "get",
        // The answer to HEAD is that to GET without its body.
        "get" | "static" => matches!(method, "get" | "head"),
        _ => route == method,
    }
}

fn route(host: &Host, args: &[Value]) -> Outcome {
    let method = argument(args, 1);
    // A name that clients have made up may be a string.
    let method = (host.name_of(method))
        .or_else(|| host.heap.as_str(method))
        .ok_or_else(|| type_error(host, "keyword", method))?;
    let path = text(host, "http/router", args, 2)?;
    let from = sema_machine::host::arguments::count(host, "http/router", args, 3)?;
    let found = on_foreign(host, args, "table of routes", |table: &mut Table| {
        for (number, route) in table.0.iter().enumerate().skip(from) {
            if takes(&route.method, method)
                && let Some(parameters) = fit(&route.pattern, path)
            {
                return Ok(Some((number, route.method.clone(), parameters)));
            }
        }
        Ok(None)
    })?;
    let Some((number, method, parameters)) = found else {
        return Ok(Value::NIL);
    };
    let parameters: Vec<(Value, Value)> = parameters
        .iter()
        .map(|(name, value)| (host.keyword(name), host.heap.string(value)))
        .collect();
    let parameters = sorted_map::from_entries(host, &parameters);
    Ok(host
        .heap
        .list(&[Value::index(number), host.keyword(&method), parameters]))
}

fn static_file(host: &Host, args: &[Value]) -> Outcome {
    let directory = argument(args, 0);
    let (root, headers) = match host.heap.as_str(directory) {
        Some(root) => (root, Value::NIL),
        None => match *list_or_vector(host, directory)? {
            [root, headers] => (host.heap.as_str(root).unwrap_or_default(), headers),
            _ => return Ok(Value::NIL),
        },
    };
    let rest = text(host, "http/router", args, 1)?;
    let path = text(host, "http/router", args, 2)?;
    let segments: Option<Vec<String>> = rest.split('/').map(decode).collect();
    let Some(segments) = segments else {
        return Ok(Value::NIL);
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let is_bad =
        |segment: &&str| matches!(*segment, "." | "..") || segment.contains(['/', '\\', '\0']);
    if segments.iter().any(is_bad) {
        return Ok(responses::response(
            host,
            400,
            Some(("content-type", "text/plain")),
            "Bad Request",
        ));
    }
    Ok(match files::below(&host.files, root, &segments) {
        Some(Below::Directory) => {
            // Relative to the path that was asked for, whatever that is behind a proxy.
            let last = path.rsplit('/').next().unwrap_or_default();
            let mut location = format!("./{last}/");
            if let Some(query) = host.heap.as_str(argument(args, 3)) {
                location.push('?');
                location.push_str(query);
            }
            responses::response(host, 301, Some(("location", &location)), "")
        }
        Some(Below::File(path)) => {
            if host.files.embedded(&path, None).is_none() {
                host.permit("http/router", Capability::FsRead, &path)?;
            }
            responses::file_response(host, &path, mime::of(&path), headers)
        }
        None => Value::NIL,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, path: &str) -> Option<Vec<(String, String)>> {
        fit(&pattern(text, false), path)
    }

    fn one(name: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn patterns_mean_what_they_say() {
        for text in [
            "",
            "/",
            "b",
            "*",
            "/a/*",
            "/a/:b-c_1/",
            "/:é",
            "/a:b",
            "/100%",
        ] {
            assert_eq!(problem_of(&pattern(text, false), false), None, "{text}");
        }
        for text in [
            "/a/*/b", "/a*", "/:", "/:a.json", "/:a?", "/a//b", "//", "/a/../b", "/.", "/a%20b",
        ] {
            assert!(problem_of(&pattern(text, false), false).is_some(), "{text}");
        }
        for (text, is_right) in [
            ("/", true),
            ("", true),
            ("/a/", true),
            ("/:u", true),
            ("/*", false),
        ] {
            let problem = problem_of(&pattern(text, true), true);
            assert_eq!(problem.is_none(), is_right, "{text}");
        }
    }

    #[test]
    fn paths_fit_patterns() {
        assert_eq!(fits("/", "/"), Some(Vec::new()));
        assert_eq!(fits("/u/:id", "/u/a%20b+c"), one("id", "a b+c"));
        assert_eq!(fits("/u/:id", "/u/a%2Fb"), one("id", "a/b"));
        assert_eq!(fits("/u/:id", "/u/"), None);
        assert_eq!(fits("/u/:id", "/u/%zz"), None);
        assert_eq!(fits("/u/:id", "/u/%ff"), None);
        assert_eq!(fits("/u/*", "/u/a/b%2f"), one("*", "a/b%2F"));
        assert_eq!(fits("/u", "/u/"), None);
        assert_eq!(fits("/é", "/%C3%A9"), Some(Vec::new()));
    }
}
