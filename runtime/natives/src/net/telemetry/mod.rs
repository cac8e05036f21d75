//! Spans that go to a collector of OpenTelemetry, over HTTP. Spans are made in `compiler/lib/otel.sema`.
//!
//! - [`span`] is a span as plain data
//! - [`encode`] writes requests of OTLP, in JSON or Protocol Buffers
//! - [`export`] sends them from a thread of its own

pub mod encode;
pub mod export;
pub mod span;

use crate::core::system::environment;
use crate::net::http::client::options;
use encode::{Encoding, Resource};
use export::Exporter;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// From now on spans go to a collector at an address, with the options of a request, in an encoding
    /// (`http/protobuf` or `http/json`), and with attributes that all of them share.
    "%otel-export-to" (function: String, method: String, url: String, options: Any, encoding: String, resource: Map) -> Nil, needs(Capability::Network), touches(Touches::Inside) => export_to;

    /// Hands a span to the exporter. It never waits: spans that come faster than they can be sent are dropped.
    "%otel-export" (span: Map) -> Nil => export_span;

    /// A variable of the environment that says where spans go, by a name that begins with `OTEL_` or `SEMA_OTEL_`; nil if it is
    /// empty or not set.
    "%otel-environment" (name: String) -> OptionalString, needs(Capability::Network), touches(Touches::Nothing) => from_environment;
}

/// The exporter of a machine, an extension of the host.
#[derive(Default)]
struct Telemetry(Option<Exporter>);

fn export_to(host: &Host, args: &[Value]) -> Outcome {
    let function = text(host, "%otel-export-to", args, 0)?;
    let encoding = match text(host, "%otel-export-to", args, 4)? {
        "http/protobuf" => Encoding::ProtocolBuffers,
        "http/json" => Encoding::Json,
        other => {
            return Err(eval_error(format!(
                "{function}: the protocols are http/protobuf and http/json, not {other}"
            )));
        }
    };
    let request = options::request(host, function, args, Capability::Network)?;
    let resource = Resource(span::attributes(host, argument(args, 5)));
    let exporter = Exporter::start(request, encoding, resource)
        .map_err(|error| io_error(format!("{function}: no thread for telemetry: {error}")))?;
    host.with_extension(|telemetry: &mut Telemetry| telemetry.0 = Some(exporter));
    Ok(Value::NIL)
}

fn export_span(host: &Host, args: &[Value]) -> Outcome {
    let Some(span) = span::of(host, argument(args, 0)) else {
        return Err(eval_error(
            "%otel-export: a span has a name, a time and identities",
        ));
    };
    host.with_extension(|telemetry: &mut Telemetry| {
        if let Some(exporter) = &telemetry.0 {
            exporter.take(span);
        }
    });
    Ok(Value::NIL)
}

fn from_environment(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "%otel-environment", args, 0)?;
    if !name.starts_with("OTEL_") && !name.starts_with("SEMA_OTEL_") {
        return Ok(Value::NIL);
    }
    let value = environment::lookup(host, name).filter(|value| !value.is_empty());
    Ok(value.map_or(Value::NIL, |value| host.heap.string(&value)))
}
