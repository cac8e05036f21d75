use super::*;

fn texts(source: &str) -> Vec<String> {
    let mut interner = Interner::default();
    let data = read_all(&mut interner, FileId(0), source).unwrap_or_else(|errors| {
        panic!(
            "{source}: {}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        )
    });
    data.iter()
        .map(|datum| datum_to_text(&interner, datum))
        .collect()
}

fn messages(source: &str) -> Vec<String> {
    let errors = read_all(&mut Interner::default(), FileId(0), source).expect_err(source);
    errors
        .iter()
        .map(|error| error.located_message(source))
        .collect()
}
