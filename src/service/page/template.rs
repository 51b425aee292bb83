//! The templates, read once. Each page is its part, which changes while it is looked at, and its rest around it; what is put in
//! is escaped, but for pictures, which say of themselves that they are safe.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, UndefinedBehavior, Value, context};
use serde::Serialize;

use crate::report::html::path_safe;

const TEMPLATES: [(&str, &str); 16] = [
    ("base.html", include_str!("templates/base.html")),
    ("macros.html", include_str!("templates/macros.html")),
    ("problem.html", include_str!("templates/problem.html")),
    ("tonight.html", include_str!("templates/tonight.html")),
    ("tonight.part.html", include_str!("templates/tonight.part.html")),
    ("going.html", include_str!("templates/going.html")),
    ("runs.html", include_str!("templates/runs.html")),
    ("runs.part.html", ""),
    ("lines.html", include_str!("templates/lines.html")),
    ("lines.part.html", ""),
    ("line.html", include_str!("templates/line.html")),
    ("line.part.html", include_str!("templates/line.part.html")),
    ("modems.html", include_str!("templates/modems.html")),
    ("modems.part.html", include_str!("templates/modems.part.html")),
    ("control.html", include_str!("templates/control.html")),
    ("control.part.html", include_str!("templates/control.part.html")),
];

static ENGINE: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    engine.add_filter("pathsafe", |name: &str| path_safe(name));
    // Their names end in `.html`: everything that is put in is escaped.
    for (name, text) in TEMPLATES {
        engine.add_template(name, text)?;
    }
    Ok(engine)
});

fn engine() -> Result<&'static Environment<'static>, Error> {
    ENGINE.as_ref().map_err(|error| Error::new(error.kind(), error.to_string()))
}

/// A template by itself.
pub(super) fn render(name: &str, value: &Value) -> Result<String, Error> {
    engine()?.get_template(name)?.render(value)
}

/// A whole page.
pub(super) fn page(name: &str, frame: &impl Serialize, value: &Value) -> Result<String, Error> {
    render(&format!("{name}.html"), &context! { frame => Value::from(Serde(frame)), ..value.clone() })
}

/// What changes of it.
pub(super) fn part(name: &str, value: &Value) -> Result<String, Error> {
    render(&format!("{name}.part.html"), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        let engine = engine().unwrap();
        for (name, _) in TEMPLATES {
            engine.get_template(name).unwrap();
        }
    }
}
