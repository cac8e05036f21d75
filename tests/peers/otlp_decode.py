"""Shows the spans of a request of OTLP as OpenTelemetry's own classes read it: otlp_decode.py http/protobuf|http/json FILE."""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind)


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def with_bytes(part):
    """Identities are hexadecimal in OTLP's JSON, and Base64 in that of Protocol Buffers."""
    if isinstance(part, list):
        return [with_bytes(item) for item in part]
    if not isinstance(part, dict):
        return part
    names = ("traceId", "spanId", "parentSpanId")
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode() if key in names else with_bytes(item)
        for key, item in part.items()
    }


protocol, file = sys.argv[1:]
request = ExportTraceServiceRequest()
with open(file, "rb") as opened:
    content = opened.read()
if protocol == "http/json":
    json_format.ParseDict(with_bytes(json.loads(content)), request)
else:
    request.ParseFromString(content)

(of_resource,) = request.resource_spans
(of_scope,) = of_resource.scope_spans
known = attributes(of_resource.resource.attributes)
print(" ".join(f"{key}={known[key]}" for key in ("service.name", "deployment.environment.name")))
spans = list(of_scope.spans)
names = {span.span_id: span.name for span in spans}
assert len({span.trace_id for span in spans}) == 1 and len(spans[0].trace_id) == 16
shown = []
for span in reversed(spans):
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    found = attributes(span.attributes)
    assert found["session.id"] == "s-1" and found["user.id"] == "ada"
    kind = "client" if span.kind == Span.SPAN_KIND_CLIENT else "internal"
    status = "unset"
    if span.status.code == Status.STATUS_CODE_ERROR:
        status = f"error({span.status.message})"
        assert found["error.type"] == "eval"
    line = f"{span.name} < {names.get(span.parent_span_id, '-')} {kind} {status}"
    for key in ("many", "ratio", "fine"):
        if key in found:
            line += f" {key}={found[key]}"
    if span.events:
        events = [f"{event.name}({', '.join(f'{k}={v}' for k, v in attributes(event.attributes).items())})" for event in span.events]
        line += f" events={','.join(events)}"
    shown.append(line)
print("\n".join(shown))
