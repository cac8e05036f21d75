//! Macros that set something up, run a body and undo it on both exits.

use super::{Maker, binding};
use crate::front::datum::Datum;
use crate::front::diagnostic::Fallible;

pub(super) fn with_stream(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((spec, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let (name, value) = binding(maker, spec)?;
    let close = maker.call("stream/close", [name.clone()]);
    let body = maker.guarded(body, vec![close]);
    Ok(maker.let_form(vec![(name, value)], [body]))
}

pub(super) fn with_span(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [name, attributes, body @ ..] = operands else {
        return Ok(maker.nil());
    };
    let body = maker.thunk(body);
    Ok(maker.call("otel/span", [name.clone(), body, attributes.clone()]))
}

pub(super) fn with_session(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [id, options, body @ ..] = operands else {
        return Ok(maker.nil());
    };
    let body = maker.thunk(body);
    Ok(maker.call("otel/with-session", [id.clone(), options.clone(), body]))
}

pub(super) fn alt_screen(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    let set_up = ["term/enter-alt-screen", "term/hide-cursor"];
    Ok(around(
        maker,
        &set_up,
        body,
        &["term/show-cursor", "term/leave-alt-screen"],
    ))
}

pub(super) fn mouse(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    Ok(around(
        maker,
        &["term/enable-mouse"],
        body,
        &["term/disable-mouse"],
    ))
}

pub(super) fn bracketed_paste(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    let set_up = ["term/enable-bracketed-paste"];
    Ok(around(
        maker,
        &set_up,
        body,
        &["term/disable-bracketed-paste"],
    ))
}

pub(super) fn focus_events(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    let set_up = ["term/enable-focus-events"];
    Ok(around(maker, &set_up, body, &["term/disable-focus-events"]))
}

pub(super) fn kitty_keys(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    let set_up = ["term/enable-kitty-keys!"];
    Ok(around(maker, &set_up, body, &["term/disable-kitty-keys!"]))
}

/// The terminal may not be one: then there is nothing to restore.
pub(super) fn raw_mode(maker: &mut Maker<'_, '_>, body: &[Datum]) -> Fallible<Datum> {
    let saved = maker.fresh("saved");
    let restore = maker.call("io/tty-restore!", [saved.clone()]);
    let restore = maker.form("when", [saved.clone(), restore]);
    let body = maker.guarded(body, vec![restore]);
    let enter = maker.call("io/tty-raw!", []);
    Ok(maker.let_form(vec![(saved, enter)], [body]))
}

fn around(maker: &mut Maker<'_, '_>, set_up: &[&str], body: &[Datum], restore: &[&str]) -> Datum {
    let mut forms: Vec<Datum> = set_up.iter().map(|name| maker.call(name, [])).collect();
    let restore = restore.iter().map(|name| maker.call(name, [])).collect();
    forms.push(maker.guarded(body, restore));
    maker.form("begin", forms)
}
