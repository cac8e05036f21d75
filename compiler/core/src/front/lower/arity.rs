//! Functions that are known, and how many arguments they take.

use std::rc::Rc;

use crate::ir::Lambda;

/// A function that a variable always holds.
pub(super) struct Known {
    pub name: Rc<str>,
    pub minimum: usize,
    pub maximum: Option<usize>,
    /// What calls of it run, if that is all.
    pub lambda: Option<Rc<Lambda>>,
}

/// How many arguments a function of another module takes.
#[derive(Clone)]
pub(crate) struct Taken {
    name: Rc<str>,
    minimum: usize,
    maximum: Option<usize>,
}

impl Known {
    /// What other modules need to know of the function.
    pub fn taken(&self) -> Taken {
        Taken {
            name: self.name.clone(),
            minimum: self.minimum,
            maximum: self.maximum,
        }
    }

    /// A function of another module.
    pub fn imported(taken: &Taken) -> Known {
        Known {
            name: taken.name.clone(),
            minimum: taken.minimum,
            maximum: taken.maximum,
            lambda: None,
        }
    }

    /// The function as it is known under a name.
    pub fn of(lambda: &Rc<Lambda>, name: Rc<str>) -> Known {
        Known {
            name,
            minimum: lambda.parameters.len() - lambda.optional,
            maximum: lambda.rest.is_none().then_some(lambda.parameters.len()),
            lambda: Some(lambda.clone()),
        }
    }

    /// The function as conditions of the run time name it.
    pub fn local(lambda: &Rc<Lambda>) -> Known {
        let name = lambda.name.clone().unwrap_or_else(|| "<lambda>".into());
        Known::of(lambda, name)
    }
}
