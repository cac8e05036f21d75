//! `semac why`: by which calls a program gets to something.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use sema_machine::host::native::{Capability, Tier};
use semac_core::driver::{Program, Surroundings, World};
use semac_core::front::diagnostic::suggest::nearest_name;
use semac_core::front::expand::steps::{DEFAULT_SECONDS, DEFAULT_STEPS};
use semac_core::ir::Builtin;
use semac_core::link::reach::{Goal, Reach, Step};
use semac_core::link::requirements::Requirements;
use semac_core::link::shown::public_way;
use serde::Serialize;

use super::arguments::{Lints, Optimization, Why};
use super::capabilities::way;
use super::clock::Clock;
use super::failure::{Failure, print};
use super::program;
use crate::bundle::{Allowance, Grant};
use crate::paths::shown;

/// What ships is asked about.
const OPTIMIZATION: Optimization = Optimization {
    level: 2,
    macro_steps: DEFAULT_STEPS,
    macro_seconds: DEFAULT_SECONDS,
    stoppable: false,
    time_passes: false,
};

/// One way to what was asked for.
#[derive(Serialize)]
struct Answer {
    /// `builtin`, `module` or `asset`.
    kind: &'static str,
    /// What it leads to.
    name: String,
    steps: Vec<StepPart>,
}

#[derive(Serialize)]
struct StepPart {
    /// What calls; null is the code of a module itself.
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    library: bool,
}

pub(super) fn execute(arguments: &Why) -> Result<u8, Failure> {
    let allowed = semac_core::front::lower::CERTAIN;
    let lints = Lints {
        allow: allowed
            .map(|code| Allowance::Code(code.to_owned()))
            .to_vec(),
        ..Lints::default()
    };
    let compiled = program::compile(
        &arguments.file,
        &OPTIMIZATION,
        &lints,
        program::Purpose::new(Surroundings::Runtime, World::PROGRAM),
        &Clock::new(false),
    )?;
    let ways = ways(&arguments.name, &compiled.program);
    if ways.is_empty()
        && let Some(failure) = unknown(&arguments.name, arguments, &compiled.program)
    {
        return Err(failure);
    }
    if arguments.json {
        let answers: Vec<Answer> = ways.into_iter().map(Answer::from).collect();
        print(&super::inspect::json_text(&answers)?)?;
        return Ok(u8::from(answers.is_empty()));
    }
    if ways.is_empty() {
        return Err(Failure::Other {
            message: format!(
                "nothing in '{}' leads to '{}'",
                shown(&arguments.file),
                arguments.name
            ),
            hint: "`semac inspect` lists what a program has; builtins that are instructions, as + is, lead nowhere"
                .to_owned(),
        });
    }
    let texts = ways.iter().map(Way::text);
    print(&(texts.collect::<Vec<_>>().join("\n\n") + "\n"))?;
    Ok(0)
}

/// That there is nothing of a name in the language or in the program, with a name that is near.
fn unknown(name: &str, arguments: &Why, program: &Program) -> Option<Failure> {
    let is_file = name.contains('.') || Path::new(name).exists();
    let is_known = Builtin::find(name).is_some()
        || Grant::parse(name).is_ok()
        || name == "posix"
        || Tier::named(name).is_some()
        || to_module(name, program).is_some();
    if is_file || is_known {
        return None;
    }
    let builtins = sema_natives::DECLARATIONS
        .iter()
        .flat_map(|family| family.iter());
    let capabilities = Capability::ALL.iter().map(|one| one.name());
    let names = capabilities
        .chain(Tier::ALL.iter().map(|tier| tier.name()))
        .chain(["fs", "env", "posix"])
        .chain(
            builtins
                .map(|builtin| builtin.name)
                .filter(|name| !name.starts_with('%')),
        )
        .chain(program.paths.iter().map(|(path, _)| path.as_str()));
    Some(Failure::Other {
        message: format!(
            "nothing in '{}' leads to '{name}': there is no builtin, capability, tier, module or file of that name",
            shown(&arguments.file)
        ),
        hint: match nearest_name(name, names) {
            Some(near) => format!("did you mean '{near}'?"),
            None => {
                "`semac doc` lists the builtins, `semac build --help` what --allow takes".to_owned()
            }
        },
    })
}

/// A way, and what it leads to.
struct Way {
    kind: &'static str,
    name: String,
    /// What is said of it behind the name.
    remark: String,
    steps: Vec<Step>,
}

impl Way {
    fn text(&self) -> String {
        let Self { name, remark, .. } = self;
        match self.steps.is_empty() {
            true => format!("{name}{remark}"),
            false => format!("{name}{remark}\n{}", way(&self.steps, name)),
        }
    }
}

impl From<Way> for Answer {
    fn from(way: Way) -> Answer {
        let steps = way.steps.into_iter().map(|step| {
            let (file, line, column) = match step.place {
                Some((file, line, column)) => (Some(file), Some(line), Some(column)),
                None => (None, None, None),
            };
            StepPart {
                function: step.function,
                file,
                line,
                column,
                library: step.library,
            }
        });
        Answer {
            kind: way.kind,
            name: way.name,
            steps: steps.collect(),
        }
    }
}

/// All ways to what a name means: a builtin before a capability, a tier, a module, an embedded file.
fn ways(name: &str, program: &Program) -> Vec<Way> {
    let reach = Reach::new(&program.modules);
    let requirements = Requirements::of(&program.modules);
    let to_builtin = |builtin: &str, remark: String| {
        let steps = reach.path_to(Goal::Builtins(&[builtin]))?;
        let (steps, name) = public_way(steps, builtin);
        Some(Way {
            kind: "builtin",
            name,
            remark,
            steps,
        })
    };
    let native = sema_natives::NATIVES.find(name);
    let canonical = native.map_or(name, |number| sema_natives::NATIVES.get(number).name);
    if let Some(way) = to_builtin(canonical, String::new()) {
        return vec![way];
    }
    if let Some(steps) = reach.path_to(Goal::Library(name)) {
        let kind = "builtin";
        let (name, remark) = (name.to_owned(), String::new());
        // The last step is the function itself.
        let end = steps
            .iter()
            .position(|step| step.library && step.function.as_deref() == Some(&*name));
        let steps: Vec<Step> = steps.into_iter().take(end.unwrap_or(usize::MAX)).collect();
        let (steps, _) = public_way(steps, &name);
        return vec![Way {
            kind,
            name,
            remark,
            steps,
        }];
    }
    let among = |is_meant: &dyn Fn(&semac_core::link::requirements::Requirement) -> bool,
                 remark: &str| {
        let builtins = requirements.builtins.iter().filter(|one| is_meant(one));
        let ways = builtins.filter_map(|one| to_builtin(one.builtin, remark.to_owned()));
        // Several inner builtins may be reached by one that has a name.
        let mut known = HashSet::new();
        ways.filter(|way| known.insert(way.name.clone()))
            .collect::<Vec<Way>>()
    };
    if let Ok(Grant { capabilities, .. }) = Grant::parse(name) {
        let ways = capabilities.iter().flat_map(|capability| {
            among(
                &|one| one.capabilities().contains(capability),
                &format!(" (needs {})", capability.name()),
            )
        });
        return ways.collect();
    }
    if name == "posix" {
        return among(&|one| one.posix, " (needs posix)");
    }
    if let Some(tier) = Tier::named(name) {
        return among(&|one| one.tier == tier, &format!(" (tier {name})"));
    }
    if let Some((name, steps)) = to_module(name, program) {
        let remark = match steps.is_empty() {
            true => " (the program begins with it)".to_owned(),
            false => String::new(),
        };
        return vec![Way {
            kind: "module",
            name,
            remark,
            steps,
        }];
    }
    to_assets(name, program, &reach)
}

/// The ways to an embedded file, or to all that the program names below a directory.
fn to_assets(name: &str, program: &Program, reach: &Reach<'_>) -> Vec<Way> {
    let plain = |text: &str| text.strip_prefix("./").unwrap_or(text).to_owned();
    let name = plain(name.trim_end_matches('/'));
    let below = format!("{name}/");
    let mut names: Vec<String> = program.reads.iter().map(|read| plain(&read.path)).collect();
    names.retain(|read| *read == name || read.starts_with(&below));
    // A path that is no argument of a builtin is no read; perhaps the program makes one of it.
    names.push(name);
    names.sort();
    names.dedup();
    let ways = names.into_iter().filter_map(|name| {
        let dotted = format!("./{name}");
        let steps = reach.path_to(Goal::Texts(&[&name, &dotted]))?;
        Some(Way {
            kind: "asset",
            name,
            remark: String::new(),
            steps,
        })
    });
    ways.collect()
}

/// The imports that lead to a module, which is named by its path, or by less if only one is called so.
fn to_module(name: &str, program: &Program) -> Option<(String, Vec<Step>)> {
    let entry = &program.paths.last()?.0;
    let mut came: HashMap<&str, Option<&semac_core::driver::ImportedFile>> =
        HashMap::from([(entry.as_str(), None)]);
    let mut queue = VecDeque::from([entry.as_str()]);
    while let Some(at) = queue.pop_front() {
        for import in program.imports.iter().filter(|import| import.from == at) {
            if !came.contains_key(import.to.as_str()) {
                came.insert(&import.to, Some(import));
                queue.push_back(&import.to);
            }
        }
    }
    let mut steps = Vec::new();
    let name = name.strip_prefix("./").unwrap_or(name);
    let mut at = match came.contains_key(name) {
        true => name,
        false => {
            let is_meant = |key: &&&str| {
                let path = Path::new(**key);
                path.with_extension("") == Path::new(name)
                    || path.file_stem().is_some_and(|stem| stem == name)
                    || path.file_name().is_some_and(|file| file == name)
            };
            let mut meant = came.keys().filter(is_meant);
            let first = meant.next()?;
            meant.next().is_none().then_some(*first)?
        }
    };
    let module = at.to_owned();
    while let Some(import) = came.get(at)? {
        steps.push(Step {
            function: Some(import.from.clone()),
            place: Some((import.from.clone(), import.line, import.column)),
            library: false,
        });
        at = &import.from;
    }
    steps.reverse();
    Some((module, steps))
}
