//! What a build is about: the command line, completed by the project file.

use std::path::{Path, PathBuf};

use sema_machine::platform::tier::Tier;

use super::super::arguments::{Build, Lints};
use super::super::failure::Failure;
use super::super::program;
use super::outputs;
use super::several::Several;
use crate::bundle::{Excludes, Grant, Grants, Include, IncludeError, same_file};
use crate::paths::shown;
use crate::project::{NAME, Project};

/// What a build is about.
pub(super) struct Job {
    /// The program's entry file. Of several programs it names what is made of them.
    pub source: PathBuf,
    /// Several programs that become one executable.
    pub several: Option<Several>,
    /// What the command line embeds.
    pub includes: Vec<Include>,
    /// What the project file embeds.
    pub defaults: Vec<Include>,
    /// What neither embeds.
    pub excludes: Excludes,
    /// Where the executable goes, if that is said.
    pub output: Option<PathBuf>,
    /// What the program is called, if the project file says so.
    called: Option<PathBuf>,
    /// The tier that is asked for.
    pub tier: Option<Tier>,
    /// The platforms that are asked for.
    pub target: Vec<String>,
    /// All that the program may need, if that is said.
    capabilities: Option<Vec<Grant>>,
    /// The directory of the project.
    directory: Option<PathBuf>,
    /// The project file, if there is one that counts.
    pub project_file: Option<PathBuf>,
}

impl Job {
    /// Completes the command line. What it says wins.
    ///
    /// # Errors
    /// There is nothing to build, or the project file has mistakes.
    pub(super) fn new(arguments: &Build) -> Result<Job, Failure> {
        let mut several = None;
        let (source, project) = match arguments.files.as_slice() {
            [] => {
                let project = Project::of_directory(Path::new(""))?;
                let project = project.ok_or_else(nothing_here)?;
                (entry_of(&project)?, Some(project))
            }
            [_, _, ..] if arguments.mcp || arguments.mcp_http => {
                return Err(Failure::Usage(
                    "a server of tools is made of one file: import the others in it".to_owned(),
                ));
            }
            [_, _, ..] => {
                let output = arguments.output.as_ref().or(arguments.image.image.as_ref());
                let output = output.filter(|output| !output.is_dir());
                let output = output.ok_or_else(|| {
                    Failure::Usage(
                        "several programs need the name of their executable: -o OUT".to_owned(),
                    )
                })?;
                let programs = Several::new(&arguments.files)?;
                programs.check_output(output)?;
                several = Some(programs);
                (output.with_extension("sema"), of_several(&arguments.files)?)
            }
            [directory, ..] if directory.is_dir() => {
                let project = project_in(directory)?;
                (entry_of(&project)?, Some(project))
            }
            // What is no regular file has no project around it.
            [file, ..] if file.is_file() => {
                program::check_source(file)?;
                (file.clone(), Project::of_program(file)?)
            }
            [file, ..] => (file.clone(), None),
        };
        let cassette = arguments.cassette.iter().map(|file| file.as_os_str());
        let includes = arguments
            .include
            .iter()
            .map(|argument| argument.as_os_str());
        let includes = includes.chain(cassette);
        let includes = includes.map(|argument| Include::parse(argument, Path::new("")));
        let includes = includes.collect();
        let project_file = project.as_ref().map(|project| project.directory.join(NAME));
        let project = project.unwrap_or_default();
        let excludes = arguments.exclude.iter().chain(&project.exclude);
        let excludes = Excludes::new(excludes.map(String::as_str)).map_err(IncludeError::from)?;
        // A directory is no name for a program, but for the one that builds for several platforms have made.
        let output = project.output.as_deref();
        let is_several = |names: &[String]| names.len() > 1 || names.iter().any(|one| one == "all");
        let several_platforms = is_several(&project.target) || is_several(&arguments.target);
        let is_file = |path: &&Path| {
            !path.as_os_str().as_encoded_bytes().ends_with(b"/")
                && (several_platforms || !path.is_dir())
        };
        let called = output.filter(is_file).and_then(Path::file_name);
        let called = called.map(PathBuf::from);
        // An image is instead of an executable, unless the command line asks for both.
        let output = match arguments.image.image {
            None => project.output,
            Some(_) => None,
        };
        let chosen_runtime = arguments.runtime.is_some() || arguments.dynamic;
        Ok(Job {
            source,
            several,
            includes,
            defaults: project.include,
            excludes,
            output: arguments.output.clone().or(output),
            called,
            tier: arguments.tier.or(project.tier.filter(|_| !chosen_runtime)),
            target: match arguments.target.as_slice() {
                [] => project.target,
                given => given.to_vec(),
            },
            capabilities: project.capabilities,
            directory: Some(project.directory),
            project_file,
        })
    }

    /// What the program is called: as the project file says, else as its entry file.
    ///
    /// # Errors
    /// The entry file has no name.
    pub(super) fn name(&self) -> Result<PathBuf, Failure> {
        match &self.called {
            Some(name) => Ok(name.clone()),
            None => outputs::default_output(&self.source),
        }
    }

    /// The directories that relative paths of the program may have been written for.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        let beside = self.source.parent().unwrap_or(Path::new("")).to_owned();
        let mut roots = vec![PathBuf::new(), beside];
        let entry = self
            .several
            .as_ref()
            .and_then(|several| several.entry.parent());
        roots.extend(entry.map(Path::to_owned));
        roots.extend(self.directory.clone());
        roots
    }

    /// What is said about capabilities, on the command line and in the project file.
    pub(super) fn grants<'g>(&'g self, lints: &'g Lints) -> Grants<'g> {
        Grants {
            limit: self.capabilities.as_deref(),
            ..lints.grants()
        }
    }
}

/// The project file that several programs have beside them: what it says of files and capabilities is true for the
/// executable, which it does not name.
fn of_several(files: &[PathBuf]) -> Result<Option<Project>, Failure> {
    let mut found: Option<Project> = None;
    for file in files {
        let Some(project) = Project::of_program(file)? else {
            continue;
        };
        let (one, other) = (
            &project.directory,
            found.as_ref().map(|found| &found.directory),
        );
        let is_other = |other: &PathBuf| !same_file(&other.join(NAME), &one.join(NAME));
        if let Some(other) = other.filter(|other| is_other(other)) {
            return Err(Failure::Other {
                message: format!(
                    "the programs have different project files: '{}' and '{}'",
                    shown(&other.join(NAME)),
                    shown(&one.join(NAME))
                ),
                hint: "build programs of one project together".to_owned(),
            });
        }
        found = Some(Project {
            entry: None,
            output: None,
            ..project
        });
    }
    Ok(found)
}

fn nothing_here() -> Failure {
    Failure::Usage(format!(
        "no FILE is given, and there is no {NAME} with a table [build] in this directory"
    ))
}

/// The project in a directory that is named where a program's entry file could be.
fn project_in(directory: &Path) -> Result<Project, Failure> {
    Project::of_directory(directory)?.ok_or_else(|| Failure::Other {
        message: format!(
            "cannot read '{}': it is a directory, and has no {NAME} with a table [build]",
            shown(&directory)
        ),
        hint: "name the program's entry file".to_owned(),
    })
}

/// The file with which a program begins: this one, or of a directory the one that its project names.
///
/// # Errors
/// There is no project, or it has mistakes.
pub(in crate::cli) fn entry_at(path: &Path) -> Result<PathBuf, Failure> {
    match path.is_dir() {
        // What is meant where nothing is said.
        true if path == Path::new(".") => match Project::of_directory(path)? {
            Some(project) => entry_of(&project),
            None => Err(nothing_here()),
        },
        true => entry_of(&project_in(path)?),
        false => Ok(path.to_owned()),
    }
}

fn entry_of(project: &Project) -> Result<PathBuf, Failure> {
    if let Some(entry) = &project.entry
        && let Some(problem) = match std::fs::metadata(entry) {
            Ok(metadata) if metadata.is_dir() => Some("is a directory".to_owned()),
            Ok(_) => None,
            Err(error) => Some(format!("cannot be read: {error}")),
        }
    {
        return Err(Failure::Other {
            message: format!(
                "{}: the entry '{}' {problem}",
                project.entry_place,
                shown(&entry)
            ),
            hint:
                "`entry` names the file with which the program begins, seen from the project file"
                    .to_owned(),
        });
    }
    project.entry.clone().ok_or_else(|| Failure::Other {
        message: format!(
            "'{}' does not say which file the program begins with",
            shown(&project.directory.join(NAME))
        ),
        hint: "write `entry = \"FILE.sema\"` below [build], or name the file".to_owned(),
    })
}
