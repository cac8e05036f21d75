//! Vectors of numbers as models of embeddings give them: byte vectors of floats of 64 bits, little end
//! first; and stores of them.

pub mod search;
pub mod store;

use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, check_limit, integer, real};
use sema_machine::host::condition::{Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

use crate::core::sequence::bytes::bytes;

natives! {
    /// The number of floats of an embedding.
    /// (embedding/length (embedding/list->embedding '(1.0 2.0))) => 2
    /// (embedding/length #u8(1 2)) => error bytevector length 2 is not divisible by 8
    "embedding/length" (embedding: Bytes) -> Count => length;

    /// One float of an embedding. Raises if the index is out of bounds.
    /// (embedding/ref (embedding/list->embedding '(1.0 2.0)) 1) => 2.0
    /// (embedding/ref (embedding/list->embedding '(1.0)) 1) => error index 1 out of bounds (length 1)
    "embedding/ref" (embedding: Bytes, index: Int) -> Float => reference;

    /// The floats of an embedding.
    /// (embedding/->list (embedding/list->embedding '(1.0 2.0))) => (1.0 2.0)
    "embedding/->list" (embedding: Bytes) -> List => to_list;

    /// The embedding of a list or vector of numbers: the bytes of floats of 64 bits, little end first.
    /// (embedding/length (embedding/list->embedding [1 2.5])) => 2
    /// (embedding/list->embedding '("a")) => error element 0 is string, expected number
    "embedding/list->embedding" (numbers: Sequence) -> Bytes => from_list;

    /// How alike two embeddings are, or two lists of numbers: the cosine of the angle between them, 0.0 if one
    /// has no length.
    /// (llm/similarity '(1.0 0.0) '(0.0 1.0)) => 0.0
    /// (llm/similarity '(1 2) '(1)) => error vectors must have same length (2 vs 1)
    "llm/similarity" (a: Any, b: Any) -> Float => similarity;

    /// The cosine of the angle between two embeddings, 0.0 if one has no length.
    /// (vector/cosine-similarity (embedding/list->embedding '(1 0)) (embedding/list->embedding '(2 0))) => 1.0
    "vector/cosine-similarity" (a: Bytes, b: Bytes) -> Float => cosine_similarity;

    /// The dot product of two embeddings.
    /// (vector/dot-product (embedding/list->embedding '(1 2 3)) (embedding/list->embedding '(4 5 6))) => 32.0
    /// (vector/dot-product (embedding/list->embedding '(1)) (embedding/list->embedding '(1 2))) => error length mismatch (1 vs 2)
    "vector/dot-product" (a: Bytes, b: Bytes) -> Float => dot_product;

    /// The distance of two embeddings.
    /// (vector/distance (embedding/list->embedding '(0 0)) (embedding/list->embedding '(3 4))) => 5.0
    "vector/distance" (a: Bytes, b: Bytes) -> Float => distance;

    /// The embedding of length one in the same direction; one without length stays as it is.
    /// (embedding/->list (vector/normalize (embedding/list->embedding '(3 4)))) => (0.6 0.8)
    "vector/normalize" (embedding: Bytes) -> Bytes => normalize;
}

/// Bytes of a float.
pub(crate) const FLOAT: usize = 8;

/// The floats of bytes whose number is a multiple of eight.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f64> {
    let (floats, _) = bytes.as_chunks::<FLOAT>();
    floats
        .iter()
        .map(|bytes| f64::from_le_bytes(*bytes))
        .collect()
}

fn bytes_of(floats: impl Iterator<Item = f64>) -> Vec<u8> {
    floats.flat_map(f64::to_le_bytes).collect()
}

/// Dot product of two slices.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The cosine between two vectors, 0.0 if one has no length.
pub(crate) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let (long, wide) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    if long == 0.0 || wide == 0.0 {
        0.0
    } else {
        dot(a, b) / (long * wide)
    }
}

/// The floats of the embedding at argument 0.
fn embedding(host: &Host, function: &str, args: &[Value]) -> Outcome<Vec<f64>> {
    let bytes = bytes(host, function, args, 0)?;
    if bytes.len() % FLOAT != 0 {
        return Err(eval_error(format!(
            "{function}: bytevector length {} is not divisible by 8",
            bytes.len()
        )));
    }
    Ok(floats(bytes))
}

fn length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(
        embedding(host, "embedding/length", args)?.len(),
    ))
}

fn reference(host: &Host, args: &[Value]) -> Outcome {
    let floats = embedding(host, "embedding/ref", args)?;
    let index = integer(host, "embedding/ref", args, 1)?;
    let float = usize::try_from(index)
        .ok()
        .and_then(|index| floats.get(index));
    float.map(|float| Value::float(*float)).ok_or_else(|| {
        eval_error(format!(
            "embedding/ref: index {index} out of bounds (length {})",
            floats.len()
        ))
    })
}

fn to_list(host: &Host, args: &[Value]) -> Outcome {
    let floats = embedding(host, "embedding/->list", args)?;
    check_limit(host, "embedding/->list", floats.len())?;
    let values: Vec<Value> = floats.into_iter().map(Value::float).collect();
    Ok(host.heap.list(&values))
}

/// The elements of a list or vector.
fn sequence(host: &Host, value: Value) -> Option<Vec<Value>> {
    match value.kind() {
        Kind::List => Some(host.heap.list_iter(value).collect()),
        Kind::Vector => Some(host.heap.values(value).to_vec()),
        _ => None,
    }
}

fn from_list(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "embedding/list->embedding";
    let given = argument(args, 0);
    let Some(elements) = sequence(host, given) else {
        return Err(argument_error(host, FUNCTION, 0, "list or vector", given));
    };
    check_limit(host, FUNCTION, elements.len())?;
    let mut floats = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        let number = matches!(element.kind(), Kind::Int | Kind::Float)
            .then(|| real(host, element))
            .flatten();
        let Some(number) = number else {
            let got = sema_machine::host::condition::type_name(host, element);
            return Err(eval_error(format!(
                "{FUNCTION}: element {index} is {got}, expected number"
            )));
        };
        floats.push(number);
    }
    Ok(host.heap.bytevector(&bytes_of(floats.into_iter())))
}

/// The numbers of a list or vector.
fn numbers(host: &Host, elements: &[Value]) -> Outcome<Vec<f64>> {
    let number = |element: &Value| match element.kind() {
        Kind::Int | Kind::Float => real(host, *element),
        _ => None,
    };
    let mut numbers = Vec::with_capacity(elements.len());
    for element in elements {
        numbers.push(number(element).ok_or_else(|| type_error(host, "number", *element))?);
    }
    Ok(numbers)
}

fn similarity(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = (argument(args, 0), argument(args, 1));
    let wrong = |what: String| eval_error(format!("llm/similarity: {what}"));
    let (a, b) = match (host.heap.as_bytevector(a), host.heap.as_bytevector(b)) {
        (Some(a), Some(b)) => {
            if a.len() != b.len() {
                let (a, b) = (a.len(), b.len());
                return Err(wrong(format!(
                    "bytevectors must have same length ({a} vs {b})"
                )));
            }
            if a.len() % FLOAT != 0 {
                return Err(wrong(format!(
                    "bytevector length must be a multiple of 8 (got {})",
                    a.len()
                )));
            }
            (floats(a), floats(b))
        }
        (None, None) => match (sequence(host, a), sequence(host, b)) {
            (Some(a), Some(b)) => (numbers(host, &a)?, numbers(host, &b)?),
            _ => return Err(mixed()),
        },
        _ => return Err(mixed()),
    };
    if a.len() != b.len() {
        let (a, b) = (a.len(), b.len());
        return Err(wrong(format!("vectors must have same length ({a} vs {b})")));
    }
    if a.is_empty() {
        return Err(wrong("empty vectors".to_owned()));
    }
    Ok(Value::float(cosine(&a, &b)))
}

fn mixed() -> Box<Signal> {
    eval_error(
        "llm/similarity: both arguments must be the same type, both bytevectors or both lists; \
         embedding/->list and embedding/list->embedding convert",
    )
}

/// Two embeddings of one length.
fn pair(host: &Host, function: &str, args: &[Value]) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let (a, b) = (
        bytes(host, function, args, 0)?,
        bytes(host, function, args, 1)?,
    );
    for bytes in [a, b] {
        if bytes.is_empty() || bytes.len() % FLOAT != 0 {
            return Err(eval_error(format!(
                "{function}: invalid bytevector length {}",
                bytes.len()
            )));
        }
    }
    if a.len() != b.len() {
        return Err(eval_error(format!(
            "{function}: length mismatch ({} vs {})",
            a.len() / FLOAT,
            b.len() / FLOAT
        )));
    }
    Ok((floats(a), floats(b)))
}

fn cosine_similarity(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = pair(host, "vector/cosine-similarity", args)?;
    Ok(Value::float(cosine(&a, &b)))
}

fn dot_product(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = pair(host, "vector/dot-product", args)?;
    Ok(Value::float(dot(&a, &b)))
}

fn distance(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = pair(host, "vector/distance", args)?;
    let squares = a.iter().zip(&b).map(|(x, y)| (x - y) * (x - y));
    Ok(Value::float(squares.sum::<f64>().sqrt()))
}

fn normalize(host: &Host, args: &[Value]) -> Outcome {
    let bytes = bytes(host, "vector/normalize", args, 0)?;
    if bytes.is_empty() || bytes.len() % FLOAT != 0 {
        return Err(eval_error("vector/normalize: invalid bytevector"));
    }
    let floats = floats(bytes);
    let length = dot(&floats, &floats).sqrt();
    if length == 0.0 {
        return Ok(argument(args, 0));
    }
    let unit = bytes_of(floats.into_iter().map(|float| float / length));
    Ok(host.heap.bytevector(&unit))
}
