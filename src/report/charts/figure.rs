//! What stands around a picture: the sentence that it proves, its key, and its figures as a table.

use std::fmt::Write;

use super::svg::{Esc, fill};
use crate::model::Verdict;

/// One entry of a key.
#[derive(Debug)]
pub(super) struct Key {
    /// An SVG shape within 14 by 14.
    pub(super) shape: String,
    /// What it means.
    pub(super) label: String,
}

impl Key {
    /// The key of a result in the picture `id`.
    pub(super) fn result(id: &str, result: Verdict) -> Self {
        let fill = fill(id, result);
        Self { shape: format!("<rect {fill} width=\"14\" height=\"14\"/>"), label: result.word().to_owned() }
    }

    /// A rectangle of a class.
    pub(super) fn class(class: &str, label: &str) -> Self {
        Self {
            shape: format!("<rect class=\"{class}\" width=\"14\" height=\"14\"/>"),
            label: label.to_owned(),
        }
    }
}

/// A picture with all that belongs to it.
#[derive(Debug)]
pub(super) struct Figure {
    /// Of the element: `chart-` and this.
    pub(super) id: &'static str,
    /// What the picture is, in a few words.
    pub(super) title: String,
    /// What it shows, in a sentence or two.
    pub(super) says: String,
    /// The pictures; several stand beside each other where there is room.
    pub(super) svgs: Vec<String>,
    /// What its colours and patterns mean.
    pub(super) keys: Vec<Key>,
    /// Its figures: head and rows; empty: another table of the page has them.
    pub(super) table: (Vec<&'static str>, Vec<Vec<String>>),
}

impl Figure {
    /// As HTML.
    pub(super) fn html(&self) -> String {
        let (id, title, says) = (self.id, Esc(&self.title), Esc(&self.says));
        let mut out = format!("<figure class=\"chart\" id=\"chart-{id}\"><figcaption>{says}</figcaption>");
        if !self.keys.is_empty() {
            out.push_str("<ul class=\"chart-keys\">");
            for Key { shape, label } in &self.keys {
                let label = Esc(label);
                let _ = write!(
                    out,
                    "<li><svg class=\"chart-key\" viewBox=\"0 0 14 14\" width=\"14\" height=\"14\" \
                     aria-hidden=\"true\">{shape}</svg> {label}</li>"
                );
            }
            out.push_str("</ul>");
        }
        // What is too wide for a phone scrolls by itself, with the arrow keys too.
        let _ =
            write!(out, "<div class=\"chart-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{title}\">");
        self.svgs.iter().for_each(|svg| out.push_str(svg));
        out.push_str("</div>");
        let (head, rows) = &self.table;
        if !rows.is_empty() {
            out.push_str("<details class=\"chart-table\"><summary>The figures</summary><div class=\"chart-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Figures: ");
            let _ = write!(out, "{title}\"><table><thead><tr>");
            for cell in head {
                let _ = write!(out, "<th scope=\"col\">{}</th>", Esc(cell));
            }
            out.push_str("</tr></thead><tbody>");
            for row in rows {
                out.push_str("<tr>");
                for (place, cell) in row.iter().enumerate() {
                    let cell = Esc(cell);
                    let _ = match place {
                        0 => write!(out, "<th scope=\"row\">{cell}</th>"),
                        _ => write!(out, "<td>{cell}</td>"),
                    };
                }
                out.push_str("</tr>");
            }
            out.push_str("</tbody></table></div></details>");
        }
        out.push_str("</figure>");
        out
    }
}
