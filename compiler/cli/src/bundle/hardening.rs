//! `--hardened`: the border of the kernel around a program, from what the program can reach.
//!
//! The runtime sets it before the program runs ([`sema_machine::platform::hardening`]); here is decided what it is.
//! Filters are made here, for all platforms, so the runtime need not know how.

use sema_machine::host::native::Capability;
use sema_machine::launch::hardening::FILTERS;
use semac_core::link::requirements::Requirements;

use super::grants::Granted;

/// Builtins that start processes. A process may need anything, and inherits the border.
const STARTING: &[&str] = &["shell", "proc/spawn", "proc/run"];

/// Files of the system that runtimes read without being asked.
const READ_ALWAYS: &[&str] = &[
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/etc/localtime",
    "/etc/timezone",
    "/usr/share/zoneinfo",
];
/// What finding and trusting servers reads.
const READ_FOR_NETWORK: &[&str] = &[
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
];
/// Variables with paths of certificates that are trusted.
const VARIABLES_FOR_NETWORK: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR"];
/// Files of the system that are written.
const WRITTEN_ALWAYS: &[&str] = &["/dev/null", "/dev/tty"];

/// What is needed of the kernel.
#[derive(Clone, Copy, Debug)]
struct Needs {
    starts: bool,
    network: bool,
    writes: bool,
}

/// The border, as text for [`sema_machine::launch::hardening`], and its filters by processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// The text.
    pub border: String,
    /// For each processor of [`FILTERS`] the instructions.
    pub filters: Vec<(&'static str, Vec<u8>)>,
}

impl Hardening {
    /// The border for a program that needs and may do this. `is_open`: there will be code that is not known yet.
    #[must_use]
    pub fn of(requirements: &Requirements, granted: &Granted, is_open: bool) -> Hardening {
        let has = |capability| granted.capabilities.contains(&capability);
        let mut builtins = requirements.builtins.iter();
        let starts = builtins.any(|one| STARTING.contains(&one.builtin))
            || has(Capability::Shell)
            || is_open && has(Capability::Process);
        let needs = Needs {
            starts,
            network: starts || has(Capability::Network) || has(Capability::Llm),
            writes: starts || has(Capability::FsWrite),
        };
        let filters = FILTERS.iter();
        Hardening {
            border: border(needs, granted),
            filters: filters
                .filter_map(|(processor, _)| Some((*processor, filter(processor, needs)?)))
                .collect(),
        }
    }
}

fn border(needs: Needs, granted: &Granted) -> String {
    if needs.starts {
        return "execute".to_owned();
    }
    let mut lines: Vec<String> = Vec::new();
    for (capability, verb, system) in [
        (Capability::FsRead, "read", READ_ALWAYS),
        (Capability::FsWrite, "write", WRITTEN_ALWAYS),
    ] {
        let prefix = format!("allow {} ", capability.name());
        let rules = granted.rules.lines();
        let scopes: Vec<&str> = rules
            .filter_map(|rule| rule.strip_prefix(&prefix))
            .collect();
        if granted.capabilities.contains(&capability) && scopes.is_empty() {
            continue;
        }
        lines.push(format!("limit {verb}"));
        let for_network: &[&str] = match capability {
            Capability::FsRead if needs.network => READ_FOR_NETWORK,
            _ => &[],
        };
        let scopes = if granted.capabilities.contains(&capability) {
            scopes
        } else {
            Vec::new()
        };
        let all = system.iter().chain(for_network).copied().chain(scopes);
        lines.extend(all.map(|path| format!("{verb} {path}")));
        if !for_network.is_empty() {
            let variables = VARIABLES_FOR_NETWORK.iter();
            lines.extend(variables.map(|name| format!("variable {name}")));
        }
    }
    lines.join("\n")
}

/// A system call: its name, its number on x86-64 and on the others. 0: there is none.
type Call = (&'static str, u32, u32);

/// What no program needs.
const NEVER: &[Call] = &[
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("kcmp", 312, 272),
    ("pidfd_getfd", 438, 438),
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("pivot_root", 155, 41),
    ("chroot", 161, 51),
    ("open_tree", 428, 428),
    ("move_mount", 429, 429),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("open_tree_attr", 467, 467),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("reboot", 169, 142),
    ("swapon", 167, 224),
    ("swapoff", 168, 225),
    ("acct", 163, 89),
    ("quotactl", 179, 60),
    ("bpf", 321, 280),
    ("perf_event_open", 298, 241),
    ("userfaultfd", 323, 282),
    // They would do other calls, behind the filter.
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("open_by_handle_at", 304, 265),
    ("setns", 308, 268),
    ("unshare", 272, 97),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("keyctl", 250, 219),
    ("settimeofday", 164, 170),
    ("clock_settime", 227, 112),
    ("adjtimex", 159, 171),
    ("clock_adjtime", 305, 266),
    ("sethostname", 170, 161),
    ("setdomainname", 171, 162),
    ("personality", 135, 92),
    ("iopl", 172, 0),
    ("ioperm", 173, 0),
    ("modify_ldt", 154, 0),
];

/// What starts programs.
const STARTS: &[Call] = &[("execve", 59, 221), ("execveat", 322, 281)];

/// What makes sockets, without which nothing else of the network works.
const SOCKETS: &[Call] = &[("socket", 41, 198)];

/// What changes files and is out of Landlock's sight.
const CHANGES: &[Call] = &[
    ("chmod", 90, 0),
    ("fchmod", 91, 52),
    ("fchmodat", 268, 53),
    ("fchmodat2", 452, 452),
    ("chown", 92, 0),
    ("lchown", 94, 0),
    ("fchown", 93, 55),
    ("fchownat", 260, 54),
    ("utime", 132, 0),
    ("utimes", 235, 0),
    ("futimesat", 261, 0),
    ("utimensat", 280, 88),
    ("setxattr", 188, 5),
    ("lsetxattr", 189, 6),
    ("fsetxattr", 190, 7),
    ("removexattr", 197, 14),
    ("lremovexattr", 198, 15),
    ("fremovexattr", 199, 16),
    ("setxattrat", 463, 463),
    ("removexattrat", 466, 466),
];

// From linux/bpf_common.h, linux/seccomp.h and linux/audit.h.
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
/// The call fails with `EPERM`.
const REFUSE: u32 = 0x0005_0000 | 1;
const OFFSET_OF_NUMBER: u32 = 0;
const OFFSET_OF_ARCHITECTURE: u32 = 4;
/// Calls of x32 have the architecture of x86-64, and this bit.
const X32: u32 = 0x4000_0000;

/// The filter for a processor: all is allowed but what is not needed. `None`: no filter is known for it.
fn filter(processor: &str, needs: Needs) -> Option<Vec<u8>> {
    let (_, architecture) = FILTERS.iter().find(|(name, _)| *name == processor)?;
    let is_intel = processor == "x86_64";
    let mut refused: Vec<Call> = NEVER.to_vec();
    if !needs.starts {
        refused.extend(STARTS);
    }
    if !needs.network {
        refused.extend(SOCKETS);
    }
    if !needs.writes {
        refused.extend(CHANGES);
    }
    let mut bytes = Vec::new();
    let mut put = |code: u16, jump_true: u8, jump_false: u8, value: u32| {
        bytes.extend(code.to_le_bytes());
        bytes.extend([jump_true, jump_false]);
        bytes.extend(value.to_le_bytes());
    };
    put(LOAD, 0, 0, OFFSET_OF_ARCHITECTURE);
    put(JUMP_EQUAL, 1, 0, *architecture);
    put(RETURN, 0, 0, KILL_PROCESS);
    put(LOAD, 0, 0, OFFSET_OF_NUMBER);
    if is_intel {
        put(JUMP_AT_LEAST, 0, 1, X32);
        put(RETURN, 0, 0, REFUSE);
    }
    for (_, intel, other) in refused {
        let number = if is_intel { intel } else { other };
        if number != 0 {
            put(JUMP_EQUAL, 0, 1, number);
            put(RETURN, 0, 0, REFUSE);
        }
    }
    put(RETURN, 0, 0, ALLOW);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn granted(capabilities: &[Capability], rules: &str) -> Granted {
        Granted {
            capabilities: capabilities.to_vec(),
            rules: rules.to_owned(),
        }
    }

    fn hardening(granted: &Granted) -> Hardening {
        Hardening::of(&Requirements::default(), granted, false)
    }

    #[test]
    fn what_a_program_cannot_do_is_beyond_the_border() {
        let nothing = hardening(&granted(&[], ""));
        assert!(
            nothing.border.starts_with("limit read\nread /dev/null\n"),
            "{}",
            nothing.border
        );
        assert!(
            nothing
                .border
                .contains("limit write\nwrite /dev/null\nwrite /dev/tty")
        );
        assert!(!nothing.border.contains("resolv.conf") && !nothing.border.contains("variable"));
        let reads = hardening(&granted(&[Capability::FsRead, Capability::Network], ""));
        assert!(!reads.border.contains("read"), "{}", reads.border);
        let rules = "allow fs-read data\nallow fs-write out";
        let scoped = hardening(&granted(&[Capability::FsRead, Capability::Network], rules));
        assert!(scoped.border.contains("read data\n") && scoped.border.contains("resolv.conf"));
        assert!(scoped.border.contains("\nvariable SSL_CERT_DIR\n"));
        assert!(
            scoped
                .border
                .contains("read /usr/local/share/ca-certificates\n")
        );
        assert!(!scoped.border.contains("write out"), "it is not granted");
        let shell = hardening(&granted(&[Capability::Shell], ""));
        assert_eq!(shell.border, "execute");
    }

    /// Runs a filter on a call, as the kernel does.
    fn verdict(filter: &[u8], architecture: u32, number: u32) -> u32 {
        let mut at = 0;
        let mut loaded = 0;
        loop {
            let bytes = &filter[at * 8..at * 8 + 8];
            let value = u32::from_le_bytes(bytes[4..].try_into().unwrap());
            at += 1;
            let holds = match u16::from_le_bytes([bytes[0], bytes[1]]) {
                LOAD => {
                    loaded = if value == 4 { architecture } else { number };
                    continue;
                }
                JUMP_EQUAL => loaded == value,
                JUMP_AT_LEAST => loaded >= value,
                RETURN => return value,
                other => panic!("{other}"),
            };
            at += usize::from(bytes[if holds { 2 } else { 3 }]);
        }
    }

    #[test]
    fn filters_refuse_what_is_not_needed() {
        const INTEL: u32 = 0xc000_003e;
        let nothing = hardening(&granted(&[], ""));
        let network = hardening(&granted(&[Capability::Network], ""));
        let of = |hardening: &Hardening| hardening.filters[0].1.clone();
        assert_eq!(nothing.filters[0].0, "x86_64");
        for (filter, number, expected) in [
            (of(&nothing), 0, ALLOW),
            (of(&nothing), 41, REFUSE),
            (of(&nothing), 59, REFUSE),
            (of(&nothing), 90, REFUSE),
            (of(&nothing), 41 | X32, REFUSE),
            (of(&network), 41, ALLOW),
            (of(&network), 59, REFUSE),
            (of(&network), 425, REFUSE),
        ] {
            assert_eq!(verdict(&filter, INTEL, number), expected, "{number}");
        }
        assert_eq!(verdict(&of(&nothing), 3, 1), KILL_PROCESS);
        let (processor, filter) = &nothing.filters[1];
        assert_eq!(*processor, "aarch64");
        assert_eq!(verdict(filter, 0xc000_00b7, 198), REFUSE);
        assert_eq!(verdict(filter, 0xc000_00b7, 41), REFUSE, "pivot_root");
        assert_eq!(verdict(filter, 0xc000_00b7, 59), ALLOW);
    }

    /// All groups of calls.
    fn listed() -> impl Iterator<Item = &'static Call> {
        [NEVER, STARTS, SOCKETS, CHANGES].into_iter().flatten()
    }

    /// The numbers of calls in a header of the kernel, by name; `None` where it is not installed.
    fn header(path: &str) -> Option<HashMap<String, u32>> {
        let text = std::fs::read_to_string(path).ok()?;
        let numbers = text.lines().filter_map(|line| {
            let mut words = line.strip_prefix("#define __NR_")?.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        });
        Some(numbers.collect())
    }

    /// Numbers and names come from different places: here they are compared with those of the kernel.
    #[test]
    fn calls_have_the_numbers_of_the_kernel() {
        // RISC-V and AArch64 have the generic table.
        for (path, column) in [
            ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0),
            ("/usr/include/asm-generic/unistd.h", 1),
            ("/usr/aarch64-linux-gnu/include/asm-generic/unistd.h", 1),
            ("/usr/riscv64-linux-gnu/include/asm-generic/unistd.h", 1),
        ] {
            let Some(numbers) = header(path) else {
                continue;
            };
            let mut known = 0;
            for (name, intel, other) in listed() {
                let number = [*intel, *other][column];
                match numbers.get(*name) {
                    Some(found) => assert_eq!(number, *found, "{name} in {path}"),
                    // The header is older than the call, or the processor has none.
                    None => assert!(number == 0 || number > 450, "{name} in {path}: {number}"),
                }
                known += usize::from(numbers.contains_key(*name));
            }
            assert!(known > 50, "{path} names {known} of them");
        }
        // ELF's number of the processor, 64 bits, little-endian (linux/audit.h, linux/elf-em.h).
        let machines = [("x86_64", 62), ("aarch64", 183), ("riscv64", 243)];
        let machines = machines.map(|(name, machine)| (name, machine | 0x8000_0000 | 0x4000_0000));
        assert_eq!(FILTERS, machines);
    }

    /// What runtimes call from their start to their end, on any processor, is never refused: else hardened programs would
    /// end where nobody has tried them.
    #[test]
    fn filters_of_all_processors_let_programs_live() {
        // From the table of each processor: x86-64, then the generic one.
        const LIFE: &[Call] = &[
            ("read", 0, 63),
            ("write", 1, 64),
            ("close", 3, 57),
            ("fstat", 5, 80),
            ("lseek", 8, 62),
            ("mmap", 9, 222),
            ("mprotect", 10, 226),
            ("munmap", 11, 215),
            ("brk", 12, 214),
            ("rt_sigaction", 13, 134),
            ("rt_sigprocmask", 14, 135),
            ("rt_sigreturn", 15, 139),
            ("madvise", 28, 233),
            ("nanosleep", 35, 101),
            ("getpid", 39, 172),
            ("clone", 56, 220),
            ("exit", 60, 93),
            ("kill", 62, 129),
            ("futex", 202, 98),
            ("clock_gettime", 228, 113),
            ("clock_nanosleep", 230, 115),
            ("exit_group", 231, 94),
            ("openat", 257, 56),
            ("ppoll", 271, 73),
            ("sigaltstack", 131, 132),
            ("prlimit64", 302, 261),
            ("getrandom", 318, 278),
            ("eventfd2", 290, 19),
            ("epoll_pwait", 281, 22),
        ];
        for needs in [(false, false), (false, true), (true, true)].map(|(network, writes)| Needs {
            starts: false,
            network,
            writes,
        }) {
            for (processor, architecture) in FILTERS {
                let filter = filter(processor, needs).unwrap();
                let number = |call: &Call| {
                    if *processor == "x86_64" {
                        call.1
                    } else {
                        call.2
                    }
                };
                for call in LIFE {
                    let got = verdict(&filter, *architecture, number(call));
                    assert_eq!(got, ALLOW, "{} on {processor}", call.0);
                }
                for call in listed().filter(|call| number(call) != 0) {
                    let is_needed = needs.network && SOCKETS.contains(call)
                        || needs.writes && CHANGES.contains(call);
                    let expected = if is_needed { ALLOW } else { REFUSE };
                    let got = verdict(&filter, *architecture, number(call));
                    assert_eq!(got, expected, "{} on {processor}", call.0);
                }
                for (other, foreign) in FILTERS.iter().filter(|other| other.0 != *processor) {
                    let got = verdict(&filter, *foreign, 0);
                    assert_eq!(got, KILL_PROCESS, "a call of {other} on {processor}");
                }
            }
        }
        let numbers = header("/usr/include/asm-generic/unistd.h").unwrap_or_default();
        for (name, _, number) in LIFE {
            assert!(
                numbers.get(*name).is_none_or(|found| found == number),
                "{name}"
            );
        }
    }
}
