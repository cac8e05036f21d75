//! Several programs in one archive: which of them a process is asked for.

use std::path::Path;

/// Name of the metadata entry with the names of the programs of an archive that holds several, one a line.
pub const PROGRAMS: &str = "programs";

/// The content of the metadata entry [`PROGRAMS`].
pub fn programs_metadata(names: &[String]) -> Vec<u8> {
    names.join("\n").into_bytes()
}

/// The arguments of the program that is asked for, its name or a path to it first: the process was started under its name,
/// or its name is the first argument.
///
/// # Errors
/// Neither names one: how the executable is used.
pub(super) fn choose(names: &str, mut arguments: Vec<String>) -> Result<Vec<String>, String> {
    let is_program = |name: &str| names.lines().any(|program| program == name);
    let own = arguments.first().map_or("", |path| file_name(path));
    if is_program(own) {
        return Ok(arguments);
    }
    if arguments.get(1).is_some_and(|name| is_program(name)) {
        arguments.remove(0);
        return Ok(arguments);
    }
    let list: Vec<&str> = names.lines().collect();
    let problem = match arguments.get(1) {
        Some(name) if !name.starts_with('-') => format!("Error: there is no program '{name}'\n"),
        _ => String::new(),
    };
    Err(format!(
        "{problem}usage: {own} PROGRAM [ARGUMENT...]\n\
         PROGRAM is one of: {}. A link to {own} with such a name runs that program.\n",
        list.join(", ")
    ))
}

fn file_name(path: &str) -> &str {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_then_by_the_first_argument() {
        let choose = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
            choose("a\nb", arguments)
        };
        assert_eq!(choose(&["/bin/a", "b"]).unwrap(), ["/bin/a", "b"]);
        assert_eq!(choose(&["./tools", "b", "x"]).unwrap(), ["b", "x"]);
        assert_eq!(choose(&["tools", "b"]).unwrap(), ["b"]);
        let usage = choose(&["/bin/tools"]).unwrap_err();
        assert!(usage.starts_with("usage: tools PROGRAM"), "{usage}");
        assert!(usage.contains("one of: a, b."), "{usage}");
        let usage = choose(&["tools", "c"]).unwrap_err();
        assert!(
            usage.starts_with("Error: there is no program 'c'\n"),
            "{usage}"
        );
        assert!(
            choose(&["tools", "--help"])
                .unwrap_err()
                .starts_with("usage")
        );
        assert!(choose(&[]).is_err());
        assert!(super::choose("", vec!["".to_owned(), "".to_owned()]).is_err());
    }
}
