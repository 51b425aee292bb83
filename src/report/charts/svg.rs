//! Drawing: shapes as SVG text, everything that came from outside escaped, figures as short as they can be.
//!
//! No `style` attribute and no script: a page with a strict content security policy shows these pictures as they are.
//! Colours are `charts.css`'s; what a shape means beside its colour is told by a pattern (`defs`) and by its title.

use std::fmt::{self, Display, Write};

use crate::model::Verdict;

/// A coordinate: one decimal, and no more characters than it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct N(pub(super) f64);

impl Display for N {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = if self.0.is_finite() { (self.0 * 10.0).round() as i64 } else { 0 };
        let sign = if tenths < 0 { "-" } else { "" };
        match (tenths.abs() / 10, tenths.abs() % 10) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (0, tenth) => write!(f, "{sign}.{tenth}"),
            (whole, tenth) => write!(f, "{sign}{whole}.{tenth}"),
        }
    }
}

/// A text that stands in markup, between tags or in a quoted attribute. Control characters become U+FFFD.
#[derive(Debug, Clone, Copy)]
pub(super) struct Esc<'a>(pub(super) &'a str);

impl Display for Esc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Where a text is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture while it is drawn. One unit is one pixel where there is room.
#[derive(Debug)]
pub(super) struct Svg {
    id: &'static str,
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(super) fn new(id: &'static str, width: f64, height: f64) -> Self {
        Self { id, width, height, body: String::new() }
    }

    /// Where shapes that have no method of their own are written.
    pub(super) fn raw(&mut self) -> &mut String {
        &mut self.body
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (x, y, w, h) = (N(x), N(y), N(width.max(0.0)), N(height.max(0.0)));
        let _ =
            write!(self.body, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>");
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (N(from.0), N(from.1), N(to.0), N(to.1));
        let _ = write!(self.body, "<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>");
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, text) = (N(x), N(y), Esc(text));
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = write!(self.body, "<text{class} x=\"{x}\" y=\"{y}\"{anchor}>{text}</text>");
    }

    /// A shape with its title, which a pointer shows; with a line, it leads to that line's place on the page. It is kept
    /// out of the order of the Tab key and of the reading aloud: thousands of shapes would drown both, and the tables
    /// have all of it.
    pub(super) fn titled(&mut self, line: Option<&str>, shape: &str, title: &str) {
        // `<path .../>` is opened again to hold its title.
        let open = shape.strip_suffix("/>").unwrap_or(shape);
        let name = open.trim_start_matches('<').split([' ', '>']).next().unwrap_or("path");
        let title = Esc(title);
        let _ = match line {
            Some(line) => {
                let line = Esc(line);
                write!(
                    self.body,
                    "<a href=\"#line={line}\" tabindex=\"-1\">{open}><title>{title}</title></{name}></a>"
                )
            }
            None => write!(self.body, "{open}><title>{title}</title></{name}>"),
        };
    }

    /// The patterns that tell results apart without colour, for fills by [`fill`].
    pub(super) fn patterns(&mut self) {
        self.body.push_str("<defs>");
        for result in Verdict::ALL {
            let strokes = match result {
                Verdict::Pass => "",
                Verdict::Degraded => "<path class=\"c-over\" d=\"M-1 7L7-1M-1 1L1-1M5 7L7 5\"/>",
                Verdict::Fail => "<path class=\"c-over\" d=\"M0 0L6 6M6 0L0 6\"/>",
                Verdict::Untested => "<path class=\"c-over\" d=\"M1.5 0V6M4.5 0V6\"/>",
            };
            let (id, word) = (self.id, result.word());
            let _ = write!(
                self.body,
                "<pattern id=\"{id}-{word}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
                 <rect class=\"c-{word}\" width=\"6\" height=\"6\"/>{strokes}</pattern>"
            );
        }
        self.body.push_str("</defs>");
    }

    /// The whole picture, with what it shows in words for whoever does not see it.
    pub(super) fn finish(self, title: &str, says: &str) -> String {
        let Self { id, width, height, body } = self;
        let (width, height, title, says) = (N(width), N(height), Esc(title), Esc(says));
        format!(
            "<svg class=\"chart-svg chart-svg-{id}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-says\">\
             <title id=\"{id}-title\">{title}</title><desc id=\"{id}-says\">{says}</desc>{body}</svg>"
        )
    }
}

impl Svg {
    /// The picture by itself, of which a page may have many: without ids.
    pub(super) fn finish_small(self, says: &str) -> String {
        let Self { id, width, height, body } = self;
        let (width, height, says) = (N(width), N(height), Esc(says));
        format!(
            "<svg class=\"chart-svg chart-svg-{id}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{says}\">{body}</svg>"
        )
    }
}

/// The fill of a result in the picture `id`.
pub(super) fn fill(id: &str, result: Verdict) -> String {
    format!("fill=\"url(#{id}-{})\"", result.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_is_short_and_never_what_svg_does_not_know() {
        let text = |x: f64| N(x).to_string();
        assert_eq!(text(12.0), "12");
        assert_eq!(text(0.449), ".4");
        assert_eq!(text(-0.5), "-.5");
        assert_eq!(text(-12.34), "-12.3");
        assert_eq!(text(-0.01), "0");
        assert_eq!(text(f64::NAN), "0");
        assert_eq!(text(f64::INFINITY), "0");
    }

    #[test]
    fn what_came_from_outside_is_no_markup() {
        let mut svg = Svg::new("t", 10.0, 10.0);
        svg.text("", (0.0, 0.0), Anchor::End, "</text><script>alert(1)</script>");
        svg.titled(Some("A\"onload=x"), "<path d=\"M0 0h1\"/>", "a</title><b>\u{1b}[31m");
        let text = svg.finish("<t>", "\"");
        assert!(
            !text.contains("<script") && !text.contains("</title><b") && !text.contains('\u{1b}'),
            "{text}"
        );
        assert!(text.contains("href=\"#line=A&quot;onload=x\""), "{text}");
        assert!(text.contains("<path d=\"M0 0h1\"><title>a&lt;/title&gt;"), "{text}");
    }
}
