//! What the parameters of a tool say: the JSON schema that models get, what is wrong with arguments, and
//! what the handler is called with.

use super::expect;
use super::tools::tool;
use crate::std::json::write;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_name};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Collections inside of each other in data for models.
const DEEPEST: usize = 200;

natives! {
    /// The JSON schema of a map of parameters, as a map.
    "%tool-schema" (parameters: Any) -> Map, pure => tool_schema;

    /// The JSON schema of what is wanted of a model, as JSON: of a map, or of a vector of one type. Nil if it is none.
    "%wanted-schema" (wanted: Any) -> OptionalString => wanted_schema;

    /// A value as JSON can say it: names and what JSON lacks become strings, vectors become lists.
    "%json-data" (value: Any) -> Any => json_data;

    /// What is wrong with arguments: a list of texts, and of vectors of a key's text, a predicate, the
    /// value for which it must be true, and the message or nil.
    "%argument-problems" (parameters: Any, arguments: Any) -> List => argument_problems;

    /// What models are told of a tool: a map of `:name`, `:description` and `:parameters`.
    "%tool-spec" (tool: Tool) -> Map, pure => tool_spec;

    /// The handler of a tool.
    "%tool-handler" (tool: Tool) -> Any, pure => tool_handler;

    /// With what the handler of a tool is called, given a map of arguments.
    "%tool-inputs" (tool: Tool, arguments: Any) -> List => tool_inputs;

    /// What a model is told of the result of a tool.
    "%tool-result" (value: Any) -> String => tool_result;
}

/// The text of a keyword, symbol or string.
fn name_text(host: &Host, value: Value) -> Option<&str> {
    host.heap.as_str(value).or_else(|| host.name_of(value))
}

/// Whether a parameter is none of the model's.
fn is_hidden(name: &str) -> bool {
    name == "private" || name.starts_with("mcp/")
}

/// The entries of a map of parameters that models see: name, key, description.
fn declared(host: &Host, parameters: Value) -> Vec<(&str, Value, Value)> {
    if !collections::is_map(parameters) {
        return Vec::new();
    }
    let entries = collections::sorted_entries(host, parameters).into_iter();
    let named = entries.filter_map(|(key, spec)| Some((name_text(host, key)?, key, spec)));
    named.filter(|(name, ..)| !is_hidden(name)).collect()
}

fn entry(host: &Host, map: Value, name: &str) -> Option<Value> {
    collections::get_keyword(host, map, host.keyword(name))
}

/// The name of a type in JSON schemas.
fn schema_type(name: &str) -> &str {
    match name {
        "str" => "string",
        "int" => "integer",
        "float" | "double" => "number",
        "bool" => "boolean",
        "list" | "vector" => "array",
        "map" | "dict" => "object",
        "nil" => "null",
        other => other,
    }
}

/// The type that a description of a parameter names: by a map, or by itself.
fn type_of(host: &Host, spec: Value) -> Option<&str> {
    if collections::is_map(spec) {
        return name_text(host, entry(host, spec, "type")?);
    }
    name_text(host, spec)
}

/// Whether arguments need not have the parameter.
fn is_optional(host: &Host, spec: Value) -> bool {
    collections::is_map(spec)
        && (entry(host, spec, "default").is_some()
            || entry(host, spec, "optional").is_some_and(Value::is_truthy))
}

/// What a description of a parameter may say.
const DESCRIBES: [&str; 7] = [
    "type",
    "description",
    "enum",
    "default",
    "optional",
    "validate",
    "message",
];

/// Whether a map is not the description of a value, but of the entries of one that is a map itself.
fn is_nested(host: &Host, spec: Value) -> bool {
    collections::is_map(spec)
        && collections::len(&host.heap, spec) > 0
        && !DESCRIBES
            .iter()
            .any(|name| entry(host, spec, name).is_some())
}

/// The schema of one parameter.
fn property(host: &Host, spec: Value) -> Outcome {
    let keyword = |name: &str| host.keyword(name);
    if is_nested(host, spec) {
        return schema(host, spec);
    }
    let kind = schema_type(type_of(host, spec).unwrap_or("string"));
    let mut entries = vec![(keyword("type"), host.heap.string(kind))];
    if !collections::is_map(spec) {
        if let Some([element]) = host.heap.as_vector(spec) {
            // `[:string]`: a list of strings.
            entries = vec![
                (keyword("type"), host.heap.string("array")),
                (keyword("items"), property(host, *element)?),
            ];
        }
        return Ok(sorted_map::from_entries(host, &entries));
    }
    if let Some(text) = entry(host, spec, "description") {
        let text = host.heap.string(&print::display(host, text));
        entries.push((keyword("description"), text));
    }
    if let Some(choices) = entry(host, spec, "enum") {
        let choices: Vec<Value> = elements(host, choices)
            .iter()
            .map(|choice| match name_text(host, *choice) {
                Some(text) => host.heap.string(text),
                None => host.heap.string(&print::display(host, *choice)),
            })
            .collect();
        entries.push((keyword("enum"), host.heap.list(&choices)));
    }
    if let Some(value) = entry(host, spec, "default") {
        entries.push((keyword("default"), data(host, value, 0)?));
    }
    Ok(sorted_map::from_entries(host, &entries))
}

/// The elements of a list or a vector; none of anything else.
fn elements(host: &Host, value: Value) -> Vec<Value> {
    match value.kind() {
        Kind::List => host.heap.list_iter(value).collect(),
        Kind::Vector => host.heap.values(value).to_vec(),
        _ => Vec::new(),
    }
}

/// The schema of parameters.
pub fn schema(host: &Host, parameters: Value) -> Outcome {
    let mut properties = Vec::new();
    let mut required = Vec::new();
    for (name, _, spec) in declared(host, parameters) {
        properties.push((host.keyword(name), property(host, spec)?));
        if !is_optional(host, spec) {
            required.push(host.heap.string(name));
        }
    }
    let mut entries = vec![
        (host.keyword("type"), host.heap.string("object")),
        (
            host.keyword("properties"),
            sorted_map::from_entries(host, &properties),
        ),
    ];
    if collections::is_map(parameters) {
        entries.push((host.keyword("required"), host.heap.list(&required)));
    }
    Ok(sorted_map::from_entries(host, &entries))
}

fn tool_schema(host: &Host, args: &[Value]) -> Outcome {
    schema(host, argument(args, 0))
}

fn wanted_schema(host: &Host, args: &[Value]) -> Outcome {
    let wanted = argument(args, 0);
    let schema = match wanted.kind() {
        Kind::Vector => property(host, wanted)?,
        _ if collections::is_map(wanted) => schema(host, wanted)?,
        _ => return Ok(Value::NIL),
    };
    let text = write::encode(host, schema, false)
        .map_err(|problem| eval_error(format!("schema: {problem}")))?;
    Ok(host.heap.string(&text))
}

/// A value as JSON can say it.
fn data(host: &Host, value: Value, depth: usize) -> Outcome {
    if depth > DEEPEST {
        return Err(eval_error(format!(
            "values for a model may not be nested deeper than {DEEPEST}"
        )));
    }
    Ok(match value.kind() {
        Kind::Nil | Kind::Bool | Kind::Int | Kind::String => value,
        Kind::Float if value.as_float().is_some_and(f64::is_finite) => value,
        Kind::Float => Value::NIL,
        Kind::List | Kind::Vector => {
            let mut list = elements(host, value);
            for element in &mut list {
                *element = data(host, *element, depth + 1)?;
            }
            host.heap.list(&list)
        }
        _ if collections::is_map(value) => {
            let mut entries = Vec::new();
            for (key, value) in collections::sorted_entries(host, value) {
                let key = match name_text(host, key) {
                    Some(name) => host.keyword(name),
                    None => host.keyword(&print::readable(host, key)),
                };
                entries.push((key, data(host, value, depth + 1)?));
            }
            sorted_map::from_entries(host, &entries)
        }
        _ => match host.name_of(value) {
            Some(name) => host.heap.string(name),
            None => host.heap.string(&print::readable(host, value)),
        },
    })
}

/// A value as JSON can say it: names and what JSON lacks become strings, vectors become lists.
///
/// # Errors
/// It is nested too deep.
pub fn data_for_models(host: &Host, value: Value) -> Outcome {
    data(host, value, 0)
}

fn json_data(host: &Host, args: &[Value]) -> Outcome {
    data(host, argument(args, 0), 0)
}

/// The argument of a name, whichever way its key is written.
fn given(host: &Host, arguments: Value, name: &str) -> Option<Value> {
    if !collections::is_map(arguments) {
        return None;
    }
    entry(host, arguments, name)
        .or_else(|| collections::get(host, arguments, host.heap.string(name)))
}

/// Whether a value is of a type; `None`: the type is not checked.
fn fits(kind: Kind, wanted: &str) -> Option<bool> {
    match wanted {
        "string" => Some(kind == Kind::String),
        "number" => Some(matches!(kind, Kind::Int | Kind::Float)),
        "boolean" | "bool" => Some(kind == Kind::Bool),
        "list" | "array" => Some(matches!(kind, Kind::List | Kind::Vector)),
        _ => None,
    }
}

fn argument_problems(host: &Host, args: &[Value]) -> Outcome {
    let (parameters, arguments) = (argument(args, 0), argument(args, 1));
    if !collections::is_map(parameters) {
        return Ok(Value::EMPTY);
    }
    let text = |text: String| host.heap.string(&text);
    if !collections::is_map(arguments) {
        let got = type_name(host, arguments);
        return Ok(host
            .heap
            .list(&[text(format!("expected map result, got {got}"))]));
    }
    let mut problems = Vec::new();
    for (name, _, spec) in declared(host, parameters) {
        let Some(value) = given(host, arguments, name) else {
            if !is_optional(host, spec) {
                problems.push(text(format!("missing key: {name}")));
            }
            continue;
        };
        if let Some(wanted) = type_of(host, spec)
            && fits(value.kind(), wanted) == Some(false)
        {
            let got = type_name(host, value);
            problems.push(text(format!("key {name}: expected {wanted}, got {got}")));
        } else if collections::is_map(spec)
            && let Some(predicate) = entry(host, spec, "validate")
        {
            let message = entry(host, spec, "message").unwrap_or(Value::NIL);
            let name = host.heap.string(name);
            problems.push(host.heap.vector(&[name, predicate, value, message]));
        }
    }
    Ok(host.heap.list(&problems))
}

fn tool_argument(host: &Host, args: &[Value]) -> Outcome {
    expect(host, Kind::Tool, argument(args, 0))
}

fn tool_spec(host: &Host, args: &[Value]) -> Outcome {
    let tool = tool_argument(host, args)?;
    Ok(host.heap.field(tool, tool::SPEC))
}

fn tool_handler(host: &Host, args: &[Value]) -> Outcome {
    let tool = tool_argument(host, args)?;
    Ok(host.heap.field(tool, tool::HANDLER))
}

fn tool_inputs(host: &Host, args: &[Value]) -> Outcome {
    let tool = tool_argument(host, args)?;
    let arguments = argument(args, 1);
    let parameters = host.heap.field(tool, tool::PARAMETERS);
    let handler = host.heap.field(tool, tool::HANDLER);
    let input = |name: &str| {
        let default = || {
            let declared = declared(host, parameters);
            let (.., spec) = declared.into_iter().find(|(known, ..)| *known == name)?;
            collections::is_map(spec).then(|| entry(host, spec, "default"))?
        };
        given(host, arguments, name)
            .or_else(default)
            .unwrap_or(Value::NIL)
    };
    let names = host.heap.field(tool, tool::NAMES);
    if names.kind() == Kind::Keyword {
        return Ok(host.heap.list(&[arguments]));
    }
    if names.kind() == Kind::List {
        let names = host.heap.list_iter(names);
        let inputs: Vec<Value> = names
            .map(|name| input(host.heap.as_str(name).unwrap_or_default()))
            .collect();
        return Ok(host.heap.list(&inputs));
    }
    // A native, or a closure whose parameters are not known: the values in the order of their keys.
    let most = match host.closure_facts(handler) {
        Some(facts) => facts.most.unwrap_or(facts.required),
        None => usize::MAX,
    };
    let declared = declared(host, parameters).into_iter().take(most);
    let inputs: Vec<Value> = declared.map(|(name, ..)| input(name)).collect();
    Ok(host.heap.list(&inputs))
}

fn tool_result(host: &Host, args: &[Value]) -> Outcome {
    let result = argument(args, 0);
    match result.kind() {
        Kind::String => Ok(result),
        kind if matches!(kind, Kind::List | Kind::Vector) || collections::is_map(result) => {
            let result = data(host, result, 0)?;
            let text = write::encode(host, result, false)
                .map_err(|problem| eval_error(format!("result of a tool: {problem}")))?;
            Ok(host.heap.string(&text))
        }
        _ => Ok(host.heap.string(&print::display(host, result))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn shown(bench: &Bench, name: &str, texts: &[&str]) -> String {
        let args: Vec<Value> = texts
            .iter()
            .map(|text| bench.call("json/decode", &[bench.text(text)]))
            .collect();
        print::readable(&bench.host, bench.call(name, &args))
    }

    #[test]
    fn schemas_name_types_as_json_does() {
        let bench = Bench::new();
        let parameters = r#"{"n": {"type": "int", "description": "N"}, "s": "bool",
            "l": {"type": "list", "default": []}, "private": 1, "mcp/x": 2}"#;
        assert_eq!(
            shown(&bench, "%tool-schema", &[parameters]),
            "{:properties {:l {:default () :type \"array\"} :n {:description \"N\" :type \"integer\"} \
             :s {:type \"boolean\"}} :required (\"n\" \"s\") :type \"object\"}"
        );
        assert_eq!(
            shown(&bench, "%tool-schema", &["5"]),
            "{:properties {} :type \"object\"}"
        );
    }

    #[test]
    fn a_vector_of_a_type_is_an_array_of_it() {
        let bench = Bench::new();
        let tags = bench.host.heap.vector(&[bench.host.keyword("str")]);
        let parameters = sorted_map::from_entries(&bench.host, &[(bench.host.keyword("t"), tags)]);
        let schema = bench.call("%tool-schema", &[parameters]);
        assert_eq!(
            print::readable(&bench.host, schema),
            "{:properties {:t {:items {:type \"string\"} :type \"array\"}} :required (\"t\") :type \"object\"}"
        );
    }

    #[test]
    fn problems_are_told_in_the_order_of_the_keys() {
        let bench = Bench::new();
        let parameters = r#"{"b": {"type": "boolean"}, "n": {"type": "number", "optional": true}, "s": "string"}"#;
        let problems = |arguments| shown(&bench, "%argument-problems", &[parameters, arguments]);
        assert_eq!(problems(r#"{"b": true, "s": "x"}"#), "()");
        assert_eq!(
            problems(r#"{"b": 1, "n": "x"}"#),
            "(\"key b: expected boolean, got int\" \"key n: expected number, got string\" \
             \"missing key: s\")"
        );
        assert_eq!(problems("5"), "(\"expected map result, got int\")");
    }

    #[test]
    fn data_for_models_are_those_of_json() {
        let bench = Bench::new();
        let host = &bench.host;
        let values = [
            Value::float(f64::NAN),
            host.keyword("a"),
            host.heap.vector(&[Value::small(1)]),
        ];
        let given = host.heap.vector(&values);
        let data = bench.call("%json-data", &[given]);
        assert_eq!(print::readable(host, data), "(nil \"a\" (1))");
        assert_eq!(
            bench.string(bench.call("%tool-result", &[given])),
            "[null,\"a\",[1]]"
        );
        assert_eq!(
            bench.string(bench.call("%tool-result", &[host.keyword("k")])),
            ":k"
        );
    }
}
