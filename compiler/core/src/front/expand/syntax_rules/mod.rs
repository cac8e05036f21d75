//! `define-syntax` with `syntax-rules`.
//!
//! Names that a template binds are renamed in each expansion; everything else is kept as written and means what
//! it means where the macro is used.

mod binders;
mod pattern;
mod template;

use std::rc::Rc;

use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::front::lower::Session;
use crate::front::names::Names;
use pattern::Bindings;

/// A macro made of rules.
#[derive(Debug)]
pub(crate) struct SyntaxRules {
    name: Rc<str>,
    ellipsis: Symbol,
    literals: Vec<Symbol>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Without its first element.
    pattern: Vec<Datum>,
    /// Several are `begin`.
    templates: Vec<Datum>,
}

impl SyntaxRules {
    /// Takes a `(syntax-rules …)` form.
    ///
    /// # Errors
    /// What is malformed, in the words of the reference.
    pub(crate) fn parse(
        name: &str,
        form: &Datum,
        names: &Names,
        span: Span,
    ) -> Fallible<SyntaxRules> {
        let error = |message: &str| Err(Diagnostic::eval(span, message));
        let DatumKind::List(items) = &form.kind else {
            return error("define-syntax: transformer must be a (syntax-rules ...) form");
        };
        let mut items = items.iter().peekable();
        let is_rules = items
            .next()
            .is_some_and(|head| symbol(head) == Some(names.syntax_rules));
        if !is_rules {
            return error("define-syntax: transformer must be a (syntax-rules ...) form");
        }
        let custom = items
            .next_if(|item| symbol(item).is_some())
            .and_then(symbol);
        let Some(literals) = items.next() else {
            return error(
                "syntax-rules: malformed — expected (syntax-rules (literals...) rules...)",
            );
        };
        let DatumKind::List(literals) = &literals.kind else {
            return error("syntax-rules: literals must be a list");
        };
        let mut literal_names = Vec::new();
        for literal in literals.iter() {
            let Some(literal) = symbol(literal) else {
                return error("syntax-rules: each literal must be a symbol");
            };
            literal_names.push(literal);
        }
        let mut rules = Vec::new();
        for rule in items {
            let parts = match &rule.kind {
                DatumKind::List(parts) if parts.len() >= 2 => parts,
                _ => return error("syntax-rules: each rule must be (pattern template)"),
            };
            let Some((pattern, templates)) = parts.split_first() else {
                continue;
            };
            let DatumKind::List(pattern) = &pattern.kind else {
                return error(&format!("syntax-rules: pattern in '{name}' must be a list"));
            };
            rules.push(Rule {
                pattern: pattern.iter().skip(1).cloned().collect(),
                templates: templates.to_vec(),
            });
        }
        Ok(SyntaxRules {
            name: Rc::from(name),
            ellipsis: custom.unwrap_or(names.ellipsis),
            literals: literal_names,
            rules,
        })
    }

    /// The expansion of a call.
    ///
    /// # Errors
    /// No rule fits, or the template cannot be filled.
    pub(crate) fn expand(
        &self,
        operands: &[Datum],
        span: Span,
        session: &mut Session<'_>,
    ) -> Fallible<Datum> {
        for rule in &self.rules {
            let mut bindings = Bindings::default();
            if self.match_items(&rule.pattern, operands, &session.names, &mut bindings) {
                return self.fill_rule(rule, &bindings, span, session);
            }
        }
        let message = format!("no matching syntax-rules clause for macro '{}'", self.name);
        Err(Diagnostic::eval(span, message))
    }

    fn fill_rule(
        &self,
        rule: &Rule,
        bindings: &Bindings,
        span: Span,
        session: &mut Session<'_>,
    ) -> Fallible<Datum> {
        let renamed = self.rename(&rule.templates, bindings, session);
        let filler = template::Filler {
            rules: self,
            renamed: &renamed,
            names: &session.names,
            interner: session.interner,
            span,
        };
        let mut forms = rule
            .templates
            .iter()
            .map(|template| filler.fill(template, bindings))
            .collect::<Fallible<Vec<Datum>>>()?;
        if forms.len() == 1
            && let Some(form) = forms.pop()
        {
            return Ok(form);
        }
        let begin = session.interner.get_or_intern_static("begin");
        forms.insert(
            0,
            Datum {
                kind: DatumKind::Symbol(begin),
                span,
            },
        );
        Ok(Datum {
            kind: DatumKind::List(forms.into()),
            span,
        })
    }

    /// New names for those that the templates bind.
    fn rename(
        &self,
        templates: &[Datum],
        bindings: &Bindings,
        session: &mut Session<'_>,
    ) -> Vec<(Symbol, Symbol)> {
        let mut found = Vec::new();
        for template in templates {
            binders::collect(template, &session.names, &mut found);
        }
        let mut renamed: Vec<(Symbol, Symbol)> = Vec::new();
        for name in found {
            let kept = bindings.contains(name)
                || name == self.ellipsis
                || name == session.names.underscore
                || name == session.names.ampersand
                || name == session.names.dot
                || renamed.iter().any(|(known, _)| *known == name);
            if kept {
                continue;
            }
            let number = session.host.next_gensym();
            let text = format!("{}__{number}", session.interner.resolve(&name));
            renamed.push((name, session.interner.get_or_intern(text)));
        }
        renamed
    }
}

fn symbol(datum: &Datum) -> Option<Symbol> {
    match datum.kind {
        DatumKind::Symbol(symbol) => Some(symbol),
        _ => None,
    }
}
