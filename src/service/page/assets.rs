//! The files of the page: style, script. They hold no data, so anybody may have them, and a browser may keep them: their
//! addresses change with what is in them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::report::html;

const SCRIPT: &str = include_str!("app.js");
const STYLE: &str = include_str!("app.css");

/// Their addresses.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Links {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) report_style: String,
    pub(super) report_script: String,
    icon: &'static str,
}

/// One of them.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: String,
    mark: String,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("report.css", "text/css; charset=utf-8", html::style()),
        asset("app.css", "text/css; charset=utf-8", format!("{}{STYLE}", html::style())),
        asset("report.js", "text/javascript; charset=utf-8", html::SCRIPT.to_owned()),
        asset("app.js", "text/javascript; charset=utf-8", SCRIPT.to_owned()),
    ]
});

fn asset(name: &'static str, kind: &'static str, text: String) -> Asset {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Asset { name, kind, mark: format!("{:016x}", hasher.finish()), text }
}

/// Where they are.
pub(super) fn links() -> Links {
    let link = |name: &str| {
        let mark = ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.mark.as_str());
        format!("/static/{name}?{mark}")
    };
    Links {
        style: link("app.css"),
        script: link("app.js"),
        report_style: link("report.css"),
        report_script: link("report.js"),
        icon: "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E%3Cpath d='M2 11c0-6 12-6 12 0v2h-4v-3H6v3H2z' fill='%230b6bcb'/%3E%3C/svg%3E",
    }
}

/// One of them, by its name.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.text.as_str()).into_response()
}
