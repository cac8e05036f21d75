//! Tools and agents as values. Calling and running them is not here.

use super::{expect, schema};
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error};
use sema_machine::host::condition::{Outcome, eval_error, type_error, wrong_kind};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Fields of a tool.
pub mod tool {
    /// The name, a string.
    pub const NAME: usize = 0;
    /// What it is for, a string.
    pub const DESCRIPTION: usize = 1;
    /// What describes its parameters; a map if it has any.
    pub const PARAMETERS: usize = 2;
    /// Vector of maps that say what its calls touch.
    pub const SUBJECTS: usize = 3;
    /// The function.
    pub const HANDLER: usize = 4;
    /// The names of the handler's parameters (list of strings); nil: not known; a keyword: the handler gets
    /// the map of arguments.
    pub const NAMES: usize = 5;
    /// What models are told: a map of `:name`, `:description` and `:parameters`, a JSON schema.
    pub const SPEC: usize = 6;
}

/// Fields of an agent.
pub mod agent {
    /// The name, a string.
    pub const NAME: usize = 0;
    /// The system text.
    pub const SYSTEM: usize = 1;
    /// The tools, a list.
    pub const TOOLS: usize = 2;
    /// The model's name; empty: none.
    pub const MODEL: usize = 3;
    /// How often a model may be asked.
    pub const MAX_TURNS: usize = 4;
}

/// The turns of an agent that does not say.
const DEFAULT_TURNS: i64 = 10;

natives! {
    /// The tool that a `deftool` form describes. The schema of the parameters may be nil: then it is made
    /// here. Raises if the description is not a string or the options are malformed.
    "%make-tool" (name: Any, description: String, parameters: Any, options: Any, handler: Any, names: Any, schema: Any) -> Tool => make_tool;

    /// The agent that a `defagent` form describes. Raises if the options are not a map.
    "%make-agent" (name: Any, options: Map) -> Agent => make_agent;

    /// The name of a tool.
    /// (begin (deftool greet "Says hello" {:who {:type :string}} (fn (who) who)) (tool/name greet)) => "greet"
    "tool/name" (tool: Tool) -> String, pure => tool_name;

    /// The text that says what a tool does.
    /// (begin (deftool greet "Says hello" {:who {:type :string}} (fn (who) who)) (tool/description greet)) => "Says hello"
    "tool/description" (tool: Tool) -> String, pure => tool_description;

    /// The description of the parameters of a tool, a map.
    /// (begin (deftool greet "Says hello" {:who {:type :string}} (fn (who) who)) (tool/parameters greet)) => {:who {:type :string}}
    "tool/parameters" (tool: Tool) -> Any, pure => tool_parameters;

    /// What calls of a tool touch, a vector of maps; empty unless the tool declares it.
    /// (begin (deftool greet "Says hello" {} (fn () 1)) (tool/policy-subjects greet)) => []
    "tool/policy-subjects" (tool: Tool) -> Vector, pure => tool_subjects;

    /// An agent without a definition: as `defagent` makes it of the same options, and with its name among them (`:name`).
    /// (agent/system (agent {:system "Be kind."})) => "Be kind."
    /// (agent/name (agent {})) => ""
    /// (agent/name (agent {:name "helper"})) => "helper"
    /// (agent "helper") => error agent argument 1 expected map, got string
    "agent" (options: Map) -> Agent => anonymous_agent;

    /// The name of an agent.
    /// (begin (defagent helper {:system "Be kind."}) (agent/name helper)) => "helper"
    "agent/name" (agent: Agent) -> String, pure => agent_name;

    /// The text of the system message of an agent; "" unless it is given.
    /// (begin (defagent helper {:system "Be kind."}) (agent/system helper)) => "Be kind."
    "agent/system" (agent: Agent) -> String, pure => agent_system;

    /// The tools of an agent, a list.
    /// (begin (defagent helper {:system "Be kind."}) (agent/tools helper)) => ()
    "agent/tools" (agent: Agent) -> List, pure => agent_tools;

    /// The name of the model of an agent; "" unless it is given.
    /// (begin (defagent helper {:model "small-1"}) (agent/model helper)) => "small-1"
    "agent/model" (agent: Agent) -> String, pure => agent_model;

    /// How often an agent may ask its model for one answer; 10 unless it is given.
    /// (begin (defagent helper {:max-turns 3}) (agent/max-turns helper)) => 3
    "agent/max-turns" (agent: Agent) -> Int, pure => agent_turns;
}

/// Arguments: name, description, parameters, options, handler, the names of its parameters, the schema.
fn make_tool(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let description = argument(args, 1);
    if heap.as_str(description).is_none() {
        return Err(argument_error(host, "deftool", 1, "string", description));
    }
    let subjects = policy_subjects(host, argument(args, 3))?;
    let schema = match argument(args, 6) {
        schema if schema.is_nil() => schema::schema(host, argument(args, 2))?,
        schema => schema,
    };
    let spec = [
        (host.keyword("name"), argument(args, 0)),
        (host.keyword("description"), description),
        (host.keyword("parameters"), schema),
    ];
    let fields = [
        argument(args, 0),
        description,
        argument(args, 2),
        subjects,
        argument(args, 4),
        argument(args, 5),
        sorted_map::from_entries(host, &spec),
    ];
    Ok(heap.object(Kind::Tool, 0, &fields))
}

/// The vector of policy subjects that the options of a tool declare.
fn policy_subjects(host: &Host, options: Value) -> Outcome {
    let none = || host.heap.vector(&[]);
    if options.is_nil() {
        return Ok(none());
    }
    if !collections::is_map(options) {
        let what = "deftool: options must be a map";
        return Err(wrong_kind(host, what, options));
    }
    let name = host.keyword("policy-subjects");
    for (key, _) in collections::sorted_entries(host, options) {
        if key != name {
            let key = print::readable(host, key);
            return Err(eval_error(format!("deftool: unknown option {key}")));
        }
    }
    let Some(given) = collections::get_keyword(host, options, name) else {
        return Ok(none());
    };
    let given: Vec<Value> = match given.kind() {
        Kind::List => host.heap.list_iter(given).collect(),
        Kind::Vector => host.heap.values(given).to_vec(),
        _ => {
            let what = "deftool: :policy-subjects must be a list or vector";
            return Err(wrong_kind(host, what, given));
        }
    };
    let mut subjects = Vec::with_capacity(given.len());
    for (index, subject) in given.into_iter().enumerate() {
        subjects.push(policy_subject(host, index + 1, subject)?);
    }
    Ok(host.heap.vector(&subjects))
}

/// One subject in its normal form: names are keywords.
fn policy_subject(host: &Host, number: usize, subject: Value) -> Outcome {
    let about = |what: String| format!("deftool: policy subject {number} {what}");
    let wrong = |what: String| eval_error(about(what));
    if !collections::is_map(subject) {
        let what = about("must be a map".to_owned());
        return Err(wrong_kind(host, what, subject));
    }
    let text_entry = |entry: &str| -> Outcome<Option<&str>> {
        let Some(value) = collections::get_keyword(host, subject, host.keyword(entry)) else {
            return Ok(None);
        };
        let text = match value.kind() {
            Kind::Keyword => host.name_of(value),
            _ => host.heap.as_str(value),
        };
        text.map(Some).ok_or_else(|| {
            let what = about(format!(":{entry} must be a keyword or string"));
            wrong_kind(host, what, value)
        })
    };
    let required =
        |entry: &str| text_entry(entry)?.ok_or_else(|| wrong(format!("is missing :{entry}")));
    let kind = required("kind")?;
    let (needed, possible) = match kind {
        "file-read" | "file-write" | "file-delete" => ("path-arg", None),
        "command" => ("command-arg", None),
        "network-request" => ("url-arg", Some("method")),
        "external-action" => ("action", Some("target-arg")),
        other => return Err(wrong(format!("has unsupported :kind :{other}"))),
    };
    for (key, _) in collections::sorted_entries(host, subject) {
        let known = [Some("kind"), Some(needed), possible].into_iter().flatten();
        if !known.into_iter().any(|name| key == host.keyword(name)) {
            let key = print::readable(host, key);
            return Err(wrong(format!("has unknown key {key}")));
        }
    }
    let mut entries = vec![
        (host.keyword("kind"), host.keyword(kind)),
        (host.keyword(needed), host.keyword(required(needed)?)),
    ];
    if let Some(name) = possible
        && let Some(text) = text_entry(name)?
    {
        // A method is a word of HTTP, the others are names.
        let value = match name {
            "method" => host.heap.string(text),
            _ => host.keyword(text),
        };
        entries.push((host.keyword(name), value));
    }
    Ok(sorted_map::from_entries(host, &entries))
}

/// Arguments: name, options.
fn make_agent(host: &Host, args: &[Value]) -> Outcome {
    let options = argument(args, 1);
    if !collections::is_map(options) {
        return Err(type_error(host, "map", options));
    }
    Ok(agent_of(host, argument(args, 0), options))
}

fn anonymous_agent(host: &Host, args: &[Value]) -> Outcome {
    let options = argument(args, 0);
    if !collections::is_map(options) {
        return Err(argument_error(host, "agent", 0, "map", options));
    }
    Ok(agent_of(host, text_option(host, options, "name"), options))
}

/// An option that is a text; without it "".
fn text_option(host: &Host, options: Value, name: &str) -> Value {
    match collections::get_keyword(host, options, host.keyword(name)) {
        Some(value) if host.heap.as_str(value).is_some() => value,
        _ => host.heap.string(""),
    }
}

/// An agent of this name, with the options in a map.
fn agent_of(host: &Host, name: Value, options: Value) -> Value {
    let heap = &host.heap;
    let option = |name: &str| collections::get_keyword(host, options, host.keyword(name));
    let tools = match option("tools") {
        Some(tools) if tools.kind() == Kind::List => tools,
        Some(tools) if tools.kind() == Kind::Vector => heap.list(heap.values(tools)),
        _ => Value::EMPTY,
    };
    let turns = match option("max-turns") {
        Some(turns) if heap.as_i64(turns).is_some() => turns,
        _ => heap.int(DEFAULT_TURNS),
    };
    let fields = [
        name,
        text_option(host, options, "system"),
        tools,
        text_option(host, options, "model"),
        turns,
    ];
    heap.object(Kind::Agent, 0, &fields)
}

fn tool_field(host: &Host, args: &[Value], index: usize) -> Outcome {
    let tool = expect(host, Kind::Tool, argument(args, 0))?;
    Ok(host.heap.field(tool, index))
}

fn tool_name(host: &Host, args: &[Value]) -> Outcome {
    tool_field(host, args, tool::NAME)
}

fn tool_description(host: &Host, args: &[Value]) -> Outcome {
    tool_field(host, args, tool::DESCRIPTION)
}

fn tool_parameters(host: &Host, args: &[Value]) -> Outcome {
    tool_field(host, args, tool::PARAMETERS)
}

fn tool_subjects(host: &Host, args: &[Value]) -> Outcome {
    tool_field(host, args, tool::SUBJECTS)
}

fn agent_field(host: &Host, args: &[Value], index: usize) -> Outcome {
    let agent = expect(host, Kind::Agent, argument(args, 0))?;
    Ok(host.heap.field(agent, index))
}

fn agent_name(host: &Host, args: &[Value]) -> Outcome {
    agent_field(host, args, agent::NAME)
}

fn agent_system(host: &Host, args: &[Value]) -> Outcome {
    agent_field(host, args, agent::SYSTEM)
}

fn agent_tools(host: &Host, args: &[Value]) -> Outcome {
    agent_field(host, args, agent::TOOLS)
}

fn agent_model(host: &Host, args: &[Value]) -> Outcome {
    agent_field(host, args, agent::MODEL)
}

fn agent_turns(host: &Host, args: &[Value]) -> Outcome {
    agent_field(host, args, agent::MAX_TURNS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message};

    fn tool(bench: &Bench, options: Value) -> Outcome {
        let (name, nil) = (bench.text("t"), Value::NIL);
        bench.try_call(
            "%make-tool",
            &[name, bench.text("d"), nil, options, nil, nil, nil],
        )
    }

    #[test]
    fn policy_subjects_are_checked_and_normalised() {
        let bench = Bench::new();
        let host = &bench.host;
        let options = |subject: &[(&str, Value)]| {
            let entries: Vec<_> = subject
                .iter()
                .map(|(name, value)| (host.keyword(name), *value))
                .collect();
            let subject = sorted_map::from_entries(host, &entries);
            let subjects = host.heap.list(&[subject]);
            sorted_map::from_entries(host, &[(host.keyword("policy-subjects"), subjects)])
        };
        let kind = ("kind", bench.text("file-read"));
        let made = tool(&bench, options(&[kind, ("path-arg", bench.text("p"))]));
        let Ok(made) = made else {
            panic!("refused");
        };
        let subjects = bench.call("tool/policy-subjects", &[made]);
        assert_eq!(
            print::readable(host, subjects),
            "[{:kind :file-read :path-arg :p}]"
        );
        let refused = |subject: &[(&str, Value)]| match tool(&bench, options(subject)) {
            Ok(_) => String::new(),
            Err(error) => eval_message(error),
        };
        assert_eq!(
            refused(&[kind]),
            "deftool: policy subject 1 is missing :path-arg"
        );
        let request = ("kind", host.keyword("network-request"));
        assert_eq!(
            refused(&[
                request,
                ("url-arg", bench.text("u")),
                ("method", bench.text("GET"))
            ]),
            ""
        );
        assert_eq!(
            refused(&[request]),
            "deftool: policy subject 1 is missing :url-arg"
        );
        assert_eq!(
            refused(&[kind, ("path", Value::NIL)]),
            "deftool: policy subject 1 has unknown key :path"
        );
    }
}
