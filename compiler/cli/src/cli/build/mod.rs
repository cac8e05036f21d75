//! `semac build`: one executable out of a program, its files and the runtime, for one platform or several, and a
//! container image of them.

mod embedded;
mod facts;
mod image;
mod job;
mod outputs;
mod platform;
mod report;
mod sbom;
mod several;
mod signing;
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sema_vfs::{ArchiveSummary, Outputs};
use semac_core::driver::{Service, Surroundings, Transport, World};
use semac_core::link::requirements::Requirements;
use semac_core::phases::{self, Observer};

use super::arguments::Build;
use super::capabilities;
use super::clock::Clock;
use super::diagnostics::{self, DiagnosticPart};
use super::failure::{Failure, note, print, remark};
use super::{count_text, program, size_text};
use crate::bundle::{
    self, Asset, Bundle, BundleError, Contents, Embedding, Hardening, RuntimeImage, Target,
};
use crate::paths::shown;
use image::WrittenImage;
use job::Job;
pub(super) use job::entry_at;
pub(super) use outputs::protect;
use report::{Report, absolute, details, target_report};
use signing::Keys;

/// What a build is asked to write.
struct Plan {
    /// For each platform: its runtime is looked for when the tier is known.
    targets: Vec<Option<&'static Target>>,
    /// The executable for each platform; none if only an image is asked for.
    executables: Vec<PathBuf>,
    /// The container image.
    image: Option<PathBuf>,
    /// The files with the line tables and the bill of materials.
    beside: Vec<PathBuf>,
}

/// What a build has written.
struct Built {
    runtimes: Vec<RuntimeImage>,
    written: Vec<Result<ArchiveSummary, Failure>>,
    image: Option<WrittenImage>,
    bundle: Bundle,
    requirements: Requirements,
    sources: Vec<(String, PathBuf)>,
}

impl Plan {
    fn new(job: &Job, arguments: &Build) -> Result<Plan, Failure> {
        let source = job.source.as_path();
        let targets = targets::chosen(&job.target, |target| {
            platform::is_left_out(target, arguments)
        })?;
        if targets.is_empty() {
            return Err(Failure::Other {
                message: "there are no runtimes here for any platform".to_owned(),
                hint: "`make` builds them; `semac build --list-targets` shows which there are"
                    .to_owned(),
            });
        }
        let image = arguments.image.image.clone().map(sema_vfs::followed);
        platform::check(&targets, arguments)?;
        let executables = match (&image, &job.output) {
            (Some(_), None) => Vec::new(),
            (_, output) => {
                let is_all = job.target.iter().any(|name| name == "all");
                outputs::outputs(source, &job.name()?, output.as_deref(), &targets, is_all)?
            }
        };
        let executables: Vec<PathBuf> = executables.into_iter().map(sema_vfs::followed).collect();
        if let Some(image) = &image {
            image::check_program(&job.name()?)?;
            protect(image, [source])?;
            outputs::keep_apart("image", image, &executables)?;
        }
        let beside: Vec<PathBuf> = arguments
            .debug_out
            .iter()
            .chain(&arguments.sbom)
            .cloned()
            .map(sema_vfs::followed)
            .collect();
        for (place, output) in beside.iter().enumerate() {
            protect(output, [source])?;
            let earlier = beside.iter().take(place);
            let others: Vec<PathBuf> = executables
                .iter()
                .chain(&image)
                .chain(earlier)
                .cloned()
                .collect();
            outputs::keep_apart("file", output, &others)?;
        }
        Ok(Plan {
            targets,
            executables,
            image,
            beside,
        })
    }

    /// Leaves out platforms that only `all` has named and the program cannot run on, and says so. If there is no other
    /// one, none is left out.
    fn leave_out(
        &mut self,
        names: &[String],
        check: impl Fn(&'static Target) -> Result<(), Failure>,
    ) {
        if !names.iter().any(|name| name == "all") {
            return;
        }
        let named: Vec<_> = names
            .iter()
            .filter_map(|name| Target::named(name))
            .collect();
        let optional = |target: &Option<&'static Target>| target.filter(|one| !named.contains(one));
        let problems: Vec<_> = self
            .targets
            .iter()
            .map(|target| Some((target.as_ref()?.triple, check(optional(target)?).err()?)))
            .collect();
        if problems.iter().all(Option::is_some) {
            return;
        }
        for (triple, problem) in problems.iter().flatten() {
            let problem = problem.to_string();
            let first = problem
                .lines()
                .next()
                .unwrap_or_default()
                .trim_end_matches(':');
            note(&format!(
                "Left out {triple}: {first} (`--target {triple}` shows more)\n"
            ));
        }
        let keeps = || problems.iter().map(Option::is_none);
        let mut keep = keeps();
        self.targets.retain(|_| keep.next().unwrap_or(true));
        let mut keep = keeps();
        self.executables.retain(|_| keep.next().unwrap_or(true));
    }

    /// Says which files are not put into the program because semac made them, but for those that are written anew.
    fn say_what_is_left_out(&self, embedding: &Embedding) {
        let written = || {
            let executables = self.executables.iter().chain(&self.image);
            executables.chain(&self.beside)
        };
        for file in &embedding.left_out {
            if !written().any(|output| bundle::same_file(output, file)) {
                remark(&format!(
                    "Left out {0}, which semac made: `--include {0}` puts it in, `--exclude` leaves it out without a word\n",
                    shown(&file)
                ));
            }
        }
    }

    /// Refuses outputs that are among these files.
    fn protect<'p>(&self, files: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Failure> {
        let files: Vec<&Path> = files.into_iter().map(PathBuf::as_path).collect();
        for output in self
            .executables
            .iter()
            .chain(&self.image)
            .chain(&self.beside)
        {
            protect(output, files.iter().copied())?;
        }
        Ok(())
    }
}

pub(super) fn execute(arguments: &Build) -> Result<u8, Failure> {
    if arguments.list_targets {
        match arguments.json {
            true => print(&super::inspect::json_text(&targets::parts())?)?,
            false => print(&targets::list())?,
        }
        return Ok(0);
    }
    let started = Instant::now();
    let job = match Job::new(arguments) {
        Ok(job) => job,
        Err(mut failure) => {
            let source = arguments
                .files
                .first()
                .map_or(Path::new("."), PathBuf::as_path);
            let said = failure.take_diagnostics();
            report_failure(arguments, source, started.elapsed(), said, &failure)?;
            return Err(failure);
        }
    };
    let source = job.source.as_path();
    let mut said = Vec::new();
    let outcome = Plan::new(&job, arguments)
        .and_then(|mut plan| Ok((build(&job, &mut plan, arguments, &mut said)?, plan)));
    let elapsed = started.elapsed();
    let (built, plan) = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            report_failure(arguments, source, elapsed, said, &failure)?;
            return Err(failure);
        }
    };
    let bundle = &built.bundle;
    if arguments.json {
        let executables = plan
            .executables
            .iter()
            .zip(&built.runtimes)
            .zip(&built.written);
        let targets =
            executables.map(|((output, runtime), written)| target_report(runtime, output, written));
        let written = built
            .written
            .iter()
            .find_map(|written| written.as_ref().ok());
        let sources = entries(arguments, source);
        let report = Report {
            source: sources.first().cloned().unwrap_or_default(),
            sources,
            bundled_files: bundle.source_count() + bundle.asset_count(),
            archive_bytes: match (written, &built.image) {
                (Some(summary), _) => summary.archive_bytes,
                (None, image) => image.as_ref().map_or(0, |image| image.archive_bytes),
            },
            duration_ms: milliseconds(elapsed),
            targets: targets.collect::<Result<_, _>>()?,
            image: built.image.as_ref().map(WrittenImage::report).transpose()?,
            diagnostics: said,
            error: None,
            hint: None,
        };
        print(&super::inspect::json_text(&report)?)?;
    }
    let contents = format!(
        "{}, {}) in {:.2} s\n",
        count_text(bundle.source_count(), "source file"),
        count_text(bundle.asset_count(), "asset"),
        elapsed.as_secs_f64(),
    );
    let mut written = built.written;
    let failed = |one: &Result<_, Failure>| one.as_ref().is_err_and(|error| !error.is_withheld());
    if let Some(failed) = written.iter().position(failed) {
        written.swap_remove(failed)?;
    }
    if let Some(image) = &built.image {
        remark(&format!(
            "Built {} ({}, {contents}",
            image.description(),
            size_text(image.bytes)
        ));
    }
    for ((output, runtime), written) in plan.executables.iter().zip(&built.runtimes).zip(written) {
        let summary = written?;
        if arguments.verbose {
            note(&details(
                runtime,
                &built.requirements,
                &built.sources,
                output,
                &summary,
            )?);
        }
        remark(&format!(
            "Built {} ({}, {contents}",
            shown(&output),
            size_text(summary.file_bytes),
        ));
    }
    Ok(0)
}

/// The path under which a tape is embedded.
fn cassette(file: &Path, assets: &[Asset]) -> Result<String, Failure> {
    let unreadable = |source| Failure::File {
        action: "read",
        path: file.to_owned(),
        source,
    };
    let text = std::fs::read(file).map_err(unreadable)?;
    let is_recording = |line: &[u8]| {
        let value: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        value.is_some_and(|value| {
            value.get("v").is_some_and(|version| *version == 1)
                && value.get("key").is_some_and(serde_json::Value::is_string)
        })
    };
    if !text.split(|byte| *byte == b'\n').any(is_recording) {
        return Err(Failure::Other {
            message: format!("there is no recorded call in {}", shown(&file)),
            hint:
                "a cassette has a line of JSON for each call; `llm/with-cassette` and the variable \
                   SEMA_LLM_CASSETTE record them"
                    .to_owned(),
        });
    }
    let place = std::fs::canonicalize(file).map_err(unreadable)?;
    let is_it = |asset: &&Asset| std::fs::canonicalize(&asset.file).is_ok_and(|of| of == place);
    let embedded = assets.iter().find(is_it);
    let embedded = embedded.ok_or_else(|| Failure::Other {
        message: format!("the cassette {} is excluded", shown(&file)),
        hint: "change what is excluded (--exclude, or `exclude` in sema.toml)".to_owned(),
    })?;
    Ok(embedded.path.to_string())
}

/// The server of tools that the program is to become. It is called as the file.
fn service(source: &Path, arguments: &Build) -> Option<Service> {
    let transport = match (arguments.mcp, arguments.mcp_http) {
        (_, true) => Transport::Http,
        (true, false) => Transport::StandardStreams,
        (false, false) => return None,
    };
    let name = source.file_stem().unwrap_or(source.as_os_str());
    Some(Service {
        name: name.to_string_lossy().into_owned(),
        transport,
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The entry files of what is built.
fn entries(arguments: &Build, source: &Path) -> Vec<String> {
    match arguments.files.as_slice() {
        several @ [_, _, ..] => several.iter().map(|file| absolute(file)).collect(),
        _ => vec![absolute(source)],
    }
}

/// Prints the report of a build that has failed, if one is wanted.
fn report_failure(
    arguments: &Build,
    source: &Path,
    elapsed: Duration,
    diagnostics: Vec<DiagnosticPart>,
    failure: &Failure,
) -> Result<(), Failure> {
    if !arguments.json {
        return Ok(());
    }
    let sources = entries(arguments, source);
    let report = Report {
        source: sources.first().cloned().unwrap_or_default(),
        sources,
        bundled_files: 0,
        archive_bytes: 0,
        duration_ms: milliseconds(elapsed),
        targets: Vec::new(),
        image: None,
        diagnostics,
        error: Some(failure.to_string()),
        hint: failure.hint().map(str::to_owned),
    };
    print(&super::inspect::json_text(&report)?)
}

/// Compiles the program and writes what is asked for. Notes in `said` what there is to say about the program.
fn build(
    job: &Job,
    plan: &mut Plan,
    arguments: &Build,
    said: &mut Vec<DiagnosticPart>,
) -> Result<Built, Failure> {
    let source = job.source.as_path();
    let keys = Keys::new(arguments)?;
    plan.protect(
        arguments
            .trust
            .iter()
            .chain(&arguments.sign)
            .chain(&arguments.runtime)
            .chain(&arguments.cassette)
            .chain(&arguments.files)
            .chain(&job.project_file),
    )?;
    let embedding = Embedding::new(&job.includes, &job.defaults, &job.excludes, source)?;
    let assets = embedding.assets.as_slice();
    let cassette = match &arguments.cassette {
        Some(file) => Some(cassette(file, assets)?),
        None => None,
    };
    bundle::refuse_secrets(assets, &arguments.allow_secrets)?;
    let stamp = facts::stamp(&arguments.stamp)?;
    plan.protect(assets.iter().map(|asset| &asset.file))?;
    plan.say_what_is_left_out(&embedding);
    let surroundings = match arguments.dynamic {
        true => Surroundings::Compiler,
        false => Surroundings::Runtime,
    };
    let is_slim = arguments.strip_debug || arguments.debug_out.is_some();
    let clock = Clock::new(arguments.optimization.time_passes).with_progress();
    let (options, lints) = (&arguments.optimization, &arguments.lints);
    let purpose = program::Purpose {
        service: service(source, arguments),
        cassette,
        embedded: embedding.paths(),
        ..program::Purpose::new(surroundings, World::PROGRAM)
    };
    let mut found = match &job.several {
        None => program::found(source, options, lints, purpose, &clock)?,
        Some(several) => program::found_with(
            &several.entry,
            several.texts.clone(),
            options,
            lints,
            purpose,
            &clock,
        ),
    };
    said.extend(diagnostics::parts(found.sources(), &found.diagnostics));
    let compiled = found.shown().0?;
    let missing = embedded::missing(&compiled.program, &embedding, job);
    program::show(&compiled.sources, &missing);
    said.extend(diagnostics::parts(&compiled.sources, &missing));
    if arguments.lints.deny_warnings && !missing.is_empty() {
        return Err(Failure::Reported);
    }
    let requirements = Requirements::of(&compiled.program.modules);
    let grants = job.grants(&arguments.lints);
    let granted = capabilities::granted(&compiled.program, &requirements, &grants)?;
    let tier = targets::chosen_tier(&requirements, &grants, job.tier)?;
    let find = |target: &Option<&'static Target>| {
        if let Some(program) = &arguments.bundle {
            return Ok(RuntimeImage::installed(program, tier));
        }
        RuntimeImage::find(
            arguments.runtime.as_deref(),
            arguments.dynamic,
            tier,
            *target,
        )
        .map_err(|error| targets::lacking(error, &requirements))
    };
    let cannot = |target: &'static Target| {
        platform::check_program(target, &compiled.program.modules, &requirements)?;
        find(&Some(target)).map(|_| ())
    };
    plan.leave_out(&job.target, cannot);
    for target in plan.targets.iter().flatten() {
        platform::check_program(target, &compiled.program.modules, &requirements)?;
    }
    let runtimes = plan
        .targets
        .iter()
        .map(find)
        .collect::<Result<Vec<_>, _>>()?;
    if let (Some(runtime), [None]) = (runtimes.first(), &*plan.targets) {
        platform::check(&[Some(runtime.target)], arguments)?;
        platform::check_program(runtime.target, &compiled.program.modules, &requirements)?;
    }
    let runtimes = keys.trusting(runtimes)?;
    plan.protect(&compiled.inputs)?;
    for runtime in &runtimes {
        plan.protect(&outputs::runtime_files(runtime))?;
    }
    clock.begin(phases::ENCODE);
    let debug_out = match &arguments.debug_out {
        Some(output) => Some((output, bundle::build_name(&compiled.program)?)),
        None => None,
    };
    let mut bundle = Bundle::new(
        &compiled.program,
        &Contents {
            assets,
            names: embedding.names(),
            hardening: arguments
                .hardened
                .then(|| Hardening::of(&requirements, &granted, arguments.dynamic)),
            granted,
            stamp,
            tier: arguments.bundle.as_ref().map(|_| tier),
            build: debug_out.as_ref().map(|(_, build)| build.clone()),
            sources: match is_slim {
                true => String::new(),
                false => facts::sources(&compiled),
            },
        },
        !is_slim,
    )?;
    if let Some(several) = &job.several {
        bundle = bundle.with_programs(&several.names)?;
    }
    clock.begin(phases::WRITE);
    let mut outputs = Outputs::default();
    if let Some(output) = &arguments.sbom {
        let subject = sbom::Subject {
            source,
            compiled: &compiled,
            assets,
            runtimes: &runtimes,
            stamp: &arguments.stamp,
        };
        sbom::write(&subject, &sema_vfs::followed(output.clone()), &mut outputs)?;
    }
    if let Some((output, build)) = &debug_out {
        let archive = bundle::debug_file(&compiled.program, build)?;
        let output = sema_vfs::followed(output.to_path_buf());
        let written = outputs.write(&output, false, |file| archive.write_to(file));
        written.map_err(BundleError::from)?;
    }
    let executables = plan.executables.iter().zip(&runtimes);
    let mut written: Vec<_> = executables
        .map(|(output, runtime)| keys.write(&bundle, runtime, output, &mut outputs))
        .collect();
    let all = written.iter().all(Result::is_ok);
    let image = match plan.image.as_ref().filter(|_| all) {
        Some(output) => Some(image::write(
            &bundle,
            &keys,
            &runtimes,
            &job.name()?,
            &arguments.image,
            output,
            &mut outputs,
        )?),
        None => None,
    };
    if all {
        outputs.put_in_place().map_err(BundleError::from)?;
    } else {
        // None of them without the others.
        for one in written.iter_mut().filter(|one| one.is_ok()) {
            *one = Err(Failure::Withheld);
        }
    }
    clock.show();
    Ok(Built {
        runtimes,
        written,
        image,
        bundle,
        requirements,
        sources: compiled.program.paths,
    })
}
