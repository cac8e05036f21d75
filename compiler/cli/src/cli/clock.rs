//! `--time-passes`: where the time of a compilation goes, and what goes on now.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::failure::note;
use super::progress::Progress;
use semac_core::phases::Observer;

/// Times phases, if it was asked to, and shows what goes on to who waits.
pub(super) struct Clock {
    times: Option<Mutex<Times>>,
    progress: Option<Progress>,
}

struct Times {
    /// In order of their first beginning.
    phases: Vec<(&'static str, Duration)>,
    current: Option<(usize, Instant)>,
}

impl Times {
    fn end(&mut self) {
        if let Some((index, since)) = self.current.take()
            && let Some((_, total)) = self.phases.get_mut(index)
        {
            *total += since.elapsed();
        }
    }
}

impl Clock {
    pub(super) fn new(wanted: bool) -> Clock {
        let times = || {
            Mutex::new(Times {
                phases: Vec::new(),
                current: None,
            })
        };
        Clock {
            times: wanted.then(times),
            progress: None,
        }
    }

    /// Lets people who wait see what goes on.
    pub(super) fn with_progress(self) -> Clock {
        Clock {
            progress: Progress::start(),
            ..self
        }
    }

    /// Ends the last phase and shows the table on standard error.
    pub(super) fn show(&self) {
        if let Some(times) = &self.times {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            times.end();
            note(&table(&times.phases));
        }
    }
}

impl Observer for Clock {
    fn begin(&self, phase: &'static str) {
        if let Some(progress) = &self.progress {
            progress.phase(phase);
        }
        let Some(times) = &self.times else {
            return;
        };
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        times.end();
        let known = times.phases.iter().position(|(name, _)| *name == phase);
        let index = known.unwrap_or_else(|| {
            times.phases.push((phase, Duration::ZERO));
            times.phases.len() - 1
        });
        times.current = Some((index, Instant::now()));
    }
}

fn table(phases: &[(&'static str, Duration)]) -> String {
    let total: Duration = phases.iter().map(|(_, time)| *time).sum();
    let line = |name: &str, time: Duration| {
        let share = 100.0 * time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
        format!(
            "{name:<12}{:>10.1} ms{share:>7.1} %\n",
            time.as_secs_f64() * 1e3
        )
    };
    let mut text: String = phases
        .iter()
        .map(|(name, time)| line(name, *time))
        .collect();
    text.push_str(&line("total", total));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_times_and_shares() {
        let ms = Duration::from_millis;
        let text = table(&[("read", ms(30)), ("generate", ms(10))]);
        let expected = "\
read              30.0 ms   75.0 %
generate          10.0 ms   25.0 %
total             40.0 ms  100.0 %
";
        assert_eq!(text, expected);
        assert!(table(&[]).contains("0.0 %"));
    }

    #[test]
    fn phases_may_return() {
        let clock = Clock::new(true);
        for phase in ["lower", "expand", "lower"] {
            clock.begin(phase);
        }
        let times = clock.times.as_ref().unwrap().lock().unwrap();
        let names: Vec<_> = times.phases.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["lower", "expand"]);
    }
}
