//! How much memory the process may use: the least of what the machine has, of the limits of the process
//! (`getrlimit(2)`) and of the limits of its control groups (`cgroups(7)`), which is how containers are bounded.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

/// The bytes that the process may use. Asking costs a few system calls and reads files of the kernel, so it is
/// for programs that have become large.
pub fn bytes() -> usize {
    // Both limit what is asked for; about half of that is used, because stacks grow by doubling.
    let limits = [Resource::As, Resource::Data]
        .into_iter()
        .filter_map(|resource| Some(getrlimit(resource).current? / 2));
    let least = limits
        .chain(machine())
        .chain(control_groups(&Files))
        .min()
        .unwrap_or(u64::MAX);
    usize::try_from(least).unwrap_or(usize::MAX)
}

/// The memory of the machine.
#[cfg(not(target_os = "linux"))]
fn machine() -> Option<u64> {
    None
}

/// The memory of the machine.
#[cfg(target_os = "linux")]
#[allow(
    clippy::useless_conversion,
    reason = "the widths of the fields differ between platforms"
)]
fn machine() -> Option<u64> {
    let figures = rustix::system::sysinfo();
    u64::try_from(figures.totalram)
        .ok()?
        .checked_mul(figures.mem_unit.into())
}

/// Reads files; a test puts others in their place.
trait Read {
    fn read(&self, path: &Path) -> Option<String>;
}

struct Files;

impl Read for Files {
    fn read(&self, path: &Path) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }
}

/// The least limit of the process's control groups and the groups around them, if there is any.
fn control_groups(files: &dyn Read) -> Option<u64> {
    let groups = files.read(Path::new("/proc/self/cgroup"))?;
    let limits = groups.lines().filter_map(|line| {
        // hierarchy:controllers:path
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        if controllers.is_empty() {
            least_in(files, "/sys/fs/cgroup", path, "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            least_in(
                files,
                "/sys/fs/cgroup/memory",
                path,
                "memory.limit_in_bytes",
            )
        } else {
            None
        }
    });
    limits.min()
}

/// The least limit in the folder of a group and those above it. Inside a container the path may be one of the
/// outside, of which only the root exists.
fn least_in(files: &dyn Read, root: &str, group: &str, name: &str) -> Option<u64> {
    let group = Path::new(group.trim_start_matches('/'));
    // The last ancestor is the empty path: the root itself.
    let limits = group.ancestors().filter_map(|part| {
        let text = files.read(&Path::new(root).join(part).join(name))?;
        // `max`, where there is no limit, is no number.
        text.trim().parse().ok()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [(&'static str, &'static str)]);

    impl Read for Fixed {
        fn read(&self, path: &Path) -> Option<String> {
            let entry = self.0.iter().find(|(name, _)| Path::new(name) == path);
            entry.map(|(_, text)| (*text).to_owned())
        }
    }

    #[test]
    fn the_least_limit_of_nested_groups_counts() {
        let files = Fixed(&[
            ("/proc/self/cgroup", "0::/a/b\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "1000\n"),
            ("/sys/fs/cgroup/memory.max", "5000\n"),
        ]);
        assert_eq!(control_groups(&files), Some(1000));
    }

    #[test]
    fn inside_a_container_only_the_root_exists() {
        let files = Fixed(&[
            ("/proc/self/cgroup", "0::/outside/of/it\n"),
            ("/sys/fs/cgroup/memory.max", "2000\n"),
        ]);
        assert_eq!(control_groups(&files), Some(2000));
    }

    #[test]
    fn first_version_of_control_groups() {
        let files = Fixed(&[
            ("/proc/self/cgroup", "4:cpu,cpuacct:/x\n3:memory:/x\n0::/\n"),
            ("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "3000\n"),
        ]);
        assert_eq!(control_groups(&files), Some(3000));
    }

    #[test]
    fn no_groups_no_limit() {
        assert_eq!(control_groups(&Fixed(&[])), None);
        assert!(bytes() > 0);
    }
}
